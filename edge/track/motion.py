"""Where an object will be: a constant-velocity Kalman filter for the centre of its box, in seconds.

The two axes are filtered apart with the same noise, so the covariance is one 2x2 matrix a track. Noise is relative
to the object's size, because a near object moves and jitters by more of the picture than a far one.
Source: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation, ch. 6.2 (white-noise
acceleration).
"""

from __future__ import annotations

import math
from typing import NamedTuple

MEASUREMENT = 0.12  # standard deviation of a detected centre, in sizes of the object
SPEED = 4.0  # standard deviation of the speed of an object seen once, in sizes a second
ACCELERATION = 6.0  # in sizes a second squared
STEADY = 2.5  # the same of a slow object that has moved as expected for long
CALMER = 0.85  # by this factor a look in which it does lowers it
SLOW = 0.6  # sizes a second; what is faster may get faster still, as it does when it comes towards the camera
RESTING = 1.5  # the same of an object that is at rest: it may set out, but seldom does
LONGEST_S = 1.0  # looks further apart need to be told apart: where nothing moved, everything is where it was
ASLEEP = 0.3  # sizes that an object may have moved all the same
MOVING = 0.5  # sizes a second; what is faster, or new, goes on where the scene was awake: a stalled stream, a low rate
CARRIED_S = 3.0  # for so long


class Motion(NamedTuple):
    """Belief about an object's centre (x, y), speed (vx, vy: picture units a second) at time `at`.

    `p`, `pv`, `v` are the variances of place, of place with speed, and of speed, of either axis.
    `agility` is the acceleration that is expected of it, in sizes a second squared.
    """

    at: float
    x: float
    y: float
    vx: float
    vy: float
    p: float
    pv: float
    v: float
    size: float
    agility: float = ACCELERATION

    def predict(self, at: float, *, rests: bool = False, slept: bool = False) -> Motion:
        """The belief for a later moment. An earlier one is answered with the belief as it is. `slept`: nothing moved
        in the scene for a part of the time."""
        dt = max(0.0, at - self.at)
        if dt > LONGEST_S and (slept or rests or dt > CARRIED_S or not self._moves):
            still = (ASLEEP * self.size) ** 2
            return self._replace(at=at, vx=0.0, vy=0.0, p=self.p + still, pv=0.0, v=self.v + still)
        q = ((RESTING if rests else self.agility) * self.size) ** 2
        return self._replace(
            at=max(at, self.at),
            x=self.x + self.vx * dt,
            y=self.y + self.vy * dt,
            p=self.p + 2 * dt * self.pv + dt * dt * self.v + q * dt**4 / 4,
            pv=self.pv + dt * self.v + q * dt**3 / 2,
            v=self.v + q * dt * dt,
        )

    def stay(self, at: float) -> Motion:
        """The belief for a later moment, for what was at rest and where nothing has moved since: as sure as before."""
        return self._replace(at=max(at, self.at), vx=0.0, vy=0.0)

    @property
    def _moves(self) -> bool:
        """Whether it does, or may because nothing is known of its speed."""
        return math.hypot(self.vx, self.vy) > MOVING * self.size or self.v >= (SPEED * self.size) ** 2

    def update(self, x: float, y: float, size: float) -> Motion:
        """The belief after the centre was seen at (x, y)."""
        r = (MEASUREMENT * size) ** 2
        s = self.p + r
        gain, gain_v = self.p / s, self.pv / s
        dx, dy = x - self.x, y - self.y
        steady = dx * dx + dy * dy < 2 * s and math.hypot(self.vx, self.vy) < SLOW * size
        agility = max(STEADY, CALMER * self.agility) if steady else ACCELERATION
        return Motion(
            at=self.at,
            x=self.x + gain * dx,
            y=self.y + gain * dy,
            vx=self.vx + gain_v * dx,
            vy=self.vy + gain_v * dy,
            p=(1 - gain) * self.p,
            pv=(1 - gain) * self.pv,
            v=self.v - gain_v * self.pv,
            size=size,
            agility=agility,
        )


def seen_once(at: float, x: float, y: float, size: float) -> Motion:
    """What is known of an object after its first detection."""
    r = (MEASUREMENT * size) ** 2
    return Motion(at, x, y, 0.0, 0.0, r, 0.0, (SPEED * size) ** 2, size)
