"""Which detection is which track: every pair's likelihood, and the likeliest pairs. Pure.

The cost of a pair is twice its negative log likelihood but for a constant: how far the place is from the predicted
one, how wide the prediction is (a wide belief explains a far detection, but pays for being wide), how much the shape
has changed, and a price for another kind of label.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.track.motion import MEASUREMENT, Motion
from edge.types import Box, Detections

Floats: TypeAlias = NDArray[np.float64]

VEHICLES = frozenset({"car", "truck", "bus", "motorcycle", "train"})
BORDER = 0.01  # a box that comes this near to the picture's border may go on beyond it
CUT = 0.2  # how much a change of shape still says then
DOUBT = 0.1  # votes that any label is given in advance
DEAREST_LABEL = 15.0  # no label is so unlikely that it costs more
BIRTH = 17.0  # a pair that costs more is less likely than a new object


@dataclass(frozen=True, slots=True)
class Seen:
    """One look's detections; (N,) each, relative."""

    x: Floats
    y: Floats
    sizes: Floats  # square root of the area
    scores: NDArray[np.float32]
    labels: list[str]
    boxes: Floats  # (N, 4)

    @classmethod
    def of(cls, detections: Detections, names: Sequence[str]) -> Seen:
        """Of detections whose boxes have an area."""
        boxes = detections.boxes.astype(np.float64)
        left, top, right, bottom = boxes.T
        labels = [names[i] for i in detections.classes]
        return cls(
            (left + right) / 2,
            (top + bottom) / 2,
            np.sqrt((right - left) * (bottom - top)),
            detections.scores,
            labels,
            boxes,
        )

    def centre(self, i: int) -> tuple[float, float, float]:
        """x, y and the size."""
        return float(self.x[i]), float(self.y[i]), float(self.sizes[i])

    def box(self, i: int) -> Box:
        left, top, right, bottom = (float(value) for value in self.boxes[i])
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Expected:
    """Where tracks should be in this look; (M,) each."""

    x: Floats
    y: Floats
    spread: Floats  # variance of the place, of either axis
    size: Floats
    boxes: Floats  # (M, 4), as last seen
    votes: list[Mapping[str, float]]

    @classmethod
    def of(cls, tracks: Sequence[tuple[Motion, Box, Mapping[str, float]]]) -> Expected:
        """Of (predicted motion, last box, votes by label)."""
        rows = np.array([(m.x, m.y, m.p + (MEASUREMENT * m.size) ** 2, m.size) for m, _, _ in tracks], np.float64)
        x, y, spread, size = rows.reshape(-1, 4).T
        boxes = np.array([box for _, box, _ in tracks], np.float64).reshape(-1, 4)
        return cls(x, y, spread, size, boxes, [votes for _, _, votes in tracks])


@dataclass(frozen=True, slots=True)
class Table:
    """Each of N detections against each of M tracks; (N, M) each."""

    seen: Seen
    off: Floats  # how far from what is expected: squared Mahalanobis distance, of the place or of the shape
    cost: Floats
    overlap: Floats  # intersection over union of the detection's box and the track's, moved to where it is expected

    @classmethod
    def of(cls, seen: Seen, expected: Expected, shape: float) -> Table:
        """`shape`: standard deviation of the logarithm of width and height between looks."""
        distance = (
            np.subtract.outer(seen.x, expected.x) ** 2 + np.subtract.outer(seen.y, expected.y) ** 2
        ) / expected.spread
        spread = 2 * np.log(expected.spread / expected.size**2)
        changed = (_change(seen.boxes, expected.boxes, axis=0) + _change(seen.boxes, expected.boxes, axis=1)) / shape**2
        prices = {label: [_price(label, votes) for votes in expected.votes] for label in set(seen.labels)}
        price = np.array([prices[label] for label in seen.labels]).reshape(distance.shape)
        cost = distance + spread + changed + price
        return cls(seen, np.maximum(distance, changed), cost, _overlaps(seen.boxes, expected))

    def pairs(
        self, places: Sequence[int], tracks: Sequence[int], *, gate: float, overlap: float = 0.0
    ) -> list[tuple[int, int]]:
        """(index of the detection, index of the track), of those given, likeliest pair first, each at most once.

        `gate`: `off` beyond which two are never the same; `overlap`: at least so much.
        """
        if not places or not tracks:
            return []
        at = np.ix_(places, tracks)
        cost = self.cost[at]
        rows, columns = np.nonzero((cost <= BIRTH) & (self.off[at] <= gate) & (self.overlap[at] >= overlap))
        found: dict[int, int] = {}
        joined: set[int] = set()
        order = np.argsort(cost[rows, columns], kind="stable")
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            place, track = places[row], tracks[column]
            if place not in found and track not in joined:
                joined.add(track)
                found[place] = track
        return list(found.items())


def _overlaps(boxes: Floats, expected: Expected) -> Floats:
    """(N, M) intersection over union."""
    half = (expected.boxes[:, 2:] - expected.boxes[:, :2]) / 2
    centre = np.stack([expected.x, expected.y], axis=1)
    others = np.hstack([centre - half, centre + half])
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None] + (4 * half.prod(axis=1))[None, :]
    overlaps: Floats = shared / (areas - shared)
    return overlaps


def _change(boxes: Floats, others: Floats, *, axis: int) -> Floats:
    """(N, M): squared logarithm by which width (axis 0) or height (axis 1) differ. It says little where the picture's
    border cuts the smaller of them, or both: what comes into the picture grows."""
    first, other = boxes[:, axis::2], others[:, axis::2]
    change: Floats = np.log(np.divide.outer(first[:, 1] - first[:, 0], other[:, 1] - other[:, 0]))
    cut, other_cut = _is_cut(first)[:, None], _is_cut(other)[None, :]
    little = (cut & other_cut) | (cut & (change <= 0)) | (other_cut & (change >= 0))
    return np.where(little, CUT * change**2, change**2)


def _is_cut(spans: Floats) -> NDArray[np.bool_]:
    cut: NDArray[np.bool_] = (spans[:, 0] <= BORDER) | (spans[:, 1] >= 1 - BORDER)
    return cut


def _price(label: str, votes: Mapping[str, float]) -> float:
    """What it costs that the object is now called `label`: little while its votes are few or mixed."""
    for_it = sum(count for other, count in votes.items() if alike(label, other))
    return min(DEAREST_LABEL, -2 * math.log((for_it + DOUBT) / (sum(votes.values()) + DOUBT)))


def alike(a: str, b: str) -> bool:
    """Whether two labels may well be the same object's: a van is now a car, now a truck."""
    return a == b or (a in VEHICLES and b in VEHICLES)
