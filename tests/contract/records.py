"""Event records for the contract's tests: sound by default, any field to be overridden."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contract.event import EventRecord

NOW = 1_750_000_000_000


def uuid7(ms: int = NOW, noise: int = 1) -> UUID:
    return UUID(int=(ms << 80) | (0x7 << 76) | (0b10 << 62) | noise)


def record(seq: int = 1, **fields: Any) -> EventRecord:
    values: dict[str, Any] = {
        "edge_id": "edge-1",
        "epoch": NOW - 1000,
        "seq": seq,
        "event_id": uuid7(),
        "camera_id": "gate-1",
        "tier": 1,
        "pilot": "school",
        "site": "school-12",
        "rule": "somebody-at-night",
        "kind": "intrusion",
        "zone": "yard",
        "state": "open",
        "opened_at": NOW,
        "at": NOW,
        "closed_at": None,
        "label": "person",
        "count": None,
        "confidence": 0.87,
        "box": (0.1, 0.2, 0.3, 0.4),
        "track": 7,
        "model": "yolov8n",
        "clock_offset": None,
    }
    return EventRecord(**(values | fields))
