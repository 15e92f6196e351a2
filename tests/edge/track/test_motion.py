from __future__ import annotations

import pytest

from edge.track.motion import ACCELERATION, STEADY, seen_once


def follow(points, dt):
    motion = seen_once(0.0, *points[0], 0.1)
    for i, (x, y) in enumerate(points[1:], 1):
        motion = motion.predict(i * dt).update(x, y, 0.1)
    return motion


@pytest.mark.parametrize("dt", [0.04, 0.2, 0.5], ids=["25 a second", "5 a second", "2 a second"])
def test_learns_a_constant_speed(dt):
    speed = 0.3
    motion = follow([(0.1 + speed * i * dt, 0.5) for i in range(round(2 / dt))], dt)
    assert motion.vx == pytest.approx(speed, rel=0.1)
    assert motion.vy == pytest.approx(0, abs=0.02)
    assert motion.predict(motion.at + 0.5).x == pytest.approx(motion.x + speed / 2, rel=0.05)


def test_the_longer_unseen_the_less_certain():
    motion = follow([(0.1 + 0.02 * i, 0.5) for i in range(10)], 0.2)
    spreads = [motion.predict(motion.at + wait).p for wait in (0.2, 0.5, 0.8, 1.0)]
    assert spreads == sorted(spreads)
    assert len(set(spreads)) == 4


def test_what_rests_is_expected_where_it_was():
    motion = follow([(0.5, 0.5)] * 10, 0.2)
    assert motion.predict(motion.at + 1, rests=True).p < motion.predict(motion.at + 1).p / 2


def test_nothing_goes_on_at_its_speed_for_minutes():
    motion = follow([(0.1 + 0.02 * i, 0.5) for i in range(10)], 0.2)
    late = motion.predict(motion.at + 300)
    assert (late.x, late.vx) == (motion.x, 0)
    assert late.at == motion.at + 300


def test_time_that_goes_back_changes_nothing():
    motion = follow([(0.1, 0.5), (0.2, 0.5)], 0.2)
    assert motion.predict(motion.at - 5) == motion


def test_what_has_long_moved_slowly_is_expected_to_go_on_and_a_surprise_ends_that():
    slow = follow([(0.1 + 0.01 * i, 0.5) for i in range(30)], 0.5)
    assert slow.agility == STEADY
    assert slow.predict(slow.at + 0.5).update(0.9, 0.9, 0.1).agility == ACCELERATION


def test_what_is_fast_may_always_get_faster():
    assert follow([(0.1 + 0.2 * i, 0.5) for i in range(30)], 0.5).agility == ACCELERATION
