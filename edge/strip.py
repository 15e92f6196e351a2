"""The strip below a picture of the explained clip: a line of facts, then a cell a rule. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edge.draw import TONES, Tone
from edge.types import Image
from edge.words import MUTED, PLATE, WHITE, ascii_only, measure, shortened, unit_of, write


class Cell(NamedTuple):
    """A rule in the strip."""

    tone: Tone
    name: str
    value: str
    share: float  # of its bar, 0..1; none at 0


def height(width: int, cells: int) -> int:
    """Pixels, even, of the strip below a picture of `width`."""
    unit = unit_of(width)
    rows = 1 + -(-cells // _columns(width, cells))
    return (round((20 * rows + 6) * unit) + 1) // 2 * 2


def draw(width: int, left: str, right: str, cells: Sequence[Cell]) -> Image:
    """What stands below a picture: a line of facts, then a cell a rule. Its height is that of `height`."""
    unit = unit_of(width)
    columns = _columns(width, len(cells))
    image = np.full((height(width, len(cells)), width, 3), PLATE, np.uint8)
    pad, row = round(8 * unit), 20 * unit
    base = round(16 * unit)
    write(image, pad, base, ascii_only(left), WHITE, unit)
    write(image, width - pad - measure(ascii_only(right), unit)[0], base, ascii_only(right), MUTED, unit)
    for place, cell in enumerate(cells):
        x = pad + round(place % columns * (width - pad) / columns)
        y = base + round((1 + place // columns) * row)
        end = pad + round((place % columns + 1) * (width - pad) / columns) - round(1.5 * pad)
        _cell(image, x, y, end, cell, unit)
    return image


def _cell(image: Image, x: int, y: int, end: int, cell: Cell, unit: float) -> None:
    colour = TONES[cell.tone]
    centre = (x + round(4 * unit), y - round(4 * unit))
    # Filled when open or about to be, else a ring.
    thickness = -1 if cell.tone in ("open", "waiting") else max(1, round(1.4 * unit))
    cv2.circle(image, centre, round(3.6 * unit), colour, thickness, cv2.LINE_AA)
    bar, gap = round(46 * unit), round(8 * unit)
    name = shortened(ascii_only(cell.name), end - bar - gap - x, unit)
    x += round(13 * unit)
    write(image, x, y, name, MUTED if cell.tone == "off" else WHITE, unit)
    x += measure(name, unit)[0] + round(gap / 2)
    if cell.share > 0 and cell.tone in ("armed", "waiting"):
        top, bottom = y - round(7 * unit), y - round(1.5 * unit)
        cv2.rectangle(image, (x, top), (x + bar, bottom), (84, 75, 68), -1)
        cv2.rectangle(image, (x, top), (x + round(bar * min(1.0, cell.share)), bottom), colour, -1)
    else:
        write(image, x, y, ascii_only(cell.value), colour, unit)


def _columns(width: int, cells: int) -> int:
    return max(1, min(cells, int(width / (200 * unit_of(width)))))
