from __future__ import annotations

from edge.rules.cooldown import MOST, Cooldown


def test_holds_for_its_time_and_its_key():
    cooldown = Cooldown(5.0)
    cooldown.begin(1, 10.0)
    assert [cooldown.holds(1, at) for at in (10.0, 14.9, 15.0, 100.0)] == [True, True, False, False]
    assert not cooldown.holds(2, 10.0)


def test_begins_anew():
    cooldown = Cooldown(5.0)
    cooldown.begin(1, 0.0)
    cooldown.begin(1, 4.0)
    assert cooldown.holds(1, 8.0)


def test_of_no_seconds_never_holds():
    cooldown = Cooldown(0.0)
    cooldown.begin(1, 0.0)
    assert not cooldown.holds(1, 0.0)


def test_clear_forgets():
    cooldown = Cooldown(5.0)
    cooldown.begin(1, 0.0)
    cooldown.clear()
    assert not cooldown.holds(1, 0.0)


def test_what_is_over_is_deleted():
    cooldown = Cooldown(5.0)
    for number in range(1000):
        cooldown.begin(number, float(number))
    assert len(cooldown) == 5


def test_has_a_bound_and_keeps_the_youngest():
    cooldown = Cooldown(86_400.0)
    for number in range(MOST + 10):
        cooldown.begin(number, 0.0)
    assert len(cooldown) == MOST
    assert not cooldown.holds(9, 0.0)
    assert cooldown.holds(10, 0.0)
    assert cooldown.holds(MOST + 9, 0.0)
