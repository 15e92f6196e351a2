from __future__ import annotations

import pytest

from contract.rules import Abandoned as AbandonedConfig
from edge.rules.abandoned import RETURN_S, Abandoned
from tests.edge.rules.paths import gone, play, signals, still, straight, track

ZONE = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
HERE, ELSEWHERE = (0.5, 0.8), (0.2, 0.8)
BY_IT, AWAY = (0.55, 0.82), (0.95, 0.82)  # a person 0.1 wide and 0.3 high: near is up to 0.3 aside of its box
BAG, OTHER, PERSON = 1, 2, 9
SIZES = {BAG: (0.06, 0.06), OTHER: (0.06, 0.06), PERSON: (0.1, 0.3)}
LABELS = {BAG: "suitcase", OTHER: "backpack", PERSON: "person"}


def abandoned(**more):
    keys = {"for_s": 10.0, "leave_s": 3.0, "labels": ["bag"]} | more
    return Abandoned(AbandonedConfig(kind="abandoned", zone="z", **keys), ZONE)


def said(paths, rule=None, **more):
    return play(rule or abandoned(), paths, **({"labels": LABELS, "sizes": SIZES} | more))


ROWS = {
    "lies alone": ({BAG: still(HERE, 12)}, [("opened", BAG, 10.0)]),
    "lies alone, but not for long": ({BAG: [*still(HERE, 9), *gone(6)]}, []),
    "outside the zone": ({BAG: still((0.5, 0.4), 15)}, []),
    "somebody stays by it": ({BAG: still(HERE, 20), PERSON: still(BY_IT, 20)}, []),
    "somebody stands elsewhere": ({BAG: still(HERE, 12), PERSON: still(AWAY, 12)}, [("opened", BAG, 10.0)]),
    "put down by somebody who goes": (
        {BAG: still(HERE, 24), PERSON: [*still(BY_IT, 6), *straight(BY_IT, AWAY, 6), *still(AWAY, 17)]},
        [("opened", BAG, 16.6)],
    ),
    "somebody walks past: the clock halts and goes on": (
        {BAG: still(HERE, 14), PERSON: [*still(AWAY, 5), *still(BY_IT, 2), *still(AWAY, 7)]}, [("opened", BAG, 12.0)],
    ),
    "somebody stays for a while: the clock begins anew": (
        {BAG: still(HERE, 24), PERSON: [*still(AWAY, 5), *still(BY_IT, 6), *still(AWAY, 13)]}, [("opened", BAG, 20.8)],
    ),
    "somebody stays for a while, not seen now and then": (
        {BAG: still(HERE, 24),
         PERSON: [*still(AWAY, 5), *still(BY_IT, 2), *still(AWAY, 1.6), *still(BY_IT, 2), *still(AWAY, 13.4)]},
        [("opened", BAG, 20.6)],
    ),
    "the owner comes back": (
        {BAG: still(HERE, 22), PERSON: [*still(AWAY, 14), *still(BY_IT, 8)]},
        [("opened", BAG, 10.0), ("closed", BAG, 14.0)],
    ),
    "somebody walks past after it was told": (
        {BAG: still(HERE, 22), PERSON: [*still(AWAY, 14), *still(BY_IT, 3), *still(AWAY, 5)]}, [("opened", BAG, 10.0)],
    ),
    "taken away": ({BAG: [*still(HERE, 12), *gone(8)]}, [("opened", BAG, 10.0), ("closed", BAG, 11.8)]),
    "carried out of the zone": (
        {BAG: [*still(HERE, 12), *straight(HERE, (0.5, 0.3), 6), *still((0.5, 0.3), 6)]},
        # It moved from 12.0 on; the zone's border is reached at 12.6.
        [("opened", BAG, 10.0), ("closed", BAG, 12.6)],
    ),
    "moved to another place": (
        {BAG: [*still(HERE, 12), *still(ELSEWHERE, 14)]},
        [("opened", BAG, 10.0), ("closed", BAG, 11.8), ("opened", BAG, 24.0)],
    ),
    "carried about": ({BAG: straight((0.1, 0.8), (0.9, 0.8), 100)}, []),
    "its box trembles": ({BAG: [(0.5 + 0.01 * (i % 3), 0.8) for i in range(60)]}, [("opened", BAG, 10.0)]),
    "its box is wrong for a second": (
        {BAG: [*still(HERE, 5), *still(ELSEWHERE, 1), *still(HERE, 8)]}, [("opened", BAG, 11.0)],
    ),
    "hidden for a while": ({BAG: [*still(HERE, 5), *gone(2), *still(HERE, 6)]}, [("opened", BAG, 10.0)]),
    "hidden for longer than leave_s": ({BAG: [*still(HERE, 5), *gone(6), *still(HERE, 9)]}, []),
    "its track breaks: one event": (
        {BAG: [*still(HERE, 5), *gone(10)], OTHER: [*gone(6), *still(HERE, 9)]}, [("opened", OTHER, 10.0)],
    ),
    "its track breaks after it was told: still one event": (
        {BAG: [*still(HERE, 12), *gone(10)], OTHER: [*gone(13), *still(HERE, 12)]}, [("opened", BAG, 10.0)],
    ),
    "its track breaks and it is taken away: closed under the first number": (
        {BAG: [*still(HERE, 12), *gone(14)], OTHER: [*gone(13), *still(HERE, 3), *gone(9)]},
        [("opened", BAG, 10.0), ("closed", BAG, 15.8)],
    ),
    "two boxes for one thing: one event": (
        {BAG: still(HERE, 14), OTHER: still((0.51, 0.8), 14)}, [("opened", BAG, 10.0)],
    ),
    "two things: two events": (
        {BAG: still(HERE, 12), OTHER: still(ELSEWHERE, 12)}, [("opened", BAG, 10.0), ("opened", OTHER, 10.0)],
    ),
    "another thing lies by it: still alone": (
        {BAG: still(HERE, 12), OTHER: still((0.56, 0.8), 12)}, [("opened", BAG, 10.0), ("opened", OTHER, 10.0)],
    ),
    "not supported: somebody far behind it counts as near": (
        {BAG: still(HERE, 14), PERSON: still((0.5, 0.74), 14)}, [],
    ),
    "not supported: a thing that hides most of another": (
        {BAG: still(HERE, 12), OTHER: still((0.52, 0.79), 12)}, [("opened", BAG, 10.0)],
    ),
    "not supported: what always lay there counts, too": ({BAG: still(HERE, 11)}, [("opened", BAG, 10.0)]),
}  # fmt: skip


