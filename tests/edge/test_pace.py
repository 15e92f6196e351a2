from __future__ import annotations

import math

import pytest

from edge.pace import BURST_S, REST_S, Pace


def looks(pace: Pace, times, *, fastest=None):
    """When looks are made; `fastest` tells the pace of the objects after each."""
    made = []
    for at in times:
        if pace.due(at):
            pace.spend()
            made.append(at)
            if fastest is not None:
                pace.follow(fastest(at) if callable(fastest) else fastest)
    return made


def frames(seconds: float, fps: float = 25.0, start: float = 0.0):
    return [start + i / fps for i in range(round(seconds * fps))]


@pytest.mark.parametrize("fps", [25, 24, 10, 12.5, 30], ids=lambda fps: f"{fps} pictures a second")
@pytest.mark.parametrize("rate", [5, 2])
def test_the_mean_is_the_rate_whatever_the_pictures(rate, fps):
    made = looks(Pace(rate), frames(60, fps))
    assert 60 * rate - 1 <= len(made) <= 60 * rate + 1


@pytest.mark.parametrize("speed", [0.0, 0.5, 2.0, 50.0, math.inf], ids=str)
def test_the_budget_is_never_exceeded_at_any_moment(speed):
    made = looks(Pace(5), frames(120), fastest=speed)
    assert all(number <= 5 * at + 1 + 1e-6 for number, at in enumerate(made, 1))


def test_what_is_fast_spends_what_rest_saved():
    pace = Pace(5)
    looks(pace, frames(20), fastest=0.0)
    made = looks(pace, frames(2, start=20), fastest=10.0)
    assert 2 * 2 * 5 - 2 <= len(made) <= 2 * 2 * 5 + 1


def test_a_burst_ends_when_the_savings_do():
    pace = Pace(5)
    looks(pace, frames(60), fastest=0.0)
    made = looks(pace, frames(60, start=60), fastest=10.0)
    assert len(made) == pytest.approx((60 + BURST_S) * 5, abs=3)


@pytest.mark.parametrize("rate", [2, 5])
def test_haste_for_an_object_ends_where_no_look_follows(rate):
    """A false detection, new in each seldom look of a quiet scene, must not double what is asked of the gate."""
    pace, asked = Pace(rate), 0
    for number, at in enumerate(frames(60)):
        if pace.due(at):
            asked += 1
            if number % 50 == 0:  # the gate is asleep but for a look every two seconds
                pace.spend()
                pace.follow(math.inf)
    assert asked <= 60 * rate * 1.2


def test_what_is_new_is_looked_at_soon_again():
    pace = Pace(2)
    assert pace.due(0.0)
    for at in (0.5, 1.0, 1.5, 2.0):
        pace.due(at)  # asleep: the gate found nothing, and no look was spent
    pace.spend()
    pace.follow(math.inf)
    assert looks(pace, frames(1, start=2.04))[0] == pytest.approx(2.25, abs=0.05)


def test_at_rest_looks_are_fewer_but_never_too_few():
    assert len(looks(Pace(5), frames(60), fastest=0.05)) == pytest.approx(60 / REST_S, abs=2)
    assert len(looks(Pace(2), frames(60), fastest=0.05)) == pytest.approx(120, abs=2)


def test_a_gap_is_not_caught_up_at_once():
    pace = Pace(5)
    looks(pace, frames(2))
    made = looks(pace, frames(1, start=600))
    assert len(made) <= 6


def test_time_that_goes_back_waits_and_goes_on():
    pace = Pace(5)
    looks(pace, frames(10))
    assert len(looks(pace, frames(2, start=3))) == pytest.approx(10, abs=1)


def test_pictures_that_come_exactly_when_due_are_all_taken():
    assert len(looks(Pace(5), [i * 0.2 for i in range(1000)])) == 1000


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.24])
def test_a_slow_camera_is_looked_at_all_the_same(rate):
    made = looks(Pace(rate), frames(200, 5))
    assert 200 * rate - 1 <= len(made) <= 200 * rate + 1


def test_objects_rest_where_none_of_them_moves():
    """What the gate may learn from (restless.py): nothing while a car goes by."""
    pace = Pace(5)
    assert pace.resting is None, "before the first look nothing is known"
    box = (0.1, 0.1, 0.2, 0.2)
    for fastest, resting in [(0.0, [box]), (0.1, [box]), (1.0, None), (math.inf, None), (0.0, [box])]:
        pace.follow(fastest, [box])
        assert pace.resting == resting


def test_a_look_that_is_not_made_costs_nothing():
    pace = Pace(5)
    offered = made = 0
    for at in frames(60):  # of two that are offered one is made: the newer took the older's place
        if pace.due(at):
            pace.spend()
            offered += 1
            if offered % 2:
                made += 1
            else:
                pace.refund()
        pace.follow(10.0)
    assert made == pytest.approx(60 * 5, rel=0.02)


def test_what_is_given_back_is_saved_within_bounds():
    pace = Pace(5)
    looks(pace, frames(20), fastest=0.0)
    for _ in range(100):
        pace.refund()
    made = looks(pace, frames(20, start=20), fastest=10.0)
    assert len(made) <= 20 * 5 + BURST_S * 5 + 1
