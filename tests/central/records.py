"""Event records for tests: sound by default, any field to be overridden."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from contract.event import EventRecord
from contract.wire import Received
from tests.contract import records

NOW = records.NOW
_counter = itertools.count(1)


def uuid7(ms: int = NOW) -> UUID:
    return UUID(int=(ms << 80) | (0x7 << 76) | (0x2 << 62) | next(_counter))


def record(seq: int = 1, **fields: Any) -> EventRecord:
    mine = {"event_id": uuid7(), "camera_id": "cam-1", "site": "north-gate", "rule": "after-hours"}
    return records.record(seq, **(mine | {"at": fields.get("opened_at", NOW)} | fields))


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
