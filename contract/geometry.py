"""Points, lines and polygons in relative picture coordinates (0..1, y grows downwards). Pure functions.

A line `(a, b)` has no direction of its own: crossings are named by where the object goes in the picture
(up, down, left, right), which is what a person who draws the line has in mind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
Segment: TypeAlias = tuple[Point, Point]
Direction: TypeAlias = Literal["up", "down", "left", "right"]

MAX_CORNERS = 100
MIN_AREA = 1e-5  # of the picture: about 3 by 3 pixels in 1080p
MIN_LENGTH = 0.01  # of the picture's side
STEEP = 0.2  # a line whose shorter extent is below this share of the longer has only one sensible pair of sides

OPPOSITE: dict[Direction, Direction] = {"up": "down", "down": "up", "left": "right", "right": "left"}


def area(polygon: Sequence[Point]) -> float:
    """Unsigned area as a share of the picture (shoelace formula)."""
    total = 0.0
    for (x0, y0), (x1, y1) in _edges(polygon):
        total += x0 * y1 - x1 * y0
    return abs(total) / 2


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Whether `point` lies inside (even-odd rule). A point exactly on an edge may fall on either side."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in _edges(polygon):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside


def distance(polygon: Sequence[Point], point: Point) -> float:
    """How far `point` is from the nearest edge, inside or out, in relative units."""
    return min(_to_segment(edge, point) for edge in _edges(polygon))


def side(line: Segment, point: Point) -> float:
    """Signed distance of `point` from the infinite line, in relative units; the sign tells the side."""
    (ax, ay), (bx, by) = line
    dx, dy = bx - ax, by - ay
    return (dx * (point[1] - ay) - dy * (point[0] - ax)) / math.hypot(dx, dy)


def crosses(first: Segment, second: Segment) -> bool:
    """Whether two segments properly cross: touching at an end is no crossing."""
    (a, b), (c, d) = first, second
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def direction_across(line: Segment, start: Point, end: Point) -> frozenset[Direction]:
    """The directions that a move from `start` to `end` has, seen from the line.

    A level line has an upper and a lower side, an upright one a left and a right side, a slanted one both.
    """
    (ax, ay), (bx, by) = line
    dx, dy = abs(bx - ax), abs(by - ay)
    # Which way is out depends on the line, not on how slanted the object's own path is.
    sign = 1 if side(line, end) > side(line, start) else -1
    nx, ny = -(by - ay) * sign, (bx - ax) * sign
    found: set[Direction] = set()
    if dx > STEEP * dy:
        found.add("down" if ny > 0 else "up")
    if dy > STEEP * dx:
        found.add("right" if nx > 0 else "left")
    return frozenset(found)


def polygon_fault(polygon: Sequence[Point]) -> str | None:
    """What is wrong with a polygon, in a few words; None if nothing is."""
    if not 3 <= len(polygon) <= MAX_CORNERS:
        return f"a shape has 3 to {MAX_CORNERS} corners, this one {len(polygon)}"
    if (fault := _range_fault(polygon)) is not None:
        return fault
    if polygon[0] == polygon[-1]:
        return "the last corner repeats the first; leave it away, a shape closes by itself"
    for (i, first), (j, second) in combinations(enumerate(polygon, 1), 2):
        if first == second:
            return f"corners {i} and {j} are the same point"
    for (i, edge), (j, other) in combinations(enumerate(_edges(polygon), 1), 2):
        if _meet(edge, other):
            last = len(polygon)
            return f"the edge from corner {i} to {i % last + 1} meets the edge from corner {j} to {j % last + 1}"
    if area(polygon) < MIN_AREA:
        return "the shape has no area"
    return None


def line_fault(line: Sequence[Point]) -> str | None:
    """What is wrong with a line, in a few words; None if nothing is."""
    if len(line) != 2:
        return f"a line has 2 ends, this one has {len(line)}"
    if (fault := _range_fault(line)) is not None:
        return fault
    if math.dist(line[0], line[1]) < MIN_LENGTH:
        return "the two ends are (nearly) the same point"
    return None


def direction_fault(line: Segment, direction: Direction) -> str | None:
    """Why nothing can cross `line` in `direction`; None if it can."""
    (ax, ay), (bx, by) = line
    dx, dy = abs(bx - ax), abs(by - ay)
    if direction in ("up", "down") and dx <= STEEP * dy:
        return f"the line is upright, so nothing crosses it {direction}; choose left or right"
    if direction in ("left", "right") and dy <= STEEP * dx:
        return f"the line is level, so nothing crosses it to the {direction}; choose up or down"
    return None


def _range_fault(points: Sequence[Point]) -> str | None:
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1):
            return f"[{x:g}, {y:g}] lies outside the picture; write shares of its width and height, from 0 to 1"
    return None


def _to_segment(segment: Segment, point: Point) -> float:
    (ax, ay), (bx, by) = segment
    dx, dy = bx - ax, by - ay
    along = ((point[0] - ax) * dx + (point[1] - ay) * dy) / (dx * dx + dy * dy)
    share = min(max(along, 0.0), 1.0)
    return math.hypot(point[0] - ax - share * dx, point[1] - ay - share * dy)


def _edges(polygon: Sequence[Point]) -> list[Segment]:
    return list(zip(polygon, (*polygon[1:], *polygon[:1]), strict=True))


def _meet(first: Segment, second: Segment) -> bool:
    """Whether two edges of a polygon share more than the corner that neighbours have in common."""
    if common := set(first) & set(second):
        (hub,) = common
        (end,), (other,) = set(first) - common, set(second) - common
        along = (end[0] - hub[0]) * (other[0] - hub[0]) + (end[1] - hub[1]) * (other[1] - hub[1])
        return _turn(hub, end, other) == 0 and along > 0  # one folds back over the other
    (a, b), (c, d) = first, second
    boxes_overlap = all(
        min(a[axis], b[axis]) <= max(c[axis], d[axis]) and min(c[axis], d[axis]) <= max(a[axis], b[axis])
        for axis in (0, 1)
    )
    return boxes_overlap and _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
