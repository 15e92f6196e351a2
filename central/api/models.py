"""What the routes take and give, as pydantic models: OpenAPI is made from these."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from central import clocks, kinds
from central.errors import BadRequest
from central.store.base import Decision as Taken
from central.store.base import DecisionRow, EpochGap, EventQuery, Missing, Position, StoredEvent
from contract.event import EventRecord, Severity

MAX_MS = clocks.LATEST
MAX_CHANGE = 2**53
MAX_COUNT = 1000  # events that are counted one by one
LATE = 60_000  # ms between a record's making and its arrival

Millis: TypeAlias = Annotated[int, Field(ge=0, le=MAX_MS, description="UTC, ms since 1970")]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Names: TypeAlias = Annotated[list[Name], Field(max_length=50)]
Change: TypeAlias = Annotated[int, Field(ge=0, le=MAX_CHANGE)]
EdgeId: TypeAlias = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=200)]


class Failure(BaseModel):
    code: str = Field(description="a stable word for machines")
    message: str
    hint: str
    retryable: bool
    details: list[dict[str, Any]] = []


class ErrorBody(BaseModel):
    """Every error of every route."""

    error: Failure


class Decision(BaseModel):
    decision: Taken | None = Field(description="null: an earlier decision was taken back")
    by: str
    at: Millis
    note: str

    @classmethod
    def of(cls, row: DecisionRow) -> Decision:
        return cls(decision=row.decision, by=row.by, at=row.at, note=row.note)


class Corrected(BaseModel):
    """An event's times by central's clock: to be shown, not for order."""

    opened_at: Millis
    at: Millis
    closed_at: Millis | None

    @classmethod
    def of(cls, record: EventRecord) -> Corrected | None:
        by = clocks.shift(record)
        if not by:
            return None
        return cls(
            opened_at=clocks.shifted(record.opened_at, by),
            at=clocks.shifted(record.at, by),
            closed_at=None if record.closed_at is None else clocks.shifted(record.closed_at, by),
        )


class Event(BaseModel):
    """An event as its newest record tells it."""

    event_id: UUID
    change: Change = Field(description="grows with every change of any event")
    edge_id: str
    epoch: Millis
    camera_id: str = Field(description="the edge's own id where the event is about the edge itself")
    tier: int
    pilot: str
    site: str
    rule: str
    kind: str
    newer_kind: bool = Field(description="this central is older than the kind")
    severity: Severity
    zone: str | None
    state: Literal["open", "update", "closed"]
    opened_at: Millis
    at: Millis = Field(description="when the newest record was made, by the edge's clock")
    closed_at: Millis | None
    clock_offset: int | None = Field(description="ms, central's clock minus the edge's; null: not measured yet")
    corrected: Corrected | None = Field(description="where the offset is beyond a second: the times without it")
    received_at: Millis
    delay: int = Field(description="ms between the newest record's making and its arrival, by central's clock")
    late: bool = Field(description="delay is more than a minute")
    label: str | None
    count: int | None
    of: int | None = Field(description="count is out of so many")
    confidence: float | None
    box: tuple[float, float, float, float] | None = Field(description="relative left, top, right, bottom")
    track: int | None
    model: str
    decision: Decision | None

    @classmethod
    def told(cls, stored: StoredEvent) -> Event:
        record = stored.record
        delay = max(0, stored.received_at - (record.at + (record.clock_offset or 0)))
        return cls(
            event_id=record.event_id,
            change=stored.change,
            edge_id=record.edge_id,
            epoch=record.epoch,
            camera_id=record.camera_id,
            tier=record.tier,
            pilot=record.pilot,
            site=record.site,
            rule=record.rule,
            kind=record.kind,
            newer_kind=record.kind not in kinds.KNOWN,
            severity=record.severity,
            zone=record.zone,
            state=record.state,
            opened_at=record.opened_at,
            at=record.at,
            closed_at=record.closed_at,
            clock_offset=record.clock_offset,
            corrected=Corrected.of(record),
            received_at=stored.received_at,
            delay=delay,
            late=delay > LATE,
            label=record.label,
            count=record.count,
            of=record.of,
            confidence=record.confidence,
            box=record.box,
            track=record.track,
            model=record.model,
            decision=stored.decision and Decision.of(stored.decision),
        )


class EventPage(BaseModel):
    events: list[Event]
    next: str | None = Field(description="cursor of the next page; null: this is the last")


class EventCount(BaseModel):
    count: int = Field(ge=0, le=MAX_COUNT)
    more: bool = Field(description="there are more: counting stopped")


class EventDetail(BaseModel):
    event: Event
    decisions: list[Decision] = Field(description="all ever taken, newest first")


class OneEvent(BaseModel):
    event: Event


class ChangesPage(BaseModel):
    events: list[Event]
    left: list[UUID] = Field(description="events that changed and do not match the filter (any more)")
    change: Change = Field(description="go on after this one")
    more: bool


class Facets(BaseModel):
    """Values seen so far."""

    tiers: list[int]
    sites: list[str]
    pilots: list[str]
    cameras: list[str]
    rules: list[str]
    kinds: list[str]


class Edge(BaseModel):
    edge_id: str
    last_seen: Millis | None
    epoch: Millis | None
    last_seq: int | None
    records: int
    clock_offset: int | None = Field(description="ms, central's clock minus the edge's")

    waiting: int | None = Field(description="records that it has for central, by its last heartbeat")


class Edges(BaseModel):
    edges: list[Edge]


class EdgeGaps(BaseModel):
    """What is missing of an edge's records."""

    edge_id: str
    late: int = Field(ge=0, description="records that may still come")
    lost: int = Field(ge=0, description="records that the edge has declared lost, and nobody has noted yet")
    since: Millis | None = Field(description="when the record before was made, by the edge's clock; null: not known")
    until: Millis | None = Field(description="when the record after was made; null: it goes on, or is not known")
    lost_at: Millis | None = Field(description="when the newest of the lost was declared: what a note is given")
    forked_at: Millis | None = Field(description="when two copies were last seen to send under this name")

    @classmethod
    def told(cls, line: Missing) -> EdgeGaps:
        return cls(
            edge_id=line.edge_id,
            late=line.late,
            lost=line.lost,
            since=line.since,
            until=line.until,
            lost_at=line.lost_at,
            forked_at=line.forked_at,
        )


