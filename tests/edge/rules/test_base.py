from __future__ import annotations

import math

import pytest

from contract import geometry
from edge.rules.base import LabelFilter, anchor, clipped, in_picture, margin, share, told_label
from tests.edge.rules.paths import track

PICTURE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0.4, 0.4, 0.6, 1.0), id="lower border"),
        pytest.param((0.9, 0.4, 1.2, 0.6), id="right border"),
        pytest.param((-0.3, -0.2, 0.1, 0.0), id="upper left corner"),
        pytest.param((0.9, 0.9, 1.3, 1.4), id="lower right corner"),
    ],
)
@pytest.mark.parametrize("which", ["bottom", "centre"])
def test_what_the_border_cuts_off_stands_inside_it(box, which):
    assert geometry.contains(PICTURE, anchor(box, which))


def test_anchor():
    assert anchor((0.2, 0.1, 0.4, 0.5), "bottom") == pytest.approx((0.3, 0.5))
    assert anchor((0.2, 0.1, 0.4, 0.5), "centre") == pytest.approx((0.3, 0.3))


@pytest.mark.parametrize(
    ("height", "expected"), [(0.0, 0.004), (0.1, 0.008), (0.2, 0.016), (1.0, 0.02)], ids=["point", "low", "high", "all"]
)
def test_margin_is_of_the_objects_height_within_limits(height, expected):
    assert margin((0.4, 0.0, 0.6, height)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param((0.4, 0.4, 0.6, 0.6), True, id="inside"),
        pytest.param((0.5, 0.5, 0.5, 0.5), True, id="point"),
        pytest.param((-1.0, -1.0, 2.0, 2.0), True, id="larger than the picture"),
        pytest.param((1.0, 0.4, 1.2, 0.6), False, id="beside it"),
        pytest.param((0.4, -0.2, 0.6, 0.0), False, id="above it"),
        pytest.param((math.nan, 0.4, 0.6, 0.6), False, id="not a number"),
        pytest.param((0.4, 0.4, 0.6, math.nan), False, id="not a number, last"),
        pytest.param((-math.inf, 0.4, math.inf, 0.6), False, id="endless"),
        pytest.param((0.6, 0.4, 0.4, 0.6), False, id="reversed"),
    ],
)
def test_in_picture(box, expected):
    assert in_picture(box) is expected


def test_clipped():
    assert clipped((-0.5, 0.2, 0.4, 1.3)) == (0.0, 0.2, 0.4, 1.0)


def test_labels():
    found = [track(1, 0.0, (0.5, 0.5)), track(2, 0.0, (0.5, 0.5), label="bus")]
    assert [t.id for t in LabelFilter(("vehicle",))(found)] == [2]
    assert [t.id for t in LabelFilter("any")(found)] == [1, 2]
    assert [told_label("any", t) for t in found] == ["object", "object"]
    assert told_label(("vehicle",), found[1]) == "bus"


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 4, 0.25), (5, 4, 1.0), (-1, 4, 0.0), (0, 0, 1.0)], ids=str)
def test_share(part, whole, expected):
    assert share(part, whole) == expected
