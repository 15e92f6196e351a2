"""One camera as an integrator describes it. Parsing touches nothing: no network, no model, no disk.

Every key that exists works. Unknown keys are refused, so that a typing error cannot silently switch a rule off.
Thresholds are in seconds and relative units, never in frames or pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from contract import geometry
from contract.geometry import MAX_CORNERS, Direction, Point

Number: TypeAlias = Annotated[float, Strict(), Field(allow_inf_nan=False)]  # strict: neither "5" nor true is a number
Whole: TypeAlias = Annotated[int, Strict()]
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# No control characters and none that turn the direction of writing: what stands here is shown to people.
Text: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"),
]
Seconds: TypeAlias = Annotated[Number, Field(ge=0, le=86_400)]
LongSeconds: TypeAlias = Annotated[Number, Field(gt=0, le=86_400)]
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LABEL_GROUPS: dict[str, frozenset[str]] = {
    "vehicle": frozenset({"car", "truck", "bus", "motorcycle"}),
    "animal": frozenset({"bird", "cat", "dog", "horse", "sheep", "cow", "bear"}),
    "bag": frozenset({"backpack", "handbag", "suitcase"}),
}
"""Names that stand for several labels of a COCO model."""


def _zone(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if fault := geometry.polygon_fault(points):
        raise ValueError(fault)
    return points


def _line(points: tuple[Point, Point]) -> tuple[Point, Point]:
    if fault := geometry.line_fault(points):
        raise ValueError(fault)
    return points


def _time_of_day(text: object) -> time:
    if isinstance(text, time):
        return text
    if not isinstance(text, str) or not re.fullmatch(TIME_OF_DAY, text):
        raise ValueError("not a time of day")
    return time.fromisoformat(text if text[2] == ":" else f"0{text}")


def _end_of_day(text: object) -> time:
    return time() if text == "24:00" else _time_of_day(text)


def _word_or_list(labels: object) -> str:
    return "word" if isinstance(labels, str) else "list"


TIME_OF_DAY = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
Start: TypeAlias = Annotated[
    time, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": f"^{TIME_OF_DAY}$"})
]
End: TypeAlias = Annotated[
    time, BeforeValidator(_end_of_day), WithJsonSchema({"type": "string", "pattern": f"^({TIME_OF_DAY}|24:00)$"})
]

_Corner: TypeAlias = tuple[Number, Number]
Polygon: TypeAlias = Annotated[tuple[_Corner, ...], Field(min_length=3, max_length=MAX_CORNERS), AfterValidator(_zone)]
Line: TypeAlias = Annotated[tuple[_Corner, _Corner], AfterValidator(_line)]
Label: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
Labels: TypeAlias = Annotated[
    Annotated[Literal["any"], Tag("word")] | Annotated[tuple[Label, ...], Field(min_length=1), Tag("list")],
    Discriminator(_word_or_list),
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """Where the pictures come from."""

    kind: Literal["rtsp"] = "rtsp"
    url: str = Field(description="rtsp:// or rtsps:// address without user and password")
    credentials: Id | None = Field(None, description="name of an entry in the edge's credentials file")
    transport: Literal["auto", "tcp", "udp"] = Field("auto", description="auto: TCP first, then UDP")
    open_timeout_s: LongSeconds = Field(5.0, description="give up connecting after this long")
    read_timeout_s: LongSeconds = Field(5.0, description="a stream silent for this long is dead")

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        # First, and anywhere in the text: a password may hold what ends the host's part of an address.
        if "@" in url or re.search(r"(passw\w*|pwd|(?<![a-z])(pass|psw))=", url, re.IGNORECASE):
            raise ValueError("user and password must not stand in the address; name them under source.credentials")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise ValueError("an address holds no spaces or control characters")
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("rtsp", "rtsps") and parts.hostname and parts.port != 0
        except ValueError:  # brackets or port make no sense
            usable = False
        if not usable:
            raise ValueError("not the address of a stream; want rtsp://host[:port]/path or rtsps://host[:port]/path")
        return url


class Gate(Section):
    """When a picture is worth a look by the model."""

    threshold: Annotated[Number, Field(gt=0, lt=1)] = Field(
        0.06, description="change of brightness, as a share of the full range, that counts as motion in a spot"
    )
    min_area: Annotated[Number, Field(gt=0, le=1)] = Field(
        0.0004, description="share of the picture that must move before the scene counts as moving"
    )
    stay_awake_s: Seconds = Field(3.0, description="looks go on this long after the last motion")
    quiet_look_s: LongSeconds = Field(2.0, description="a look this often even where nothing moves")


class Detect(Section):
    """How the model looks."""

    model: Id = Field("yolov8n", description="folder below models/")
    rate: Annotated[Number, Field(gt=0, le=30)] = Field(5.0, description="looks a second, at most")
    min_confidence: Annotated[Number, Field(gt=0, lt=1)] | None = Field(
        None, description="detections below this are ignored; without it the model card's own threshold holds"
    )


class Window(Section):
    """A span of the day; one that ends before it begins runs past midnight and belongs to the day it began.

    A whole day is 00:00 to 24:00, which time() holds as 00:00 to 00:00.
    """

    days: tuple[Day, ...] = Field(DAYS, min_length=1, description="on which it begins")
    start: Start = Field(description="HH:MM or HH:MM:SS, from then on")
    end: End = Field(description="HH:MM or HH:MM:SS, until just before; 24:00 is midnight")

    @model_validator(mode="after")
    def _has_length(self) -> Window:
        if self.start == self.end != time():
            raise ValueError("start and end are the same; a whole day is 00:00 to 24:00")
        return self


class Schedule(Section):
    """When a rule is armed, in the site's own time."""

    time_zone: str = Field(description="IANA name, e.g. Asia/Shanghai")
    windows: tuple[Window, ...] = Field(min_length=1, description="armed in any of them")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone; want an IANA name such as Asia/Shanghai") from None
        return name


