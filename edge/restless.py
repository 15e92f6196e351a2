"""What moves all the time and is no object: leaves in the wind, rain, a lamp that flickers, water. Pure.

Learned only while the model finds nothing that moves, and not where it finds somebody who rests. A spot that moves
often no longer counts; and of what moves here and there (rain, snow) as much as usual does not, fine and coarse apart,
for drops are small and people are not. All is forgotten as slowly as it was learned. So wind keeps a camera awake for
seconds, not for the night. Who crosses such a spot is still seen by the periodic look, and beside it at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.types import Box, Mask

LEARN_S = 90.0  # what moves, or no longer does, is taken over in about this long
OFTEN = 0.08  # share of that time; lamps of a passing car, a cat, somebody the model misses stay below
NEAR = np.ones((5, 5), np.uint8)  # pixels of the small picture: leaves do not always move to the same place
COARSE = np.ones((3, 3), np.uint8)  # pixels; finer than that a walker is only in the far distance
AROUND = 0.2  # of a resting object's longer side: its limbs and its shadow move
UNUSUAL = 5.0  # standard deviations beyond what usually moves; less is no motion
STEP = 0.002  # share of the picture beyond that, that is learned at once: headlights come seldom, rain goes on


class Restless:
    """One camera's. `step` once a picture, in order of time."""

    def __init__(self) -> None:
        self._often: NDArray[np.float32] | None = None  # share of the time that a spot moves
        self._usual = np.zeros((2, 2))  # share of the picture that moves all the same (fine, coarse): mean, variance
        self._at = 0.0

    def step(self, at: float, moving: Mask, resting: Sequence[Box] | None) -> tuple[Mask, float]:
        """`moving` without what is restless, and the share of the picture that moves in it beyond what usually does.

        `resting`: the objects there, all at rest; None: some move, or it is not known, and nothing is learned.
        """
        if self._often is None or self._often.shape != moving.shape:
            self._often, self._usual, self._at = np.zeros(moving.shape, np.float32), np.zeros((2, 2)), at
        weight = 1.0 - math.exp(-min(max(0.0, at - self._at), 1.0) / LEARN_S)
        self._at = at
        quiet = cv2.dilate((self._often > OFTEN).astype(np.uint8), NEAR) == 0
        rest = np.asarray(moving * quiet, np.uint8)
        coarse = cv2.morphologyEx(rest, cv2.MORPH_OPEN, COARSE)
        shares = np.array([np.count_nonzero(rest), np.count_nonzero(coarse)]) / rest.size
        mean, variance = self._usual
        limit = mean + UNUSUAL * np.sqrt(variance)
        unusual = shares[shares > limit]
        if resting is not None:
            beside = _beside(resting, moving)
            cv2.accumulateWeighted(moving, self._often, weight, mask=beside)
            shares = np.array([np.count_nonzero(rest * beside), np.count_nonzero(coarse * beside)]) / rest.size
            shares = np.minimum(shares, limit + STEP)
            self._usual = self._usual + weight * (np.array([shares, (shares - mean) ** 2]) - self._usual)
        return rest, float(unusual.max(initial=0.0))


def _beside(boxes: Sequence[Box], moving: Mask) -> Mask:
    """1 where no box is, nor its surroundings."""
    height, width = moving.shape
    beside = np.ones((height, width), np.uint8)
    for left, top, right, bottom in boxes:
        more = AROUND * max(right - left, bottom - top)
        rows = slice(max(0, int((top - more) * height)), max(0, int((bottom + more) * height) + 1))
        beside[rows, max(0, int((left - more) * width)) : max(0, int((right + more) * width) + 1)] = 0
    return beside
