from __future__ import annotations

import pytest

from contract.rules import Absence, Dwell, Intrusion, Occupancy
from edge.rules.zone import Crowd, Lack, ObjectInZone
from tests.edge.rules.paths import gone, play, signals, still, track

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
        intrusion, [*still(IN, 1), *still(OUT, 6), *still(IN, 1)],
        [("opened", 1, 0.4), ("closed", 1, 0.8), ("opened", 1, 7.4)],
    ),
    "intrusion: comes back while it cools down, and goes": (
        intrusion, [*still(IN, 1), *still(OUT, 2), *still(IN, 1), *still(OUT, 6)],
        [("opened", 1, 0.4), ("closed", 1, 0.8)],
    ),
    "intrusion: comes back while it cools down, and stays": (
        intrusion, [*still(IN, 1), *still(OUT, 2), *still(IN, 4)],
        [("opened", 1, 0.4), ("closed", 1, 0.8), ("opened", 1, 5.8)],
    ),
    "intrusion: trembles on the zone's border, just outside": (
        intrusion, [(0.5, 0.499 - 0.004 * (i % 2)) for i in range(30)], [],
    ),
    "intrusion: trembles over the border, one event": (
        intrusion, [(0.5, 0.501 - 0.01 * (i % 3 != 0)) for i in range(60)], [("opened", 1, 0.4)],
    ),
    "intrusion: rests a little outside, has not left": (
        intrusion, [*still(IN, 1), *still((0.5, 0.49), 6)], [("opened", 1, 0.4)],
    ),
    "intrusion: rests clearly outside, has left": (
        intrusion, [*still(IN, 1), *still((0.5, 0.48), 6)], [("opened", 1, 0.4), ("closed", 1, 0.8)],
    ),
    "intrusion: cut off by the picture's lower border": (intrusion, still((0.5, 1.0), 1), [("opened", 1, 0.4)]),
    "intrusion: its box reaches beyond the picture": (intrusion, still((1.01, 1.04), 1), [("opened", 1, 0.4)]),
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


def test_not_supported_an_object_whose_track_breaks_is_two():
    """The tracker's number is all that a rule knows of an object."""
    assert play(intrusion(), {1: [*still(IN, 2), *gone(4)], 2: [*gone(2), *still(IN, 4)]}) == [
        ("opened", 1, 0.4), ("opened", 2, 2.4), ("closed", 1, 1.8),
    ]  # fmt: skip


CROWD_ROWS = {
    "one is not two": ({1: still(IN, 3)}, []),
    "two for long enough": ({1: still(IN, 3), 2: still(IN, 3)}, [("opened", None, 1.0)]),
    "two, but too short": ({1: still(IN, 3), 2: [*still(IN, 0.6), *still(OUT, 3)]}, []),
    "one leaves again": (
        {1: still(IN, 8), 2: [*still(OUT, 1), *still(IN, 3), *still(OUT, 4)]},
        [("opened", None, 2.0), ("closed", None, 3.8)],
    ),
    "one leaves for less than recover_s": (
        {1: still(IN, 9), 2: [*still(IN, 3), *still(OUT, 1.8), *still(IN, 4)]}, [("opened", None, 1.0)],
    ),
    "one leaves for more than recover_s": (
        {1: still(IN, 9), 2: [*still(IN, 3), *still(OUT, 2.4), *still(IN, 3.6)]},
        [("opened", None, 1.0), ("closed", None, 2.8), ("opened", None, 6.4)],
    ),
    "another takes the place of who leaves": (
        {1: still(IN, 9), 2: [*still(IN, 3), *still(OUT, 6)], 4: [*still(OUT, 3), *still(IN, 6)]},
        [("opened", None, 1.0)],
    ),
    "not supported: who hides behind another is not counted": ({1: still(IN, 9), 2: gone(9)}, []),
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
        {1: [*still(OUT, 3), *still(IN, 3)]},
        [("opened", None, 2.0), ("closed", None, 3.0)],
    ),
    "somebody only passes by": ({1: [*still(OUT, 3), *still(IN, 0.6), *still(OUT, 6)]}, [("opened", None, 2.0)]),
    "somebody passes by before it counts, the time begins anew": (
        {1: [*still(OUT, 1.4), *still(IN, 0.4), *still(OUT, 4)]},
        [("opened", None, 3.6)],
    ),
    "goes again soon after the end": (
        {1: [*still(OUT, 3), *still(IN, 2.4), *still(OUT, 4)]},
        [("opened", None, 2.0), ("closed", None, 3.0), ("opened", None, 7.2)],
    ),
    "people who take turns": ({1: [*still(IN, 3), *still(OUT, 5)], 2: [*still(OUT, 3), *still(IN, 5)]}, []),
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


