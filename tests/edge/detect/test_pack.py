from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect.mosaic import shapes
from edge.detect.pack import GAP, pack

SHAPES = shapes(640, 32)
sizes = st.lists(st.tuples(st.integers(1, 640), st.integers(1, 640)), max_size=30)


@given(sizes)
def test_every_part_once_on_a_canvas_and_apart_from_others(parts):
    canvases = pack(parts, SHAPES)
    assert sorted(spot.part for canvas in canvases for spot in canvas.spots) == list(range(len(parts)))
    for canvas in canvases:
        assert canvas.size in SHAPES
        placed = [(spot.left, spot.top, *parts[spot.part]) for spot in canvas.spots]
        assert placed
        for i, (left, top, width, height) in enumerate(placed):
            assert 0 <= left <= canvas.size[0] - width
            assert 0 <= top <= canvas.size[1] - height
            for other_left, other_top, other_width, other_height in placed[:i]:
                across = max(other_left - left - width, left - other_left - other_width)
                down = max(other_top - top - height, top - other_top - other_height)
                assert max(across, down) >= GAP


@given(sizes)
def test_no_canvas_is_larger_than_it_must_be(parts):
    for canvas in pack(parts, SHAPES)[-1:]:
        alone = pack([parts[spot.part] for spot in canvas.spots], SHAPES)
        assert len(alone) == 1
        assert math.prod(alone[0].size) == math.prod(canvas.size)


@pytest.mark.parametrize(
    ("parts", "want"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(100, 100)], [(128, 128)], id="one small"),
        pytest.param([(640, 640)], [(640, 640)], id="one that fills the largest"),
        pytest.param([(600, 100)], [(640, 192)], id="one wide"),
        pytest.param([(60, 60)] * 4, [(128, 128)], id="four on the smallest"),
        pytest.param([(600, 600)] * 2, [(640, 640)] * 2, id="one a canvas"),
    ],
)
def test_shapes(parts, want):
    assert [canvas.size for canvas in pack(parts, SHAPES)] == want


def test_many_parts_fill_their_canvases():
    parts = [(40 + 7 * i % 90, 60 + 11 * i % 130) for i in range(120)]
    used, area = sum(map(math.prod, parts)), sum(math.prod(canvas.size) for canvas in pack(parts, SHAPES))
    assert used / area > 0.7


def test_a_part_that_no_canvas_holds_is_an_error():
    with pytest.raises(ValueError, match="does not hold"):
        pack([(10, 10), (641, 10)], SHAPES)


@pytest.mark.parametrize(("side", "stride"), [(640, 32), (500, 32), (320, 32), (32, 32), (960, 64)], ids=str)
def test_canvases_are_of_whole_strides_and_the_last_holds_any_part(side, stride):
    made = shapes(side, stride)
    assert len(made) <= 10
    assert all(width % stride == height % stride == 0 for width, height in made)
    assert min(made[-1]) >= side
    assert made == sorted(made, key=math.prod)
