"""What the outbox's writer is asked to do, and what one transaction makes of it. Contract: store.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import msgspec

from contract.event import EventRecord, Severity
from contract.heartbeat import Span
from edge.outbox import database, ledger, retry

TRIM = 2000  # records that are let go of in one commit, at most: on a full disk it has little room
_Row: TypeAlias = tuple[int, int, int, bytes, bytes, int]  # of pending

FOR_NEW = 8  # of the room, one part in so many is not given to what comes back from damaged files


class Refusal(NamedTuple):
    """A record that central will never take, or that cannot be sent."""

    seq: int
    code: str
    reason: str


@dataclass(slots=True)
class Append:
    record: EventRecord  # the writer's own: it is numbered in place
    done: Future[EventRecord] = field(default_factory=Future)

    @property
    def records(self) -> Sequence[EventRecord]:
        return (self.record,)

    @property
    def least(self) -> Severity:
        """That room is made by."""
        return self.record.severity

    def finish(self) -> None:
        self.done.set_result(self.record)


@dataclass(slots=True)
class AppendAll:
    """Some records, all of them or none."""

    records: list[EventRecord]  # as above
    done: Future[list[EventRecord]] = field(default_factory=Future)

    @property
    def least(self) -> Severity:
        return min((record.severity for record in self.records), key=ledger.RANK.__getitem__)

    def finish(self) -> None:
        self.done.set_result(self.records)


@dataclass(slots=True)
class Settle:
    epoch: int
    stored: list[int]
    refused: list[Refusal]
    done: Future[int] = field(default_factory=Future)


@dataclass(slots=True)
class Account:
    missing: Sequence[Span]
    done: Future[ledger.Accounted] = field(default_factory=Future)


@dataclass(slots=True)
class Restore:
    """Records of a file that was put aside, under the identity they have."""

    records: list[EventRecord]
    done: Future[int] = field(default_factory=Future)


@dataclass(slots=True)
class Retry:
    request: retry.Request
    done: Future[retry.Retried] = field(default_factory=Future)


@dataclass(slots=True)
class Reopen:
    done: Future[None] = field(default_factory=Future)


Newcomer: TypeAlias = Append | AppendAll
Job: TypeAlias = Newcomer | Settle | Account | Restore | Retry | Reopen


class Work:
    """One transaction's; it counts, and its jobs are done, only once that is on the disk.

    `pending`, `parked` and `kept` say how many records more there are of each.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        head: database.Head,
        now: int,
        used: int,
        max_bytes: int,
        standing: Mapping[bytes, int],
    ) -> None:
        """`now` in UTC ms; of `max_bytes` are `used`, as ledger.size counts them; `standing` by event, as well."""
        self._db = db
        self._now = now
        self._max_bytes = max_bytes
        self.used = used
        self._standing = standing
        self.stands: dict[bytes, int] = {}  # what this work changes of that; 0 where an event is over
        self.head = head
        self.added: list[Newcomer] = []
        self.settles: list[tuple[Settle, int]] = []
        self.accounts: list[tuple[Account, ledger.Accounted]] = []
        self.restores: list[tuple[Restore, int]] = []
        self.retries: list[tuple[Retry, retry.Retried]] = []
        self.over: list[Newcomer | Restore] = []  # for which there was no room
        self.pending = self.parked = self.kept = 0
        self.appended = self.settled = self.sacrificed = 0
        # Not yet in the tables: one statement for many rows costs less than many.
        self._rows: list[_Row] = []
        self._stand: dict[bytes, tuple[bytes, int, int, bytes, bytes] | None] = {}  # by event; None: it closed

    def do(self, job: Job) -> None:
        if isinstance(job, Append | AppendAll):
            self._append(job)
            return
        self.write()
        match job:
            case Settle():
                self._settle(job)
            case Account():
                self._account(job)
            case Restore():
                self._restore(job)
            case Retry():
                self._retry(job)

    def write(self) -> None:
        """What was appended, into the tables."""
        if self._rows:
            self._db.executemany("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", self._rows)
            _note_standing(self._db, self._stand)
            self._rows, self._stand = [], {}

    @property
    def back(self) -> int:
        """Records that are to be sent again."""
        return (
            sum(count for _, count in self.restores)
            + sum(accounted.back for _, accounted in self.accounts)
            + sum(retried.waiting for _, retried in self.retries)
        )

    def trim(self, kept: int, most: int) -> None:
        """Of the `kept` there were before, and those of this work, leave `most`; not more than TRIM go at once."""
        if (over := min(kept + self.kept - most, TRIM)) > 0:
            self.used -= ledger.trim(self._db, over)
            self.kept -= over

    def finish(self) -> None:
        """Tell who waits. After the commit."""
        for append in self.added:
            append.finish()
        for settle, count in self.settles:
            settle.done.set_result(count)
        for account, accounted in self.accounts:
            account.done.set_result(accounted)
        for restore, count in self.restores:
            restore.done.set_result(count)
        for job, retried in self.retries:
            job.done.set_result(retried)

    def _append(self, job: Newcomer) -> None:
        epoch, seq = self.head.epoch, self.head.last_seq
        rows: list[_Row] = []
        size = standing = 0
        for record in job.records:
            seq += 1
            msgspec.structs.force_setattr(record, "epoch", epoch)
            msgspec.structs.force_setattr(record, "seq", seq)
            body, sha256 = database.pack(record)
            size += ledger.size(body)
            if record.state != "closed":
                standing += ledger.size(body)
            rows.append((epoch, seq, self._now, body, sha256, ledger.RANK[record.severity]))
        if not self._take(size, job.least, left=standing):
            self.over.append(job)
            return
        self._rows += rows
        for record, (_, seq, _, body, sha256, _) in zip(job.records, rows, strict=True):
            key = record.event_id.bytes
            if record.state == "closed":
                if self._stands(key, 0):
                    self._stand[key] = None
            else:
                self._stand[key] = (key, epoch, seq, body, sha256)
                self._stands(key, ledger.size(body))
        self.head = self.head._replace(last_seq=seq)
        self.pending += len(rows)
        self.appended += len(rows)
        self.added.append(job)

    def _stands(self, event: bytes, size: int) -> bool:
        """Note that it stands, with so many bytes; returns whether it did before."""
        before = self.stands.get(event)
        if before is None:
            before = self._standing.get(event, 0)
        if size or before:
            self.used += size - before
            self.stands[event] = size
        return before > 0

    def _settle(self, job: Settle) -> None:
        stored = ledger.keep(self._db, job.epoch, job.stored)
        refused = _park(self._db, job.epoch, job.refused, self._now)
        self.kept += stored
        self.settled += stored
        self.parked += refused
        self.pending -= stored + refused
        self.settles.append((job, stored + refused))

    def _account(self, job: Account) -> None:
        accounted = ledger.account(self._db, job.missing)
        self.kept -= accounted.back
        self.pending += accounted.back
        self.accounts.append((job, accounted))

    def _retry(self, job: Retry) -> None:
        retried = retry.retry(self._db, job.request)
        self.parked -= retried.left
        self.pending += retried.waiting
        self.used -= retried.freed
        self.retries.append((job, retried))

    def _restore(self, job: Restore) -> None:
        bodies = [database.pack(record) for record in job.records]
        size = sum(ledger.size(body) for body, _ in bodies)
        if not self._take(size, "info", left=self._max_bytes // FOR_NEW):
            self.over.append(job)
            return
        count, more = _restore(self._db, job.records, bodies)
        for record in job.records:
            if record.state == "closed":
                self._stands(record.event_id.bytes, 0)
        self.used += more - size
        self.pending += count
        self.restores.append((job, count))
        last: dict[int, int] = {}
        for record in job.records:
            last[record.epoch] = max(last.get(record.epoch, 0), record.seq)
        epoch, seq = max(last.items())
        if (epoch, seq) > (self.head.epoch, self.head.last_seq):  # the clock went back, and the lock file was lost
            ledger.note_epoch(self._db, self.head.epoch, self.head.last_seq)
            self.head = self.head._replace(epoch=epoch + 1, last_seq=0)
        for each, highest in last.items():
            if each != self.head.epoch:
                ledger.note_epoch(self._db, each, highest)

    def _take(self, size: int, severity: Severity, left: int = 0) -> bool:
        """Whether there is room, and `left` beside it, at last by what is worth less than something of `severity`."""
        if self.used + size + left > self._max_bytes:
            self.write()  # what came before may be let go of too
        if (short := self.used + size + left - self._max_bytes) > 0:
            freed = ledger.shed(self._db, short, severity)
            self.used -= freed.freed
            self.kept -= freed.kept
            self.pending -= freed.pending
            self.sacrificed += freed.pending
            if freed.freed < short:
                return False
        self.used += size
        return True


def bytes_of(record: EventRecord, body: bytes) -> int:
    """That a record takes; until its event closes it stands as well."""
    return ledger.size(body) * (1 if record.state == "closed" else 2)


def note_stood(db: sqlite3.Connection, records: Sequence[EventRecord]) -> None:
    """What stood in a file that was put aside."""
    _note_standing(db, {r.event_id.bytes: (r.event_id.bytes, r.epoch, r.seq, *database.pack(r)) for r in records})


def _note_standing(db: sqlite3.Connection, last: Mapping[bytes, tuple[bytes, int, int, bytes, bytes] | None]) -> None:
    """The last that is known of each event."""
    if over := [(key,) for key, row in last.items() if row is None]:
        db.executemany("DELETE FROM standing WHERE event_id = ?", over)
    if rows := [row for row in last.values() if row]:
        db.executemany("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", rows)


def _restore(
    db: sqlite3.Connection, records: Sequence[EventRecord], bodies: Sequence[tuple[bytes, bytes]]
) -> tuple[int, int]:
    """What is there already stays. What stood is known from elsewhere (aside.stood), but a close is a close.

    Returns how many records there are more, and how many bytes.
    """
    count = 0
    size = 0
    _note_standing(db, {r.event_id.bytes: None for r in records if r.state == "closed"})
    for r, (body, sha256) in zip(records, bodies, strict=True):
        if db.execute(
            "INSERT OR IGNORE INTO pending SELECT ?1, ?2, ?3, ?4, ?5, ?6"
            " WHERE NOT EXISTS (SELECT 1 FROM kept WHERE epoch = ?1 AND seq = ?2)",  # central has it
            (r.epoch, r.seq, r.at, body, sha256, ledger.RANK[r.severity]),
        ).rowcount:
            count += 1
            size += ledger.size(body)
    return count, size


def _park(db: sqlite3.Connection, epoch: int, refused: Sequence[Refusal], now: int) -> int:
    parked = 0
    for seq, code, reason in refused:
        db.execute(
            "INSERT INTO parked (epoch, seq, kept_at, body, sha256, code, reason, parked_at)"
            " SELECT epoch, seq, kept_at, body, sha256, ?, ?, ? FROM pending WHERE epoch = ? AND seq = ?",
            (code, reason, now, epoch, seq),
        )
        parked += db.execute("DELETE FROM pending WHERE epoch = ? AND seq = ?", (epoch, seq)).rowcount
    return parked
