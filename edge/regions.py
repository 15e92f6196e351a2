"""Which parts of a picture to show the model. Pure.

What a look costs goes with its area, and most of a picture is as it was. So the model is shown

- where objects should be: those that move, are new, or were missed,
- objects at rest, if something moves in their place,
- what else moves, and no object explains,

where it may soon matter (reach.py; at rest, anywhere), each with some of what is around it, for a network knows things
by their surroundings too. What is large is shown at a smaller scale. Parts that cost less together than apart are
joined. Lengths below are in pixels of the picture at the scale at which the model is shown the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edge.detect.pack import GAP
from edge.reach import AHEAD_S, everywhere
from edge.track.motion import SPEED
from edge.track.tracker import Outlook
from edge.types import Box, Mask, Region, cells

CONTEXT = 0.5  # of an object's longer side, on each side of it
LEAST = 24.0  # pixels around whatever is small
SPREAD = 1.0  # standard deviations of an object's place, if that is more; farther away it shows as motion
STIRS = 0.02  # share of an object's box; less is noise, or a leaf before it
EXPLAINED = 0.2  # of its longer side around an object, motion is the object's: a shadow, and where it just was
LARGE = 200.0  # pixels; the longer side of a larger object is brought down to this
SMALL = 64.0  # pixels; but nothing that is shown with it is brought below this,
SMALLEST_SCALE = 0.25  # and the scale not below this
MOST = 24  # parts of a picture
ENOUGH = 0.7  # share of the picture: parts that come to more are dearer, packed, than the whole


class Plan(NamedTuple):
    """What to show the model of one picture."""

    regions: Sequence[Region]
    why_whole: str = ""  # why that is the whole


class _Part(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float
    largest: float  # pixels: the longer sides of the objects in it
    smallest: float
    scale: float
    cost: float

    @classmethod
    def of(cls, left: float, top: float, right: float, bottom: float, largest: float, smallest: float) -> _Part:
        scale = _scale(largest, smallest)
        cost = ((right - left) * scale + GAP) * ((bottom - top) * scale + GAP)
        return cls(left, top, right, bottom, largest, smallest, scale, cost)

    def joined(self, other: _Part) -> _Part:
        return _Part.of(
            min(self.left, other.left), min(self.top, other.top),
            max(self.right, other.right), max(self.bottom, other.bottom),
            max(self.largest, other.largest), min(self.smallest, other.smallest),
        )  # fmt: skip


def _scale(largest: float, smallest: float) -> float:
    return min(1.0, max(LARGE / largest, SMALL / smallest, SMALLEST_SCALE))


def plan(
    moving: Mask,
    outlook: Outlook,
    size: tuple[float, float],
    cut: Sequence[Box] = (),
    matters: Callable[[Box], bool] = everywhere,
) -> list[Region] | None:
    """The parts to look at, none where all is as it was; None where they come to so much that the whole is cheaper.

    `size`: (width, height) at which the model is shown the whole, pixels. `cut`: what the last look showed in part.
    `matters`: whether to look at what stays in that box until all is looked at again.
    """
    stirring = [box for box in outlook.settled if _stirs(moving, box)]
    explained = [*(sought.box for sought in outlook.sought), *stirring, *cut]
    unexplained = _unexplained(moving, explained)
    if len(explained) + len(unexplained) > 4 * MOST:
        return None
    width, height = size
    parts = [_around(box, size, SPREAD * spread) for box, spread, soon in outlook.sought if matters(soon)]
    # Elsewhere too: the tracker takes it that whoever is at rest and not shown has not stirred.
    parts += [_around(box, size) for box in stirring]
    parts += [_around(box, size) for box in cut if matters(_soon(box, size))]
    parts += [_around(box, size, known=False) for box in unexplained if matters(_soon(box, size))]
    parts = _joined(part for part in parts if part.left < part.right and part.top < part.bottom)
    if len(parts) > MOST or sum(part.cost for part in parts) > ENOUGH * width * height:
        return None
    return [
        Region((part.left / width, part.top / height, part.right / width, part.bottom / height), part.scale)
        for part in parts
    ]


def _soon(box: Box, size: tuple[float, float]) -> Box:
    """Where it may be until all is looked at again, if nothing is known of its speed."""
    left, top, right, bottom = box
    width, height = size
    more = AHEAD_S * SPEED * max((right - left) * width, (bottom - top) * height)
    return left - more / width, top - more / height, right + more / width, bottom + more / height


def _stirs(moving: Mask, box: Box) -> bool:
    inside = moving[cells(box, moving.shape)]
    return bool(np.count_nonzero(inside) > STIRS * inside.size)


def _unexplained(moving: Mask, objects: Iterable[Box]) -> list[Box]:
    rows, columns = moving.shape
    rest = moving.copy()
    for left, top, right, bottom in objects:
        more = EXPLAINED * max(right - left, bottom - top)
        rest[cells((left - more, top - more, right + more, bottom + more), moving.shape)] = 0
    rest = np.asarray(cv2.dilate(rest, np.ones((3, 3), np.uint8)), np.uint8)
    # 16 bits take a third of the time, and hold as many pieces as there can be
    _, _, found, _ = cv2.connectedComponentsWithStats(rest, ltype=cv2.CV_16U)
    return [
        (left / columns, top / rows, (left + wide) / columns, (top + high) / rows)
        for left, top, wide, high, _ in found[1:].tolist()
    ]


def _around(box: Box, size: tuple[float, float], spread: float = 0.0, *, known: bool = True) -> _Part:
    """`known`: whether it is an object's box, or that of something that moves and may be many small things."""
    width, height = size
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    side = max(right - left, bottom - top, 1.0)
    smallest = side if known else min(side, SMALL)
    context = max(LEAST / _scale(side, smallest), CONTEXT * side)
    across, down = max(context, spread * width), max(context, spread * height)
    return _Part.of(
        max(0.0, left - across), max(0.0, top - down), min(width, right + across), min(height, bottom + down),
        side, smallest,
    )  # fmt: skip


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """Pair by pair, until no two cost less together than apart."""
    done: list[_Part] = []
    for part in parts:
        while (other := next((o for o in done if part.joined(o).cost <= part.cost + o.cost), None)) is not None:
            done.remove(other)
            part = part.joined(other)
        done.append(part)
    return done
