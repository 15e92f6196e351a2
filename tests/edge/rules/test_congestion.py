from __future__ import annotations

import pytest

from contract.rules import Congestion as CongestionConfig
from edge.rules.congestion import Congestion, speed
from edge.types import Step
from tests.edge.rules.paths import gone, play, still, straight, track

ROAD = ((0.0, 0.2), (1.0, 0.2), (1.0, 1.0), (0.0, 1.0))
FAST = [point for _ in range(8) for point in straight((0.1, 0.6), (0.9, 0.6), 11)]  # 4 boxes a second, with jumps back


def congestion(**more):
    keys = {"at_least": 3, "for_s": 4.0, "recover_s": 2.0} | more
    return Congestion(CongestionConfig(kind="congestion", zone="z", **keys), ROAD)


def queue(n, seconds, y=0.6):
    return {number: still((0.2 * number, y), seconds) for number in range(1, n + 1)}


def creep(x, seconds, boxes_a_second):
    """Along the road, as slowly as that."""
    looks = round(seconds / 0.2)
    return straight((x, 0.6), (x + boxes_a_second * 0.1 * (looks - 1) * 0.2, 0.6), looks)


# The first second of each path says nothing, so what stands from the start counts from 1.0 on.
ROWS = {
    "three stand": (queue(3, 8), [("opened", None, 5.0)]),
    "two stand": (queue(2, 8), []),
    "three stand, but not for long": (queue(3, 4), []),
    "three creep": ({n: creep(0.2 * n, 8, 0.1) for n in (1, 2, 3)}, [("opened", None, 5.0)]),
    "three go": ({n: creep(0.2 * n, 8, 0.6) for n in (1, 2, 3)}, []),
    "one of three goes fast: the others stand": ({**queue(2, 8), 3: creep(0.1, 8, 1.2)}, [("opened", None, 5.0)]),
    "two of three go fast": ({**queue(1, 8), 2: creep(0.1, 8, 1.2), 3: creep(0.3, 8, 1.2)}, []),
    "one of four goes a little": ({**queue(3, 8), 4: creep(0.1, 8, 0.6)}, [("opened", None, 5.0)]),
    "they tremble on the spot": (
        {n: [(0.2 * n + 0.01 * (i % 2), 0.6) for i in range(40)] for n in (1, 2, 3)}, [("opened", None, 5.0)],
    ),
    "the jam dissolves": (
        {n: [*still((0.2 * n, 0.6), 8), *creep(0.2 * n, 6, 1.0)] for n in (1, 2, 3)},
        # 8.4: the mean of two seconds is over 0.25 boxes a second.
        [("opened", None, 5.0), ("closed", None, 8.6)],
    ),
    "one drives away, and it is no jam": (
        {**queue(2, 14), 3: [*still((0.6, 0.6), 8), *gone(6)]}, [("opened", None, 5.0), ("closed", None, 7.8)],
    ),
    "stop and go for less than recover_s": (
        {n: [*still((0.2 * n, 0.6), 8), *creep(0.2 * n, 1, 1.0), *still((0.2 * n + 0.08, 0.6), 6)] for n in (1, 2, 3)},
        [("opened", None, 5.0)],
    ),
    "one is hidden for a second": ({**queue(2, 8), 3: [*still((0.6, 0.6), 2), *gone(1), *still((0.6, 0.6), 5)]},
        [("opened", None, 5.0)],
    ),
    "outside the zone": (queue(3, 8, y=0.1), []),
    "not supported: new tracks of a jam say nothing in their first second": (
        {n: gone(0.8 * n) + still((0.2 * n, 0.6), 0.8) for n in range(1, 9)}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("paths", "expected"), ROWS.values(), ids=ROWS)
def test_congestion(paths, expected):
    assert play(congestion(), paths, labels=dict.fromkeys(paths, "car")) == expected


def test_other_labels_do_not_count():
    assert play(congestion(), queue(3, 8), labels={1: "car", 2: "car", 3: "person"}) == []


def test_unconfirmed_tracks_do_not_count():
    assert play(congestion(), queue(3, 8), labels=dict.fromkeys((1, 2, 3), "car"), confirmed_from=1000) == []


def test_looks_two_seconds_apart_are_enough():
    """A jam that stands still is looked at seldom."""
    paths = {n: [(0.2 * n, 0.6)] * 8 for n in (1, 2, 3)}
    assert play(congestion(), paths, labels=dict.fromkeys(paths, "car"), look_s=2.0) == [("opened", None, 6.0)]


def test_waiting():
    rule = congestion()
    play(rule, queue(3, 3), labels=dict.fromkeys((1, 2, 3), "car"))
    assert rule.waiting(3.0) == 0.5


def test_clear_closes_and_forgets():
    rule = congestion()
    play(rule, queue(3, 8), labels=dict.fromkeys((1, 2, 3), "car"))
    assert [(s.what, s.at) for s in rule.clear(8.0)] == [("closed", 8.0)]
    assert rule.clear(8.2) == []
    assert rule.waiting(8.2) == 0.0


SPEED_ROWS = {
    "no path": ((), None),
    "one step": ((Step(0.0, 0.5, 0.5),), None),
    "under a second": ((Step(0.0, 0.1, 0.5), Step(0.9, 0.5, 0.5)), None),
    "stands": ((Step(0.0, 0.5, 0.5), Step(2.0, 0.5, 0.5)), 0.0),
    "sideways, in its own widths": ((Step(0.0, 0.2, 0.5), Step(2.0, 0.4, 0.5)), 1.0),
    "towards the camera, in its own heights": ((Step(0.0, 0.5, 0.1), Step(2.0, 0.5, 0.5)), 1.0),
    "over the last two seconds only": (
        (Step(0.0, 0.1, 0.5), Step(8.0, 0.4, 0.5), Step(9.0, 0.5, 0.5), Step(10.0, 0.6, 0.5)), 1.0,
    ),
    "looks far apart": ((Step(0.0, 0.1, 0.5), Step(8.0, 0.9, 0.5)), 1.0),
    "two steps of one moment": ((Step(5.0, 0.1, 0.5), Step(5.0, 0.9, 0.5)), None),
    "there and back": ((Step(0.0, 0.5, 0.5), Step(1.0, 0.9, 0.5), Step(2.0, 0.5, 0.5)), 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), SPEED_ROWS.values(), ids=SPEED_ROWS)
def test_speed(path, expected):
    found = speed(track(1, 0.0, (0.5, 0.5), path=path))
    assert found == (None if expected is None else pytest.approx(expected))


def test_speed_of_a_box_without_extent_is_finite():
    path = (Step(0.0, 0.1, 0.5), Step(2.0, 0.9, 0.5))
    assert speed(track(1, 0.0, (0.5, 0.5), size=(0.0, 0.0), path=path)) == pytest.approx(400)
