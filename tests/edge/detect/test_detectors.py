"""One suite for every backend."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.detect import backends, choices
from edge.detect.base import Detector
from edge.detect.card import Card, load_card
from edge.detect.onnx import OnnxDetector
from edge.detect.openvino import OpenVinoDetector
from edge.detect.session import YoloDetector
from edge.detect.shipped import models_dir
from edge.detect.ultralytics import UltralyticsDetector
from edge.detect.yolo import overlap
from edge.errors import BackendError, CardError, ChecksumError
from edge.types import Detections, Image

DATA = Path(__file__).parents[2] / "data"
PT = Path(__file__).parents[4] / "shared" / "weights" / "yolov8n.pt"
BACKENDS = {"openvino": OpenVinoDetector, "onnxruntime": OnnxDetector, "ultralytics": UltralyticsDetector}
FORMS = {"openvino": ".onnx", "onnxruntime": ".onnx", "ultralytics": ".pt"}

# By eye, in pixels of the 768x576 picture
PERSONS = [
    (185, 159, 220, 234),
    (244, 159, 266, 221),
    (296, 158, 323, 230),
    (314, 207, 344, 296),
    (582, 159, 610, 236),
    (618, 161, 644, 233),
]
VEHICLES = [(653, 45, 722, 100), (735, 51, 768, 95)]


@pytest.fixture(scope="module")
def shipped() -> Card:
    return load_card(models_dir() / "yolov8n" / "card.yaml")


def holding(card: Card, weights: Path, data: bytes) -> Card:
    """`card` with other weights, which are written."""
    weights.write_bytes(data)
    found = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return card.model_copy(update={"path": weights.with_name("card.yaml"), "file": weights.name, **found})


@pytest.fixture(scope="module")
def picture() -> Image:
    image = cv2.imread(str(DATA / "plaza-frame.jpg"))
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="module", params=BACKENDS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    if importlib.util.find_spec(found) is None:
        pytest.skip(f"{found} is not installed")
    return found


@pytest.fixture(scope="module")
def backend(name: str) -> type[Any]:
    return BACKENDS[name]


@pytest.fixture(scope="module")
def card(name: str, shipped: Card, tmp_path_factory: pytest.TempPathFactory) -> Card:
    """The same network for each, in the form that it runs."""
    if FORMS[name] == ".onnx":
        return shipped
    if not PT.is_file():
        pytest.skip("the upstream's yolov8n.pt is not here")
    found = holding(shipped, tmp_path_factory.mktemp("pt") / PT.name, PT.read_bytes())
    assert found.sha256 == shipped.source.sha256
    return found


@pytest.fixture
def detector(backend: type[Any], card: Card) -> Iterator[Detector]:
    made = backend(card)
    yield made
    made.close()


def sure(detector: Detector, found: Detections) -> Detections:
    return found.only(found.scores >= detector.confidence)


def labels(detector: Detector, found: Detections) -> list[str]:
    return sorted(detector.class_names[i] for i in sure(detector, found).classes)


def assert_finds(found: Detections, detector: Detector, names: set[str], where: Sequence[tuple[int, ...]]) -> None:
    ours = found.only(np.array([detector.class_names[i] in names for i in found.classes]))
    assert len(ours) == len(where)
    for box in np.array(where, np.float32) / np.array([768, 576, 768, 576], np.float32):
        assert overlap(box, ours.boxes).max() > 0.7


def test_finds_the_people_where_they_are(detector: Detector, picture: Image) -> None:
    [found] = detector.detect([picture])
    assert (np.diff(found.scores) <= 0).all()
    found = sure(detector, found)
    assert_finds(found, detector, {"person"}, PERSONS)
    assert_finds(found, detector, {"car", "truck", "bus"}, VEHICLES)
    assert len(found) == len(PERSONS) + len(VEHICLES)


def test_tells_its_card(detector: Detector, card: Card) -> None:
    assert detector.model_id == "yolov8n"
    assert detector.class_names == card.classes
    assert detector.confidence == card.thresholds.confidence


def test_one_answer_a_picture_in_order(detector: Detector, picture: Image) -> None:
    black = np.zeros((360, 640, 3), np.uint8)
    right = np.ascontiguousarray(picture[:, 384:])
    answers = detector.detect([black, picture, right, black])
    assert [labels(detector, found).count("person") for found in answers] == [0, 6, 2, 0]
    assert detector.detect([]) == []


def test_a_view_of_a_picture_will_do(detector: Detector, picture: Image) -> None:
    mirrored = picture[:, ::-1]  # negative strides
    [found] = detector.detect([mirrored])
    assert labels(detector, found).count("person") == 6


def test_a_canvas_goes_in_as_it_is(detector: Detector, picture: Image) -> None:
    canvas = np.full((192, 640, 3), 114, np.uint8)
    canvas[:, 100:420] = picture[130:322, 160:480]
    [found] = detector.detect([], [canvas])
    found = sure(detector, found)
    assert labels(detector, found).count("person") == 4
    boxes = found.boxes[found.classes == 0] * np.array([640, 192, 640, 192], np.float32)
    in_picture = (boxes + np.array([60, 130, 60, 130])) / np.array([768, 576, 768, 576])
    for box in np.array(PERSONS[:4], np.float32) / np.array([768, 576, 768, 576], np.float32):
        assert overlap(box, in_picture.astype(np.float32)).max() > 0.7
    assert detector.detect([], []) == []


@pytest.mark.parametrize("size", [(192, 600), (100, 640), (31, 32)], ids=str)
def test_a_canvas_is_of_whole_strides(detector: Detector, size: tuple[int, int]) -> None:
    with pytest.raises(BackendError, match="whole strides"):
        detector.detect([], [np.zeros((*size, 3), np.uint8)])


def test_answers_do_not_change_under_the_next_picture(detector: Detector, picture: Image) -> None:
    [first] = detector.detect([picture])
    before = first.boxes.copy()
    detector.detect([np.full_like(picture, 200)])
    np.testing.assert_array_equal(first.boxes, before)


@pytest.mark.parametrize("size", [320, 500, 960])
def test_other_sizes(backend: type[Any], card: Card, picture: Image, size: int) -> None:
    detector = backend(card, size=size)
    [found] = detector.detect([picture])
    assert labels(detector, found).count("person") >= 4
    detector.close()


@pytest.mark.parametrize("size", [0, 31, 100_000])
def test_sizes_out_of_range(backend: type[Any], card: Card, size: int) -> None:
    with pytest.raises(BackendError, match="out of range"):
        backend(card, size=size)


def test_closed(backend: type[Any], card: Card, picture: Image) -> None:
    detector = backend(card, size=320)
    detector.close()
    detector.close()
    with pytest.raises(BackendError, match="closed"):
        detector.detect([picture])


def test_refuses_weights_that_are_not_the_cards(backend: type[Any], card: Card) -> None:
    with pytest.raises(ChecksumError, match="the card says"):
        backend(card.model_copy(update={"sha256": "0" * 64}))


def test_weights_that_are_no_network(name: str, backend: type[Any], shipped: Card, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot load it") as caught:
        backend(holding(shipped, tmp_path / f"w{FORMS[name]}", b"not a network at all"))
    assert caught.value.hint


class Runs:
    """A pickle that does something when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._trace,)


