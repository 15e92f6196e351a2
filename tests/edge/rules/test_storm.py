from __future__ import annotations

import pytest

from contract.camera import Storm
from edge.rules.storm import StormCap


def run(cap, events, until):
    """Looks a second apart; `events` begin in the second of the same number. What was swallowed, what was told."""
    swallowed, told = 0, []
    for second in range(until):
        swallowed += sum(cap.swallows(float(second)) for _ in range(events.get(second, 0)))
        if (state := cap.step(float(second))) is not None:
            told.append((state, second, cap.count))
    return swallowed, told


ROWS = {
    "calm": ({0: 1, 5: 1, 9: 1}, 0, []),
    "as many as may be": ({0: 3}, 0, []),
    "one too many": ({0: 4}, 1, [("open", 0, 1), ("closed", 10, 1)]),
    "one too many, but not within per_s": ({0: 3, 10: 1}, 0, []),
    "one too many, just within per_s": ({0: 3, 9: 1}, 1, [("open", 9, 1), ("closed", 19, 1)]),
    "what follows is swallowed, too": ({0: 4, 4: 1, 9: 1}, 3, [("open", 0, 1), ("closed", 10, 3)]),
    "without end": (
        dict.fromkeys(range(40), 1), 37,
        [
            ("open", 3, 1), ("update", 13, 11), ("update", 23, 21), ("update", 33, 31), ("update", 43, 37),
            ("closed", 47, 37),
        ],
    ),
    "two storms": ({0: 5, 20: 5}, 4, [("open", 0, 2), ("closed", 10, 2), ("open", 20, 2), ("closed", 30, 2)]),
    "after a storm, one by one again": ({0: 4, 15: 2}, 1, [("open", 0, 1), ("closed", 10, 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("events", "swallowed", "told"), ROWS.values(), ids=ROWS)
def test_storm(events, swallowed, told):
    assert run(StormCap(Storm(events=3, per_s=10.0)), events, 60) == (swallowed, told)


def test_at_the_very_rate_of_the_cap_storms_do_not_open_and_close_at_every_event():
    _, told = run(StormCap(Storm(events=10, per_s=10.0)), dict.fromkeys(range(200), 1) | {50: 2}, 200)
    assert len(told) <= 2 * 200 / 10


def test_end_closes_once():
    cap = StormCap(Storm(events=1, per_s=10.0))
    run(cap, {0: 5}, 1)
    assert cap.end() == "closed"
    assert cap.end() is None
    assert cap.step(100.0) is None


def test_a_storm_is_not_forgotten_by_its_end():
    """A camera that comes and goes must not tell its events all anew."""
    cap = StormCap(Storm(events=2, per_s=10.0))
    run(cap, {0: 5}, 1)
    cap.end()
    assert cap.swallows(1.0)
    assert cap.step(1.0) == "open"
    assert cap.count == 1


def test_memory_is_bounded():
    cap = StormCap(Storm(events=60, per_s=60.0))
    run(cap, dict.fromkeys(range(1000), 50), 1000)
    assert len(cap._recent) == 60
