"""The cells of a YOLOv8 head: which lie around which, and what box a cell's distances make. Pure.

Cells are counted through, map by map, row by row. For some of them, the box branch (two convolutions of 3x3, then one
of 1x1) needs its first convolution in them and their neighbours, and of the feature map also what lies around these.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.detect.yolo import Floats

Cells = NDArray[np.intp]
Rows = NDArray[np.int32]

OUTSIDE = 1 << 30  # the row of what is beyond a map's border
BINS = 16  # of a distance's distribution
ROUND = 64  # rows come in whole rounds: to OpenVINO each new shape is work (16: 0.1 ms more a picture)


class Neighbours(NamedTuple):
    """By map; (N, 9) each, a place and the eight around it, or OUTSIDE."""

    features: list[Rows]  # for each place of the first convolution: rows of the feature map
    first: list[Rows]  # for each place of the second: rows of the first's answers
    cells: Cells  # where among the second's answers, map after map, those of the cells are


class Grid:
    """Of one input shape. `sizes`: the maps' (height, width). Not thread-safe."""

    def __init__(self, height: int, sizes: Sequence[tuple[int, int]]) -> None:
        self._starts = np.cumsum([0] + [high * wide for high, wide in sizes])
        self._nowhere = total = int(self._starts[-1])
        features, near, middles, strides = [], [], [], []
        for start, (high, wide) in zip(self._starts, sizes, strict=False):
            padded = np.pad(np.arange(high * wide).reshape(high, wide), 1, constant_values=-1)
            around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(-1, 9)
            features.append(np.where(around < 0, OUTSIDE, around))
            near.append(np.where(around < 0, total, around + start))
            middles.append(np.indices((high, wide))[::-1].reshape(2, -1) + 0.5)
            strides.append(np.full(high * wide, height / high))
        # The row after the last is that of no cell
        self._features = np.concatenate([*features, np.full((1, 9), OUTSIDE)]).astype(np.int32)
        self._near = np.concatenate([*near, np.full((1, 9), total)]).astype(np.int32)
        self._middles = np.concatenate(middles, axis=1).astype(np.float32)
        self.stride = np.concatenate(strides).astype(np.float32)  # (cells,), pixels
        self._wanted = np.zeros(total + 1, np.bool_)
        self._row = np.empty(total + 1, np.int32)

    def by_map(self, cells: Cells) -> list[Cells]:
        """Sorted `cells` -> those in each map, as rows of it."""
        cuts = np.searchsorted(cells, self._starts)
        return [cells[cuts[n] : cuts[n + 1]] - start for n, start in enumerate(self._starts[:-1])]

    def neighbours(self, cells: Cells) -> Neighbours:
        """Of sorted `cells`."""
        rounded, ends = self._rounded(cells)
        near = self._near[rounded]
        self._wanted[near] = True
        self._wanted[-1] = False
        wanted, wanted_ends = self._rounded(np.flatnonzero(self._wanted))
        self._wanted[:] = False
        self._row[wanted] = np.arange(len(wanted), dtype=np.int32)
        self._row[-1] = OUTSIDE
        rows, features = self._row[near], self._features[wanted]
        maps = range(len(ends) - 1)
        return Neighbours(
            [features[wanted_ends[n] : wanted_ends[n + 1]] for n in maps],
            [rows[ends[n] : ends[n + 1]] - wanted_ends[n] for n in maps],
            np.flatnonzero(rounded < self._nowhere),
        )

    def _rounded(self, cells: Cells) -> tuple[Cells, list[int]]:
        """Each map's filled up with no cell; where each map's begin and end."""
        cuts = np.searchsorted(cells, self._starts).tolist()
        ends = [0]
        for begin, end in pairwise(cuts):
            ends.append(ends[-1] + -(-(end - begin) // ROUND) * ROUND)
        rounded = np.full(ends[-1], self._nowhere, np.intp)
        for to, (begin, end) in zip(ends, pairwise(cuts), strict=False):
            rounded[to : to + end - begin] = cells[begin:end]
        return rounded, ends

    def boxes(self, cells: Cells, distances: Floats) -> Floats:
        """Distributions of the distances to left, top, right, bottom, (cells, 4 * BINS), before softmax -> (4, cells)
        centre and size in pixels. Li et al., "Generalized Focal Loss", 2020."""
        bins = distances.reshape(-1, 4, BINS)
        weights = np.exp(bins - bins.max(axis=2, keepdims=True))
        far = ((weights @ np.arange(BINS, dtype=np.float32)) / weights.sum(axis=2)).T
        low, high = self._middles[:, cells] - far[:2], self._middles[:, cells] + far[2:]
        boxes: Floats = np.concatenate([(low + high) / 2, high - low]) * self.stride[cells]
        return boxes
