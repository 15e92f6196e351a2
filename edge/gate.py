"""The gate: does this picture show motion? Pure.

The picture, shrunk to a small grey one, is compared with a slowly following background. A spot counts when it
differs by more than `threshold`; specks of a single pixel never count, nor does what moves all the time (restless.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.restless import Restless
from edge.types import Box, Grey, Mask

WIDTH = 192  # pixels of the small picture: a person 1/30 of the picture's height still covers some
FOLLOW_S = 1.0  # the background takes over a change in about this long; longer, and what left still shows as motion
BEFORE_S = 0.2  # a moment: in less, what is far away may not have moved by a pixel
ROWS = (24, 1536)  # it has at least and at most: of a picture beyond eight to one it keeps all, but not the proportions
LIGHT = 0.6  # share of the picture that only a change of light, or of the camera, alters at once


class MotionGate:
    """One camera's memory of its background. `step` once a picture, in order of time.

    `moving`: where the last one shows something that is not where it was a moment ago; None while nothing is known.
    Against the background alone, all the way that something has come would move for as long as that follows.
    `hides`: whether all that moves in it was taken for restless, and may hide somebody.
    """

    def __init__(self, *, threshold: float, min_area: float) -> None:
        self._threshold = threshold * 255
        self._min_area = min_area
        self._background: Grey | None = None
        self._at = 0.0
        self._restless = Restless()
        self.moving: Mask | None = None
        self.hides = False
        self._before: Grey | None = None
        self._before_at = 0.0

    def step(self, at: float, small: Grey, resting: Sequence[Box] | None = None) -> float:
        """The share of the picture that moves, 0 where that is less than `min_area`. `small`: of `small_size`.

        The first picture, and one of another shape, count as moving altogether: nothing is known yet. `resting`: what
        the model finds, where none of it moves; what moves beside it is restless. Where some does, all motion counts.
        """
        small = np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)
        if self._background is None or self._before is None or self._background.shape != small.shape:
            self._background, self._at, self.moving = small, at, None
            self._before, self._before_at = small, at
            return 1.0
        moving = (np.abs(small - self._background) > self._threshold).astype(np.uint8)
        moving = np.asarray(cv2.morphologyEx(moving, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
        area = float(np.count_nonzero(moving)) / moving.size
        moving, unusual = self._restless.step(at, moving, resting)
        share = area if resting is None else unusual
        self.hides = area >= self._min_area > share
        self.moving = np.asarray(moving * (np.abs(small - self._before) > self._threshold / 2), np.uint8)
        if not 0 <= at - self._before_at < BEFORE_S:
            self._before, self._before_at = small, at
        if area > LIGHT:
            self._background = small
        else:
            follow = 1.0 - float(np.exp(-max(0.0, at - self._at) / FOLLOW_S))
            cv2.accumulateWeighted(small, self._background, follow)
        self._at = at
        return share if share >= self._min_area else 0.0


def small_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) in which the gate wants a picture of this size."""
    return WIDTH, min(max(ROWS[0], round(WIDTH * height / width)), ROWS[1])
