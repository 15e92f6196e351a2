"""Draws on a picture why a rule fired: shapes, objects, paths, words. Pure: a BGR array in, the same array drawn on.

Colours are of Okabe and Ito's palette, which colour-blind people can tell apart; what matters is also told by form
(dashed, filled, thick).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.geometry import Point
from edge.rules.base import RuleState
from edge.types import Box, Image, Step, Track
from edge.words import MUTED, PLATE, WHITE, Colour, Rect, Words, unit_of

Tone: TypeAlias = Literal["off", "armed", "waiting", "open"]

TONES: dict[Tone, Colour] = {
    "off": (150, 145, 140),
    "armed": (233, 180, 86),  # sky blue
    "waiting": (0, 159, 230),  # orange
    "open": (40, 94, 225),  # vermillion
}
FOLLOWED: Colour = (130, 200, 40)  # bluish green, lighter than the palette's so that it shows on a lawn

_WAYS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_SHIFT = 4  # cv2 takes fixed-point corners
ABOUT_TO_FIRE = 0.75  # of its waiting


def tone_of(state: RuleState) -> Tone:
    """`waiting` is about to fire; a flow rule, which counts and tells when an interval is over, never is."""
    if state.open or not state.armed:
        return "open" if state.open else "off"
    return "waiting" if state.waiting >= ABOUT_TO_FIRE and state.kind != "flow" else "armed"


class Canvas:
    """A picture that is drawn on, and where words already stand, so that they do not cover one another."""

    def __init__(self, image: Image, scale: float = 1.0) -> None:
        """`scale` makes words and lines larger, for a picture that will be shown smaller than it is."""
        self.image = image
        self.height, self.width = image.shape[:2]
        self.unit = unit_of(max(self.width, self.height)) * scale
        self._thin = max(1, round(self.unit))
        self._words = Words(image, self.unit)
        self._boxes: list[Rect] = []

    def zone(self, name: str, polygon: Sequence[Point], tone: Tone, *, flash: bool = False) -> None:
        corners = self._fixed(polygon)
        colour = TONES[tone]
        share = {"off": 0.0, "armed": 0.05, "waiting": 0.08, "open": 0.1}[tone] + (0.1 if flash else 0.0)
        self._blend(polygon, share, lambda part, at: cv2.fillPoly(part, [corners - at], colour, cv2.LINE_AA, _SHIFT))
        cv2.polylines(self.image, [corners], True, colour, self._thin * (3 if flash else 1), cv2.LINE_AA, _SHIFT)
        x, y = min(polygon, key=lambda corner: (round(corner[1], 2), corner[0]))
        self._words.label(x * self.width, y * self.height, name, colour, may_shift=True)

    def line(
        self,
        name: str,
        ends: Sequence[Point],
        tone: Tone,
        *,
        directions: Iterable[str | None] = (),
        flash: bool = False,
    ) -> None:
        """With an arrow for each of `directions` that is one."""
        colour = TONES[tone]
        thick = self._thin * (4 if flash else 2)
        (x0, y0), (x1, y1) = ((x * self.width, y * self.height) for x, y in ends)
        cv2.polylines(self.image, [self._fixed(ends)], False, PLATE, thick + 2, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.image, [self._fixed(ends)], False, colour, thick, cv2.LINE_AA, _SHIFT)
        for x, y in ((x0, y0), (x1, y1)):
            cv2.circle(self.image, (round(x), round(y)), round(3 * self.unit), colour, -1, cv2.LINE_AA)
        for direction in _WAYS.keys() & directions:
            # Square to the line, on the side to which it points.
            nx, ny = (y0 - y1) / np.hypot(x1 - x0, y1 - y0), (x1 - x0) / np.hypot(x1 - x0, y1 - y0)
            sign = 1 if nx * _WAYS[direction][0] + ny * _WAYS[direction][1] > 0 else -1
            x, y, reach = (x0 + x1) / 2, (y0 + y1) / 2, sign * 22 * self.unit
            tip = (round(x + nx * reach), round(y + ny * reach))
            cv2.arrowedLine(self.image, (round(x), round(y)), tip, colour, thick, cv2.LINE_AA, tipLength=0.4)
        self._words.label(min(x0, x1), y0 if x0 <= x1 else y1, name, colour, may_shift=True)

    def mask(self, name: str, polygon: Sequence[Point]) -> None:
        """What is black already gets an outline and its name."""
        self._dashed([*polygon, polygon[0]], MUTED)
        x, y = (sum(values) / len(polygon) for values in zip(*polygon, strict=True))
        self._words.label(x * self.width - 20 * self.unit, y * self.height + 8 * self.unit, name, MUTED)

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
        words = f"#{track.id} {track.label} {track.score:.2f}"
        self._words.label(track.box[0] * self.width, track.box[1] * self.height, words, colour if seen else MUTED)

    def box(self, box: Box, colour: Colour, share: float = 1.0, words: str = "") -> None:
        left, top, right, bottom = (round(v * n) for v, n in zip(box, (self.width, self.height) * 2, strict=True))
        self._boxes.append((left, top, right, bottom))
        outline = self._fixed(_corners(box)[:4])
        draw = lambda part, at: cv2.polylines(  # noqa: E731
            part, [outline - at], True, colour, self._thin, cv2.LINE_AA, _SHIFT
        )
        self._blend(_corners(box), share, draw)
        if words:
            self._words.label(box[0] * self.width, box[1] * self.height, words, colour)

    def notes(self, lines: Sequence[tuple[str, Tone]]) -> None:
        """Lines of text at the picture's foot, the last at the bottom."""
        self._words.notes([(text, TONES[tone]) for text, tone in lines])

    def caption(self, text: str, tone: Tone) -> None:
        """A line of text, as near the foot as it covers no box that was drawn; at the foot where it must."""
        self._words.caption(text, TONES[tone], self._boxes)

    def labels(self) -> None:
        """The names of all that was drawn, on top of it: the last thing to do."""
        self._words.labels()

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


def _corners(box: Box) -> list[Point]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
