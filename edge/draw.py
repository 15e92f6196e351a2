"""Draws on a picture why a rule fired: shapes, objects, paths, words. Pure: a BGR array in, the same array drawn on.

Colours are of Okabe and Ito's palette, which colour-blind people can tell apart; what matters is also told by form
(dashed, filled, thick). Words are ASCII: OpenCV has no other letters everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.geometry import Point
from edge.rules.base import RuleState
from edge.types import Box, Image, Step, Track

Colour: TypeAlias = tuple[int, int, int]  # BGR
Tone: TypeAlias = Literal["off", "armed", "waiting", "open"]
_Rect: TypeAlias = tuple[int, int, int, int]  # pixels: left, top, right, bottom

WHITE: Colour = (245, 245, 245)
MUTED: Colour = (170, 162, 155)
PLATE: Colour = (30, 24, 20)
TONES: dict[Tone, Colour] = {
    "off": (150, 145, 140),
    "armed": (233, 180, 86),  # sky blue
    "waiting": (0, 159, 230),  # orange
    "open": (40, 94, 225),  # vermillion
}
FOLLOWED: Colour = (130, 200, 40)  # bluish green, lighter than the palette's so that it shows on a lawn

_WAYS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_SHIFT = 4  # cv2 takes fixed-point corners
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Cell(NamedTuple):
    """A rule in the strip."""

    tone: Tone
    name: str
    value: str
    share: float  # of its bar, 0..1


def fit(image: Image, longest: int) -> Image:
    """The picture with its longer side at most `longest` pixels; the same array where it is already."""
    height, width = image.shape[:2]
    scale = longest / max(width, height)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def ascii_only(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def tone_of(state: RuleState) -> Tone:
    return "open" if state.open else "off" if not state.armed else "waiting" if state.waiting > 0 else "armed"


class Canvas:
    """A picture that is drawn on, and where words already stand, so that they do not cover one another."""

    def __init__(self, image: Image, scale: float = 1.0) -> None:
        """`scale` makes words and lines larger, for a picture that will be shown smaller than it is."""
        self.image = image
        self.height, self.width = image.shape[:2]
        self.unit = _unit(max(self.width, self.height)) * scale
        self._thin = max(1, round(self.unit))
        self._words: list[_Rect] = []

    def zone(self, name: str, polygon: Sequence[Point], tone: Tone, *, flash: bool = False) -> None:
        corners = self._fixed(polygon)
        colour = TONES[tone]
        share = {"off": 0.0, "armed": 0.05, "waiting": 0.08, "open": 0.1}[tone] + (0.1 if flash else 0.0)
        self._blend(polygon, share, lambda part, at: cv2.fillPoly(part, [corners - at], colour, cv2.LINE_AA, _SHIFT))
        cv2.polylines(self.image, [corners], True, colour, self._thin * (3 if flash else 1), cv2.LINE_AA, _SHIFT)
        x, y = min(polygon, key=lambda corner: (round(corner[1], 2), corner[0]))
        self._label(x * self.width, y * self.height, name, colour)

    def line(
        self, name: str, ends: Sequence[Point], tone: Tone, *, direction: str | None = None, flash: bool = False
    ) -> None:
        """With an arrow where only one `direction` counts."""
        colour = TONES[tone]
        thick = self._thin * (4 if flash else 2)
        (x0, y0), (x1, y1) = ((x * self.width, y * self.height) for x, y in ends)
        cv2.polylines(self.image, [self._fixed(ends)], False, PLATE, thick + 2, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.image, [self._fixed(ends)], False, colour, thick, cv2.LINE_AA, _SHIFT)
        for x, y in ((x0, y0), (x1, y1)):
            cv2.circle(self.image, (round(x), round(y)), round(3 * self.unit), colour, -1, cv2.LINE_AA)
        if direction in _WAYS:
            # Square to the line, on the side to which it points.
            nx, ny = (y0 - y1) / np.hypot(x1 - x0, y1 - y0), (x1 - x0) / np.hypot(x1 - x0, y1 - y0)
            sign = 1 if nx * _WAYS[direction][0] + ny * _WAYS[direction][1] > 0 else -1
            x, y, reach = (x0 + x1) / 2, (y0 + y1) / 2, sign * 22 * self.unit
            tip = (round(x + nx * reach), round(y + ny * reach))
            cv2.arrowedLine(self.image, (round(x), round(y)), tip, colour, thick, cv2.LINE_AA, tipLength=0.4)
        self._label(min(x0, x1), y0 if x0 <= x1 else y1, name, colour)

    def mask(self, name: str, polygon: Sequence[Point]) -> None:
        """What is black already gets an outline and its name."""
        self._dashed([*polygon, polygon[0]], MUTED)
        x, y = (sum(values) / len(polygon) for values in zip(*polygon, strict=True))
        self._label(x * self.width - 20 * self.unit, y * self.height + 8 * self.unit, name, MUTED)

    def regions(self, boxes: Sequence[Box], *, bright: bool) -> None:
        """Corners of what the model was shown; bright in the very picture that it was shown."""
        colour = WHITE if bright else MUTED
        for left, top, right, bottom in boxes:
            x0, y0 = left * self.width + 3, top * self.height + 3
            x1, y1 = right * self.width - 4, bottom * self.height - 4
            arm = min(14 * self.unit, (x1 - x0) / 3, (y1 - y0) / 3)
            for x, y, dx, dy in ((x0, y0, arm, arm), (x1, y0, -arm, arm), (x1, y1, -arm, -arm), (x0, y1, arm, -arm)):
                corner = [(round(x + dx), round(y)), (round(x), round(y)), (round(x), round(y + dy))]
                cv2.polylines(self.image, [np.array(corner, np.int32)], False, colour, self._thin, cv2.LINE_AA)

    def path(self, steps: Sequence[Step], colour: Colour = FOLLOWED) -> None:
        if len(steps) < 2:
            return
        points = [(step.x, step.y) for step in steps]
        corners = self._fixed(points)
        draw = lambda part, at: cv2.polylines(  # noqa: E731
            part, [corners - at], False, colour, self._thin, cv2.LINE_AA, _SHIFT
        )
        self._blend(points, 0.75, draw)
        for x, y in points[:: max(1, len(points) // 12)]:
            self._dot(x, y, colour, 1.6)
        self._dot(*points[-1], colour, 2.6)

    def track(self, track: Track, at: float, *, fired: bool = False) -> None:
        """As it stands after the look at `at`: dashed while unconfirmed, faded while unseen."""
        colour = TONES["open"] if fired else FOLLOWED
        if not track.confirmed:
            self._dashed(_corners(track.box), MUTED)
            return
        seen = track.at >= at
        if seen:
            self.path(track.path, colour)
        self.box(track.box, colour, share=1.0 if seen else 0.35)
        words = ascii_only(f"#{track.id} {track.label} {track.score:.2f}")
        self._label(track.box[0] * self.width, track.box[1] * self.height, words, colour if seen else MUTED)

    def box(self, box: Box, colour: Colour, share: float = 1.0, words: str = "") -> None:
        outline = self._fixed(_corners(box)[:4])
        draw = lambda part, at: cv2.polylines(  # noqa: E731
            part, [outline - at], True, colour, self._thin, cv2.LINE_AA, _SHIFT
        )
        self._blend(_corners(box), share, draw)
        if words:
            self._label(box[0] * self.width, box[1] * self.height, ascii_only(words), colour)

    def notes(self, lines: Sequence[tuple[str, Tone]]) -> None:
        """Lines of text at the picture's foot, the last at the bottom."""
        y = self.height - round(8 * self.unit)
        for text, tone in reversed(lines):
            if y < 20 * self.unit:
                return
            height = self._plate(round(8 * self.unit), y, ascii_only(text), WHITE, bar=TONES[tone], scale=1.15)
            y -= height + round(3 * self.unit)

    def _label(self, x: float, y: float, text: str, colour: Colour) -> None:
        """Above (x, y), else below, else not at all: a word upon a word can be read by nobody."""
        width, height, _ = _measure(text, self.unit)
        left = round(min(max(0.0, x), self.width - width - 1))
        for bottom in (round(y) - 2, round(y) + height + 2):
            rect = (left, bottom - height, left + width, bottom)
            free = not any(rect[0] < r[2] and r[0] < rect[2] and rect[1] < r[3] and r[1] < rect[3] for r in self._words)
            if free and rect[1] >= 0 and bottom <= self.height:
                self._words.append(rect)
                self._plate(left, bottom, text, colour)
                return

    def _plate(
        self, left: int, bottom: int, text: str, colour: Colour, *, bar: Colour | None = None, scale: float = 1.0
    ) -> int:
        """Text on a dark ground; returns its height in pixels."""
        width, height, base = _measure(text, self.unit * scale)
        indent = round(5 * self.unit) if bar else 0
        right, top = min(self.width, left + width + indent), max(0, bottom - height)
        part = self.image[top:bottom, left:right]
        if not part.size:
            return height
        part[:] = cv2.addWeighted(part, 0.25, np.full_like(part, PLATE), 0.75, 0)
        if bar:
            cv2.rectangle(self.image, (left, top), (left + indent - 1, bottom - 1), bar, -1)
        _write(self.image, left + indent + round(3 * self.unit), bottom - base, text, colour, self.unit * scale)
        return height

    def _dot(self, x: float, y: float, colour: Colour, radius: float) -> None:
        centre = (round(x * self.width * (1 << _SHIFT)), round(y * self.height * (1 << _SHIFT)))
        cv2.circle(self.image, centre, round(radius * self.unit * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)

    def _dashed(self, points: Sequence[Point], colour: Colour) -> None:
        dash = 5 * self.unit
        for start, end in pairwise(points):
            a, b = (np.array([x * self.width, y * self.height]) for x, y in (start, end))
            count = max(1, round(float(np.hypot(*(b - a))) / (2 * dash)))
            for i in range(count):
                p, q = a + (b - a) * (i / count), a + (b - a) * ((i + 0.5) / count)
                ends = np.round(np.array([p, q]) * (1 << _SHIFT)).astype(np.int32)
                cv2.polylines(self.image, [ends], False, colour, self._thin, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points: Sequence[Point]) -> NDArray[np.int32]:
        corners = np.array(points, np.float64) * (self.width, self.height)
        return np.round(corners * (1 << _SHIFT)).astype(np.int32)

    def _blend(self, points: Sequence[Point], share: float, draw: Callable[[Image, NDArray[np.int32]], object]) -> None:
        """Draw with `share` opacity, within the bounds of `points` only. `draw` gets that part and where it lies."""
        if share <= 0:
            return
        margin = 4 * self._thin
        xs, ys = ([point[axis] for point in points] for axis in (0, 1))
        x0, x1 = max(0, int(min(xs) * self.width) - margin), min(self.width, int(max(xs) * self.width) + margin)
        y0, y1 = max(0, int(min(ys) * self.height) - margin), min(self.height, int(max(ys) * self.height) + margin)
        if x0 >= x1 or y0 >= y1:
            return
        part = self.image[y0:y1, x0:x1]
        drawn = part.copy()
        draw(drawn, np.array([x0, y0], np.int32) << _SHIFT)
        part[:] = cv2.addWeighted(part, 1 - share, drawn, share, 0)


def strip_height(width: int, cells: int) -> int:
    """Pixels, even, of the strip below a picture of `width`."""
    unit = _unit(width)
    rows = 1 + -(-cells // _columns(width, cells))
    return (round((20 * rows + 6) * unit) + 1) // 2 * 2


def strip(width: int, left: str, right: str, cells: Sequence[Cell]) -> Image:
    """What stands below a picture: a line of facts, then a cell a rule. Its height is that of `strip_height`."""
    unit = _unit(width)
    columns = _columns(width, len(cells))
    image = np.full((strip_height(width, len(cells)), width, 3), PLATE, np.uint8)
    pad, row = round(8 * unit), 20 * unit
    base = round(16 * unit)
    _write(image, pad, base, ascii_only(left), WHITE, unit)
    _write(image, width - pad - _measure(ascii_only(right), unit)[0], base, ascii_only(right), MUTED, unit)
    for place, cell in enumerate(cells):
        x = pad + round(place % columns * (width - pad) / columns)
        y = base + round((1 + place // columns) * row)
        end = pad + round((place % columns + 1) * (width - pad) / columns) - round(1.5 * pad)
        _cell(image, x, y, end, cell, unit)
    return image


def _cell(image: Image, x: int, y: int, end: int, cell: Cell, unit: float) -> None:
    colour = TONES[cell.tone]
    centre = (x + round(4 * unit), y - round(4 * unit))
    # Filled when open, a ring when armed, an empty one when not.
    thickness = -1 if cell.tone in ("open", "waiting") else max(1, round(1.4 * unit))
    cv2.circle(image, centre, round(3.6 * unit), colour, thickness, cv2.LINE_AA)
    bar, gap = round(46 * unit), round(8 * unit)
    name = _shortened(ascii_only(cell.name), end - bar - gap - x, unit)
    x += round(13 * unit)
    _write(image, x, y, name, MUTED if cell.tone == "off" else WHITE, unit)
    x += _measure(name, unit)[0] + round(gap / 2)
    if cell.tone == "waiting":
        top, bottom = y - round(7 * unit), y - round(1.5 * unit)
        cv2.rectangle(image, (x, top), (x + bar, bottom), (84, 75, 68), -1)
        cv2.rectangle(image, (x, top), (x + round(bar * min(1.0, cell.share)), bottom), colour, -1)
    else:
        _write(image, x, y, ascii_only(cell.value), colour, unit)


def _columns(width: int, cells: int) -> int:
    return max(1, min(cells, int(width / (200 * _unit(width)))))


def _unit(width: int) -> float:
    """1 at 640 pixels; words and lines grow with the picture, but slower."""
    return float(min(2.0, max(0.8, (width / 640) ** 0.6)))


def _measure(text: str, unit: float) -> tuple[int, int, int]:
    """Width and height of a plate, and how far above its lower edge the words stand; pixels."""
    (width, _), _ = cv2.getTextSize(text, _FONT, 0.4 * unit, 1)
    return width + round(7 * unit), round(15 * unit), round(4 * unit)


def _write(image: Image, x: int, y: int, text: str, colour: Colour, unit: float) -> None:
    cv2.putText(image, text, (x, y), _FONT, 0.4 * unit, colour, 1, cv2.LINE_AA)


def _shortened(text: str, width: int, unit: float) -> str:
    while len(text) > 3 and _measure(text, unit)[0] > width:
        text = text[:-3] + ".."
    return text


def _corners(box: Box) -> list[Point]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
