"""What moves all the time and is no object: leaves in the wind, rain, a lamp that flickers, water. Pure.

Learned only while the model finds nothing that moves, a moment before and after either, and not where it finds
somebody who rests: a car moves before the model knows it, and leaves its shadow in the background; a camera beside a
road must not take cars for leaves. A spot that moves often no longer counts; and of what moves here and there (rain,
snow) as much as usual does not, nor pieces as large as usual; but what is LARGE in one piece is no weather: it always
counts, and nothing is learned from its picture. All is forgotten as slowly as it was learned. So wind keeps a camera
awake for seconds, not for the night. Who crosses such a spot is still seen by a look every few seconds (`hides`), and
beside it at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.types import Box, Mask

BEFORE_S = 3.0  # what moved so long before an object was found to move is not learned
AFTER_S = 3.0  # nor what moves so long after
LEARN_S = 90.0  # what moves, or no longer does, is taken over in about this long
LONGEST_S = 4.0  # that one picture stands for: asleep, they come so seldom
OFTEN = 0.2  # share of that time; lamps of cars, one every ten seconds, and somebody the model misses stay below
NEAR = np.ones((5, 5), np.uint8)  # pixels of the small picture: leaves do not always move to the same place
COARSE = np.ones((3, 3), np.uint8)  # pixels; finer than that a walker is only in the far distance
AROUND = 0.2  # of a resting object's longer side: its limbs and its shadow move
UNUSUAL = 5.0  # standard deviations beyond what usually moves; less is no motion
LARGE = 0.005  # share of the picture: a person of a sixth of its height; drops that fall side by side stay below


class _Seen(NamedTuple):
    at: float
    weight: float  # of the time that it stands for, against what was learned
    moving: Mask
    resting: Sequence[Box]


class Restless:
    """One camera's. `step` once a picture, in order of time."""

    def __init__(self) -> None:
        self._often: NDArray[np.float32] | None = None  # share of the time that a spot moves
        self._usual = np.zeros((2, 2))  # what moves all the same (`_shares`): mean, variance
        self._at = 0.0
        self._to_learn: deque[_Seen] = deque()  # unless something is found to move: of the last BEFORE_S
        self._learns_from = float("-inf")

    def step(self, at: float, moving: Mask, resting: Sequence[Box] | None) -> tuple[Mask, float]:
        """`moving` without what is restless, and the share of the picture that moves in it beyond what usually does.

        `resting`: the objects there, all at rest; None: some move, or it is not known, and nothing is learned.
        """
        if self._often is None or self._often.shape != moving.shape:
            self._often, self._usual, self._at = np.zeros(moving.shape, np.float32), np.zeros((2, 2)), at
            self._to_learn.clear()
        weight = 1.0 - math.exp(-min(max(0.0, at - self._at), LONGEST_S) / LEARN_S)
        if at < self._at:  # the clock began anew
            self._to_learn.clear()
            self._learns_from = at
        self._at = at
        if resting is None:
            self._to_learn.clear()
            self._learns_from = at + AFTER_S
        elif at >= self._learns_from:
            self._to_learn.append(_Seen(at, weight, moving, resting))
        while self._to_learn and at - self._to_learn[0].at >= BEFORE_S:
            self._learn(self._to_learn.popleft(), self._often)
        rest = _without(self._often, moving)
        shares = _shares(rest)
        return rest, float(shares[0]) if (shares > self._limit).any() else 0.0

    @property
    def _limit(self) -> NDArray[np.float64]:
        """What moves all the same, at most."""
        mean, variance = self._usual
        return np.asarray(np.minimum(mean + UNUSUAL * np.sqrt(variance), (1.0, LARGE)))

    def _learn(self, seen: _Seen, often: NDArray[np.float32]) -> None:
        beside = _beside(seen.resting, seen.moving)
        shares = _shares(_without(often, seen.moving) * beside)
        if shares[1] <= LARGE:
            self._usual += seen.weight * (np.array([shares, (shares - self._usual[0]) ** 2]) - self._usual)
        cv2.accumulateWeighted(seen.moving, often, seen.weight, mask=beside)


def _without(often: NDArray[np.float32], moving: Mask) -> Mask:
    """What moves where not much does."""
    return np.asarray(moving * (cv2.dilate((often > OFTEN).astype(np.uint8), NEAR) == 0), np.uint8)


def _shares(moving: Mask) -> NDArray[np.float64]:
    """Of the picture: all that moves, and the largest piece of it that is not fine."""
    coarse = np.asarray(cv2.morphologyEx(moving, cv2.MORPH_OPEN, COARSE), np.uint8)
    # 16 bits take a third of the time, and hold as many pieces as there can be
    _, _, pieces, _ = cv2.connectedComponentsWithStats(coarse, ltype=cv2.CV_16U)
    return np.array([np.count_nonzero(moving), pieces[1:, cv2.CC_STAT_AREA].max(initial=0)]) / moving.size


def _beside(boxes: Sequence[Box], moving: Mask) -> Mask:
    """1 where no box is, nor its surroundings."""
    height, width = moving.shape
    beside = np.ones((height, width), np.uint8)
    for left, top, right, bottom in boxes:
        more = AROUND * max(right - left, bottom - top)
        rows = slice(max(0, int((top - more) * height)), max(0, int((bottom + more) * height) + 1))
        beside[rows, max(0, int((left - more) * width)) : max(0, int((right + more) * width) + 1)] = 0
    return beside
