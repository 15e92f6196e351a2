"""Is it the same picture again and again? Pure.

Pictures that are equal prove nothing: where little moves, a thrifty encoder sends "as before" from one key frame to
the next, and the decoder repeats a picture bit by bit. A key frame, however, is coded anew from what the sensor sees,
and no sensor sees the same twice: at every key frame of a live camera, most pixels change a little. So a picture is
frozen when two key frames in a row have changed nothing.
"""

from __future__ import annotations

import numpy as np

from edge.types import Sample

KEY_FRAMES = 2  # that changed nothing
LEAST_S = 3.0  # a slow camera's pictures may be sent several times over
SAME = 0.02  # share of the pixels that may change all the same: the clock that is written into the picture
CRUSHED, BURNT = 4, 251  # beyond, a pixel is at an end of the scale (or masked) and would not change anyway
LEAST_LIT = 0.01  # share of pixels that must be able to change


class Frozen:
    """`step` once a picture; returns since when the picture has been frozen, None while it is not."""

    def __init__(self) -> None:
        self._first: Sample | None = None  # of the pictures that are equal
        self._since = 0.0
        self._key_frames = 0

    def step(self, at: float, sample: Sample, fresh: bool) -> float | None:
        """`fresh`: a key frame has come since the last step."""
        if self._first is None or not _same(sample, self._first):
            self._first, self._since, self._key_frames = sample, at, 0
        elif fresh:
            self._key_frames += 1
        return self._since if self._key_frames >= KEY_FRAMES and at - self._since >= LEAST_S else None


def _same(pixels: Sample, first: Sample) -> bool:
    if pixels.shape != first.shape:
        return False
    lit = (pixels > CRUSHED) & (pixels < BURNT)
    count = np.count_nonzero(lit)
    if count < LEAST_LIT * lit.size:
        return False
    return bool(np.count_nonzero(lit & (pixels != first)) <= SAME * count)
