from __future__ import annotations

import numpy as np
import pytest

from edge.detect.cells import BINS, OUTSIDE, ROUND, Grid, Rows
from edge.detect.yolo import Floats

SIZES = [(4, 6), (2, 3)]


def taken(rows: Floats, places: Rows) -> Floats:
    """As OpenVINO's Gather: zeros for what is beyond the end."""
    found: Floats = np.append(rows, np.float32(0))[np.minimum(places, len(rows))]
    return found


def convolved(values: Floats, weights: Floats) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, 1), (3, 3))
    found: Floats = windows.reshape(*values.shape, 9) @ weights
    return found


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([], id="none"),
        pytest.param([0], id="corner"),
        pytest.param([9, 10, 29], id="both maps"),
        pytest.param([24], id="second map"),
        pytest.param(range(30), id="all"),
    ],
)
def test_two_convolutions_in_some_cells_are_those_of_the_map(cells: list[int]) -> None:
    rng = np.random.default_rng(3)
    maps = [rng.random(size, np.float32) for size in SIZES]
    first, second = rng.random(9, np.float32), rng.random(9, np.float32)
    grid, asked = Grid(32, SIZES), np.array(cells, np.intp)
    for _ in range(2):  # nothing is left of the first time
        near = grid.neighbours(asked)
        found = [
            taken(taken(values.reshape(-1), features) @ first, rows) @ second
            for values, features, rows in zip(maps, near.features, near.first, strict=True)
        ]
        whole = np.concatenate([_again(convolved(values, first), second) for values in maps])
        np.testing.assert_allclose(np.concatenate(found)[near.cells], whole[asked], rtol=1e-5)
    assert all(len(each) % ROUND == 0 for each in near.features + near.first)
    assert all(each.dtype == np.int32 and each.max(initial=0) <= OUTSIDE for each in near.features + near.first)


def _again(values: Floats, weights: Floats) -> Floats:
    return convolved(values, weights).reshape(-1)


def test_which_map() -> None:
    found = Grid(32, SIZES).by_map(np.array([0, 23, 24, 29]))
    assert [each.tolist() for each in found] == [[0, 23], [0, 5]]


def test_boxes() -> None:
    """Left 1, top 2, right 3, bottom 4 cells away from the middle of the first map's second row's first cell, and of
    the second map's last."""
    peaks = np.full((2, 4, BINS), -50, np.float32)
    peaks[:, np.arange(4), [1, 2, 3, 4]] = 50
    found = Grid(32, SIZES).boxes(np.array([6, 29]), peaks.reshape(2, -1))
    np.testing.assert_allclose(found.T, [[12, 20, 32, 48], [56, 40, 64, 96]], rtol=1e-5)
