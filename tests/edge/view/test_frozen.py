from __future__ import annotations

import numpy as np
import pytest

from edge.view.frozen import Frozen

RNG = np.random.default_rng(11)
SCENE = RNG.integers(30, 220, (360, 640, 3), dtype=np.uint8)


def live(_index):
    """A sensor's noise changes most pixels a little."""
    return np.clip(SCENE.astype(int) + RNG.integers(-1, 2, SCENE.shape), 0, 255).astype(np.uint8)


def thrifty(index):
    """Nothing is sent between key frames, every tenth picture."""
    thrifty.last = live(index) if index % 10 == 0 else thrifty.last
    return thrifty.last


def frozen(_index):
    return SCENE


def with_a_clock(index):
    image = SCENE.copy()
    image[4:24, 4:104] = index % 256
    return image


def with_a_person(index):
    image = SCENE.copy()
    image[100:300, 10 + index % 500 : 90 + index % 500] = 128
    return image


def black(_index):
    return np.zeros_like(SCENE)


def burnt(_index):
    return np.full_like(SCENE, 255)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (live, None),
        (thrifty, None),
        (frozen, 0.0),
        (with_a_clock, 0.0),
        (with_a_person, None),
        (black, None),
        (burnt, None),
    ],
)
def test_frozen(picture, expected):
    one = Frozen()
    found = [one.step(index * 0.2, picture(index), index % 10 == 0) for index in range(60)]
    assert found[-1] == expected


def test_needs_two_key_frames_and_three_seconds():
    one = Frozen()
    steps = [(0, True), (1, True), (2, True), (2.9, False), (3, False)]
    assert [one.step(at, SCENE, fresh) for at, fresh in steps] == [None, None, None, None, 0]
    assert one.step(60, live(0), True) is None


def test_without_key_frames_nothing_is_said():
    one = Frozen()
    assert {one.step(at, SCENE, False) for at in range(100)} == {None}


def test_another_resolution_is_another_picture():
    one = Frozen()
    for at in range(10):
        one.step(at, SCENE, True)
    assert one.step(10, SCENE[::2, ::2], True) is None
