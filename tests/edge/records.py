"""Drafts and records for tests of the outbox and the uplink."""

from __future__ import annotations

import os
from functools import partial
from typing import Any
from uuid import UUID

from contract.event import EventRecord


def uuid7(ms: int = 1_700_000_000_000) -> UUID:
    noise = int.from_bytes(os.urandom(10), "big")
    return UUID(int=(ms << 80) | (0x7 << 76) | (0b10 << 62) | (noise & ((1 << 62) - 1)) | ((noise >> 62 & 0xFFF) << 64))


def draft(**values: Any) -> partial[EventRecord]:
    defaults: dict[str, Any] = {
        "event_id": uuid7(),
        "camera_id": "gate-1",
        "tier": 1,
        "pilot": "school",
        "site": "school-7",
        "rule": "after-hours",
        "kind": "intrusion",
        "zone": "yard",
        "state": "open",
        "opened_at": 1_700_000_000_000,
        "at": 1_700_000_000_000,
        "closed_at": None,
        "label": "person",
        "count": 1,
        "confidence": 0.87,
        "box": (0.1, 0.2, 0.3, 0.4),
        "track": 12,
        "model": "yolov8n",
    }
    return partial(EventRecord, **(defaults | values))
