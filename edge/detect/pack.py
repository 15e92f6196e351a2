"""Parts of pictures onto canvases: many small things for one run of the network. Pure.

Largest part first, each into the free rectangle that it fills best, measured by the shorter of the two rests (maximal
rectangles, best short side fit: Jylänki, A Thousand Ways to Pack the Bin, 2010). A network is quickest at a shape that
it was compiled for, so canvases come in a few; of those that hold all that is left, the smallest is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import methodcaller
from typing import NamedTuple, TypeAlias

GAP = 8  # pixels between two parts: what one shows must not be taken for what is around the other

Size: TypeAlias = tuple[int, int]  # width, height


class Spot(NamedTuple):
    """Where a part lies: its place in what was given, and its left upper corner on the canvas."""

    part: int
    left: int
    top: int


class Canvas(NamedTuple):
    size: Size
    spots: tuple[Spot, ...]


class _Room(NamedTuple):
    """A free rectangle."""

    left: int
    top: int
    right: int
    bottom: int

    def rest(self, size: Size) -> int:
        """Of the tighter direction; negative where it does not go in."""
        return min(self.right - self.left - size[0], self.bottom - self.top - size[1])

    def without(self, taken: _Room) -> list[_Room]:
        """The largest rectangles of what is left of it."""
        if taken.left >= self.right or taken.right <= self.left or taken.top >= self.bottom or taken.bottom <= self.top:
            return [self]
        sides = (
            self._replace(right=taken.left),
            self._replace(left=taken.right),
            self._replace(bottom=taken.top),
            self._replace(top=taken.bottom),
        )
        return [side for side in sides if side.left < side.right and side.top < side.bottom]

    def holds(self, other: _Room) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


def pack(parts: Sequence[Size], shapes: Sequence[Size]) -> list[Canvas]:
    """Every part once, none nearer to another than GAP. `shapes`: smallest area first, the last holds any part.

    Raises ValueError for a part that it does not hold.
    """
    canvases: list[Canvas] = []
    left = sorted(range(len(parts)), key=lambda place: -math.prod(parts[place]))
    while left:
        least = sum(math.prod(parts[place]) for place in left)
        for shape in [*(shape for shape in shapes[:-1] if math.prod(shape) >= least), shapes[-1]]:
            spots, over = _laid(parts, left, shape)
            if not over:
                break
        if not spots:
            raise ValueError(f"a canvas of {shapes[-1]} does not hold a part of {parts[left[0]]}")
        canvases.append(Canvas(shape, tuple(spots)))
        left = over
    return canvases


def _laid(parts: Sequence[Size], places: Sequence[int], shape: Size) -> tuple[list[Spot], list[int]]:
    """Spots of those that find room, and those that do not."""
    spots: list[Spot] = []
    over: list[int] = []
    rooms = [_Room(0, 0, shape[0] + GAP, shape[1] + GAP)]
    for place in places:
        size = parts[place][0] + GAP, parts[place][1] + GAP
        fitting = [room for room in rooms if room.rest(size) >= 0]
        if not fitting:
            over.append(place)
            continue
        best = min(fitting, key=methodcaller("rest", size))
        spots.append(Spot(place, best.left, best.top))
        taken = _Room(best.left, best.top, best.left + size[0], best.top + size[1])
        cuts = list(dict.fromkeys(cut for room in rooms for cut in room.without(taken)))
        rooms = [cut for cut in cuts if not any(other.holds(cut) for other in cuts if other is not cut)]
    return spots, over
