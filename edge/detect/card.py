"""A model's card: what its weights are, what they eat, what they may be used for.

A card is typed by people, so it is read strictly. It is also where Vedette's boundary is held: a model whose
classes tell *who* somebody is (faces, plates, personal traits) is refused when its card is read, before any
weight is touched. That check works on words, in English and Chinese; it is a fence against mistakes and
temptation, not against somebody who gives a face model's classes other names.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from edge.errors import CardError, ChecksumError

_MAX_CARD_BYTES = 256 * 1024

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Part):
    """Where the weights come from; `sha256` is of the upstream's original file."""

    name: Name
    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$", max_length=500)]
    file: Name
    sha256: Sha256


class Input(_Part):
    """What the network eats: values are pixel * `scale`; both sides are multiples of `stride` (pixels)."""

    layout: Literal["NCHW"]
    colour: Literal["RGB", "BGR"]
    scale: Annotated[float, Field(gt=0)]
    stride: Annotated[int, Field(ge=1, le=128)]
    size: Annotated[int, Field(ge=32, le=4096)]  # pixels, long side, where the caller names none


class Thresholds(_Part):
    """`iou` suppresses within a class; `agnostic_iou`, where given, between classes as well."""

    confidence: Share
    iou: Share
    agnostic_iou: Share | None = None


class Accuracy(_Part):
    """One comparison on one clip, at this card's thresholds."""

    clip: Name
    against: Name
    frames: Annotated[int, Field(ge=1)]
    reference_boxes: Annotated[int, Field(ge=0)]
    boxes: Annotated[int, Field(ge=0)]
    matched: Annotated[int, Field(ge=0)]  # same class and IoU >= 0.9
    frames_differing: Annotated[int, Field(ge=0)]  # frames whose number of boxes differs


class Speed(_Part):
    """Median time of one picture from BGR pixels to boxes."""

    machine: Name
    backend: Name
    threads: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]  # pixels of the network's input
    height: Annotated[int, Field(ge=1)]
    ms: Annotated[float, Field(gt=0)]


class Measured(_Part):
    date: datetime.date
    command: Name
    accuracy: Annotated[tuple[Accuracy, ...], Field(strict=False)] = ()
    speed: Annotated[tuple[Speed, ...], Field(strict=False)] = ()


class Card(_Part):
    """A model card that has been read and found sound. `path` is the card's own file."""

    path: Path
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    file: str
    size: Annotated[int, Field(ge=1)]  # bytes
    sha256: Sha256
    precision: Literal["fp32", "fp16", "int8"]
    licence: Name
    source: Source
    input: Input
    thresholds: Thresholds
    classes: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=10_000)]
    measured: Measured | None = None

    @property
    def weights(self) -> Path:
        return self.path.parent / self.file

    @field_validator("file")
    @classmethod
    def _file_is_beside_the_card(cls, value: str) -> str:
        # A plain name: no folder, no drive, no parent; so a card never points outside its own folder.
        if value != PurePosixPath(value).name or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.onnx", value):
            raise ValueError("want the plain name of an .onnx file beside the card")
        return value

    @field_validator("classes")
    @classmethod
    def _classes_are_allowed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in value if value.count(name) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        for name in value:
            if why := refused(name):
                raise ValueError(f"class '{name}' names {why}: Vedette says what happened, never who")
        return value


