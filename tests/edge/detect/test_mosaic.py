from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect.card import load_card
from edge.detect.mosaic import Mosaic
from edge.detect.onnx import OnnxDetector
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.detect.yolo import overlap
from edge.types import WHOLE, Box, Detections, Image, Overruled, Region
from tests.edge.detectors import FakeDetector

DATA = Path(__file__).parents[2] / "data"
PERSONS = [  # of plaza-frame.jpg, by eye, relative
    (185 / 768, 159 / 576, 220 / 768, 234 / 576),
    (314 / 768, 207 / 576, 344 / 768, 296 / 576),
    (582 / 768, 159 / 576, 610 / 768, 236 / 576),
]


class Squares(FakeDetector):
    """Sees every white square, however near to another; and counts its canvases."""

    def __init__(self) -> None:
        self.canvases: list[tuple[int, int]] = []

    def boxes(self, image: Image) -> list[Box]:
        height, width = image.shape[:2]
        _, _, found, _ = cv2.connectedComponentsWithStats((image[:, :, 1] > 180).astype(np.uint8))
        return [
            (left / width, top / height, (left + wide) / width, (top + high) / height)
            for left, top, wide, high, _ in found[1:].tolist()
        ]

    def detect(self, images: Sequence[Image], canvases: Sequence[Image] = ()) -> list[Detections]:
        self.canvases += [(canvas.shape[1], canvas.shape[0]) for canvas in canvases]
        return super().detect(images, canvases)


def picture(*squares: tuple[int, int, int]) -> Image:
    """White squares (left, top, side) on black."""
    image = np.zeros((360, 640, 3), np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return image


def region(left: int, top: int, right: int, bottom: int, scale: float = 1.0) -> Region:
    """Of a picture of 640x360, as far as it is in it."""
    box = left / 640, top / 360, right / 640, bottom / 360
    return Region((max(0, box[0]), max(0, box[1]), min(1, box[2]), min(1, box[3])), scale)


def relative(left: int, top: int, side: int) -> list[float]:
    return [left / 640, top / 360, (left + side) / 640, (top + side) / 360]


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 320), st.integers(4, 40), st.sampled_from([1.0, 0.7, 0.5])),
        max_size=12,
    )
)
def test_what_is_in_a_part_is_found_where_it_is_in_its_picture(squares: list[tuple[int, int, int, float]]) -> None:
    pictures = [
        (picture((left, top, side)), [region(left - 30, top - 30, left + side + 30, top + side + 30, scale)])
        for left, top, side, scale in squares
    ]
    detector = Squares()
    sights = Mosaic(detector).look(pictures)
    assert len(sights) == len(squares)
    for sight, (left, top, side, scale) in zip(sights, squares, strict=True):
        assert sight.detections.boxes == pytest.approx(np.array([relative(left, top, side)]), abs=1.5 / 360 / scale)
        assert sight.cut == []


def test_parts_of_many_pictures_share_a_canvas() -> None:
    detector = Squares()
    mosaic = Mosaic(detector)
    mosaic.look([(picture((50 * i, 100, 20)), [region(50 * i - 10, 90, 50 * i + 30, 130)]) for i in range(1, 5)])
    assert detector.canvases == [(128, 128)]
    assert (mosaic.shown, mosaic.canvas) == (4 * 40 * 40, 128 * 128)


