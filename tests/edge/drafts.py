"""Drafts as the rules of one test camera give them."""

from __future__ import annotations

from contract import parse
from edge.ids import uuid7
from edge.rules.engine import Draft
from edge.types import Step

NOW = 1_795_000_000_000
CAMERA = parse.camera(
    """
id: gate-1
name: 东门 <script>alert(1)</script>
tier: 1
pilot: school
site: s1
purpose: pictures of events
source: {url: "rtsp://192.0.2.1/"}
zones: {lawn: [[0.1, 0.5], [0.9, 0.5], [0.9, 0.95], [0.1, 0.95]]}
lines: {gate: [[0.2, 0.4], [0.8, 0.4]]}
rules:
  keep-off: {kind: intrusion, zone: lawn}
  anything: {kind: dwell, zone: lawn, labels: any, for_s: 5}
  out: {kind: wrong_way, line: gate, allowed: down}
"""
)


def draft(number: int = 1, *, at: int = NOW, rule: str = "keep-off", state: str = "open", **more: object) -> Draft:
    spec = CAMERA.rules[rule]
    fields: dict[str, object] = {
        "event_id": uuid7(at, number),
        "rule": rule,
        "kind": spec.kind,
        "zone": getattr(spec, "zone", None) or getattr(spec, "line", None),
        "state": state,
        "opened_at": at,
        "at": at,
        "closed_at": at if state == "closed" else None,
        "label": "person",
        "count": None,
        "confidence": 0.8,
        "box": (0.4, 0.3, 0.5, 0.7),
        "track": 3,
        "path": (Step(1.0, 0.2, 0.7), Step(2.0, 0.3, 0.72), Step(3.0, 0.45, 0.7)),
    }
    return Draft(**(fields | more))  # type: ignore[arg-type]