def load_card(path: Path) -> Card:
    """Read a card.yaml. Touches no weights; see `verify`.

    Raises CardError naming file and key: unreadable, unknown, missing or mistyped keys, refused classes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CardError(
            f"{path}: {error.strerror}", hint="every model has a card.yaml in its folder"
        ) from error
    if len(data) > _MAX_CARD_BYTES:
        raise CardError(f"{path}: larger than {_MAX_CARD_BYTES} bytes", hint="this is no model card")
    try:
        content = yaml.load(data, _CardLoader)  # noqa: S506  (a SafeLoader, stricter)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CardError(f"{path}: not readable as YAML: {error}", hint="see docs/models.md") from error
    if not isinstance(content, dict) or "path" in content:
        raise CardError(f"{path}: want keys and values as in docs/models.md", hint="see docs/models.md")
    try:
        return Card.model_validate({**content, "path": path})
    except ValidationError as error:
        raise CardError(
            "\n".join(f"{path}: {_key(e['loc'])}: {_message(e)}" for e in error.errors()),
            hint="docs/models.md lists every key of a card",
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


class _CardLoader(yaml.SafeLoader):
    """No key twice, no aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):  # type: ignore[no-untyped-call]
            raise yaml.YAMLError("anchors and aliases have no use in a card")
        return super().compose_node(parent, index)  # type: ignore[no-untyped-call]

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


# What a class may not name, as (why, words). A name is cut into words and each entry is a run of whole words,
# so that "surface", "cabbage" and "tennis racket" pass while "face" and "age group" do not.
_REFUSED_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a face", ("face", "faces", "facial", "head shoulder", "head shoulders", "eye", "eyes", "iris", "mouth",
                "nose", "ear", "ears", "landmark", "landmarks", "beard", "moustache", "mustache")),
    ("a number plate", ("license plate", "licence plate", "licenseplate", "licenceplate", "license plates",
                        "licence plates", "number plate", "number plates", "numberplate", "plate number",
                        "registration plate", "vehicle plate", "car plate", "lp", "lpr", "anpr", "alpr", "vin")),
    ("a personal trait", (
        "male", "female", "man", "men", "woman", "women", "boy", "boys", "girl", "girls", "gender", "sex",
        "lady", "gentleman", "transgender", "age", "ages", "aged", "elderly", "senior", "adult", "adults",
        "child", "children", "kid", "kids", "baby", "toddler", "teenager", "infant", "minor", "race", "racial",
        "ethnicity", "ethnic", "nationality", "religion", "religious", "hijab", "turban", "skin", "skin tone",
        "asian", "african", "caucasian", "hispanic", "latino", "black person", "white person", "han", "uyghur",
        "uighur", "tibetan", "disability", "disabled", "pregnant", "emotion", "emotions", "mood", "happy", "sad",
        "angry", "hair", "hairstyle", "bald", "tattoo", "clothing", "clothes", "body shape", "height", "weight")),
    ("an identity", ("identity", "identities", "identification", "person id", "reid", "re id", "biometric",
                     "biometrics", "gait", "fingerprint", "watchlist", "watch list", "suspect", "employee",
                     "student", "staff", "stranger", "vip", "blacklist", "whitelist")),
)  # fmt: skip
_ALLOWED_PHRASES = ("hair drier", "hair dryer", "clock face", "rock face", "age of sail")
_REFUSED_ZH: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a face", ("人脸", "脸", "面部", "头肩", "五官", "眼睛", "虹膜")),
    ("a number plate", ("车牌", "号牌", "牌照")),
    ("a personal trait", ("性别", "男", "女", "年龄", "老人", "老年", "儿童", "小孩", "婴儿", "成人", "青年", "种族",
                          "民族", "族裔", "肤色", "皮肤", "人种", "宗教", "国籍", "情绪", "表情", "发型", "头发", "发色",
                          "衣着", "服饰", "体型", "孕妇", "残疾")),
    ("an identity", ("身份", "步态", "指纹", "生物特征", "重识别", "黑名单", "白名单", "嫌疑", "员工", "学生", "陌生人")),
)  # fmt: skip


def refused(name: str) -> str | None:
    """What a class name would tell that Vedette never tells ("a face"), or None where it may pass."""
    for why, words in _REFUSED_ZH:
        if any(word in name for word in words):
            return why
    # camelCase, snake_case, kebab-case and digits all part words
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    text = f" {' '.join(re.findall(r'[a-z]+', spaced.lower()))} "
    for phrase in _ALLOWED_PHRASES:
        text = text.replace(f" {phrase} ", " ")
    for why, words in _REFUSED_WORDS:
        if any(f" {word} " in text for word in words):
            return why
    return None
