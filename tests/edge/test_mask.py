from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract import geometry
from edge import mask

SIZES = [(352, 288), (640, 360), (1920, 1080), (97, 41)]
L_SHAPE = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9))


def painted(polygon, size):
    image = np.full((size[1], size[0], 3), 255, np.uint8)
    mask.paint(image, [polygon])
    return image


def leaked(polygon, size):
    """Pixels of which any corner or the centre lies in the mask, yet that are not black."""
    image, (width, height) = painted(polygon, size), size
    return [
        (x, y)
        for y in range(height)
        for x in range(width)
        if image[y, x].any()
        and any(
            geometry.contains(polygon, ((x + dx) / width, (y + dy) / height))
            for dx, dy in ((0.5, 0.5), (0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98))
        )
    ]


@pytest.mark.parametrize("size", SIZES[:2] + SIZES[3:], ids=str)
def test_no_pixel_of_a_mask_is_left(size):
    assert leaked(L_SHAPE, size) == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_whole_picture_can_be_masked(size):
    assert not painted(((0, 0), (1, 0), (1, 1), (0, 1)), size).any()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_lies_clear_of_the_mask_stays(size):
    image = painted(((0, 0), (0.5, 0), (0.5, 1), (0, 1)), size)
    assert image[:, size[0] // 2 + 3 :].all()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6))
def test_any_shape_at_any_corner(points):
    polygon = tuple(points)
    assume(geometry.polygon_fault(polygon) is None)
    assert leaked(polygon, (48, 27)) == []
