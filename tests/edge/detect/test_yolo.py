from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect import yolo
from edge.detect.card import Thresholds
from edge.detect.yolo import Floats, Letterbox, decode, overlap, suppress

LIMITS = Thresholds(weak=0.25, confidence=0.5, iou=0.7)
SQUARE = Letterbox.fit(640, 640, size=640, stride=32)
sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("picture", "size", "target", "inner", "offset"),
    [
        pytest.param((1920, 1080), 640, (640, 384), (640, 360), (0, 12), id="16:9"),
        pytest.param((1080, 1920), 640, (384, 640), (360, 640), (12, 0), id="portrait"),
        pytest.param((768, 576), 640, (640, 480), (640, 480), (0, 0), id="4:3 fits"),
        pytest.param((640, 640), 640, (640, 640), (640, 640), (0, 0), id="as it is"),
        pytest.param((100, 50), 640, (640, 320), (640, 320), (0, 0), id="small one grows"),
        pytest.param((1, 1000), 640, (32, 640), (1, 640), (15, 0), id="a line"),
        pytest.param((1920, 1080), 600, (608, 352), (608, 342), (0, 5), id="size not of whole strides"),
    ],
)
def test_letterbox(
    picture: tuple[int, int],
    size: int,
    target: tuple[int, int],
    inner: tuple[int, int],
    offset: tuple[int, int],
) -> None:
    box = Letterbox.fit(*picture, size=size, stride=32)
    assert (box.target, box.inner, (box.left, box.top)) == (target, inner, offset)


def test_letterbox_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Letterbox.fit(0, 10, size=640, stride=32)


@given(sides, sides, st.integers(32, 1280), st.sampled_from([16, 32, 64]))
def test_letterbox_holds_the_picture(width: int, height: int, size: int, stride: int) -> None:
    box = Letterbox.fit(width, height, size=size, stride=stride)
    for side in (0, 1):
        assert box.target[side] % stride == 0
        assert box.inner[side] <= box.target[side] < box.inner[side] + stride
    assert max(box.inner) == max(box.target)
    assert 0 <= box.left <= box.target[0] - box.inner[0]
    assert 0 <= box.top <= box.target[1] - box.inner[1]


def on_target(box: Letterbox, boxes: np.ndarray) -> np.ndarray:
    """The inverse of `to_relative`."""
    offset = np.array([box.left, box.top] * 2, np.float32)
    return boxes * np.array(box.inner * 2, np.float32) + offset


@given(sides, sides, st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4))
def test_there_and_back(width: int, height: int, values: list[float]) -> None:
    box = Letterbox.fit(width, height, size=640, stride=32)
    boxes = np.array([values], np.float32)
    there = on_target(box, boxes)
    assert (there >= 0).all()
    assert (there <= np.array([*box.target, *box.target])).all()
    # half a thousandth of the longest side, or of the one pixel that a line has
    np.testing.assert_allclose(box.to_relative(there), boxes, atol=5e-4)


def head(*boxes: tuple[float, float, float, float, list[float]], anchors: int = 20, classes: int = 3) -> Floats:
    """A head as the network gives it: (centre x, centre y, width, height, scores), the rest silent."""
    made = np.zeros((4 + classes, anchors), np.float32)
    for i, (x, y, w, h, scores) in enumerate(boxes):
        made[:, i * 2] = [x, y, w, h, *scores]
    return made


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("boxes", "want", "not_finite"),
    [
        pytest.param([], [], 0, id="nothing seen"),
        pytest.param([(320, 320, 64, 128, [0, 0.9, 0])], [(1, 0.9, 0.45, 0.4, 0.55, 0.6)], 0, id="one"),
        pytest.param([(320, 320, 64, 128, [0, 0.2, 0.24])], [], 0, id="below the threshold"),
        pytest.param([(320, 320, 64, 64, [0.25, 0, 0])], [(0, 0.25, 0.45, 0.45, 0.55, 0.55)], 0, id="at it"),
        pytest.param([(0, 320, 64, 64, [0.9, 0, 0])], [(0, 0.9, 0, 0.45, 0.05, 0.55)], 0, id="cut by the edge"),
        pytest.param([(-99, 320, 64, 64, [0.9, 0, 0])], [], 0, id="outside"),
        pytest.param([(320, 320, 0, 64, [0.9, 0, 0])], [], 0, id="no width"),
        pytest.param([(320, 320, -64, 64, [0.9, 0, 0])], [], 0, id="reversed"),
        pytest.param([(NAN, 320, 64, 64, [0.9, 0, 0])], [], 1, id="box of NaN"),
        pytest.param([(320, INF, 64, 64, [0.9, 0, 0])], [], 1, id="infinite box"),
        pytest.param([(320, 320, 64, 64, [0.9, NAN, 0])], [], 1, id="score of NaN"),
        pytest.param([(320, 320, 64, 64, [INF, 0, 0])], [], 1, id="infinite score"),
        pytest.param([(NAN, 320, 64, 64, [NAN, 0, 0])], [], 1, id="all NaN is one box"),
        pytest.param(
            [(NAN, 320, 64, 64, [0.9, 0, 0]), (320, 320, 64, 64, [0, 0, 0.8])],
            [(2, 0.8, 0.45, 0.45, 0.55, 0.55)],
            1,
            id="a bad one beside a good one",
        ),
        pytest.param([(3e38, 320, 3e38, 64, [0.9, 0, 0])], [], 0, id="far away"),
        pytest.param([(320, 320, 64, 64, [1.5, 0, 0])], [(0, 1, 0.45, 0.45, 0.55, 0.55)], 0, id="score > 1"),
        pytest.param(
            [(100, 100, 64, 64, [0.5, 0, 0]), (500, 500, 64, 64, [0, 0.9, 0])],
            [(1, 0.9, 0.73125, 0.73125, 0.83125, 0.83125), (0, 0.5, 0.10625, 0.10625, 0.20625, 0.20625)],
            0,
            id="best first",
        ),
    ],
)
def test_decode(
    boxes: list[tuple[float, float, float, float, list[float]]],
    want: list[tuple[float, ...]],
    not_finite: int,
) -> None:
    found = decode(head(*boxes), SQUARE, LIMITS)
    got = [
        (int(label), float(score), *map(float, box))
        for label, score, box in zip(
            found.detections.classes, found.detections.scores, found.detections.boxes, strict=True
        )
    ]
    assert got == [pytest.approx(row, abs=1e-5) for row in want]
    assert (found.not_finite, found.capped) == (not_finite, 0)


