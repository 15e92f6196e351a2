"""Puts a camera's name, or the edge's own, to an event draft; the outbox adds the rest when it commits it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from contract.camera import Camera
from contract.event import EventRecord
from edge.rules.engine import Draft


def complete(draft: Draft, camera: Camera, model_id: str) -> partial[EventRecord]:
    """Everything of the record but edge_id, epoch, seq and clock_offset."""
    return partial(
        EventRecord,
        event_id=draft.event_id,
        camera_id=camera.id,
        tier=camera.tier,
        pilot=camera.pilot,
        site=camera.site,
        rule=draft.rule,
        kind=draft.kind,
        zone=draft.zone,
        state=draft.state,
        opened_at=draft.opened_at,
        at=draft.at,
        closed_at=draft.closed_at,
        label=draft.label,
        count=draft.count,
        confidence=draft.confidence,
        box=draft.box,
        track=draft.track,
        model=model_id,
        severity=draft.severity,
        of=draft.of,
    )


def of_edge(draft: Draft, cameras: Iterable[Camera]) -> Callable[..., EventRecord]:
    """The same for an event about the edge itself: the edge's id stands for a camera's. Who may see it and where it is
    sorted in is up to the most important of its cameras: the lowest tier, then the first id."""
    first = min(cameras, key=lambda camera: (camera.tier, camera.id))
    record = complete(draft, first, first.detect.model)

    def named(*, edge_id: str, **given: Any) -> EventRecord:
        return record(edge_id=edge_id, camera_id=edge_id, **given)

    return named


def left_open(record: EventRecord, now_ms: int) -> partial[EventRecord]:
    """The closing of an event that a crash left open: over when it was last heard of, told now."""
    known = {name: value for name, value in msgspec.structs.asdict(record).items() if name not in _GIVEN_BY_OUTBOX}
    told = {"state": "closed", "at": max(now_ms, record.at), "closed_at": record.at}
    return partial(EventRecord, **(known | told))


_GIVEN_BY_OUTBOX = ("edge_id", "epoch", "seq", "clock_offset")
