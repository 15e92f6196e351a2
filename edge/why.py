"""What is needed to show why an event fired, and the picture that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from contract.camera import Camera
from contract.event import Severity
from contract.geometry import OPPOSITE, Direction, Point
from contract.rules import Rule
from edge import blur
from edge.draw import FOLLOWED, TONES, Canvas
from edge.rules.engine import Draft
from edge.types import Box, Image, Step


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record's own words, and the shape and the path that a record has no room for.

    Coordinates are relative. `path` is (seconds, x, y) with 0 s at its last step; times are UTC ms.
    """

    version: Literal[1] = 1
    event_id: UUID
    camera_id: str
    camera_name: str
    tier: int
    pilot: str
    site: str
    rule: str
    kind: str
    severity: Severity
    labels: tuple[str, ...] | Literal["any"]  # what the rule is about; () where it is no rule of the camera file
    opened_at: int
    label: str | None
    count: int | None
    confidence: float | None
    box: Box | None
    track: int | None
    model: str
    zone: str | None  # name of the zone or line
    polygon: tuple[Point, ...] | None
    line: tuple[Point, Point] | None
    direction: Direction | Literal["any"] | None  # in which the line is crossed for the rule to fire
    path: tuple[tuple[float, float, float], ...]
    days: float  # the still is deleted after this long


def of(draft: Draft, camera: Camera, model_id: str) -> Why:
    """The draft of an event that opens. Camera faults and the like are no rules of the camera file: no shape then."""
    rule = camera.rules.get(draft.rule)
    last = draft.path[-1].at if draft.path else 0.0
    return Why(
        event_id=draft.event_id,
        camera_id=camera.id,
        camera_name=camera.name,
        tier=camera.tier,
        pilot=camera.pilot,
        site=camera.site,
        rule=draft.rule,
        kind=draft.kind,
        severity=draft.severity,
        labels=rule.labels if rule else (),
        opened_at=draft.opened_at,
        label=draft.label,
        count=draft.count,
        confidence=draft.confidence,
        box=draft.box,
        track=draft.track,
        model=model_id,
        zone=draft.zone,
        polygon=camera.zones.get(draft.zone or ""),
        line=camera.lines.get(draft.zone or ""),
        direction=fires_towards(rule) if rule else None,
        path=tuple((round(step.at - last, 3), round(step.x, 4), round(step.y, 4)) for step in draft.path),
        days=camera.still.days,
    )


def fires_towards(rule: Rule) -> Direction | Literal["any"] | None:
    """In which direction its line is crossed for a rule to fire; None for a rule without a line."""
    allowed: Direction | None = getattr(rule, "allowed", None)
    return OPPOSITE[allowed] if allowed else getattr(rule, "direction", None)


def hide(image: Image, why: Why, people: Iterable[Box]) -> None:
    """Everybody in the picture, in place. Who asks for any object mistrusts the model's word: it may be somebody."""
    blur.hide(image, people)
    if why.labels == "any" and why.box:
        blur.hide(image, [why.box])


def draw(image: Image, why: Why, *, scale: float = 1.0, words: bool = True) -> None:
    """Zone or line, path and object, in place; with `words`, the event in a line as well."""
    canvas = Canvas(image, scale)
    if why.polygon is not None and why.zone:
        canvas.zone(why.zone, why.polygon, "armed")
    if why.line is not None and why.zone:
        canvas.line(why.zone, why.line, "armed", directions=[why.direction])
    canvas.path([Step(*step) for step in why.path], FOLLOWED)
    if why.box is not None:
        number = f" #{why.track}" if why.track is not None else ""
        canvas.box(why.box, TONES["open"], words=f"{why.label or 'object'}{number}")
    if words:
        canvas.caption(said(why.rule, why.kind, why.label, why.track, why.count, why.zone), "open")
    canvas.labels()


def said(rule: str, kind: str, label: str | None, track: int | None, count: int | None, zone: str | None) -> str:
    """An event in a few words: `keep-off-lawn: intrusion, person #3 @ lawn`."""
    what = label or ""
    if count is not None:
        what = f"{count} x {label}" if label else f"{count}"
    elif track is not None:
        what = f"{label or 'object'} #{track}"
    return f"{rule}: {kind}" + (f", {what}" if what else "") + (f" @ {zone}" if zone else "")
