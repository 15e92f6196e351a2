from __future__ import annotations

import numpy as np
import pytest

from edge.gate import MotionGate
from tests.edge.frames import small

RNG = np.random.default_rng(3)
GROUND = np.repeat(RNG.integers(60, 120, (360, 640, 1), dtype=np.uint8), 3, axis=2)


def gate():
    return MotionGate(threshold=0.06, min_area=0.0004)


def noisy(image, sigma=4.0):
    return np.clip(image + RNG.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def with_person(x):
    image = GROUND.copy()
    image[200:260, x : x + 20] = 230
    return image


def played(pictures, step=0.2):
    one = gate()
    return [one.step(i * step, small(picture)) for i, picture in enumerate(pictures)]


def test_the_first_picture_counts_as_moving():
    assert played([GROUND]) == [1.0]


def test_sensor_noise_is_no_motion():
    assert played([noisy(GROUND) for _ in range(20)])[1:] == [0.0] * 19


def test_a_small_person_who_walks_is():
    assert all(area > 0 for area in played([noisy(with_person(100 + 6 * i)) for i in range(20)])[1:])


def test_a_person_who_stops_becomes_background_within_seconds():
    areas = played([GROUND] * 5 + [with_person(300)] * 40)
    assert areas[5] > 0
    assert areas[-1] == 0.0


def test_what_left_stops_showing_within_seconds():
    areas = played([with_person(300)] * 40 + [GROUND] * 25)
    assert areas[40] > 0
    assert areas[-1] == 0.0


def test_a_slow_change_of_light_is_no_motion():
    pictures = [np.clip(GROUND.astype(int) + i // 4, 0, 255).astype(np.uint8) for i in range(80)]
    assert set(played(pictures)[1:]) == {0.0}


def test_a_sudden_change_of_light_is_over_with_the_next_picture():
    bright = np.clip(GROUND.astype(int) + 80, 0, 255).astype(np.uint8)
    areas = played([GROUND] * 3 + [bright] * 3)
    assert areas[3] > 0.6
    assert areas[4:] == [0.0, 0.0]


@pytest.mark.parametrize("size", [(1080, 1920), (288, 352), (640, 360)], ids=["1080p", "CIF", "upright"])
def test_another_resolution_starts_anew(size):
    one = gate()
    one.step(0.0, small(GROUND))
    assert one.step(0.2, small(np.zeros((*size, 3), np.uint8))) == 1.0


def test_time_that_goes_back_is_no_crash():
    one = gate()
    one.step(10.0, small(GROUND))
    assert one.step(5.0, small(GROUND)) == 0.0


def where(pictures, step=0.2):
    """(left, right) of what moves in the last picture, relative; None where nothing does."""
    one = gate()
    for i, picture in enumerate(pictures):
        one.step(i * step, small(picture))
    if one.moving is None:
        return None
    columns = np.flatnonzero(one.moving.any(axis=0)) / one.moving.shape[1]
    return (columns.min(), columns.max()) if len(columns) else None


def test_nothing_is_known_after_the_first_picture():
    assert where([GROUND]) is None


def test_nothing_moves_in_a_scene_at_rest():
    assert where([noisy(GROUND) for _ in range(10)]) is None


def test_what_moves_is_where_it_is_and_was_a_moment_ago_not_all_the_way_that_it_came():
    left, right = where([with_person(100 + 12 * i) for i in range(20)])
    assert (left, right) == pytest.approx(((100 + 12 * 17) / 640, (100 + 12 * 19 + 20) / 640), abs=0.03)


@pytest.mark.parametrize("step", [0.1, 0.5], ids=["10/s", "2/s"])
def test_what_moves_is_found_at_any_rate(step):
    left, right = where([with_person(round(100 + 60 * i * step)) for i in range(16)], step)
    assert left <= (100 + 60 * 15 * step + 20) / 640 <= right + 0.02


def test_what_came_and_stopped_no_longer_moves():
    assert where([GROUND] * 5 + [with_person(300)] * 4) is None
