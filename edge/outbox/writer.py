"""The outbox's writer: one thread, the one writing connection, and the life of the file. Contract: store.py."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec
import structlog

from contract.event import EventRecord
from contract.heartbeat import Span
from edge.errors import OutboxDamaged, OutboxError, OutboxFull
from edge.outbox import database, ledger
from edge.outbox.guard import Ballast, Lock
from edge.outbox.intake import Intake

log = structlog.get_logger(__name__)


TRIM = 2000  # records that are let go of in one commit, at most: on a full disk it has little room


class Refusal(NamedTuple):
    """A record that central will never take, or that cannot be sent."""

    seq: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 512 << 20  # pages in use
    kept: int = 50_000  # records that central has stored, at most; three days of 64 cameras with ten events an hour
    queue: int = 1000  # records waiting for the writer
    patience: float = 2.0  # seconds that append waits for a place in the queue
    group: int = 500  # records a commit
    delay: float = 0.002  # seconds that a commit waits for company


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
class Reopen:
    done: Future[None] = field(default_factory=Future)


Job: TypeAlias = Append | Settle | Account | Reopen


class Writer:
    """Its public values are written by its own thread and may be read by any."""

    def __init__(self, path: Path, edge_id: str, now_ms: Callable[[], int], limits: Limits) -> None:
        self._path = path
        self._edge_id = edge_id
        self._now_ms = now_ms
        self._limits = limits
        self._db: sqlite3.Connection | None = None
        self.head = database.Head(edge_id, 0, 0, 0)
        self.intake: Intake[Job] = Intake(limits.queue)
        self.on_commit: Callable[[], None] = lambda: None
        self.pending = self.parked = self.kept = 0
        self.committed = self.settled = self.resent = self.sacrificed = 0  # since start
        self.refused: Counter[str] = Counter()
        self.full = False
        self.fault = ""
        self.opened = 0  # how often: readers must follow
        self._ballast = Ballast(path.with_suffix(".ballast"), database.BALLAST)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(path.with_suffix(".lock"))
        except OSError as error:
            raise OutboxError(
                f"{path.parent}: {error.strerror}", hint="give the edge a directory to write in"
            ) from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Commit what was handed in and end the thread. Idempotent."""
        self.intake.close()
        self._thread.join()

    def close(self) -> None:
        """After `drain`, and after the readers: the last connection to close is the one that may tidy up."""
        if self._db:
            database.close_writer(self._db, self.head)
            self._db = None
        self._lock.release()

    def _run(self) -> None:
        while group := self.intake.take(self._limits.group, self._limits.delay):
            if self._db is None and not self._reopened():
                self._fail(group, OutboxError(self.fault, hint="check the disk"), "fault")
                continue
            try:
                self._commit(group)
            except Exception as error:
                self._recover(group, error)

    def _commit(self, group: list[Job], *, keeping: bool = True) -> None:
        """One transaction; futures resolve after it. `keeping`: what central has stored, for a while."""
        assert self._db is not None
        work = _Work(self._db, self.head, self._now_ms(), self._limits.max_bytes)
        most = self._limits.kept if keeping else 0
        with database.transaction(self._db):
            for job in group:
                match job:
                    case Append():
                        work.append(job)
                    case Settle():
                        work.settle(job)
                    case Account():
                        work.account(job)
            if work.added:
                database.write_head(self._db, work.head)
            if (over := min(self.kept + work.kept - most, TRIM)) > 0:
                ledger.trim(self._db, over)
                work.kept -= over
        self._take_over(work)
        for job in group:
            if isinstance(job, Reopen):
                self._examine(job)
        if work.added or any(accounted.back for _, accounted in work.accounted):
            self.on_commit()

    def _take_over(self, work: _Work) -> None:
        """The transaction is on the disk."""
        if work.added:
            self._lock.note(work.head.epoch, work.head.last_seq)
        self.head = work.head
        self.pending += work.pending
        self.parked += work.parked
        self.kept += work.kept
        self.committed += len(work.added)
        self.settled += work.settled
        self.sacrificed += work.sacrificed
        if work.added or work.over:
            self.full = bool(work.over)
        if work.over:
            limit = OutboxFull(
                f"the outbox holds its {self._limits.max_bytes} bytes",
                hint="central has been away for long, or max_bytes is too small",
            )
            self._fail(work.over, limit, "max-bytes")
        for append, record in work.added:
            append.done.set_result(record)
        for settle, count in work.let_go:
            settle.done.set_result(count)
        for account, accounted in work.accounted:
            self.resent += accounted.back
            account.done.set_result(accounted)

    def _recover(self, group: list[Job], error: Exception) -> None:
        """A commit failed, and nothing of it is in. Go on if only room is missing; else trust the file no more."""
        group = [job for job in group if not job.done.done()]
        if not isinstance(error, sqlite3.Error) or not database.is_full(error):
            fault = (
                database.translated(error, self._path) if isinstance(error, sqlite3.Error) else OutboxError(str(error))
            )
            log.error("outbox write failed", error=str(fault), records=len(group))
            self._fail(group, fault, "fault")
            self._reopened()
            return
        full = database.translated(error, self._path)
        rest = [job for job in group if not isinstance(job, Append) or self._has_lesser(job)]
        if rest and self._ballast.held:
            self._ballast.release()
            try:
                # Pages that this frees are written again: what comes into them needs no more of the disk.
                rest = [job for job in rest if not isinstance(job, Append) or self._made_room(job)]
                self._commit(rest, keeping=False)
                assert self._db is not None
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as again:
                log.error("outbox cannot go on, on the full disk", error=str(again))
                if not database.is_full(again):
                    self._reopened()
            self._ballast.hold()
        self._refuse([job for job in group if not job.done.done()], full)

    def _has_lesser(self, job: Append) -> bool:
        assert self._db is not None
        try:
            return ledger.has_lesser(self._db, job.record.severity)
        except sqlite3.Error:
            return False

    def _made_room(self, job: Append) -> bool:
        """On a full disk: whether the file itself has room for a record, once what is worth less was let go of."""
        assert self._db is not None
        wanted = _size(job.record, database.pack(job.record)[0])
        with database.transaction(self._db):
            freed = ledger.shed(self._db, wanted, job.record.severity)
        self.kept -= freed.kept
        self.pending -= freed.pending
        self.sacrificed += freed.pending
        return freed.freed >= wanted

    def _refuse(self, jobs: Sequence[Job], error: OutboxError) -> None:
        """For lack of room on the disk."""
        self.full |= any(isinstance(job, Append) for job in jobs)
        self._fail(jobs, error, "disk-full")

    def _fail(self, jobs: Sequence[Job], error: OutboxError, reason: str) -> None:
        for job in jobs:
            if isinstance(job, Append):
                self.refused[reason] += 1
            job.done.set_exception(error)

    def _examine(self, job: Reopen) -> None:
        if self._reopened():
            job.done.set_result(None)
        else:
            job.done.set_exception(OutboxError(self.fault, hint="check the disk"))

    def _reopened(self) -> bool:
        """Close, examine and open anew; False, with `fault` set, where that fails."""
        if self._db:
            self._db.close()
            self._db = None
        try:
            self._open()
        except Exception as error:
            self.fault = str(error)
            return False
        return True

    def _open(self) -> None:
        for _ in range(3):
            epoch = max(self._now_ms(), self._lock.epoch + 1)
            try:
                before = (self._lock.epoch, self._lock.last)
                self._db, self.head = database.open_writer(self._path, self._edge_id, epoch, before=before)
                break
            except OutboxDamaged as damage:
                try:
                    aside = database.quarantine(self._path, epoch)
                except OSError as error:
                    raise OutboxError(
                        f"{self._path} cannot be put aside: {error.strerror}", hint=damage.hint
                    ) from error
                log.error("outbox damaged, put aside", error=str(damage), file=aside.name, hint=damage.hint)
            except OutboxFull:
                if not self._ballast.held:
                    raise
                self._ballast.release()
        else:
            raise OutboxError(f"{self._path} cannot be started anew", hint="check the disk")
        self._ballast.hold()
        self._lock.note(self.head.epoch, self.head.last_seq)
        try:
            (self.pending,) = self._db.execute("SELECT count(*) FROM pending").fetchone()
            (self.parked,) = self._db.execute("SELECT count(*) FROM parked").fetchone()
            (self.kept,) = self._db.execute("SELECT count(*) FROM kept").fetchone()
        except sqlite3.Error as error:
            raise database.translated(error, self._path) from error
        self.fault = ""
        self.opened += 1


