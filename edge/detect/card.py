"""A model's card: what its weights are, what they eat, what they may be used for.

A card is typed by people, so it is read strictly. It is also where Vedette's boundary is held: a model whose
classes tell *who* somebody is (faces, plates, personal traits) is refused when its card is read, before any
weight is touched; see `edge.detect.refused`.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from contract.event import Label
from edge.detect.refused import refused
from edge.errors import CardError, ChecksumError

_MAX_CARD_BYTES = 256 * 1024
_HINT = "docs/models.md lists every key of a card"


def _allowed(name: str) -> str:
    if why := refused(name):
        raise ValueError(f"'{name}' names {why}: Vedette says what happened where, never who")
    return name


def _tellable(name: str) -> str:
    try:
        return str(msgspec.convert(name, Label))
    except msgspec.ValidationError as error:
        raise ValueError(f"no event record could name it: {error}") from None


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[Text, AfterValidator(_allowed)]
ClassName = Annotated[Name, AfterValidator(_tellable)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Pixels = Annotated[int, Field(ge=1, le=4096)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Part):
    """Where the weights come from; `sha256` is of the upstream's original `file`."""

    name: Name
    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$", max_length=500)]
    file: Name
    sha256: Sha256


class Input(_Part):
    """What the network eats: values are pixel * `scale`; both sides are multiples of `stride`."""

    layout: Literal["NCHW"]
    colour: Literal["RGB", "BGR"]
    scale: Annotated[float, Field(gt=0)]
    stride: Annotated[int, Field(ge=1, le=128)]
    size: Pixels  # long side, where the caller names none


class Thresholds(_Part):
    """`iou` suppresses within a class; `agnostic_iou`, where given, between classes as well."""

    weak: Share  # the lowest score that is passed on: may keep a track alive
    confidence: Share  # may begin a track
    iou: Share
    agnostic_iou: Share | None = None

    @field_validator("confidence")
    @classmethod
    def _above_weak(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("weak", 0):
            raise ValueError("below thresholds.weak")
        return value


class ClipAccuracy(_Part):
    """This card's boxes against the reference's, on the same frames, of scores from thresholds.confidence on."""

    clip: Text
    arithmetic: Text  # what the processor computed in
    frames: Count
    reference_boxes: Count
    boxes: Count
    matched: Count  # same class and IoU >= 0.9
    frames_differing: Count  # frames whose number of boxes differs


class Accuracy(_Part):
    reference: Text
    command: Text
    clips: Annotated[tuple[ClipAccuracy, ...], Field(strict=False)]


class Run(_Part):
    """Median milliseconds of one picture, from BGR pixels to boxes; `cpu_ms`: mean, of all threads."""

    backend: Text
    arithmetic: Text
    threads: Annotated[int, Field(ge=1)]
    width: Pixels  # of the network's input
    height: Pixels
    ms: Annotated[float, Field(gt=0)]
    cpu_ms: Annotated[float, Field(gt=0)]


class Speed(_Part):
    machine: Text
    command: Text
    runs: Annotated[tuple[Run, ...], Field(strict=False)]


class Measured(_Part):
    """Only what was really measured; a card without figures leaves it out."""

    date: datetime.date
    accuracy: Accuracy | None = None
    speed: Speed | None = None


class Card(_Part):
    """A card that has been read and found sound. `path` is the card's own file."""

    path: Path
    id: Annotated[Name, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    file: Name
    size: Annotated[int, Field(ge=1)]  # bytes
    sha256: Sha256
    precision: Literal["fp32", "fp16", "int8"]  # of the stored weights
    licence: Text
    source: Source
    input: Input
    thresholds: Thresholds
    classes: Annotated[tuple[ClassName, ...], Field(strict=False, min_length=1, max_length=10_000)]
    measured: Measured | None = None

    @property
    def weights(self) -> Path:
        return self.path.parent / self.file

    @field_validator("file")
    @classmethod
    def _beside_the_card(cls, value: str) -> str:
        # A plain name: no folder, no drive, no parent; a card never points outside its own folder.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(onnx|pt)", value):
            raise ValueError("want the plain name of an .onnx or .pt file beside the card")
        return value

    @field_validator("classes")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in value if value.count(name) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value


def load_card(path: Path) -> Card:
    """Read a card.yaml. Touches no weights; see `verify`.

    Raises CardError naming file and key: unreadable, unknown, missing or mistyped keys, refused classes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CardError(f"{path}: {error.strerror}", hint="every model has a card.yaml in its folder") from error
    if len(data) > _MAX_CARD_BYTES:
        raise CardError(f"{path}: larger than {_MAX_CARD_BYTES} bytes", hint="this is no model card")
    try:
        content = yaml.load(data, _CardLoader)  # noqa: S506  (a SafeLoader, stricter)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CardError(f"{path}: not readable as YAML: {error}", hint=_HINT) from error
    if not isinstance(content, dict):
        raise CardError(f"{path}: want keys and values", hint=_HINT)
    if "path" in content:  # ours to set, below
        raise CardError(f"{path}: path: unknown key", hint=_HINT)
    try:
        return Card.model_validate({**content, "path": path})
    except ValidationError as error:
        raise CardError(
            "\n".join(f"{path}: {_key(e['loc'])}: {_message(e)}" for e in error.errors()),
            hint=_HINT,
        ) from error


def verify(card: Card) -> None:
    """Compare the weights' size and SHA-256 with the card. Raises ChecksumError."""
    verified_weights(card)


def verified_weights(card: Card) -> bytes:
    """The weights, read once and compared with the card: what was checked is what runs.

    Raises ChecksumError.
    """
    hint = "put the card's own weights back: reinstall Vedette, or copy the model's folder again"
    try:
        with card.weights.open("rb") as file:
            data = file.read(card.size + 1)  # never more than the card promises
    except OSError as error:
        raise ChecksumError(f"{card.weights}: {error.strerror}", hint=hint) from error
    if len(data) != card.size:
        found = "more" if len(data) > card.size else str(len(data))
        raise ChecksumError(f"{card.weights}: want {card.size} bytes, found {found}", hint=hint)
    if (sha256 := hashlib.sha256(data).hexdigest()) != card.sha256:
        raise ChecksumError(f"{card.weights}: SHA-256 is {sha256}, the card says {card.sha256}", hint=hint)
    return data


def weights_for(card: Card, form: Literal[".onnx", ".pt"]) -> bytes:
    """`verified_weights`, for a backend that can run no other form. Raises CardError, ChecksumError."""
    if card.weights.suffix != form:
        raise CardError(
            f"{card.path}: file: {card.file}: this backend runs {form} files",
            hint="--backend ultralytics runs a .pt; `vedette models export` makes an .onnx of it for the others",
        )
    return verified_weights(card)


class _CardLoader(yaml.SafeLoader):
    """No key twice, no aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("anchors and aliases have no use in a card")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value]
        if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
            raise yaml.YAMLError(f"key given twice: {', '.join(twice)}")
        return super().construct_mapping(node, deep)


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "missing"
    return str(error["msg"]).removeprefix("Value error, ")
