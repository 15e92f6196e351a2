"""The network cut in two against the whole, on a real picture."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.detect import sparse
from edge.detect.card import Card, load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.detect.yolo import overlap
from edge.types import Detections, Image

SIZE = 480  # 480x480, 480x288 are cut, 160x160 is not


@pytest.fixture(scope="module")
def card() -> Card:
    return load_card(models_dir() / "yolov8n" / "card.yaml")


@pytest.fixture(scope="module")
def picture() -> Image:
    image = cv2.imread(str(Path(__file__).parents[2] / "data" / "plaza-frame.jpg"))
    assert image is not None
    return np.asarray(image, np.uint8)


def whole(card: Card, monkeypatch: pytest.MonkeyPatch, arithmetic: str | None = "f32") -> OpenVinoDetector:
    with monkeypatch.context() as patched:
        patched.setattr(sparse.Cut, "of", lambda *_: None)
        return OpenVinoDetector(card, size=SIZE, arithmetic=arithmetic)


def assert_same(found: list[Detections], want: list[Detections]) -> None:
    for ours, theirs in zip(found, want, strict=True):
        np.testing.assert_array_equal(ours.classes, theirs.classes)
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)
        np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-4)
        np.testing.assert_allclose(ours.overruled.boxes, theirs.overruled.boxes, atol=1e-4)


def shown(picture: Image) -> list[Image]:
    return [picture, np.zeros((288, 480, 3), np.uint8), picture[100:370], picture[:, ::-1], picture[:, 384:]]


@pytest.mark.parametrize("at_once", [1, 2])
def test_answers_are_the_whole_networks(
    at_once: int, card: Card, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvases = [np.ascontiguousarray(picture[90 : 90 + size, 100 : 100 + size]) for size in (160, 320, 480)]
    cut = OpenVinoDetector(card, size=SIZE, arithmetic="f32", at_once=at_once, threads=at_once)
    plain = whole(card, monkeypatch)
    kinds = {type(places[0]).__name__ for places in cut._requests.values()}
    assert kinds == {"Request"}
    want = plain.detect(shown(picture), canvases)
    assert [len(each) > 0 for each in want] == [True, False, True, True, True, True, True, True]
    assert_same(cut.detect(shown(picture), canvases), want)
    cut.close()
    plain.close()


def test_where_every_cell_passes(card: Card, picture: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    card = card.model_copy(update={"thresholds": card.thresholds.model_copy(update={"weak": 1e-9})})
    cut, plain = OpenVinoDetector(card, size=SIZE, arithmetic="f32"), whole(card, monkeypatch)
    assert_same(cut.detect([picture]), plain.detect([picture]))
    assert cut.drops == plain.drops
    assert cut.drops["capped"] > 2000
    cut.close()
    plain.close()


def test_in_what_the_processor_is_fastest_in(card: Card, picture: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    cut, plain = OpenVinoDetector(card, size=SIZE), whole(card, monkeypatch, None)
    for found, want in zip(cut.detect(shown(picture)), plain.detect(shown(picture)), strict=True):
        sure = want.only(want.scores >= card.thresholds.confidence)
        same = found.classes == sure.classes[:, None]
        assert (np.where(same, overlap(sure.boxes[:, None], found.boxes), 0).max(axis=1, initial=0) > 0.9).all()
    cut.close()
    plain.close()


def test_what_is_not_finite_is_counted(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.detect.inputs.Inputs.of", lambda *_: np.full((1, 3, 480, 480), np.nan, np.float32))
    for detector in (OpenVinoDetector(card, size=SIZE, arithmetic="f32"), whole(card, monkeypatch)):
        assert len(detector.detect([np.zeros((480, 480, 3), np.uint8)])[0]) == 0
        assert detector.drops["not-finite"] == 60 * 60 + 30 * 30 + 15 * 15
        detector.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"/cv3.0/cv3.0.2/Conv", b"/cv9.0/cv9.0.2/Conv", id="other names"),
        pytest.param(b"/cv2.1/cv2.1.1/conv/Conv", b"/cv9.1/cv9.1.1/conv/Conv", id="other names of the box branch"),
        pytest.param(
            np.arange(16, dtype=np.float32).tobytes(), np.arange(16, dtype=np.float32)[::-1].tobytes(), id="other boxes"
        ),
    ],
)
def test_another_graph_stays_whole(old: bytes, new: bytes, card: Card, picture: Image, tmp_path: Path) -> None:
    data = card.weights.read_bytes()
    assert old in data
    other = data.replace(old, new)
    (tmp_path / "other.onnx").write_bytes(other)
    found = {"file": "other.onnx", "sha256": hashlib.sha256(other).hexdigest(), "path": tmp_path / "card.yaml"}
    detector = OpenVinoDetector(card.model_copy(update=found), size=SIZE)
    assert {type(places[0]).__name__ for places in detector._requests.values()} == {"Whole"}
    detector.detect([picture])
    detector.close()
