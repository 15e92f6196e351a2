"""What is wrong with a picture, held against how this camera's pictures usually look: dark, covered, blurred, moved.

A small grey picture is divided into tiles; those that hold structure (edges) in the reference are asked. The
reference is the mean of the pictures so far, following within FOLLOW_S: people pass through it without a trace, day
becomes night in it. Edges are compared by direction and place, normalised by their strength (normalised cross
correlation of gradients), so a change of light changes little. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.section import Polygon
from edge import mask
from edge.types import Grey

Fault: TypeAlias = Literal["dark", "covered", "blurred", "moved"]
Tiles: TypeAlias = NDArray[np.float32]

FOLLOW_S = 1200.0  # the reference takes over a slow change in about this long
LEARN_S = 5.0  # of sound pictures, before anything is held against them
REFRESH_S = 1.0  # the reference's own features are computed this often

DARK_MEAN, DARK_CONTRAST = 16.0, 4.0  # of 255: below both (mean and standard deviation), a model finds next to nothing
GRID = (8, 6)  # tiles
STRUCTURE = 6.0  # a tile's mean squared gradient, in grey levels, from which it holds something to recognise
LASTING = 0.5  # share of a tile's gradient energy that is there all the time: not noise, nor what passes through
LEAST_STRUCTURE = 0.25  # share of the tiles that must hold some; with less, only darkness can be told
MATCH = 0.5  # correlation of a tile that still shows what it showed
LOST = 0.2  # share of a tile's gradient energy below which, and below STRUCTURE, nothing is left in it
COVERED = 0.5  # share of the tiles that show nothing any more
MOVED = 0.4  # share of the tiles that match; fewer, and the camera looks elsewhere
SHARP = 0.4  # fine against coarse structure, as a share of the reference's
TINY = 1e-9  # instead of dividing by nothing
IN_PLACE = 0.6  # share of the tiles that match, however soft
ALIKE = 0.75  # correlation of the coarse pictures of one and the same scene


class _Features(NamedTuple):
    dx: NDArray[np.float32]
    dy: NDArray[np.float32]
    energy: Tiles  # mean squared gradient
    coarse: Tiles  # the same of the picture without its fine structure
    shades: NDArray[np.float32]  # means of small cells, unmasked ones only
    structure: NDArray[np.bool_]  # tiles


class Scene:
    """One camera's memory of what it looks at. `step` once a picture, in order of time; a picture of another shape
    begins anew."""

    def __init__(self, masks: Sequence[Polygon] = ()) -> None:
        self._masks = masks
        self._shape: tuple[int, ...] = ()
        self._reference: Grey | None = None
        self._known: _Features | None = None  # of the reference
        self._energy: Tiles = np.zeros(GRID[::-1], np.float32)  # mean of the pictures' own
        self._seen_s = 0.0  # how long the reference has been learned
        self._at = 0.0
        self._refreshed = float("-inf")

    def step(self, at: float, small: Grey) -> Fault | None:
        """What is wrong with the picture of `at`; None where nothing is, or nothing is known to hold against it."""
        if small.shape != self._shape:
            self._shape = small.shape
            self._open_to(small)
            self.forget()
        passed, self._at = min(max(0.0, at - self._at), REFRESH_S), at
        mean, contrast = cv2.meanStdDev(small, mask=self._seeing)  # zeros where all is masked
        if mean[0, 0] < DARK_MEAN and contrast[0, 0] < DARK_CONTRAST:
            return "dark" if self._seeing.any() else None
        now = self._features(small)
        fault = self._judge(now, small, self._known) if self._known is not None and self._seen_s >= LEARN_S else None
        if fault is None:
            self._follow(at, small, now, passed)
        return fault

    def forget(self) -> None:
        """Take what comes next for how things are."""
        self._reference, self._known, self._seen_s, self._refreshed = None, None, 0.0, float("-inf")

    def _judge(self, now: _Features, small: Grey, known: _Features) -> Fault | None:
        asked = known.structure
        if asked.mean() < LEAST_STRUCTURE:
            return None
        product = _tiles(now.dx * known.dx + now.dy * known.dy)
        match = (product / np.sqrt(np.maximum(now.energy * known.energy, TINY)))[asked]
        fitting = (match >= MATCH).mean()
        sharpness = (now.energy * known.coarse / np.maximum(now.coarse * known.energy, TINY))[asked].tolist()
        if median(sharpness) < SHARP and (fitting >= IN_PLACE or _correlation(now.shades, known.shades) >= ALIKE):
            return "blurred"
        lost = (match < MATCH) & (now.energy < np.minimum(LOST * known.energy, STRUCTURE))[asked]
        if lost.mean() >= COVERED:
            return "dark" if _tiles(small)[asked][lost].mean() < DARK_MEAN else "covered"
        return "moved" if fitting < MOVED else None

    def _follow(self, at: float, small: Grey, now: _Features, passed: float) -> None:
        if self._reference is None:
            self._reference, self._energy = small.copy(), now.energy.copy()
        elif passed > 0:
            self._seen_s += passed
            weight = passed / min(self._seen_s, FOLLOW_S)
            cv2.accumulateWeighted(small, self._reference, weight)
            cv2.accumulateWeighted(now.energy, self._energy, weight)
        if at - self._refreshed >= REFRESH_S:
            known = self._features(self._reference)
            self._known = known._replace(structure=known.structure & (known.energy >= LASTING * self._energy))
            self._refreshed = at

    def _features(self, small: Grey) -> _Features:
        height, width = small.shape
        smooth = cv2.GaussianBlur(small, (3, 3), 0)
        dx, dy = _gradient(np.asarray(smooth, np.float32))
        dx *= self._open
        dy *= self._open
        energy = _tiles(dx * dx + dy * dy)
        cells = np.asarray(cv2.resize(small, (width // 4, height // 4), interpolation=cv2.INTER_AREA), np.float32)
        cx, cy = _gradient(np.asarray(cv2.GaussianBlur(cells, (5, 5), 0), np.float32))
        coarse = _tiles((cx * cx + cy * cy) * self._seeing_cells)
        return _Features(dx, dy, energy, coarse, cells[self._seeing_cells], energy > STRUCTURE)

    def _open_to(self, small: Grey) -> None:
        """Where there is no mask, nor the edge of one."""
        height, width = small.shape
        paper = np.full((height, width, 3), 255, np.uint8)
        mask.paint(paper, self._masks)
        self._seeing: NDArray[np.uint8] = np.asarray(cv2.erode(paper[:, :, 0], np.ones((5, 5), np.uint8)))
        self._open = (self._seeing > 0).astype(np.float32)
        cells = cv2.resize(paper[:, :, 0], (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        self._seeing_cells: NDArray[np.bool_] = cv2.erode(cells, np.ones((7, 7), np.uint8)) == 255


def _gradient(grey: Grey) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(dx, np.float32), np.asarray(dy, np.float32)


def _tiles(values: NDArray[np.float32]) -> Tiles:
    return np.asarray(cv2.resize(values, GRID, interpolation=cv2.INTER_AREA), np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), TINY))
