"""Words on a picture, and where they stand so that none covers another. Pure: drawn in place.

They are ASCII: OpenCV has no other letters everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from edge.types import Image

Colour: TypeAlias = tuple[int, int, int]  # BGR
Rect: TypeAlias = tuple[int, int, int, int]  # pixels: left, top, right, bottom

WHITE: Colour = (245, 245, 245)
MUTED: Colour = (170, 162, 155)
PLATE: Colour = (30, 24, 20)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_NOTE = 1.15  # of a label's size


class _Label(NamedTuple):
    x: float  # pixels
    y: float
    text: str
    colour: Colour
    may_shift: bool


class Words:
    """Labels wait for `labels`: no line that is drawn later goes through one, and none stands upon a note."""

    def __init__(self, image: Image, unit: float) -> None:
        self._image = image
        self._height, self._width = image.shape[:2]
        self._unit = unit
        self._taken: list[Rect] = []
        self._waiting: list[_Label] = []

    def label(self, x: float, y: float, text: str, colour: Colour, *, may_shift: bool = False) -> None:
        """Above (x, y), else below, else, if it may, to the right of what stands there, else not at all: a word upon a
        word can be read by nobody."""
        self._waiting.append(_Label(x, y, ascii_only(text), colour, may_shift))

    def labels(self) -> None:
        """Write those that wait, the first ones first."""
        for label in self._waiting:
            if (rect := self._place(label)) is not None:
                self._taken.append(rect)
                self._plate(rect, label.text, label.colour, self._unit)
        self._waiting.clear()

    def notes(self, lines: Sequence[tuple[str, Colour]]) -> None:
        """Lines of text at the picture's foot, the last at the bottom; each with a bar of its colour."""
        bottom = self._height - self._edge
        for text, colour in reversed(lines):
            if bottom < 20 * self._unit:
                return
            self._note(self._edge, bottom, text, colour)
            bottom -= self._note_size(text)[1] + round(3 * self._unit)

    def caption(self, text: str, colour: Colour, boxes: Sequence[Rect]) -> None:
        """A note in the lowest place where it covers none of `boxes`; at the foot where there is no such place."""
        width, height = self._note_size(text)
        foot = self._height - self._edge
        lefts = (self._edge, max(self._edge, self._width - self._edge - width))
        places = [(left, bottom) for bottom in range(foot, height, -max(1, height // 2)) for left in lefts]
        free = ((x, y) for x, y in places if not any(_meet((x, y - height, x + width, y), box) for box in boxes))
        left, bottom = next(free, (self._edge, foot))
        self._note(left, bottom, text, colour)

    @property
    def _edge(self) -> int:
        return round(8 * self._unit)

    def _note_size(self, text: str) -> tuple[int, int]:
        width, height, _ = measure(ascii_only(text), self._unit * _NOTE)
        return width + round(5 * self._unit), height

    def _note(self, left: int, bottom: int, text: str, colour: Colour) -> None:
        width, height = self._note_size(text)
        rect = (left, bottom - height, left + width, bottom)
        self._taken.append(rect)
        self._plate(rect, ascii_only(text), WHITE, self._unit * _NOTE, bar=colour)

    def _place(self, label: _Label) -> Rect | None:
        width, height, _ = measure(label.text, self._unit)
        bottoms = (round(label.y) - 2, round(label.y) + height + 2)
        left = round(min(max(0.0, label.x), self._width - width - 1))
        rects = [(left, bottom - height, left + width, bottom) for bottom in bottoms]
        if label.may_shift:
            beside = [max((r[2] + 1 for r in self._taken if _meet(r, rect)), default=left) for rect in rects]
            rects += [(x, r[1], x + width, r[3]) for x, r in zip(beside, rects, strict=True) if x + width < self._width]
        inside = (r for r in rects if r[1] >= 0 and r[3] <= self._height)
        return next((r for r in inside if not any(_meet(r, taken) for taken in self._taken)), None)

    def _plate(self, rect: Rect, text: str, colour: Colour, unit: float, bar: Colour | None = None) -> None:
        """Text on a dark ground."""
        left, top, _, bottom = rect
        indent = round(5 * self._unit) if bar else 0
        part = self._image[max(0, top) : bottom, left : rect[2]]
        if not part.size:
            return
        part[:] = cv2.addWeighted(part, 0.25, np.full_like(part, PLATE), 0.75, 0)
        if bar:
            cv2.rectangle(self._image, (left, top), (left + indent - 1, bottom - 1), bar, -1)
        base = measure(text, unit)[2]
        write(self._image, left + indent + round(3 * self._unit), bottom - base, text, colour, unit)


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def ascii_only(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def unit_of(width: int) -> float:
    """1 at 640 pixels; words and lines grow with the picture, but slower."""
    return float(min(2.0, max(0.8, (width / 640) ** 0.6)))


def measure(text: str, unit: float) -> tuple[int, int, int]:
    """Width and height of a plate, and how far above its lower edge the words stand; pixels."""
    (width, _), _ = cv2.getTextSize(text, _FONT, 0.4 * unit, 1)
    return width + round(7 * unit), round(15 * unit), round(4 * unit)


def write(image: Image, x: int, y: int, text: str, colour: Colour, unit: float) -> None:
    cv2.putText(image, text, (x, y), _FONT, 0.4 * unit, colour, 1, cv2.LINE_AA)


def shortened(text: str, width: int, unit: float) -> str:
    while len(text) > 3 and measure(text, unit)[0] > width:
        text = text[:-3] + ".."
    return text