class MissingRecords(BaseModel):
    edges: list[EdgeGaps]
    more: int = Field(description="edges beyond the limit")


class Gap(BaseModel):
    """Numbers of an epoch, both ends among them, whose records have not come."""

    epoch: Millis
    first: int
    last: int
    after_at: Millis | None = Field(description="when the record before was made, by the edge's clock")
    before_at: Millis | None = Field(description="when the record after was made")
    noticed_at: Millis = Field(description="when central learned of it; of what is lost, when it was declared")
    reason: str | None = Field(description="why it is lost, in the edge's words; null: it may still come")

    @classmethod
    def told(cls, stored: EpochGap) -> Gap:
        gap = stored.gap
        return cls(
            epoch=stored.epoch,
            first=gap.first,
            last=gap.last,
            after_at=gap.after_at,
            before_at=gap.before_at,
            noticed_at=gap.noticed_at,
            reason=gap.reason,
        )


class GapsPage(BaseModel):
    gaps: list[Gap]
    more: bool


class NumberSpan(BaseModel):
    epoch: Millis
    first: int
    last: int


class HeartbeatAnswerBody(BaseModel):
    central_epoch: Millis
    now: Millis
    missing: list[NumberSpan]


class User(BaseModel):
    name: str


class SessionBody(BaseModel):
    user: User
    must_change_password: bool


class Health(BaseModel):
    status: Literal["ok"]
    version: str


class Answer(BaseModel):
    """One record's answer."""

    seq: int | None
    outcome: Literal["stored", "duplicate", "refused"]
    code: str = ""
    reason: str = ""


class BatchAnswerBody(BaseModel):
    central_epoch: Millis
    now: Millis
    answers: list[Answer]
    epoch: Millis | None = None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


class NewPassword(_Strict):
    old: Annotated[str, Field(min_length=1, max_length=256)]
    new: Annotated[str, Field(min_length=1, max_length=256, description="at least 12 characters, not the old one")]


class Verdict(_Strict):
    decision: Literal["true", "false_alarm", "test", "duplicate", "none"] = Field(description="none takes it back")
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0e-\x1f\x7f]*$")] = ""


class GapNote(_Strict):
    until: Millis = Field(description="`lost_at` of the line that you saw: what is declared later is told again")


class Filter(_Strict):
    """Every filter may be repeated; values of one are alternatives."""

    tier: Annotated[list[Annotated[int, Field(ge=1, le=3)]], Field(max_length=3)] = []
    site: Names = []
    pilot: Names = []
    camera: Names = []
    rule: Names = []
    kind: Names = []
    severity: Annotated[list[Severity], Field(max_length=3)] = []
    state: Annotated[list[Literal["open", "closed"]], Field(max_length=2)] = []
    decision: Annotated[list[Literal["none", "true", "false_alarm", "test", "duplicate"]], Field(max_length=5)] = []
    since: Millis | None = Field(None, description="opened at or after")
    until: Millis | None = Field(None, description="opened before")

    def query(self) -> EventQuery:
        return EventQuery(
            tiers=tuple(dict.fromkeys(self.tier)),
            sites=tuple(self.site),
            pilots=tuple(self.pilot),
            cameras=tuple(self.camera),
            rules=tuple(self.rule),
            kinds=tuple(self.kind),
            severities=tuple(dict.fromkeys(self.severity)),
            states=tuple(self.state),
            decisions=tuple(None if value == "none" else value for value in self.decision),
            since=self.since,
            until=self.until,
        )


class EventsQuery(Filter):
    cursor: Annotated[str, Field(max_length=64)] | None = Field(None, description="`next` of the page before")
    limit: Limit = 50


class ChangesQuery(Filter):
    after: Change
    limit: Limit = 50


class FeedQuery(Filter):
    after: Change | None = Field(None, description="go on after this change; Last-Event-ID comes first")


_CURSOR = struct.Struct(">q16s")


def cursor_of(event: StoredEvent) -> str:
    packed = _CURSOR.pack(event.record.opened_at, event.record.event_id.bytes)
    return base64.urlsafe_b64encode(packed).decode()


def position_of(cursor: str) -> Position:
    """Raises BadRequest."""
    try:
        opened_at, event_id = _CURSOR.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error):
        raise BadRequest("this is no cursor of ours", code="cursor", hint="give `next` of the page before") from None
    return Position(opened_at, UUID(bytes=event_id))