def test_decode_of_no_anchors() -> None:
    assert len(decode(np.zeros((84, 0), np.float32), SQUARE, LIMITS).detections) == 0


@pytest.mark.parametrize("shape", [(4, 10), (10,), (1, 84, 10)], ids=str)
def test_decode_refuses_another_head(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="want a head"):
        decode(np.zeros(shape, np.float32), SQUARE, LIMITS)


def test_thousands_of_boxes_are_capped_and_counted() -> None:
    rng = np.random.default_rng(7)
    made = np.zeros((84, 8400), np.float32)
    made[:2] = rng.uniform(0, 640, (2, 8400))
    made[2:4] = 4
    made[4] = np.linspace(0.3, 0.99, 8400)
    start = time.perf_counter()
    found = decode(made, SQUARE, LIMITS)
    took = time.perf_counter() - start
    assert len(found.detections) == yolo.MAX_DETECTIONS
    assert found.capped >= 8400 - yolo.MAX_CANDIDATES
    assert found.detections.scores.min() > 0.9  # the best stay
    assert took < 1  # some 10 ms; bounded, however mad the head


WHOLE = (0.0, 0.0, 1.0, 1.0)
MOST = (0.0, 0.0, 1.0, 0.9)  # IoU 0.9 with WHOLE
HALF = (0.0, 0.0, 1.0, 0.5)
ELSE = (2.0, 2.0, 3.0, 3.0)
POINT = (0.5, 0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("boxes", "classes", "agnostic", "keep"),
    [
        pytest.param([], [], None, [], id="none"),
        pytest.param([WHOLE], [0], None, [0], id="one"),
        pytest.param([WHOLE, MOST], [0, 0], None, [0], id="same class, same thing"),
        pytest.param([WHOLE, HALF], [0, 0], None, [0, 1], id="same class, too little in common"),
        pytest.param([WHOLE, MOST], [2, 7], None, [0, 1], id="two classes stay two"),
        pytest.param([WHOLE, MOST], [2, 7], 0.8, [0], id="car and truck are one vehicle"),
        pytest.param([WHOLE, HALF], [0, 1], 0.8, [0, 1], id="rider and bicycle stay two"),
        pytest.param([WHOLE, MOST, MOST], [2, 7, 2], 0.95, [0, 1], id="second threshold for other classes only"),
        pytest.param([WHOLE, ELSE, MOST, ELSE], [0, 0, 0, 1], None, [0, 1, 3], id="order is kept"),
        pytest.param([HALF, WHOLE, MOST], [0, 0, 0], None, [0, 1], id="a box gone suppresses nothing"),
        pytest.param([WHOLE] * 3, [0, 0, 0], None, [0], id="equal boxes"),
        pytest.param([POINT, POINT], [0, 0], 0.5, [0, 1], id="no area, no overlap, no division by zero"),
    ],
)
def test_suppress(boxes: list[tuple[float, ...]], classes: list[int], agnostic: float | None, keep: list[int]) -> None:
    made = np.array(boxes, np.float32).reshape(-1, 4)
    kept, overruled = suppress(made, np.array(classes, np.int32), iou=0.7, agnostic_iou=agnostic)
    assert kept.tolist() == keep
    assert not set(kept.tolist()) & set(overruled.tolist())


def test_what_a_better_box_of_another_class_left_no_room_for_is_still_known() -> None:
    made = np.array([WHOLE, MOST, MOST, HALF], np.float32)
    kept, overruled = suppress(made, np.array([2, 0, 2, 0], np.int32), iou=0.7, agnostic_iou=0.8)
    assert kept.tolist() == [0, 3]
    assert overruled.tolist() == [1]


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4, st.integers(0, 2)), max_size=30))
def test_suppress_keeps_no_double_and_loses_nothing_else(rows: list[tuple[float, ...]]) -> None:
    made = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d, _ in rows], np.float32)
    boxes, classes = made.reshape(-1, 4), np.array([row[4] for row in rows], np.int32)
    keep = suppress(boxes, classes, iou=0.5, agnostic_iou=0.8)[0].tolist()
    assert keep == sorted(set(keep))

    def double(i: int, j: int) -> bool:
        share = float(overlap(boxes[i], boxes[j : j + 1])[0])
        return share > (0.5 if classes[i] == classes[j] else 0.8)

    for j in range(len(rows)):
        suppressed = any(double(i, j) for i in keep if i < j)
        assert (j in keep) is not suppressed
