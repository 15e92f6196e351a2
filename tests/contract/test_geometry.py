from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract import geometry
from contract.geometry import OPPOSITE, Direction, Point

SQUARE: tuple[Point, ...] = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
U_SHAPE: tuple[Point, ...] = ((0, 0), (0.3, 0), (0.3, 0.6), (0.7, 0.6), (0.7, 0), (1, 0), (1, 1), (0, 1))

shares = st.floats(0, 1, allow_subnormal=False).map(lambda value: round(value, 4))
points = st.tuples(shares, shares)
lines = st.tuples(points, points).filter(lambda line: geometry.line_fault(line) is None)


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        pytest.param((0.5, 0.5), False, id="in the gap"),
        pytest.param((0.5, 0.8), True, id="in the bottom"),
        pytest.param((0.1, 0.1), True, id="in the left arm"),
        pytest.param((0.9, 0.3), True, id="in the right arm"),
        pytest.param((0.1, 1.2), False, id="below the picture"),
        pytest.param((-0.1, 0.6), False, id="left of it, level with a corner"),
        pytest.param((0.5, 0.0), False, id="above the gap, level with edges"),
    ],
)
def test_contains_a_shape_with_a_gap(point: Point, inside: bool) -> None:
    assert geometry.contains(U_SHAPE, point) is inside
    assert geometry.contains(U_SHAPE[::-1], point) is inside
    assert geometry.contains(U_SHAPE[3:] + U_SHAPE[:3], point) is inside


@given(points)
def test_a_grid_of_zones_has_neither_gaps_nor_overlaps(point: Point) -> None:
    """A point on the common edge of two zones is in one of them, so nobody walks between zones unseen."""
    x, y = point
    assume(0 < x < 1 and 0 < y < 1)
    steps = [0.0, 0.25, 0.5, 0.75, 1.0]
    cells = [((x0, y0), (x1, y0), (x1, y1), (x0, y1)) for x0, x1 in pairwise(steps) for y0, y1 in pairwise(steps)]
    assert sum(geometry.contains(cell, point) for cell in cells) == 1


@pytest.mark.parametrize(
    ("polygon", "area"),
    [(SQUARE, 0.36), (SQUARE[::-1], 0.36), (U_SHAPE, 1 - 0.4 * 0.6), (SQUARE[:3], 0.18)],
    ids=["square", "other way round", "u", "triangle"],
)
def test_area(polygon: tuple[Point, ...], area: float) -> None:
    assert geometry.area(polygon) == pytest.approx(area)


@pytest.mark.parametrize(
    ("first", "second", "crosses"),
    [
        pytest.param(((0, 0), (1, 1)), ((0, 1), (1, 0)), True, id="an X"),
        pytest.param(((0, 0), (1, 1)), ((0, 1), (0.4, 0.6)), False, id="short of it"),
        pytest.param(((0, 0), (1, 1)), ((0, 1), (0.5, 0.5)), False, id="ends on it"),
        pytest.param(((0, 0), (1, 1)), ((1, 1), (1, 0)), False, id="a common end"),
        pytest.param(((0, 0), (1, 0)), ((0, 0.1), (1, 0.1)), False, id="parallel"),
        pytest.param(((0, 0), (0.6, 0)), ((0.4, 0), (1, 0)), False, id="one on the other"),
    ],
)
def test_crosses(first: geometry.Segment, second: geometry.Segment, crosses: bool) -> None:
    assert geometry.crosses(first, second) is crosses
    assert geometry.crosses(second, first) is crosses
    assert geometry.crosses(first[::-1], second) is crosses


@given(lines, points)
def test_side_is_a_distance_that_only_the_order_of_ends_turns(line: geometry.Segment, point: Point) -> None:
    a, b = line
    assert geometry.side((b, a), point) == pytest.approx(-geometry.side(line, point), abs=1e-9)
    assert geometry.side(line, a) == pytest.approx(0)
    assert abs(geometry.side(line, point)) <= math.dist(a, point) + 1e-9