class _Rule(Section):
    labels: Labels = Field(("person",), description="model labels, groups (vehicle, animal, bag), or the word any")
    schedule: Id | None = Field(None, description="armed only in this schedule's windows; without it always")
    anchor: Literal["bottom", "centre"] = Field("bottom", description="the point of the box that is asked where it is")


class _ZoneRule(_Rule):
    zone: Id = Field(description="one of zones")
    leave_s: Seconds = Field(1.5, description="out of the zone or unseen this long before it counts as gone")


class Intrusion(_ZoneRule):
    """Something enters a zone: one event an object."""

    kind: Literal["intrusion"]
    for_s: Seconds = Field(0.3, description="inside this long before it counts")


class Dwell(_ZoneRule):
    """Something stays in a zone: one event an object."""

    kind: Literal["dwell"]
    for_s: LongSeconds = Field(description="inside this long before it counts")


class Occupancy(_ZoneRule):
    """At least so many in a zone at once: one event until they are fewer again."""

    kind: Literal["occupancy"]
    at_least: Annotated[Whole, Field(ge=1, le=1000)] = Field(description="as many at once")
    for_s: Seconds = Field(3.0, description="as many for this long before it counts")


class Absence(_ZoneRule):
    """Fewer than so many in a zone: one event until they are enough again."""

    kind: Literal["absence"]
    fewer_than: Annotated[Whole, Field(ge=1, le=1000)] = Field(1, description="1: nobody is there")
    for_s: LongSeconds = Field(description="fewer for this long before it counts")


class _LineRule(_Rule):
    line: Id = Field(description="one of lines")


class LineCrossing(_LineRule):
    """Something crosses a line: one event an object and crossing."""

    kind: Literal["line_crossing"]
    direction: Literal["up", "down", "left", "right", "any"] = Field(
        "any", description="where the object goes in the picture"
    )


class WrongWay(_LineRule):
    """Something crosses a line against the only allowed direction."""

    kind: Literal["wrong_way"]
    allowed: Direction = Field(description="where traffic may go in the picture; the opposite is reported")


RULES: dict[str, type[_Rule]] = {
    "intrusion": Intrusion,
    "dwell": Dwell,
    "occupancy": Occupancy,
    "absence": Absence,
    "line_crossing": LineCrossing,
    "wrong_way": WrongWay,
}
Rule: TypeAlias = Annotated[
    Intrusion | Dwell | Occupancy | Absence | LineCrossing | WrongWay, Field(discriminator="kind")
]


class Camera(Section):
    """One camera: who it belongs to, where its pictures come from, what they are watched for."""

    version: Literal[1] = Field(1, description="of this format")
    id: Id = Field(description="unique among the cameras of an edge")
    name: Annotated[Text, Field(max_length=128)] = Field("", description="what people call it")
    tier: Annotated[Whole, Field(ge=1, le=3)] = Field(
        description="1: run by public bodies, 2: by key organisations, 3: by shops and communities"
    )
    pilot: Id = Field(description="school, traffic, hospital, kitchen, ...")
    site: Id = Field(description="the place, e.g. school-12")
    purpose: Annotated[Text, Field(min_length=8, max_length=400)] = Field(
        description="why this camera is watched, in words that the people in its picture may read"
    )
    source: Source = Field(description="where the pictures come from")
    gate: Gate = Field(Gate(), description="when a picture is worth a look by the model")
    detect: Detect = Field(Detect(), description="how the model looks")
    masks: dict[Id, Polygon] = Field(default={}, description="painted black before anything sees a pixel")
    zones: dict[Id, Polygon] = Field(default={}, description="areas that rules look at: corners [x, y]")
    lines: dict[Id, Line] = Field(default={}, description="lines that rules look at: two ends [x, y]")
    schedules: dict[Id, Schedule] = Field(default={}, description="when rules are armed")
    rules: dict[Id, Rule] = Field(default={}, description="what is reported")


def cross_faults(camera: Camera) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What only shows when parts are seen together, as (key path, message, hint)."""
    for rule_id, rule in camera.rules.items():
        for key, named in (("zone", camera.zones), ("line", camera.lines), ("schedule", camera.schedules)):
            wanted = getattr(rule, key, None)
            if wanted is not None and wanted not in named:
                yield ("rules", rule_id, key), f"there is no {key} {wanted!r}", _known(key, named)
        if isinstance(rule, _LineRule) and rule.line in camera.lines:
            key = "allowed" if isinstance(rule, WrongWay) else "direction"
            direction = getattr(rule, key)
            if direction != "any" and (fault := geometry.direction_fault(camera.lines[rule.line], direction)):
                yield ("rules", rule_id, key), fault, ""


def expand(labels: Labels) -> frozenset[str] | None:
    """The model labels that a rule's `labels` stand for; None for any."""
    if labels == "any":
        return None
    found: set[str] = set()
    for label in labels:
        found |= LABEL_GROUPS.get(label, frozenset({label}))
    return frozenset(found)


def json_schema() -> dict[str, Any]:
    """JSON Schema of a camera file, for editors."""
    return Camera.model_json_schema() | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vedette camera",
    }


def _known(key: str, named: dict[str, Any]) -> str:
    return f"known {key}s: {', '.join(sorted(named))}" if named else f"add it under {key}s:"
