from __future__ import annotations

import pytest

from contract.rules import Absence, Dwell, Intrusion, Occupancy
from edge.rules.zone import Crowd, Lack, ObjectInZone
from tests.edge.rules.paths import gone, play, still, track

ZONE = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
IN, OUT = (0.5, 0.7), (0.5, 0.3)


def intrusion(**more):
    return ObjectInZone(Intrusion(kind="intrusion", zone="z", **more), ZONE)


def dwell(for_s=2.0, **more):
    return ObjectInZone(Dwell(kind="dwell", zone="z", for_s=for_s, **more), ZONE)


def occupancy(**more):
    return Crowd(Occupancy(kind="occupancy", zone="z", at_least=2, for_s=1.0, **more), ZONE)


def absence(for_s=2.0, **more):
    return Lack(Absence(kind="absence", zone="z", for_s=for_s, **more), ZONE)


OBJECT_ROWS = {
    "intrusion: stays outside": (intrusion, still(OUT, 3), []),
    "intrusion: enters and stays": (intrusion, [*still(OUT, 1), *still(IN, 2)], [("opened", 1, 1.4)]),
    "intrusion: is there from the start": (intrusion, still(IN, 2), [("opened", 1, 0.4)]),
    "intrusion: leaves": (
        intrusion, [*still(OUT, 1), *still(IN, 1), *still(OUT, 3)], [("opened", 1, 1.4), ("closed", 1, 1.8)],
    ),
    "intrusion: one look inside is too short": (intrusion, [*still(OUT, 1), IN, *still(OUT, 3)], []),
    "intrusion: steps out for a second, still the same": (
        intrusion, [*still(IN, 1), *still(OUT, 1), *still(IN, 1)], [("opened", 1, 0.4)],
    ),
    "intrusion: hidden for a second, still the same": (
        intrusion, [*still(IN, 1), *gone(1), *still(IN, 1)], [("opened", 1, 0.4)],
    ),
    "intrusion: comes back after long, a new one": (
        intrusion, [*still(IN, 1), *still(OUT, 3), *still(IN, 1)],
        [("opened", 1, 0.4), ("closed", 1, 0.8), ("opened", 1, 4.4)],
    ),
    "intrusion: the track ends inside": (
        intrusion, [*still(IN, 1), *gone(4)], [("opened", 1, 0.4), ("closed", 1, 0.8)],
    ),
    "dwell: not long enough": (dwell, [*still(IN, 1.8), *still(OUT, 3)], []),
    "dwell: long enough": (dwell, [*still(IN, 3)], [("opened", 1, 2.0)]),
    "dwell: a step outside does not start it anew": (
        dwell, [*still(IN, 1), *still(OUT, 0.6), *still(IN, 1)], [("opened", 1, 2.0)],
    ),
    "dwell: long absence starts it anew": (dwell, [*still(IN, 1.6), *still(OUT, 3), *still(IN, 1.6)], []),
}  # fmt: skip


@pytest.mark.parametrize(("make", "path", "expected"), OBJECT_ROWS.values(), ids=OBJECT_ROWS)
def test_objects_in_a_zone(make, path, expected):
    assert play(make(), {1: path}) == expected


CROWD_ROWS = {
    "one is not two": ({1: still(IN, 3)}, []),
    "two for long enough": ({1: still(IN, 3), 2: still(IN, 3)}, [("opened", None, 1.0)]),
    "two, but too short": ({1: still(IN, 3), 2: [*still(IN, 0.6), *still(OUT, 3)]}, []),
    "one leaves again": (
        {1: still(IN, 8), 2: [*still(OUT, 1), *still(IN, 3), *still(OUT, 4)]},
        [("opened", None, 2.0), ("closed", None, 5.4)],
    ),
    "the second one is hidden for a moment": (
        {1: still(IN, 6), 2: [*still(IN, 2), *gone(1), *still(IN, 3)]}, [("opened", None, 1.0)],
    ),
    "other labels do not count": ({1: still(IN, 3), 3: still(IN, 3)}, []),
}  # fmt: skip


@pytest.mark.parametrize(("paths", "expected"), CROWD_ROWS.values(), ids=CROWD_ROWS)
def test_occupancy(paths, expected):
    assert play(occupancy(), paths, labels={3: "dog"}) == expected


LACK_ROWS = {
    "empty from the start": ({9: still(OUT, 3)}, [("opened", None, 2.0)]),
    "somebody is there": ({1: still(IN, 5)}, []),
    "empty, then somebody comes": (
        {1: [*still(OUT, 3), *still(IN, 1)]},
        [("opened", None, 2.0), ("closed", None, 3.0)],
    ),
    "away for less than it takes": ({1: [*still(IN, 2), *still(OUT, 1.6), *still(IN, 3)]}, []),
    # Counted from when the last one was seen inside (1.8), not from when that was certain (3.4).
    "leaves": ({1: [*still(IN, 2), *still(OUT, 4)]}, [("opened", None, 4.0)]),
    "one of two leaves": ({1: still(IN, 6), 2: [*still(IN, 2), *still(OUT, 4)]}, []),
    "only a dog": ({3: still(IN, 3)}, [("opened", None, 2.0)]),
}


@pytest.mark.parametrize(("paths", "expected"), LACK_ROWS.values(), ids=LACK_ROWS)
def test_absence(paths, expected):
    assert play(absence(), paths, labels={3: "dog"}) == expected


def test_unconfirmed_tracks_never_trigger_but_their_past_counts():
    assert play(intrusion(), {1: still(IN, 2)}, confirmed_from=1000) == []
    assert play(intrusion(), {1: still(IN, 2)}, confirmed_from=5) == [("opened", 1, 1.0)]
    assert play(occupancy(), {1: still(IN, 3), 2: still(IN, 3)}, confirmed_from=1000) == []


def test_clear_closes_what_is_open_and_forgets():
    rule = intrusion()
    for look in range(5):
        rule.step(look * 0.2, [track(1, look * 0.2, IN)])
    assert [(s.what, s.key, s.at) for s in rule.clear(1.0)] == [("closed", 1, 1.0)]
    assert rule.clear(1.2) == []


@pytest.mark.parametrize("make", [occupancy, absence])
def test_clear_closes_an_event_of_the_zone_once(make):
    rule = make()
    tracks = 2 if make is occupancy else 0
    for look in range(20):
        rule.step(look * 0.2, [track(n, look * 0.2, IN) for n in range(tracks)])
    assert [signal.what for signal in rule.clear(5.0)] == ["closed"]
    assert rule.clear(5.2) == []


def test_seldom_looks_at_a_quiet_scene_do_not_end_a_presence():
    rule = intrusion()
    said = [signal.what for look in range(6) for signal in rule.step(look * 2.0, [track(1, look * 2.0, IN)])]
    assert said == ["opened"]