# Lines every 15 degrees; a move goes across at a right angle, clockwise from the line's own direction.
SLANTS: list[tuple[int, set[Direction]]] = [
    (0, {"down"}),
    (15, {"down", "left"}),  # tan 15 = 0.27, above STEEP
    (30, {"down", "left"}),
    (45, {"down", "left"}),
    (60, {"down", "left"}),
    (75, {"down", "left"}),
    (90, {"left"}),
    (105, {"up", "left"}),
    (120, {"up", "left"}),
    (135, {"up", "left"}),
    (150, {"up", "left"}),
    (165, {"up", "left"}),
    (180, {"up"}),
    (195, {"up", "right"}),
    (225, {"up", "right"}),
    (255, {"up", "right"}),
    (270, {"right"}),
    (285, {"down", "right"}),
    (315, {"down", "right"}),
    (345, {"down", "right"}),
    (5, {"down"}),
    (355, {"down"}),
    (85, {"left"}),
    (95, {"left"}),
]


@pytest.mark.parametrize(("degrees", "directions"), SLANTS, ids=[str(degrees) for degrees, _ in SLANTS])
def test_direction_across_every_slant(degrees: int, directions: set[Direction]) -> None:
    dx, dy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b = (0.5 - dx * 0.3, 0.5 - dy * 0.3), (0.5 + dx * 0.3, 0.5 + dy * 0.3)
    start, end = (0.5 + dy * 0.1, 0.5 - dx * 0.1), (0.5 - dy * 0.1, 0.5 + dx * 0.1)
    assert geometry.direction_across((a, b), start, end) == directions
    assert geometry.direction_across((b, a), start, end) == directions


def test_direction_is_the_lines_not_the_paths() -> None:
    """Somebody who crosses a level line nearly along it still goes down."""
    assert geometry.direction_across(((0, 0.5), (1, 0.5)), (0.1, 0.49), (0.9, 0.51)) == {"down"}


@given(lines, points, points)
def test_direction_across_for_any_line_and_move(line: geometry.Segment, start: Point, end: Point) -> None:
    assume(abs(geometry.side(line, start) - geometry.side(line, end)) > 1e-6)
    found = geometry.direction_across(line, start, end)
    assert found
    assert geometry.direction_across(line[::-1], start, end) == found
    assert geometry.direction_across(line, end, start) == {OPPOSITE[direction] for direction in found}
    for direction in OPPOSITE:
        assert (geometry.direction_fault(line, direction) is None) == (
            direction in found | {OPPOSITE[d] for d in found}
        )


@given(st.lists(points, min_size=3, max_size=8))
def test_an_accepted_zone_is_a_simple_polygon(polygon: list[Point]) -> None:
    fault = geometry.polygon_fault(polygon)
    assert (geometry.polygon_fault(polygon[::-1]) is None) == (fault is None)
    if fault is not None:
        return
    assert geometry.area(polygon) >= geometry.MIN_AREA
    edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    assert not any(geometry.crosses(first, second) for first in edges for second in edges)


@given(st.integers(3, geometry.MAX_CORNERS), st.floats(0.01, 0.49), st.floats(0, 7))
def test_every_regular_polygon_is_a_zone(corners: int, radius: float, turn: float) -> None:
    polygon = [
        (
            0.5 + radius * math.cos(turn + 2 * math.pi * corner / corners),
            0.5 + radius * math.sin(turn + 2 * math.pi * corner / corners),
        )
        for corner in range(corners)
    ]
    assert geometry.polygon_fault(polygon) is None
    assert geometry.contains(polygon, (0.5, 0.5))


def test_corner_on_a_straight_edge_is_no_fault() -> None:
    assert geometry.polygon_fault([(0, 0), (0.5, 0), (1, 0), (1, 1)]) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.001])
def test_nothing_outside_the_picture(value: float) -> None:
    assert "outside the picture" in str(geometry.polygon_fault([(0, 0), (1, 0), (1, value)]))
    assert "outside the picture" in str(geometry.line_fault([(0, 0), (value, 0.5)]))


@pytest.mark.parametrize("ends", [0, 1, 3])
def test_a_line_has_two_ends(ends: int) -> None:
    assert geometry.line_fault([(0.1 * n, 0.5) for n in range(ends)]) == f"a line has 2 ends, this one has {ends}"


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.5, 0.5), 0.25),
        ((0.5, 0.7), 0.05),
        ((0.5, 0.8), 0.05),
        ((0.25, 0.5), 0.0),
        ((0.85, 0.83), math.hypot(0.1, 0.08)),
        ((0.75, 0.75), 0.0),
    ],
    ids=["middle", "inside", "outside", "on an edge", "off a corner", "corner"],
)
def test_distance(point: Point, expected: float) -> None:
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    assert geometry.distance(square, point) == pytest.approx(expected)