@pytest.mark.parametrize("cards", [True, False], ids=["the card's", "others"])
def test_a_pickle_is_compared_before_it_is_loaded(cards: bool, shipped: Card, tmp_path: Path) -> None:
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")
    importlib.import_module("torch").save(Runs(tmp_path / "ran"), tmp_path / "new.pt")
    card = holding(shipped, tmp_path / "w.pt", (tmp_path / "new.pt").read_bytes())
    with pytest.raises(BackendError if cards else ChecksumError):
        UltralyticsDetector(card if cards else card.model_copy(update={"sha256": "0" * 64}))
    assert (tmp_path / "ran").exists() is cards  # else this test could not fail


@pytest.mark.parametrize("name", BACKENDS)
def test_weights_of_another_form_are_not_read(name: str, shipped: Card, tmp_path: Path) -> None:
    other = {".onnx": ".pt", ".pt": ".onnx"}[FORMS[name]]
    with pytest.raises(CardError, match=rf"this backend runs \{FORMS[name]} files") as caught:
        BACKENDS[name](holding(shipped, tmp_path / f"w{other}", b""))
    assert "--backend ultralytics" in caught.value.hint


@pytest.mark.parametrize(
    ("device", "offered", "wanted"),
    [("auto", True, True), ("auto", False, False), ("cpu", True, False), ("cpu", False, False), ("cuda", True, True)],
)
def test_cuda_only_where_it_is(device: choices.Device, offered: bool, wanted: bool) -> None:
    assert choices.cuda_wanted(device, offered=offered) is wanted