@pytest.mark.parametrize(
    ("make", "paths", "at", "share"),
    [
        pytest.param(dwell, {1: still(IN, 1)}, 1.0, 0.5, id="dwell: half of it"),
        pytest.param(dwell, {1: still(IN, 1), 2: gone(0.6) + still(IN, 0.4)}, 1.0, 0.5, id="dwell: the furthest"),
        pytest.param(dwell, {1: still(OUT, 1)}, 1.0, 0.0, id="dwell: nobody"),
        pytest.param(dwell, {1: still(IN, 3)}, 3.0, 0.0, id="dwell: open"),
        pytest.param(occupancy, {1: still(IN, 1), 2: gone(0.6) + still(IN, 0.4)}, 1.0, 0.4, id="occupancy"),
        pytest.param(occupancy, {1: still(IN, 1)}, 1.0, 0.0, id="occupancy: too few"),
        pytest.param(absence, {1: still(OUT, 1)}, 1.0, 0.5, id="absence"),
        pytest.param(absence, {1: still(IN, 1)}, 1.0, 0.0, id="absence: somebody is there"),
    ],
)
def test_waiting_tells_how_far_the_next_event_is(make, paths, at, share):
    rule = make()
    play(rule, paths)
    assert rule.waiting(at) == pytest.approx(share)


def test_who_may_not_fire_yet_is_not_about_to():
    """Left, and back before the cooldown is over: due, but hushed."""
    rule = dwell(cooldown_s=60)
    play(rule, {1: still(IN, 3) + gone(3) + still(IN, 3)})
    assert rule.waiting(9.0) == 0.0


def test_an_event_about_a_zone_shows_who_came_last():
    rule = occupancy(labels=["person", "dog"])
    (signal,) = signals(rule, {1: still(IN, 2), 2: gone(0.4) + still(IN, 2)}, labels={2: "dog"})
    assert (signal.count, signal.track.id) == (2, 2)


def test_seldom_looks_at_a_quiet_scene_do_not_end_a_presence():
    rule = intrusion()
    said = [signal.what for look in range(6) for signal in rule.step(look * 2.0, [track(1, look * 2.0, IN)])]
    assert said == ["opened"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        pytest.param(intrusion, ["opened"], id="intrusion"),
        pytest.param(occupancy, ["opened"], id="occupancy"),
        pytest.param(absence, [], id="absence"),
    ],
)
def test_one_wrong_look_at_a_quiet_scene_is_no_leaving(rule, told):
    """Looks 2.04 s apart are longer than leave_s and recover_s."""
    judge = rule()
    said = []
    for look in range(20):
        at = look * 2.04
        said += judge.step(
            at, [track(1, at, OUT if look == 6 else IN), *([track(2, at, IN)] if rule is occupancy else [])]
        )
    assert [signal.what for signal in said] == told


@pytest.mark.parametrize(
    ("names", "expected"),
    {
        "called a person from the third look on: it was there from the first": (
            ["dog", "dog", "person", "person"], [("opened", 0.4)],
        ),
        "called a dog once it is told: still the same event": (["person"] * 3 + ["dog"] * 12, [("opened", 0.4)]),
        "never called a person": (["dog"] * 10, []),
    }.values(),
    ids=["late name", "other name later", "other name"],
)  # fmt: skip
def test_what_counts_is_the_name_when_it_is_due(names, expected):
    rule = intrusion()
    said = []
    for i, name in enumerate(names):
        said += [(s.what, round(s.at, 2)) for s in rule.step(i * 0.2, [track(1, i * 0.2, IN, label=name)])]
    assert said == expected
