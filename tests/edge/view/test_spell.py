"""When a fault is told, when it is over, and when it blinds."""

from __future__ import annotations

import pytest

from contract.camera import FaultTimes
from edge.view.spell import Spell

LASTING = FaultTimes(for_s=5.0, recover_s=3.0)


def run(present, lasting=LASTING, until=40):
    """`present`: spans of seconds in which it is there. A step each half second."""
    spell, signals, held = Spell("dark", lasting), [], []
    for at in (step / 2 for step in range(2 * until)):
        signals += [(s.what, s.at) for s in spell.step(at, any(a <= at < b for a, b in present))]
        if spell.holds:
            held.append(at)
    return signals, held


TABLE = {
    "never there": ([], []),
    "too short": ([(10, 14)], []),
    "long enough, over at once": ([(10, 20)], [("opened", 15), ("closed", 20)]),
    "comes back before it is over": ([(10, 20), (22, 25)], [("opened", 15), ("closed", 25)]),
    "comes back after it was over": (
        [(10, 20), (24, 31)],
        [("opened", 15), ("closed", 20), ("opened", 29), ("closed", 31)],
    ),
    "a gap of half a second while waiting": ([(10, 12), (12.5, 20)], [("opened", 15), ("closed", 20)]),
    "a gap of two seconds while waiting": ([(10, 13), (15, 19)], []),
    "still there": ([(30, 99)], [("opened", 35)]),
}


@pytest.mark.parametrize(("present", "expected"), TABLE.values(), ids=TABLE)
def test_told(present, expected):
    assert run(present)[0] == expected


def test_not_told_where_it_is_null():
    signals, held = run([(10, 30)], None)
    assert signals == []
    assert held


def test_holds_a_second_after_it_began_until_a_second_after_it_ended():
    _, held = run([(10, 20), (30, 30.5)])
    assert (held[0], held[-1]) == (11, 20.5)


def test_sight_is_back_before_the_event_is_over():
    _, held = run([(10, 20)], FaultTimes(for_s=5, recover_s=10))
    assert held[-1] == 20.5


def test_what_is_known_late_is_told_with_its_own_time():
    spell = Spell("frozen", LASTING)
    assert [(s.what, s.at) for s in spell.step(20.0, True, since=8.0)] == [("opened", 13.0)]
    assert spell.holds


def test_an_end_closes_what_is_open_and_forgets():
    spell = Spell("moved", LASTING)
    spell.step(0, True)
    spell.step(6, True)
    assert [(s.what, s.at) for s in spell.end(8)] == [("closed", 8)]
    assert spell.end(9) == []
    assert spell.lasted(10) == 0
