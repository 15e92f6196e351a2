"""What central asks of a store: types, and the protocol that every store's tests hold it to.

Promises of every store
- What `put` answered as stored or duplicate survives a crash and a power cut: it returns after the commit.
- `(edge_id, epoch, seq)` is unique for as long as the record's row lives; so is `event_id`.
- An event is one row: the record with the highest (epoch, seq) that has arrived, in whatever order they came.
- `change` is one counter over all events; it grows with every change, also across restarts, and commits are
  seen in its order: who has read up to N misses nothing below N.
- Which numbers are missing is exact with every commit: of the numbers of an epoch up to the highest known to be given,
  each has come or lies in one gap (but see a store's bound). What central has is never missing, whatever an edge says.
- `listen` is told after every commit that changed an event.
- `close` may be called twice; anything else after it raises StoreClosed.

All times are UTC milliseconds. Every method may raise StoreError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from central.store.gaps import Gap
from contract.event import EventRecord, Severity
from contract.heartbeat import Heartbeat, Span
from contract.wire import Received

Decision: TypeAlias = Literal["true", "false_alarm", "test", "duplicate"]
Outcome: TypeAlias = Literal["stored", "duplicate", "conflict-event", "conflict-seq"]

FACETS = ("tier", "site", "pilot", "camera", "rule", "kind")


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """`decision` None: an earlier one was taken back."""

    decision: Decision | None
    by: str
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    record: EventRecord
    newer: str | None  # JSON of fields that only a newer central can read
    received_at: int
    change: int
    decision: DecisionRow | None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed's order, newest first by (opened_at, event_id)."""

    opened_at: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events; an empty tuple leaves a field open. `since` <= opened_at < `until`."""

    tiers: tuple[int, ...] = ()
    sites: tuple[str, ...] = ()
    pilots: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    states: tuple[Literal["open", "closed"], ...] = ()
    decisions: tuple[Decision | None, ...] = ()  # None: not decided
    since: int | None = None
    until: int | None = None

    def unreviewed(self) -> EventQuery:
        """The same without what changes in an event's life: a desk must also learn what leaves its list."""
        return replace(self, states=(), decisions=())

    def matches(self, event: StoredEvent) -> bool:
        record = event.record
        return (
            (not self.tiers or record.tier in self.tiers)
            and (not self.sites or record.site in self.sites)
            and (not self.pilots or record.pilot in self.pilots)
            and (not self.cameras or record.camera_id in self.cameras)
            and (not self.rules or record.rule in self.rules)
            and (not self.kinds or record.kind in self.kinds)
            and (not self.severities or record.severity in self.severities)
            and (not self.states or ("closed" if record.state == "closed" else "open") in self.states)
            and (not self.decisions or (event.decision and event.decision.decision) in self.decisions)
            and (self.since is None or record.opened_at >= self.since)
            and (self.until is None or record.opened_at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """Events by `change`; all that lies at or below `change` has been read."""

    events: tuple[StoredEvent, ...]
    change: int
    more: bool


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """What central knows of an edge; None until it has sent something."""

    edge_id: str
    created_at: int
    last_seen: int | None
    epoch: int | None
    last_seq: int | None
    records: int
    clock_offset: int | None
    waiting: int | None = None  # records that it has for central, by its last heartbeat


@dataclass(frozen=True, slots=True)
class Missing:
    """What an edge's line on the desk says. Counts stop at 2**53."""

    edge_id: str
    late: int  # may still come
    lost: int  # declared so by the edge
    since: int | None  # when the records around were made; None: not known
    until: int | None  # None: it goes on, or is not known
    lost_at: int | None  # when the newest of the lost was declared
    forked_at: int | None  # when two copies were last seen to send under its name


@dataclass(frozen=True, slots=True)
class EpochGap:
    epoch: int
    gap: Gap


@dataclass(frozen=True, slots=True)
class Shown:
    """Which gaps make a line: late ones noticed at `late_by` or before, lost ones after `lost_since` that nobody has
    noted yet, and edges that were seen twice after `forked_since`."""

    late_by: int
    lost_since: int
    forked_since: int


@dataclass(frozen=True, slots=True)
class UserRow:
    name: str
    password_hash: str
    one_time_until: int | None  # set: the password is a one-time password, void from then on


@dataclass(frozen=True, slots=True)
class SessionRow:
    user: str
    created_at: int
    seen_at: int
    one_time: bool  # its user must change the password first


class EventStore(Protocol):
    @property
    def central_epoch(self) -> int:
        """Made once with the store; another one means another store, or one restored as new."""

    async def put(self, records: Sequence[Received], received_at: int) -> list[Outcome]:
        """Store a batch in one transaction. `conflict-event`: the event is another edge's. `conflict-seq`: another
        event was stored under this identity. Conflicts change nothing."""

    async def events(self, query: EventQuery, before: Position | None, limit: int) -> list[StoredEvent]:
        """Newest first; those after `before` in that order."""

    async def count(self, query: EventQuery, limit: int) -> int:
        """How many there are; counting stops at `limit`."""

    async def changes(self, query: EventQuery, after: int, limit: int) -> Changes: ...

    async def event(self, event_id: UUID) -> StoredEvent | None: ...

    async def decisions(self, event_id: UUID) -> list[DecisionRow]:
        """All ever taken, newest first."""

    async def decide(self, event_id: UUID, row: DecisionRow) -> StoredEvent | None:
        """None: there is no such event."""

    async def look(self, event_id: UUID, by: str, at: int) -> None:
        """Keep that somebody looked at an event."""

    async def beat(self, heartbeat: Heartbeat, at: int) -> list[Span]:
        """Take in what an edge says of its numbers, in one transaction. What is missing and not lost, oldest first, at
        most MAX_MISSING."""

    async def missing(self, shown: Shown) -> list[Missing]:
        """An entry an edge with something to show, late ones first, then by name."""

    async def gaps(self, edge_id: str, limit: int) -> list[EpochGap]:
        """All of an edge's, oldest first, also the lost and noted."""

    async def note_gaps(self, edge_id: str, until: int, by: str, at: int) -> bool:
        """Keep that somebody has seen what was declared lost up to `until`. False: there is no such edge."""

    async def facets(self) -> Mapping[str, list[str]]:
        """Values seen, sorted, by the names in FACETS."""

    async def last_change(self) -> int: ...

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """`callback` runs after commits, in a thread of the store's. Returns what ends it."""

    def close(self) -> None: ...


class AccessStore(Protocol):
    """Secrets come hashed; the store never sees one."""

    async def add_edge(self, edge_id: str, token_hash: bytes, at: int, *, replace: bool = False) -> bool:
        """False: it is there, and `replace` was not asked for."""

    async def edge_of(self, token_hash: bytes) -> str | None: ...

    async def edges(self) -> list[EdgeRow]: ...

    async def has_users(self) -> bool: ...

    async def user(self, name: str) -> UserRow | None: ...

    async def add_user(self, user: UserRow) -> bool:
        """False: the name is taken."""

    async def set_password(self, user: UserRow) -> bool:
        """Also ends the user's sessions. False: there is no such user."""

    async def add_session(self, token_hash: bytes, user: str, at: int) -> None: ...

    async def session(self, token_hash: bytes) -> SessionRow | None: ...

    async def touch_session(self, token_hash: bytes, at: int) -> None: ...

    async def end_session(self, token_hash: bytes) -> None: ...

    async def drop_sessions(self, created_before: int, seen_before: int) -> None: ...


class Store(EventStore, AccessStore, Protocol):
    pass