def test_warming_up_shows_every_shape_that_was_not_seen_once_and_after_it_none_is_new() -> None:
    detector = Squares()
    mosaic = Mosaic(detector)
    mosaic.look([(picture(), [region(0, 0, 600, 300)])])
    while mosaic.warm():
        pass
    assert len(set(detector.canvases)) == len(detector.canvases) == 10
    warm = set(detector.canvases)
    detector.canvases.clear()
    for side in range(40, 600, 40):
        mosaic.look([(picture(), [region(0, 0, side, side)])])
        mosaic.look([(picture(), [region(0, 0, 630, side // 2)])])
    assert len(set(detector.canvases)) > 5
    assert set(detector.canvases) <= warm


def test_a_picture_without_regions_is_not_looked_at() -> None:
    detector = Squares()
    mosaic = Mosaic(detector)
    (sight,) = mosaic.look([(picture((100, 100, 20)), [])])
    assert (len(sight.detections), len(sight.cut)) == (0, 0)
    assert (detector.canvases, mosaic.shown, mosaic.canvas) == ([], 0, 0)
    assert mosaic.look([]) == []


def test_a_whole_picture_beside_parts_of_another() -> None:
    detector = Squares()
    mosaic = Mosaic(detector)
    one, other = mosaic.look(
        [(picture((100, 100, 20)), [WHOLE]), (picture((300, 200, 30)), [region(280, 180, 350, 250)])]
    )
    assert one.detections.boxes == pytest.approx(np.array([relative(100, 100, 20)]), abs=1e-6)
    assert other.detections.boxes == pytest.approx(np.array([relative(300, 200, 30)]), abs=1e-6)
    assert mosaic.shown == 640 * 360 + 70 * 70
    assert mosaic.canvas == 640 * 384 + 128 * 128


@pytest.mark.parametrize("size", [(320, 240), (352, 288), (1, 1), (640, 40), (200, 640)], ids=str)
def test_pictures_that_are_shown_larger_or_are_odd(size: tuple[int, int]) -> None:
    whole = Region((0.0, 0.0, 1.0, 0.999))  # a part, if only just
    (sight,) = Mosaic(Squares()).look([(np.full((size[1], size[0], 3), 255, np.uint8), [whole])])
    assert sight.detections.boxes == pytest.approx(np.array([[0, 0, 1, 1]]), abs=0.002)


@pytest.mark.parametrize(
    ("parts", "found", "cut"),
    [
        pytest.param([(80, 80, 140, 140)], 1, 0, id="whole"),
        pytest.param([(80, 80, 110, 140)], 0, 1, id="cut by the part"),
        pytest.param([(80, 80, 110, 140), (90, 90, 150, 150)], 1, 0, id="another part shows it whole"),
        pytest.param([(80, 80, 110, 140), (300, 80, 360, 140)], 0, 1, id="another part shows something else"),
        pytest.param([(80, 80, 140, 140), (82, 82, 142, 142)], 1, 0, id="whole in two parts is one"),
    ],
)
def test_what_a_part_cuts_is_told_apart(parts: list[tuple[int, int, int, int]], found: int, cut: int) -> None:
    (sight,) = Mosaic(Squares()).look([(picture((100, 100, 20)), [region(*part) for part in parts])])
    assert (len(sight.detections), len(sight.cut)) == (found, cut)
    if cut:
        assert sight.cut[0] == pytest.approx((100 / 640, 100 / 360, 110 / 640, 120 / 360))


def test_what_the_picture_itself_cuts_is_a_detection() -> None:
    (sight,) = Mosaic(Squares()).look([(picture((0, 0, 20)), [region(0, 0, 60, 60)])])
    assert (len(sight.detections), sight.cut) == (1, [])


def test_what_is_overruled_is_kept_for_those_who_hide_people() -> None:
    class Doubting(Squares):
        def _one(self, boxes: Any) -> Detections:
            seen = super()._one(boxes)
            over = Overruled(seen.boxes.copy(), np.full(len(boxes), 7, np.int32))
            return Detections(seen.boxes, seen.scores, seen.classes, over)

    (sight,) = Mosaic(Doubting()).look([(picture((100, 100, 20)), [region(80, 80, 140, 140)])])
    assert sight.detections.overruled.boxes == pytest.approx(np.array([relative(100, 100, 20)]), abs=1e-6)
    assert sight.detections.overruled.classes.tolist() == [7]


@pytest.fixture(scope="module", params=[OpenVinoDetector, OnnxDetector], ids=["openvino", "onnxruntime"])
def mosaic(request: pytest.FixtureRequest) -> Iterator[Mosaic]:
    if request.param is OnnxDetector and importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is not installed")
    detector = request.param(load_card(models_dir() / "yolov8n" / "card.yaml"))
    yield Mosaic(detector)
    detector.close()


@pytest.fixture(scope="module")
def plaza() -> Image:
    image = cv2.imread(str(DATA / "plaza-frame.jpg"))
    assert image is not None
    return np.asarray(cv2.resize(image, (640, 480)), np.uint8)


def test_a_person_is_where_the_whole_picture_shows_them(mosaic: Mosaic, plaza: Image) -> None:
    whole = mosaic.whole(plaza)
    regions = [Region((left - 0.06, top - 0.08, right + 0.06, bottom + 0.08)) for left, top, right, bottom in PERSONS]
    (sight,) = mosaic.look([(plaza, regions)])
    for box in np.array(PERSONS, np.float32):
        (ours,), (theirs,) = (
            each.boxes[(overlap(box, each.boxes) > 0.6) & (each.classes == 0) & (each.scores > 0.3)]
            for each in (sight.detections, whole)
        )
        pixels = np.abs(ours - theirs) * np.array([640, 480, 640, 480])
        assert pixels.max() < 2


def test_pictures_do_not_mix(mosaic: Mosaic, plaza: Image) -> None:
    left, top, right, bottom = PERSONS[1]
    person = [Region((left - 0.06, top - 0.08, right + 0.06, bottom + 0.08))]
    black = np.zeros_like(plaza)
    sights = mosaic.look([(black, person), (plaza, person), (black, [WHOLE])])
    assert [int((sight.detections.scores > 0.5).sum()) for sight in sights] == [0, 1, 0]
