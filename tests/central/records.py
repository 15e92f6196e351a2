"""Event records for tests: sound by default, any field to be overridden."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from contract.event import EventRecord
from contract.wire import Received

NOW = 1_750_000_000_000
_counter = itertools.count(1)


def uuid7(ms: int = NOW) -> UUID:
    return UUID(int=(ms << 80) | (0x7 << 76) | (0x2 << 62) | next(_counter))


def record(seq: int = 1, **fields: Any) -> EventRecord:
    values: dict[str, Any] = {
        "edge_id": "edge-1",
        "epoch": NOW - 1000,
        "seq": seq,
        "event_id": uuid7(),
        "camera_id": "cam-1",
        "tier": 1,
        "pilot": "school",
        "site": "north-gate",
        "rule": "after-hours",
        "kind": "intrusion",
        "zone": "yard",
        "state": "open",
        "opened_at": NOW,
        "at": fields.get("opened_at", NOW),
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


def received(seq: int = 1, *, newer: str | None = None, **fields: Any) -> Received:
    return Received(record(seq, **fields), newer)


def life(first_seq: int, states: str = "ouc", **fields: Any) -> list[Received]:
    """The records of one event: o(pen), u(pdate), c(losed)."""
    event_id = fields.pop("event_id", None) or uuid7()
    words = {"o": "open", "u": "update", "c": "closed"}
    opened_at = fields.pop("opened_at", NOW)
    return [
        received(
            first_seq + step,
            event_id=event_id,
            state=words[state],
            opened_at=opened_at,
            at=opened_at + step * 1000,
            closed_at=opened_at + step * 1000 if state == "c" else None,
            **fields,
        )
        for step, state in enumerate(states)
    ]