@pytest.mark.parametrize(
    ("backend", "form", "library", "asked"),
    [
        pytest.param("openvino", ".onnx", "openvino", "", id="openvino"),
        pytest.param("onnx", ".onnx", "onnxruntime", "get_available_providers", id="onnx"),
        pytest.param("ultralytics", ".pt", "ultralytics", "torch.cuda.is_available", id="ultralytics"),
    ],
)
def test_cuda_that_is_not_there_is_an_error(
    backend: choices.Backend, form: str, library: str, asked: str, shipped: Card, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    if asked:
        monkeypatch.setattr(asked if "." in asked else f"{library}.{asked}", list)  # nothing is offered
    with pytest.raises(BackendError, match=r"NVIDIA|CUDA") as caught:
        backends.detector(holding(shipped, tmp_path / f"w{form}", b""), backend, device="cuda")
    assert caught.value.hint


def test_a_card_of_another_network(backend: type[Any], card: Card, picture: Image) -> None:
    detector = backend(card.model_copy(update={"classes": ("person", "car")}), size=320)
    with pytest.raises(BackendError, match="answers 80 classes, its card names 2"):
        detector.detect([picture])
    detector.close()


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((0, 10, 3), np.uint8), id="no rows"),
        pytest.param(np.zeros((10, 10), np.uint8), id="grey"),
        pytest.param(np.zeros((10, 10, 4), np.uint8), id="four channels"),
        pytest.param(np.zeros((10, 10, 3), np.float32), id="floats"),
    ],
)
def test_refuses_what_is_no_picture(detector: Detector, image: Any) -> None:
    with pytest.raises(BackendError, match="no picture"):
        detector.detect([image])


@pytest.mark.parametrize(("name", "make"), BACKENDS.items(), ids=BACKENDS)
def test_a_missing_library_is_named(
    name: str, make: type[YoloDetector], shipped: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # import raises ImportError
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        make(holding(shipped, tmp_path / f"w{FORMS[name]}", b""))
    assert "pip install" in caught.value.hint


def test_a_network_that_fails(detector: Any, picture: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.detect.inputs.Inputs.of", lambda *_: np.zeros((1, 5, 32, 32), np.float32))
    with pytest.raises(BackendError, match="failed"):
        detector.detect([picture])


def test_two_at_once_answer_as_one_after_the_other(shipped: Card, picture: Image) -> None:
    shown = [picture[:, : 768 * n // 8] for n in (8, 4, 8, 3, 8)] + [picture]
    canvases = [np.ascontiguousarray(picture[:320, left : left + 320]) for left in (0, 200, 400)]
    one, two = OpenVinoDetector(shipped, size=320), OpenVinoDetector(shipped, size=320, threads=2, at_once=2)
    for want, found in zip(one.detect(shown, canvases), two.detect(shown, canvases), strict=True):
        np.testing.assert_allclose(found.boxes, want.boxes, atol=1e-3)
        assert len(found) == len(want) > 0
    one.close()
    two.close()


def test_odd_shapes_do_not_pile_up_networks(shipped: Card, picture: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.detect.openvino.MAX_SHAPES", 6)
    detector = OpenVinoDetector(shipped, size=160)
    shapes = [picture[: 576 * n // 12] for n in range(2, 13)] + [picture[:, : 768 * n // 12] for n in range(2, 13)]
    detector.detect(shapes)
    assert len(detector._requests) == 6 + 1
    detector.close()


def test_drops_are_counted(detector: Any, picture: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    head = np.full((1, 84, 2000), np.nan, np.float32)
    monkeypatch.setattr(detector, "_start", lambda *_: lambda: head)
    [found] = detector.detect([picture])
    assert len(found) == 0
    assert detector.drops == {"not-finite": 2000, "capped": 0}