@pytest.mark.parametrize(("paths", "expected"), ROWS.values(), ids=ROWS)
def test_abandoned(paths, expected):
    assert said(paths) == expected


@pytest.mark.parametrize(
    ("person", "size", "near", "alone"),
    [
        pytest.param((0.88, 0.8), (0.1, 0.3), 1.0, True, id="beside it, further than its height"),
        pytest.param((0.84, 0.8), (0.1, 0.3), 1.0, False, id="beside it, within its height"),
        pytest.param((0.84, 0.8), (0.1, 0.3), 0.5, True, id="within its height, half of it is near"),
        pytest.param((0.84, 0.8), (0.03, 0.1), 1.0, True, id="the same place, a smaller person is further away"),
        pytest.param((0.5, 0.45), (0.1, 0.3), 1.0, True, id="above it, further than its height"),
        pytest.param((0.5, 0.55), (0.1, 0.3), 1.0, False, id="above it, within its height"),
        pytest.param((0.5, 0.99), (0.1, 0.3), 0.01, False, id="their boxes touch"),
    ],
)
def test_near(person, size, near, alone):
    found = said({BAG: still(HERE, 12), PERSON: still(person, 12)}, abandoned(near=near), sizes=SIZES | {PERSON: size})
    assert bool(found) is alone