class _Work:
    """What one transaction does, job by job; it counts only once that is on the disk."""

    def __init__(self, db: sqlite3.Connection, head: database.Head, now: int, max_bytes: int) -> None:
        self._db = db
        self._now = now
        self._room = max_bytes - database.used_bytes(db)
        self.head = head
        self.added: list[tuple[Append, EventRecord]] = []
        self.over: list[Job] = []
        self.let_go: list[tuple[Settle, int]] = []
        self.accounted: list[tuple[Account, ledger.Accounted]] = []
        self.pending = self.parked = self.kept = 0  # how many more
        self.settled = self.sacrificed = 0

    def append(self, job: Append) -> None:
        record = job.record  # nobody else has it yet
        msgspec.structs.force_setattr(record, "epoch", self.head.epoch)
        msgspec.structs.force_setattr(record, "seq", self.head.last_seq + 1)
        body, sha256 = database.pack(record)
        size = _size(record, body)
        if size > self._room:
            freed = ledger.shed(self._db, size - self._room, record.severity)
            self._room += freed.freed
            self.kept -= freed.kept
            self.pending -= freed.pending
            self.sacrificed += freed.pending
        if size > self._room:
            self.over.append(job)
            return
        self._room -= size
        values = (record.epoch, record.seq, self._now, body, sha256, ledger.RANK[record.severity])
        self._db.execute("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", values)
        _note_standing(self._db, record, body, sha256)
        self.head = self.head._replace(last_seq=record.seq)
        self.pending += 1
        self.added.append((job, record))

    def settle(self, job: Settle) -> None:
        stored, refused = (
            ledger.keep(self._db, job.epoch, job.stored),
            _park(self._db, job.epoch, job.refused, self._now),
        )
        self.kept += stored
        self.settled += stored
        self.parked += refused
        self.pending -= stored + refused
        self.let_go.append((job, stored + refused))

    def account(self, job: Account) -> None:
        accounted = ledger.account(self._db, job.missing)
        self.kept -= accounted.back
        self.pending += accounted.back
        self.accounted.append((job, accounted))


def _size(record: EventRecord, body: bytes) -> int:
    """Bytes that a record takes; until its event closes it stands as well."""
    return (len(body) + ledger.ROW) * (1 if record.state == "closed" else 2)


def _note_standing(db: sqlite3.Connection, record: EventRecord, body: bytes, sha256: bytes) -> None:
    key = record.event_id.bytes
    if record.state == "closed":
        db.execute("DELETE FROM standing WHERE event_id = ?", (key,))
    else:
        values = (key, record.epoch, record.seq, body, sha256)
        db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", values)


def _park(db: sqlite3.Connection, epoch: int, refused: list[Refusal], now: int) -> int:
    parked = 0
    for seq, code, reason in refused:
        db.execute(
            "INSERT INTO parked (epoch, seq, kept_at, body, sha256, code, reason, parked_at)"
            " SELECT epoch, seq, kept_at, body, sha256, ?, ?, ? FROM pending WHERE epoch = ? AND seq = ?",
            (code, reason, now, epoch, seq),
        )
        parked += db.execute("DELETE FROM pending WHERE epoch = ? AND seq = ?", (epoch, seq)).rowcount
    return parked
