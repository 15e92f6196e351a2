"""What the SQLite store writes about events. Runs in the writer's transaction; commits nothing itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from uuid import UUID

from central.store.base import DecisionRow, Outcome, StoredEvent
from central.store.sqlite_feed import COLUMNS, RECORD_COLUMNS, event_of, values_of
from central.store.sqlite_gaps import GapWriter
from contract.event import EventRecord
from contract.heartbeat import Heartbeat, Span
from contract.wire import Received

_WRITTEN = [f'"{name}"' for name in (*RECORD_COLUMNS, "newer", "received_at", "change")]
_INSERT = f"INSERT INTO events ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"  # noqa: S608
_UPDATE = f"UPDATE events SET {', '.join(f'{name} = ?' for name in _WRITTEN)} WHERE id = ?"  # noqa: S608


class EventWriter:
    """Owned by the writer thread. `change` is the last one given out."""

    def __init__(self, connection: sqlite3.Connection, change: int) -> None:
        self._db = connection
        self._gaps = GapWriter(connection)
        self.reload(change)

    def reload(self, change: int) -> None:
        """Forget what a rolled back job left in memory."""
        self._change = change
        self._gaps.reload()
        self._facets: set[tuple[str, str]] = set(self._db.execute("SELECT name, value FROM facets"))

    @property
    def change(self) -> int:
        return self._change

    def keep_change(self) -> None:
        self._db.execute("UPDATE meta SET value = ? WHERE name = 'change'", (self._change,))

    def put(self, records: Sequence[Received], received_at: int) -> list[Outcome]:
        outcomes = [self._put(received, received_at) for received in records]
        came: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for received, outcome in zip(records, outcomes, strict=True):
            if outcome == "stored":
                record = received.record
                came.setdefault((record.edge_id, record.epoch), []).append((record.seq, record.at))
        for (edge_id, epoch), numbers in came.items():
            self._gaps.came(edge_id, epoch, numbers, received_at)
        if records:
            self._seen(records, received_at, outcomes.count("stored"))
        return outcomes

    def beat(self, heartbeat: Heartbeat, at: int) -> list[Span]:
        # Whoever goes back to an epoch after another one was there twice: an edge leaves an epoch for good.
        self._db.execute(
            "UPDATE edges SET last_seen = :at, waiting = :waiting,"
            " forked_at = CASE WHEN beat_epoch <> :epoch AND beat_before = :epoch THEN :at ELSE forked_at END,"
            " beat_before = CASE WHEN beat_epoch <> :epoch THEN beat_epoch ELSE beat_before END,"
            " beat_epoch = :epoch WHERE edge_id = :edge",
            {
                "at": at,
                "waiting": heartbeat.waiting,
                "epoch": heartbeat.epochs[-1].epoch,
                "edge": heartbeat.edge_id,
            },
        )
        return self._gaps.beat(heartbeat, at)

    def decide(self, event_id: UUID, row: DecisionRow) -> StoredEvent | None:
        key = event_id.bytes
        current = (row.decision, row.by, row.at, row.note) if row.decision else (None, None, None, None)
        self._change += 1
        found = self._db.execute(
            "UPDATE events SET decision = ?, decision_by = ?, decision_at = ?, decision_note = ?, change = ?"
            " WHERE event_id = ?",
            (*current, self._change, key),
        )
        if not found.rowcount:
            self._change -= 1
            return None
        self._db.execute(
            'INSERT INTO decisions (event_id, decision, "by", at, note) VALUES (?, ?, ?, ?, ?)',
            (key, row.decision, row.by, row.at, row.note),
        )
        return event_of(self._db.execute(f"SELECT {COLUMNS} FROM events WHERE event_id = ?", (key,)).fetchone())  # noqa: S608

    def look(self, event_id: UUID, by: str, at: int) -> None:
        self._db.execute('INSERT INTO looks (event_id, "by", at) VALUES (?, ?, ?)', (event_id.bytes, by, at))

    def _put(self, received: Received, received_at: int) -> Outcome:
        record = received.record
        identity = (record.edge_id, record.epoch, record.seq)
        known = self._db.execute(
            "SELECT e.event_id FROM records r JOIN events e ON e.id = r.event"
            " WHERE r.edge_id = ? AND r.epoch = ? AND r.seq = ?",
            identity,
        ).fetchone()
        if known:
            return "duplicate" if known[0] == record.event_id.bytes else "conflict-seq"
        row = self._db.execute(
            "SELECT id, edge_id, epoch, seq FROM events WHERE event_id = ?", (record.event_id.bytes,)
        ).fetchone()
        if row is None:
            self._change += 1
            written = [*values_of(record), received.newer, received_at, self._change]
            event = self._db.execute(_INSERT, written).lastrowid
            self._add_facets(record)
        elif row[1] != record.edge_id:
            return "conflict-event"
        else:
            event = row[0]
            if (record.epoch, record.seq) > (row[2], row[3]):
                self._change += 1
                written = [*values_of(record), received.newer, received_at, self._change]
                self._db.execute(_UPDATE, (*written, event))
                self._add_facets(record)
        self._db.execute("INSERT INTO records (edge_id, epoch, seq, event) VALUES (?, ?, ?, ?)", (*identity, event))
        return "stored"

    def _add_facets(self, record: EventRecord) -> None:
        values = (record.tier, record.site, record.pilot, record.camera_id, record.rule, record.kind)
        for name, value in zip(("tier", "site", "pilot", "camera", "rule", "kind"), values, strict=True):
            facet = (name, str(value))
            if facet not in self._facets:
                self._db.execute("INSERT OR IGNORE INTO facets (name, value) VALUES (?, ?)", facet)
                self._facets.add(facet)

    def _seen(self, records: Sequence[Received], at: int, stored: int) -> None:
        last = max((received.record for received in records), key=lambda record: (record.epoch, record.seq))
        self._db.execute(
            "UPDATE edges SET last_seen = :at, records = records + :stored, clock_offset = :offset,"
            " last_seq = CASE WHEN epoch = :epoch THEN max(last_seq, :seq)"
            " WHEN epoch > :epoch THEN last_seq ELSE :seq END,"
            " epoch = max(coalesce(epoch, 0), :epoch) WHERE edge_id = :edge",
            {
                "at": at,
                "stored": stored,
                "offset": last.clock_offset,
                "epoch": last.epoch,
                "seq": last.seq,
                "edge": last.edge_id,
            },
        )