def test_an_unconfirmed_person_is_near_but_an_unconfirmed_thing_is_none():
    rule = abandoned()
    found = []
    for look in range(80):
        at = look * 0.2
        found += rule.step(at, [
            track(BAG, at, HERE, label="suitcase", size=SIZES[BAG]),
            track(PERSON, at, BY_IT, size=SIZES[PERSON], confirmed=False),
        ])  # fmt: skip
    assert found == []
    assert said({BAG: still(HERE, 15)}, confirmed_from=1000) == []


def test_of_any_object_people_are_none():
    paths = {BAG: still(HERE, 12), PERSON: still(AWAY, 12)}
    assert said(paths, abandoned(labels="any"), labels={BAG: "bench"}) == [("opened", BAG, 10.0)]


def test_cooldown():
    """The thing is taken up and put down again at once."""
    path = {BAG: [*still(HERE, 12), *still(ELSEWHERE, 30)]}
    assert said(path, abandoned(cooldown_s=20.0))[-1] == ("opened", BAG, 31.8)


def test_a_number_that_comes_back_elsewhere_waits_for_the_first_thing_to_go():
    rule = abandoned()
    found = []
    for look in range(200):
        at = round(look * 0.2, 3)
        numbers = {BAG: HERE} if look < 60 else {OTHER: HERE, BAG: ELSEWHERE}  # 2 carries on what was 1
        if look == 60:
            numbers = {OTHER: HERE}
        if look > 150:
            del numbers[OTHER]
        tracks = [track(n, at, where, label="suitcase", size=SIZES[BAG]) for n, where in numbers.items()]
        found += [(s.what, s.key, round(s.at, 3)) for s in rule.step(at, tracks)]
    assert found == [("opened", BAG, 10.0), ("closed", BAG, 30.0), ("opened", BAG, 33.2)]


def test_the_record_shows_the_thing():
    (signal,) = signals(abandoned(), {BAG: still(HERE, 11)}, labels=LABELS, sizes=SIZES)
    assert (signal.track.label, signal.count) == ("suitcase", None)


def test_waiting_and_clear():
    rule = abandoned()
    said({BAG: still(HERE, 5.2)}, rule)
    assert rule.waiting(5.0) == pytest.approx(0.5)
    said({BAG: still(HERE, 12)}, rule)
    assert rule.waiting(11.8) == 0.0
    assert [(s.what, s.key) for s in rule.clear(12.0)] == [("closed", BAG)]
    assert rule.clear(12.2) == []


@pytest.mark.parametrize(
    "size", [(0.0, 0.0), (0.06, 0.0), (1.0, 1.0)], ids=["point", "flat", "as large as the picture"]
)
def test_any_size(size):
    assert said({BAG: still(HERE, 11)}, sizes={BAG: size}) == [("opened", BAG, 10.0)]


def test_forgets_things_that_are_gone():
    rule = abandoned()
    for look in range(2000):
        rule.step(
            look * 0.2, [track(look, look * 0.2, ((look * 37 % 100) / 100, 0.8), label="suitcase", size=SIZES[BAG])]
        )
    assert len(rule._things) <= (3.0 + RETURN_S) / 0.2


@pytest.mark.parametrize("look_s", [0.2, 2.04], ids=["awake", "asleep"])
def test_somebody_who_sits_down_by_it_looks_after_it_however_seldom_looks_are(look_s):
    paths = {BAG: [HERE] * round(60 / look_s), PERSON: [AWAY] * round(30 / look_s) + [BY_IT] * round(30 / look_s)}
    assert [what for what, *_ in said(paths, look_s=look_s)] == ["opened", "closed"]


def test_one_wrong_look_at_a_quiet_scene_does_not_move_a_thing():
    places = [(HERE[0], HERE[1] + 0.04) if look == 20 else HERE for look in range(50)]
    assert [what for what, *_ in said({BAG: places}, look_s=2.04)] == ["opened"]
