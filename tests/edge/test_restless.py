"""Weather, lamps and water over a still ground, as the gate's small grey pictures."""

from __future__ import annotations

import numpy as np
import pytest

from edge.gate import MotionGate

HEIGHT, WIDTH = 108, 192
STEP_S = 0.2
PERSON, CHILD = (24, 8), (14, 5)  # pixels: a quarter of the picture's height, an eighth


class Yard:
    """Pictures of a yard, five a second; `weather` is drawn onto each."""

    def __init__(self, weather):
        self.chance = np.random.default_rng(3)
        tiles = self.chance.integers(60, 140, (HEIGHT // 3, WIDTH // 3))
        self.ground = np.repeat(np.repeat(tiles, 3, 0), 3, 1).astype(np.float32)
        self.leaves = self.chance.integers(20, 150, (60, 80)).astype(np.float32)
        self.weather = weather
        self.gate = MotionGate(threshold=0.06, min_area=0.0004)
        self.n = 0

    def step(self, person=None, resting=(), size=PERSON):
        picture = self.ground.copy()
        self.weather(self, picture, self.n)
        if person is not None:
            picture[80 - size[0] : 80, person : person + size[1]] += 70
        picture += self.chance.normal(0, 2, picture.shape)
        area = self.gate.step(self.n * STEP_S, picture.astype(np.float32), resting)
        self.n += 1
        return area > 0

    def moving(self, seconds, **more):
        """How often the gate saw motion, a second."""
        return sum(self.step(**more) for _ in range(round(seconds / STEP_S))) / seconds

    def visit(self, size=PERSON):
        """Seconds until the gate sees somebody who walks in."""
        for n in range(25):
            if self.step(person=20 + 6 * n, size=size):
                return n * STEP_S
        return None


def calm(yard, picture, n):
    pass


def leaves(yard, picture, n):
    sway = 1 + np.sin(n / 70)
    dx, dy = round(2 * sway * np.sin(n * 0.9) + yard.chance.normal(0, 0.5)), round(sway * np.sin(n * 0.7))
    picture[10:50, 20:80] = yard.leaves[10 + dy : 50 + dy, 10 + dx : 70 + dx]


def rain(yard, picture, n, drops=40):
    for _ in range(drops):
        x, y = yard.chance.integers(0, WIDTH - 1), yard.chance.integers(0, HEIGHT - 6)
        picture[y : y + 6, x : x + 2] += 45


def drizzle(yard, picture, n):
    rain(yard, picture, n, drops=10)


def flicker(yard, picture, n):
    picture[60:90, 100:160] += 40 * yard.chance.integers(2)


def water(yard, picture, n):
    y, x = np.mgrid[0:30, 0:WIDTH]
    picture[78:108] += 25 * np.sin(x / 5 + n * 0.8 + y / 3)


def moths(yard, picture, n, size=12, chance=0.1):
    if yard.chance.random() < chance:
        x, y = yard.chance.integers(0, WIDTH - size), yard.chance.integers(0, HEIGHT - size)
        picture[y : y + size, x : x + size] += 60


def gnats(yard, picture, n):
    moths(yard, picture, n, size=9, chance=0.5)


RESTLESS = [leaves, rain, drizzle, flicker, water, gnats]


@pytest.mark.parametrize("weather", RESTLESS)
def test_what_never_rests_keeps_the_camera_awake_for_less_than_a_minute_and_hides_nobody_beside_it(weather):
    yard = Yard(weather)
    assert yard.moving(10) > 1, "it is motion at first"
    yard.moving(50)
    assert yard.moving(240) < 0.1
    assert yard.visit() == 0.0


@pytest.mark.parametrize("weather", RESTLESS)
def test_when_it_is_over_it_is_forgotten(weather):
    yard = Yard(weather)
    yard.moving(120)
    yard.weather = calm
    yard.moving(300)
    assert yard.visit() == 0.0


def headlights(yard, picture, n, every_s=60):
    passing = n % round(every_s / STEP_S)
    if passing < 10:
        picture[20:100, passing * 15 : passing * 15 + 60] += 80


def headlights_of_many(yard, picture, n):
    headlights(yard, picture, n, every_s=20)


def infrared(yard, picture, n):
    if n // 600 % 2:
        picture[:] = 255 - picture


def clouds(yard, picture, n):
    shadow = n * 2 % 1500
    picture[:, max(0, shadow - 80) : shadow] -= 40


@pytest.mark.parametrize("weather", [headlights, headlights_of_many, infrared, clouds, moths])
def test_what_comes_and_goes_is_motion_each_time_and_makes_nobody_invisible(weather):
    yard = Yard(weather)
    assert 0 < yard.moving(710) < 1.5, "and then none of it is there"
    assert yard.visit(CHILD) == 0.0
    yard.weather = calm
    yard.moving(10)
    assert yard.visit() == 0.0


def test_what_is_restless_hides_somebody_and_nothing_else_does():
    yard = Yard(leaves)
    yard.moving(120)
    hides = []
    for _ in range(100):
        hides.append(not yard.step() and yard.gate.hides)
    assert sum(hides) > 50
    yard.weather = calm
    yard.moving(5)
    assert not any(yard.gate.hides for _ in range(50) if not yard.step())
    assert yard.step(person=100), "he is motion"
    assert not yard.gate.hides


def test_while_an_object_moves_what_is_restless_counts_too():
    """He may be in the midst of it, and nobody but the model sees him there."""
    yard = Yard(leaves)
    yard.moving(120)
    assert yard.moving(10) == 0
    assert yard.moving(10, resting=None) > 1


def test_while_an_object_moves_nothing_is_learned():
    yard = Yard(leaves)
    sways = 14  # the leaves, from calm to calm
    assert yard.moving(sways, resting=None) == pytest.approx(yard.moving(sways, resting=None), rel=0.2)
    assert yard.moving(sways, resting=None) > 1


def test_who_passes_the_same_spot_all_day_is_seen_each_time():
    """The model finds a car a moment after it has come, and what is left of it in the background moves on."""
    period, crossing = 40, 10  # pictures: 8 s and 2 s

    def road(yard, picture, n):
        if (passing := n % period) < crossing:
            picture[40:80, passing * 16 : passing * 16 + 40] += 80

    yard = Yard(road)
    seen = []
    for n in range(150 * period):
        found = 2 <= n % period < crossing + 1
        moves = yard.step(resting=None if found else ())
        if n % period == 0:
            seen.append(moves)
    assert seen[1:] == [True] * 149


def test_somebody_who_rests_may_fidget_for_long():
    """Who works at a counter is no weather: the gate must see that he still moves, and that he leaves."""

    def fidget(yard, picture, n):
        picture[56:80, 100 + n % 3 : 108 + n % 3] += 70

    box = (100 / WIDTH, 56 / HEIGHT, 110 / WIDTH, 80 / HEIGHT)
    yard = Yard(fidget)
    yard.moving(300, resting=[box])
    assert yard.moving(10, resting=[box]) > 1


def test_a_picture_of_another_size_begins_anew():
    yard = Yard(leaves)
    yard.moving(60)
    smaller = np.zeros((60, WIDTH), np.float32)
    assert yard.gate.step(yard.n * STEP_S, smaller, ()) == 1.0
    assert yard.gate.step(yard.n * STEP_S + 1, smaller, ()) == 0.0
