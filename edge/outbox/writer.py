"""The outbox's writer: one thread, the one writing connection, and the life of the file. Contract: store.py."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec
import structlog

from contract.event import EventRecord
from edge.errors import OutboxDamaged, OutboxError, OutboxFull
from edge.outbox import aside, database
from edge.outbox.guard import Ballast, Lock
from edge.outbox.intake import Intake

log = structlog.get_logger(__name__)

_ROW = 128  # bytes that a row costs beside its body: hash, key, the unused end of its page
_FOR_NEW = 8  # of max_bytes, one part in so many is not given to what comes back from damaged files


class Refusal(NamedTuple):
    """A record that central will never take, or that cannot be sent."""

    seq: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 512 << 20  # pages in use, pending and parked
    queue: int = 1000  # records waiting for the writer
    patience: float = 2.0  # seconds that append waits for a place in the queue
    group: int = 500  # records a commit
    delay: float = 0.002  # seconds that a commit waits for company


@dataclass(slots=True)
class Append:
    record: EventRecord
    done: Future[EventRecord] = field(default_factory=Future)


@dataclass(slots=True)
class Settle:
    epoch: int
    stored: list[int]
    refused: list[Refusal]
    done: Future[int] = field(default_factory=Future)


@dataclass(slots=True)
class Restore:
    """Records of a file that was put aside, under the identity they have."""

    records: list[EventRecord]
    done: Future[int] = field(default_factory=Future)


@dataclass(slots=True)
class Reopen:
    done: Future[None] = field(default_factory=Future)


Job: TypeAlias = Append | Settle | Restore | Reopen


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
        self.on_aside: Callable[[], None] = lambda: None  # a damaged file was put aside
        self.pending = self.parked = 0
        self.committed = self.settled = self.restored = 0  # since start
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

    def _commit(self, group: list[Job]) -> None:
        """One transaction; futures resolve after it."""
        assert self._db is not None
        db, head, now = self._db, self.head, self._now_ms()
        room = self._limits.max_bytes - database.used_bytes(db)
        added: list[tuple[Append, EventRecord]] = []
        over: list[Job] = []
        gone = parked = 0
        settled: list[tuple[Settle, int]] = []
        restored: list[tuple[Restore, int]] = []
        with database.transaction(db):
            for job in group:
                match job:
                    case Append(record):
                        record = msgspec.structs.replace(record, epoch=head.epoch, seq=head.last_seq + 1)
                        body, sha256 = database.pack(record)
                        room -= (len(body) + _ROW) * (1 if record.state == "closed" else 2)  # it stands as well
                        if room < 0:
                            over.append(job)
                            continue
                        values = (record.epoch, record.seq, now, body, sha256)
                        db.execute("INSERT INTO pending VALUES (?, ?, ?, ?, ?)", values)
                        _note_standing(db, record, body, sha256)
                        head = head._replace(last_seq=record.seq)
                        added.append((job, record))
                    case Settle(epoch, stored, refused):
                        deleted, moved = _delete(db, epoch, stored), _park(db, epoch, refused, now)
                        gone += deleted
                        parked += moved
                        settled.append((job, deleted + moved))
                    case Restore(records):
                        bodies = [database.pack(record) for record in records]
                        size = sum(len(body) + _ROW for body, _ in bodies)
                        if room - size < self._limits.max_bytes // _FOR_NEW:
                            over.append(job)
                            continue
                        room -= size
                        restored.append((job, _restore(db, records, bodies)))
                        highest = max((record.epoch, record.seq) for record in records)
                        if highest > (head.epoch, head.last_seq):  # the clock went back, and the lock file was lost
                            head = head._replace(epoch=highest[0] + 1, last_seq=0)
            if head != self.head:
                database.write_head(db, head)
        if head.epoch != self.head.epoch:
            self._lock.note(head.epoch)
        self.head = head
        back = sum(count for _, count in restored)
        self.pending += len(added) + back - gone - parked
        self.parked += parked
        self.committed += len(added)
        self.settled += gone
        self.restored += back
        if added or any(isinstance(job, Append) for job in over):
            self.full = any(isinstance(job, Append) for job in over)
        if over:
            limit = OutboxFull(
                f"the outbox holds its {self._limits.max_bytes} bytes",
                hint="central has been away for long, or max_bytes is too small",
            )
            self._fail(over, limit, "max-bytes")
        for append, record in added:
            append.done.set_result(record)
        for settle, count in settled:
            settle.done.set_result(count)
        for restore, count in restored:
            restore.done.set_result(count)
        for job in group:
            if isinstance(job, Reopen):
                self._examine(job)
        if added or back:
            self.on_commit()

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
        settles: list[Job] = [job for job in group if not isinstance(job, Append | Restore)]
        appends: list[Job] = [job for job in group if isinstance(job, Append | Restore)]
        if appends:
            self.full = self.full or any(isinstance(job, Append) for job in appends)
            self._fail(appends, database.translated(error, self._path), "disk-full")
        if settles and self._ballast.held:
            self._ballast.release()
            try:
                self._commit(settles)
                assert self._db is not None
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as again:
                log.error("outbox cannot settle on the full disk", error=str(again))
                if not database.is_full(again):
                    self._reopened()
            self._ballast.hold()
        self._fail([job for job in settles if not job.done.done()], database.translated(error, self._path), "disk-full")

    def _fail(self, jobs: list[Job], error: OutboxError, reason: str) -> None:
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
        put: aside.Aside | None = None
        stood: list[EventRecord] = []
        for _ in range(3):
            epoch = max(self._now_ms(), self._lock.epoch + 1)
            try:
                self._db, self.head = database.open_writer(self._path, self._edge_id, epoch)
                break
            except OutboxDamaged as damage:
                try:
                    put = aside.put_aside(self._path, epoch)
                    stood += aside.stood(put, self._edge_id)
                except OSError as error:
                    raise OutboxError(
                        f"{self._path} cannot be put aside: {error.strerror}", hint=damage.hint
                    ) from error
                log.error("outbox damaged, put aside", error=str(damage), file=put.file.name, hint=damage.hint)
            except OutboxFull:
                if not self._ballast.held:
                    raise
                self._ballast.release()
        else:
            raise OutboxError(f"{self._path} cannot be started anew", hint="check the disk")
        self._ballast.hold()
        self._lock.note(self.head.epoch)
        try:
            with database.transaction(self._db):
                for record in stood:  # as in the file that was put aside
                    _note_standing(self._db, record, *database.pack(record))
            (self.pending,) = self._db.execute("SELECT count(*) FROM pending").fetchone()
            (self.parked,) = self._db.execute("SELECT count(*) FROM parked").fetchone()
        except sqlite3.Error as error:
            raise database.translated(error, self._path) from error
        self.fault = ""
        self.opened += 1
        if put:
            self.on_aside()


def _note_standing(db: sqlite3.Connection, record: EventRecord, body: bytes, sha256: bytes) -> None:
    key = record.event_id.bytes
    if record.state == "closed":
        db.execute("DELETE FROM standing WHERE event_id = ?", (key,))
    else:
        values = (key, record.epoch, record.seq, body, sha256)
        db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", values)


def _restore(db: sqlite3.Connection, records: list[EventRecord], bodies: list[tuple[bytes, bytes]]) -> int:
    """What is there already stays. What stood is known from elsewhere (aside.stood), but a close is a close."""
    rows = [(r.epoch, r.seq, r.at, body, sha256) for r, (body, sha256) in zip(records, bodies, strict=True)]
    db.executemany(
        "DELETE FROM standing WHERE event_id = ?", [(r.event_id.bytes,) for r in records if r.state == "closed"]
    )
    return db.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?, ?, ?, ?)", rows).rowcount


def _delete(db: sqlite3.Connection, epoch: int, seqs: list[int]) -> int:
    keys = [(epoch, seq) for seq in seqs]
    return db.executemany("DELETE FROM pending WHERE epoch = ? AND seq = ?", keys).rowcount if keys else 0


def _park(db: sqlite3.Connection, epoch: int, refused: list[Refusal], now: int) -> int:
    parked = 0
    for seq, code, reason in refused:
        db.execute(
            "INSERT INTO parked (epoch, seq, kept_at, body, sha256, code, reason, parked_at)"
            " SELECT epoch, seq, kept_at, body, sha256, ?, ?, ? FROM pending WHERE epoch = ? AND seq = ?",
            (code, reason, now, epoch, seq),
        )
        parked += _delete(db, epoch, [seq])
    return parked
