"""One camera as an integrator describes it. Parsing touches nothing: no network, no model, no disk.

Every key that exists works. Unknown keys are refused, so that a typing error cannot silently switch a rule off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from contract import geometry
from contract.event import Severity
from contract.rules import LineRule, Rule, WrongWay
from contract.schedule import Schedule
from contract.section import Id, Line, LongSeconds, Number, Polygon, Seconds, Section, Text, Whole


class Source(Section):
    """Where the pictures come from."""

    kind: Literal["rtsp", "onvif"] = Field(
        "rtsp", description="rtsp: url is the stream; onvif: url is the camera, which is asked for its streams"
    )
    url: str = Field(
        description="without user and password: rtsp:// or rtsps://; with kind onvif http://host/onvif/device_service"
    )
    camera: Annotated[Text, Field(min_length=1, max_length=120)] | None = Field(
        None, description="with kind onvif only: which of a recorder's cameras, as `vedette camera streams` names it"
    )
    stream: Literal["sub", "main"] | None = Field(
        None, description="with kind onvif only: sub, the small stream, which is the default, or main, the large one"
    )
    credentials: Id | None = Field(None, description="name of an entry in the edge's credentials file")
    transport: Literal["auto", "tcp", "udp"] = Field("auto", description="auto: TCP first, then UDP")
    open_timeout_s: LongSeconds = Field(5.0, description="give up connecting after this long")
    read_timeout_s: LongSeconds = Field(4.0, description="a stream silent for this long is dead")

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str, info: ValidationInfo) -> str:
        # First, and anywhere in the text: a password may hold what ends the host's part of an address.
        if "@" in url or re.search(r"(passw\w*|pwd|(?<![a-z])(pass|psw))=", url, re.IGNORECASE):
            raise ValueError("user and password must not stand in the address; name them under source.credentials")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise ValueError("an address holds no spaces or control characters")
        try:
            parts = urlsplit(url)
            scheme = parts.scheme if parts.hostname and parts.port != 0 else ""
        except ValueError:  # brackets or port make no sense
            scheme = ""
        match info.data.get("kind"), scheme:
            case ("rtsp", "rtsp" | "rtsps") | ("onvif", "http" | "https") | (None, _):  # None: that is told already
                return url
            case "rtsp", "http" | "https":
                raise ValueError("not the address of a stream; where it is that of an ONVIF device, add kind: onvif")
            case "rtsp", _:
                raise ValueError(
                    "not the address of a stream; want rtsp://host[:port]/path or rtsps://host[:port]/path"
                )
        raise ValueError("not the address of an ONVIF device; want http://host[:port]/onvif/device_service")

    @field_validator("camera", "stream")
    @classmethod
    def _onvif_chooses(cls, choice: str | None, info: ValidationInfo) -> str | None:
        if choice is not None and info.data.get("kind") == "rtsp":
            raise ValueError("only with kind: onvif; an rtsp address is one stream already")
        return choice


class Gate(Section):
    """When a picture is worth a look by the model."""

    threshold: Annotated[Number, Field(gt=0, lt=1)] = Field(
        0.06, description="change of brightness, as a share of the full range, that counts as motion in a spot"
    )
    min_area: Annotated[Number, Field(gt=0, le=1)] = Field(
        0.0004, description="share of the picture that must move before the scene counts as moving"
    )
    stay_awake_s: Seconds = Field(3.0, description="looks go on this long after the last motion")
    quiet_look_s: LongSeconds = Field(60.0, description="a look this often even where nothing moves")
    sleep: bool = Field(
        True,
        description="while nothing moves only key frames are decoded; false: every picture is",
    )


class Detect(Section):
    """How the model looks."""

    model: Id = Field("yolov8n", description="folder below models/")
    rate: Annotated[Number, Field(gt=0, le=30)] = Field(
        5.0, description="looks a second, on average at most; more where things move fast, fewer at rest"
    )
    min_confidence: Annotated[Number, Field(gt=0, lt=1)] | None = Field(
        None, description="detections below this are ignored; without it the model card's own threshold holds"
    )


class FaultTimes(Section):
    """How long a fault of the camera must last before it is told, and be over before it is told that it is."""

    for_s: LongSeconds = Field(description="lasts this long before it counts")
    recover_s: Seconds = Field(description="over for this long before the event closes")


class View(Section):
    """What is told of the camera's own sight. A kind may be null: not told, though the camera is blind all the same."""

    severity: Severity = Field("warning", description="how much it matters: info, warning, alarm")
    offline: FaultTimes | None = Field(FaultTimes(for_s=15.0, recover_s=3.0), description="no pictures arrive")
    frozen: FaultTimes | None = Field(
        FaultTimes(for_s=10.0, recover_s=2.0), description="the same picture again and again"
    )
    dark: FaultTimes | None = Field(FaultTimes(for_s=10.0, recover_s=3.0), description="too dark to see anything")
    covered: FaultTimes | None = Field(
        FaultTimes(for_s=5.0, recover_s=3.0), description="something hides most of the view"
    )
    blurred: FaultTimes | None = Field(FaultTimes(for_s=30.0, recover_s=5.0), description="out of focus, or dirty")
    moved: FaultTimes | None = Field(FaultTimes(for_s=5.0, recover_s=5.0), description="it looks elsewhere than before")


class Still(Section):
    """A picture of each event that stays on the edge, persons blurred."""

    keep: bool = Field(True, description="whether any are kept")
    days: Annotated[Number, Field(gt=0, le=30)] = Field(3.0, description="deleted after this long")


class Storm(Section):
    """A rule that fires too often is told of once, and counted."""

    events: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        60, description="a rule's events in `per_s` that are told one by one"
    )
    per_s: LongSeconds = Field(60.0, description="seconds")


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
    view: View = Field(View(), description="what is told of the camera's own sight")
    still: Still = Field(Still(), description="pictures of events, kept on the edge")
    storm: Storm = Field(Storm(), description="when a rule's events are only counted")


VIEW = "view"  # stands for a rule's name in what is told of the camera's own sight


def cross_faults(camera: Camera) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What only shows when parts are seen together, as (key path, message, hint)."""
    if VIEW in camera.rules:
        yield ("rules", VIEW), "this name is taken by what is told of the camera's own sight", "choose another name"
    for rule_id, rule in camera.rules.items():
        for key, named in (("zone", camera.zones), ("line", camera.lines), ("schedule", camera.schedules)):
            wanted = getattr(rule, key, None)
            if wanted is not None and wanted not in named:
                yield ("rules", rule_id, key), f"there is no {key} {wanted!r}", _known(key, named)
        if isinstance(rule, LineRule) and rule.line in camera.lines:
            key = "allowed" if isinstance(rule, WrongWay) else "direction"
            direction = getattr(rule, key)
            if direction != "any" and (fault := geometry.direction_fault(camera.lines[rule.line], direction)):
                yield ("rules", rule_id, key), fault, ""


def json_schema() -> dict[str, Any]:
    """JSON Schema of a camera file, for editors."""
    return Camera.model_json_schema() | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vedette camera",
    }


def _known(key: str, named: dict[str, Any]) -> str:
    return f"known {key}s: {', '.join(sorted(named))}" if named else f"add it under {key}s:"
