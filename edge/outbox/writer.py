"""The outbox's writer: one thread, the one writing connection, and the life of the file. Contract: store.py."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from contract.event import EventRecord
from edge.errors import OutboxDamaged, OutboxError, OutboxFull
from edge.outbox import aside, database, ledger
from edge.outbox.guard import Ballast, Lock
from edge.outbox.intake import Intake
from edge.outbox.jobs import Append, AppendAll, Job, Newcomer, Reopen, Restore, Work, bytes_of, note_stood

log = structlog.get_logger(__name__)

WORTH = 64 << 10  # bytes; a few commits
SPARE = 2 * database.BALLAST  # bytes asked for on a full disk: as much as the ballast again


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 512 << 20  # of records, as ledger.size counts them
    kept: int = 50_000  # records that central has stored, at most; three days of 64 cameras with ten events an hour
    queue: int = 1000  # records waiting for the writer
    patience: float = 2.0  # seconds that append waits for a place in the queue
    group: int = 500  # records a commit
    delay: float = 0.0  # seconds that a commit waits for company; what came while the last one ran goes together


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
        self.spare: Callable[[int], int] = lambda _: 0  # frees bytes of the disk that matter less; returns how many
        self.on_aside: Callable[[], None] = lambda: None  # a damaged file was put aside
        self.pending = self.parked = self.kept = 0
        self.used = 0  # bytes
        self._standing: dict[bytes, int] = {}  # bytes of each event that has not closed
        # Since start:
        self.committed = self.settled = self.resent = self.sacrificed = self.restored = 0
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

    def _commit(self, group: Sequence[Job], *, keeping: bool = True) -> None:
        """One transaction; futures resolve after it. `keeping`: what central has stored, for a while."""
        assert self._db is not None
        work = Work(self._db, self.head, self._now_ms(), self.used, self._limits.max_bytes, self._standing)
        with database.transaction(self._db):
            for job in group:
                work.do(job)
            work.write()
            work.trim(self.kept, self._limits.kept if keeping else 0)
            if work.head != self.head:
                database.write_head(self._db, work.head)
        self._count(work)
        work.finish()
        for job in group:
            if isinstance(job, Reopen):
                self._examine(job)
        if work.added or work.back:
            self.on_commit()

    def _count(self, work: Work) -> None:
        if work.head != self.head:
            self._lock.note(work.head.epoch, work.head.last_seq)
        self.head = work.head
        self.used = work.used
        for event, size in work.stands.items():
            if size:
                self._standing[event] = size
            else:
                self._standing.pop(event, None)
        self.pending += work.pending
        self.parked += work.parked
        self.kept += work.kept
        self.committed += work.appended
        self.settled += work.settled
        self.sacrificed += work.sacrificed
        self.resent += sum(accounted.back for _, accounted in work.accounts)
        self.restored += sum(count for _, count in work.restores)
        refused = any(isinstance(job, Append | AppendAll) for job in work.over)
        if work.added or refused:
            self.full = refused
        if work.over:
            limit = OutboxFull(
                f"the outbox holds its {self._limits.max_bytes} bytes",
                hint="central has been away for long, or max_bytes is too small",
            )
            self._fail(work.over, limit, "max-bytes")

    def _recover(self, group: list[Job], error: Exception) -> None:
        """A commit failed, and nothing of it is in. Go on if only room is missing; else trust the file no more."""
        for make_room in (self._fold, self._spared):
            if not isinstance(error, sqlite3.Error) or not database.is_full(error) or not make_room():
                continue
            try:
                self._commit(group)
                return
            except Exception as again:
                error = again
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
        # What comes back from a damaged file waits there.
        rest = [
            job
            for job in group
            if not isinstance(job, Restore) and (not isinstance(job, Append | AppendAll) or self._has_lesser(job))
        ]
        if rest and self._ballast.held:
            self._ballast.release()
            try:
                # Pages that this frees are written again: what comes into them needs no more of the disk.
                self._commit(
                    [job for job in rest if not isinstance(job, Append | AppendAll) or self._made_room(job)],
                    keeping=False,
                )
                if self._db:  # a Reopen among them may have failed
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as again:
                log.error("outbox cannot go on, on the full disk", error=str(again))
                if not database.is_full(again):
                    self._reopened()
            self._ballast.hold()
        self._refuse([job for job in group if not job.done.done()], full)

    def _fold(self) -> bool:
        """Write the WAL out and cut it off, if that frees more than the file grows by. The ballast lends room."""
        assert self._db is not None
        try:
            (pages,), (size,) = (self._db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
            grows = pages * size - self._path.stat().st_size
            if self._path.with_name(f"{self._path.name}-wal").stat().st_size < grows + WORTH or not self._ballast.held:
                return False
            self._ballast.release()
            (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        except (sqlite3.Error, OSError):
            return False
        finally:
            self._ballast.hold()

    def _spared(self) -> bool:
        return self.spare(SPARE) > 0

    def _has_lesser(self, job: Newcomer) -> bool:
        assert self._db is not None
        try:
            return ledger.has_lesser(self._db, job.least)
        except sqlite3.Error:
            return False

    def _made_room(self, job: Newcomer) -> bool:
        """On a full disk: whether the file itself has room for it, once what is worth less was let go of."""
        assert self._db is not None
        wanted = sum(bytes_of(record, database.pack(record)[0]) for record in job.records)
        with database.transaction(self._db):
            freed = ledger.shed(self._db, wanted, job.least)
        self.used -= freed.freed
        self.kept -= freed.kept
        self.pending -= freed.pending
        self.sacrificed += freed.pending
        return freed.freed >= wanted

    def _refuse(self, jobs: Sequence[Job], error: OutboxError) -> None:
        """For lack of room on the disk."""
        self.full |= any(isinstance(job, Append | AppendAll) for job in jobs)
        self._fail(jobs, error, "disk-full")

    def _fail(self, jobs: Sequence[Job], error: OutboxError, reason: str) -> None:
        for job in jobs:
            if isinstance(job, Append | AppendAll):
                self.refused[reason] += len(job.records)
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
        epochs: dict[int, int] = {}
        for _ in range(3):
            epoch = max(self._now_ms(), self._lock.epoch + 1)
            try:
                before = (self._lock.epoch, self._lock.last)
                self._db, self.head = database.open_writer(self._path, self._edge_id, epoch, before=before)
                break
            except OutboxDamaged as damage:
                try:
                    put = aside.put_aside(self._path, epoch)
                    stood += aside.stood(put, self._edge_id)
                    epochs |= aside.epochs(put, before=epoch - 1)
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
        self._lock.note(self.head.epoch, self.head.last_seq)
        try:
            with database.transaction(self._db):
                note_stood(self._db, stood)
                for each, last in epochs.items():
                    ledger.note_epoch(self._db, each, last)
            (self.pending,) = self._db.execute("SELECT count(*) FROM pending").fetchone()
            (self.parked,) = self._db.execute("SELECT count(*) FROM parked").fetchone()
            self.used = ledger.total(self._db)
            self._standing = ledger.standing(self._db)
            (self.kept,) = self._db.execute("SELECT count(*) FROM kept").fetchone()
        except sqlite3.Error as error:
            raise database.translated(error, self._path) from error
        self.fault = ""
        self.opened += 1
        if put:
            self.on_aside()
