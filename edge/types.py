"""The values that flow down the line: frame -> detections -> tracks.

Boxes are relative to the picture (0..1), in the order left, top, right, bottom. Times are seconds of the
pipeline's clock (monotonic when live, the clip's own time in a replay).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]  # (height, width, 3), BGR
Grey: TypeAlias = NDArray[np.float32]  # (height, width), 0..255
Sample: TypeAlias = NDArray[np.uint8]  # (rows, columns): brightness of single pixels, evenly taken
Mask: TypeAlias = NDArray[np.uint8]  # (height, width) of the gate's small picture: 1 where something moves, else 0
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture that deserves a look."""

    at: float  # seconds, pipeline clock
    image: Callable[[int], Image]  # masks painted, the longer side at most so many pixels; a new array each time
    slept: bool = False  # the gate found pictures since the look before, or this one, too quiet
    calm: bool = False  # nothing has moved of late: things are where the picture shows them for a while yet
    still: bool = False  # nothing has moved since the frame before: time goes on, and no look is needed
    moving: Mask | None = None  # None: nothing is known, any part of it may have changed


class Region(NamedTuple):
    """A part of a picture that a model is shown."""

    box: Box
    scale: float = 1.0  # against the scale at which it is shown the whole; less for what is large

    @property
    def area(self) -> float:
        """Of what the model is shown, in pictures."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) * self.scale**2


WHOLE = Region((0.0, 0.0, 1.0, 1.0))


class Overruled(NamedTuple):
    """What a model saw as well, and a better box of another class in the same place left no room for."""

    boxes: NDArray[np.float32]  # (M, 4)
    classes: NDArray[np.int32]  # (M,)


@dataclass(frozen=True, slots=True)
class Detections:
    """What a model saw in one picture, as a struct of arrays. Checked at construction.

    boxes   (N, 4) float32, relative left, top, right, bottom
    scores  (N,) float32, 0..1
    classes (N,) int32, index into the model card's class names
    overruled: what else the model saw in the same places; nobody follows it, but people among it are hidden in pictures

    Raises ValueError on a shape that does not fit, a value that is not finite, or a reversed box.
    """

    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    classes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    overruled: Overruled = field(default_factory=lambda: Overruled(np.zeros((0, 4), np.float32), np.zeros(0, np.int32)))

    def __post_init__(self) -> None:
        n = len(self.boxes)
        if self.boxes.shape != (n, 4) or self.scores.shape != (n,) or self.classes.shape != (n,):
            raise ValueError(
                f"want boxes (N, 4), scores (N,), classes (N,); got {self.boxes.shape}, "
                f"{self.scores.shape}, {self.classes.shape}"
            )
        if n and not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise ValueError("boxes and scores must be finite")
        if n and not (self.boxes[:, 2:] >= self.boxes[:, :2]).all():
            raise ValueError("boxes must not be reversed: want left <= right and top <= bottom")

    def __len__(self) -> int:
        return len(self.boxes)

    def only(self, keep: NDArray[np.bool_]) -> Detections:
        """The detections where `keep` (N,) is true."""
        return Detections(self.boxes[keep], self.scores[keep], self.classes[keep], self.overruled)


@dataclass(frozen=True, slots=True)
class Track:
    """One followed object as the rules see it. `id` is local to the camera and dies with the track."""

    id: int
    label: str
    box: Box
    score: float  # mean over the looks that saw it
    at: float  # seconds: when it was last really seen
    first_at: float
    confirmed: bool
    path: tuple[Step, ...] = ()  # where it stood lately, oldest first; bounded


def cells(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Those of a grid of `shape` (rows, columns) over the picture that `box` touches."""
    left, top, right, bottom = box
    rows, columns = shape
    return (
        slice(max(0, int(top * rows)), max(0, int(bottom * rows) + 1)),
        slice(max(0, int(left * columns)), max(0, int(right * columns) + 1)),
    )


class Step(NamedTuple):
    """Where an object stood: the middle of its box's lower edge, relative."""

    at: float  # seconds
    x: float
    y: float
