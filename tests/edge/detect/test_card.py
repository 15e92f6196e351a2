from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from edge.detect.card import Card, load_card, verify
from edge.detect.shipped import models_dir
from edge.errors import CardError, ChecksumError

WEIGHTS = b"not really a network"


def fields(**changes: Any) -> dict[str, Any]:
    """A sound card's content, with changes; a dotted key reaches in, None takes the key away."""
    made: dict[str, Any] = {
        "id": "site-model",
        "file": "weights.onnx",
        "size": len(WEIGHTS),
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "precision": "fp32",
        "licence": "MIT",
        "source": {
            "name": "A site's own",
            "url": "https://example.org/model",
            "file": "best.pt",
            "sha256": "0" * 64,
        },
        "input": {"layout": "NCHW", "colour": "RGB", "scale": 0.0039, "stride": 32, "size": 640},
        "thresholds": {"weak": 0.1, "confidence": 0.25, "iou": 0.7},
        "classes": ["person", "car"],
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        part = made
        for name in path:
            part = part[name]
        if value is None:
            del part[last]
        else:
            part[last] = value
    return made


def write(folder: Path, content: dict[str, Any] | str) -> Path:
    (folder / "weights.onnx").write_bytes(WEIGHTS)
    path = folder / "card.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


def test_sound_card(tmp_path: Path) -> None:
    card = load_card(write(tmp_path, fields()))
    verify(card)
    assert card.weights == tmp_path / "weights.onnx"
    assert card.classes == ("person", "car")
    assert card.thresholds.agnostic_iou is None


def test_our_own_card_is_sound() -> None:
    card = load_card(models_dir() / "yolov8n" / "card.yaml")
    verify(card)
    assert card.size < 8_000_000
    assert (card.classes[0], card.classes[38], card.classes[79]) == ("person", "tennis racket", "toothbrush")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"colour": "red"}, "colour: unknown key", id="unknown key"),
        pytest.param({"input__colours": "RGB"}, "input.colours: unknown key", id="unknown key within"),
        pytest.param({"sha256": None}, "sha256: missing", id="missing key"),
        pytest.param({"source__sha256": None}, "source.sha256: missing", id="missing key within"),
        pytest.param({"size": "6392686"}, "size: Input should be a valid integer", id="quoted number"),
        pytest.param({"size": 0}, "size: Input should be greater", id="no bytes"),
        pytest.param({"sha256": "abc"}, "sha256: String should match", id="short hash"),
        pytest.param({"precision": "fp8"}, "precision: Input should be", id="unknown precision"),
        pytest.param({"thresholds__confidence": 1.5}, "thresholds.confidence: Input", id="share above one"),
        pytest.param({"thresholds__weak": 0.3}, "thresholds.confidence: below thresholds.weak", id="weak above"),
        pytest.param({"thresholds__iou": 0}, "thresholds.iou: Input", id="share of zero"),
        pytest.param({"classes": []}, "classes: ", id="no classes"),
        pytest.param({"classes": ["a", True]}, "classes.1: Input should be a valid string", id="YAML's no"),
        pytest.param({"classes": ["car", "car"]}, "classes: named twice: car", id="class twice"),
        pytest.param({"classes": ["a" * 65]}, "classes.0: no event record could name it", id="class too long to tell"),
        pytest.param({"classes": ["<car>"]}, "classes.0: no event record could name it", id="class with brackets"),
        pytest.param({"source__url": "http://example.org"}, "source.url: ", id="no https"),
        pytest.param({"source__url": "https://me:pw@example.org"}, "source.url: ", id="URL with password"),
        pytest.param({"path": "/etc"}, "path: unknown key", id="path from the file"),
        pytest.param({"file": "../weights.onnx"}, "file: want the plain name", id="file of the parent"),
        pytest.param({"file": "/etc/weights.onnx"}, "file: want the plain name", id="absolute file"),
        pytest.param({"file": "a\\weights.onnx"}, "file: want the plain name", id="file by backslash"),
        pytest.param({"file": ".onnx"}, "file: want the plain name", id="file without a name"),
        pytest.param({"file": "weights.pkl"}, "file: want the plain name", id="another pickle"),
        pytest.param({"file": "weights.onnx\n"}, "file: want the plain name", id="file with a line break"),
        pytest.param({"id": "Site Model"}, "id: String should match", id="id not plain"),
        pytest.param({"id": "yolo-face"}, "id: 'yolo-face' names a face", id="face model by id"),
        pytest.param({"source__name": "Age net"}, "source.name: 'Age net' names a personal trait", id="source"),
        pytest.param({"classes": ["car", "face"]}, "classes.1: 'face' names a face", id="face"),
        pytest.param({"classes": ["车牌"]}, "classes.0: '车牌' names a number plate", id="plate in Chinese"),
    ],
)
def test_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path, fields(**changes))
    with pytest.raises(CardError) as caught:
        load_card(path)
    assert f"{path}: {message}" in str(caught.value)
    assert caught.value.hint
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "want keys and values", id="empty"),
        pytest.param("- id", "want keys and values", id="a list"),
        pytest.param("id: [", "not readable as YAML", id="broken"),
        pytest.param("id: a\nid: b\n", "key given twice: id", id="key twice"),
        pytest.param("id: &a x\nfile: *a\n", "anchors and aliases", id="alias"),
        pytest.param("id: !!python/object/apply:os.getcwd []\n", "not readable as YAML", id="a call"),
        pytest.param("[" * 5000, "not readable as YAML", id="nested for ever"),
        pytest.param("? [a]\n: b\n", "not readable as YAML", id="a list as key"),
        pytest.param("#" * 300_000, "larger than", id="huge"),
        pytest.param("id: \x00", "not readable as YAML", id="a null"),
        pytest.param("measured: {date: 2026-99-99}", "not readable as YAML", id="no such day"),
    ],
)
def test_unreadable(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CardError, match=message):
        load_card(write(tmp_path, text))


def test_the_docs_name_every_key() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "models.md").read_text("utf-8")

    def keys(part: type[BaseModel]) -> Iterator[str]:
        for name, field in part.model_fields.items():
            yield name
            for kind in (field.annotation, *get_args(field.annotation)):
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from keys(kind)

    named = set(keys(Card)) - {"path"}
    assert {"sha256", "agnostic_iou", "matched", "cpu_ms"} <= named
    assert [key for key in sorted(named) if f"`{key}`" not in docs] == []


def test_names_every_problem(tmp_path: Path) -> None:
    with pytest.raises(CardError) as caught:
        load_card(write(tmp_path, fields(sha256=None, licence=None, extra=1)))
    assert [line.rsplit(": ", 2)[1] for line in str(caught.value).splitlines()] == ["sha256", "licence", "extra"]


def test_no_card(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="No such file"):
        load_card(tmp_path / "card.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(WEIGHTS[:-1], "found 19", id="truncated"),
        pytest.param(WEIGHTS + b"!", "found more", id="longer"),
        pytest.param(WEIGHTS.swapcase(), "the card says", id="other content"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_wrong_weights(tmp_path: Path, data: bytes | None, message: str) -> None:
    card: Card = load_card(write(tmp_path, fields()))
    card.weights.unlink()
    if data is not None:
        card.weights.write_bytes(data)
    with pytest.raises(ChecksumError, match=message) as caught:
        verify(card)
    assert caught.value.hint
