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

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from contract import geometry
from contract.geometry import Direction, Point

Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
LongSeconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
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


Polygon: TypeAlias = Annotated[tuple[Point, ...], AfterValidator(_zone)]
Line: TypeAlias = Annotated[tuple[Point, Point], AfterValidator(_line)]
Labels: TypeAlias = (
    Literal["any"] | Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1)]
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
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
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"not an address: {error}") from None
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname or port == 0:
            raise ValueError("want rtsp://host[:port]/path or rtsps://host[:port]/path")
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise ValueError("user and password must not stand in the address; name them under source.credentials")
        if re.search(r"[\s\x00-\x1f]", url):
            raise ValueError("an address holds no spaces or control characters")
        return url


class Gate(_Strict):
    """When a picture is worth a look by the model."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.06, description="change of brightness, as a share of the full range, that counts as motion in a spot"
    )
    min_area: Annotated[float, Field(gt=0, le=1)] = Field(
        0.0004, description="share of the picture that must move before the scene counts as moving"
    )
    stay_awake_s: Seconds = Field(3.0, description="looks go on this long after the last motion")
    quiet_look_s: LongSeconds = Field(2.0, description="a look this often even where nothing moves")


class Detect(_Strict):
    """How the model looks."""

    model: Id = Field("yolov8n", description="folder below models/")
    rate: Annotated[float, Field(gt=0, le=30)] = Field(5.0, description="looks a second, at most")
    min_confidence: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="detections below this are ignored; without it the model card's own threshold holds"
    )


class Window(_Strict):
    """A span of the day; one that ends before it begins runs past midnight and belongs to the day it began."""

    days: tuple[Day, ...] = Field(DAYS, min_length=1)
    start: time
    end: time

    @model_validator(mode="after")
    def _has_length(self) -> Window:
        if self.start == self.end:
            raise ValueError(
                "start and end are the same; for a whole day leave the schedule away or use 00:00 to 23:59:59"
            )
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("times carry no zone of their own; the schedule's time_zone holds")
        return self


class Schedule(_Strict):
    """When a rule is armed, in the site's own time."""

    time_zone: str = Field(description="IANA name, e.g. Asia/Shanghai")
    windows: tuple[Window, ...] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone; want an IANA name such as Asia/Shanghai") from None
        return name


class _Rule(_Strict):
    labels: Labels = Field(("person",), description="model labels, groups (vehicle, animal, bag), or the word any")
    schedule: Id | None = Field(None, description="armed only in this schedule's windows; without it always")
    anchor: Literal["bottom", "centre"] = Field("bottom", description="the point of the box that is asked where it is")


class _ZoneRule(_Rule):
    zone: Id
    leave_s: Seconds = Field(1.5, description="out of the zone or unseen this long before it counts as gone")


class Intrusion(_ZoneRule):
    """Something enters a zone: one event an object."""

    kind: Literal["intrusion"]
    for_s: Seconds = Field(0.3, description="inside this long before it counts")


class Dwell(_ZoneRule):
    """Something stays in a zone: one event an object."""

    kind: Literal["dwell"]
    for_s: LongSeconds


class Occupancy(_ZoneRule):
    """At least so many in a zone at once: one event until they are fewer again."""

    kind: Literal["occupancy"]
    at_least: Annotated[int, Field(ge=1, le=1000)]
    for_s: Seconds = 3.0


class Absence(_ZoneRule):
    """Fewer than so many in a zone: one event until they are enough again."""

    kind: Literal["absence"]
    fewer_than: Annotated[int, Field(ge=1, le=1000)] = 1
    for_s: LongSeconds


class _LineRule(_Rule):
    line: Id


class LineCrossing(_LineRule):
    """Something crosses a line: one event an object and crossing."""

    kind: Literal["line_crossing"]
    direction: Direction | Literal["any"] = "any"


class WrongWay(_LineRule):
    """Something crosses a line against the only allowed direction."""

    kind: Literal["wrong_way"]
    allowed: Direction


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


class Camera(_Strict):
    """One camera: who it belongs to, where its pictures come from, what they are watched for."""

    version: Literal[1] = Field(1, description="of this format")
    id: Id
    name: Annotated[str, Field(max_length=128)] = Field("", description="what people call it")
    tier: Annotated[int, Field(ge=1, le=3)] = Field(
        description="1: run by public bodies, 2: by key organisations, 3: by shops and communities"
    )
    pilot: Id = Field(description="school, traffic, hospital, kitchen, ...")
    site: Id
    purpose: Annotated[str, Field(min_length=8, max_length=400)] = Field(
        description="why this camera is watched, in words that the people in its picture may read"
    )
    source: Source
    gate: Gate = Gate()
    detect: Detect = Detect()
    masks: dict[Id, Polygon] = Field(default={}, description="painted black before anything sees a pixel")
    zones: dict[Id, Polygon] = {}
    lines: dict[Id, Line] = {}
    schedules: dict[Id, Schedule] = {}
    rules: dict[Id, Rule] = {}


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
                yield ("rules", rule_id, key), fault, "choose one of the line's two sides"


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
