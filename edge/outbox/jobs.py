"""What the outbox's writer is asked to do, and what one transaction makes of it. Contract: store.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import msgspec

from contract.event import EventRecord, Severity
from contract.heartbeat import Span
from edge.outbox import database, ledger, retry

TRIM = 2000  # records that are let go of in one commit, at most: on a full disk it has little room
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


Job: TypeAlias = Append | Settle | Account | Restore | Retry | Reopen


class Work:
    """One transaction's; it counts, and its jobs are done, only once that is on the disk.

    `pending`, `parked` and `kept` say how many records more there are of each.
    """

    def __init__(self, db: sqlite3.Connection, head: database.Head, now: int, max_bytes: int) -> None:
        """`now` in UTC ms."""
        self._db = db
        self._now = now
        self._max_bytes = max_bytes
        self._room = max_bytes - database.used_bytes(db)
        self.head = head
        self.added: list[tuple[Append, EventRecord]] = []
        self.settles: list[tuple[Settle, int]] = []
        self.accounts: list[tuple[Account, ledger.Accounted]] = []
        self.restores: list[tuple[Restore, int]] = []
        self.retries: list[tuple[Retry, retry.Retried]] = []
        self.over: list[Append | Restore] = []  # for which there was no room
        self.pending = self.parked = self.kept = 0
        self.settled = self.sacrificed = 0

    def do(self, job: Job) -> None:
        match job:
            case Append():
                self._append(job)
            case Settle():
                self._settle(job)
            case Account():
                self._account(job)
            case Restore():
                self._restore(job)
            case Retry():
                self._retry(job)

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
            ledger.trim(self._db, over)
            self.kept -= over

    def finish(self) -> None:
        """Tell who waits. After the commit."""
        for append, record in self.added:
            append.done.set_result(record)
        for settle, count in self.settles:
            settle.done.set_result(count)
        for account, accounted in self.accounts:
            account.done.set_result(accounted)
        for restore, count in self.restores:
            restore.done.set_result(count)
        for job, retried in self.retries:
            job.done.set_result(retried)

    def _append(self, job: Append) -> None:
        record = job.record
        msgspec.structs.force_setattr(record, "epoch", self.head.epoch)
        msgspec.structs.force_setattr(record, "seq", self.head.last_seq + 1)
        body, sha256 = database.pack(record)
        if not self._take(bytes_of(record, body), record.severity):
            self.over.append(job)
            return
        values = (record.epoch, record.seq, self._now, body, sha256, ledger.RANK[record.severity])
        self._db.execute("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", values)
        note_standing(self._db, record, body, sha256)
        self.head = self.head._replace(last_seq=record.seq)
        self.pending += 1
        self.added.append((job, record))

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
        self.retries.append((job, retried))

    def _restore(self, job: Restore) -> None:
        bodies = [database.pack(record) for record in job.records]
        size = sum(len(body) + ledger.ROW for body, _ in bodies)
        if not self._take(size, "info", left=self._max_bytes // FOR_NEW):
            self.over.append(job)
            return
        count = _restore(self._db, job.records, bodies)
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
        if (short := size + left - self._room) > 0:
            freed = ledger.shed(self._db, short, severity)
            self._room += freed.freed
            self.kept -= freed.kept
            self.pending -= freed.pending
            self.sacrificed += freed.pending
            if freed.freed < short:
                return False
        self._room -= size
        return True


def bytes_of(record: EventRecord, body: bytes) -> int:
    """That a record takes; until its event closes it stands as well."""
    return (len(body) + ledger.ROW) * (1 if record.state == "closed" else 2)


def note_standing(db: sqlite3.Connection, record: EventRecord, body: bytes, sha256: bytes) -> None:
    key = record.event_id.bytes
    if record.state == "closed":
        db.execute("DELETE FROM standing WHERE event_id = ?", (key,))
    else:
        values = (key, record.epoch, record.seq, body, sha256)
        db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", values)


def _restore(db: sqlite3.Connection, records: Sequence[EventRecord], bodies: Sequence[tuple[bytes, bytes]]) -> int:
    """What is there already stays. What stood is known from elsewhere (aside.stood), but a close is a close."""
    rows = [
        (r.epoch, r.seq, r.at, body, sha256, ledger.RANK[r.severity])
        for r, (body, sha256) in zip(records, bodies, strict=True)
    ]
    db.executemany(
        "DELETE FROM standing WHERE event_id = ?", [(r.event_id.bytes,) for r in records if r.state == "closed"]
    )
    return db.executemany(
        "INSERT OR IGNORE INTO pending SELECT ?1, ?2, ?3, ?4, ?5, ?6"
        " WHERE NOT EXISTS (SELECT 1 FROM kept WHERE epoch = ?1 AND seq = ?2)",  # central has it
        rows,
    ).rowcount


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
