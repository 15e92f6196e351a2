"""The durable outbox: what a camera saw stays here until central says that it has it.

Contract
--------
States of a record:

    appended --commit--> pending --settle(stored)--> kept --newer ones, or no room--> gone (central has it)
                          ^ |                          |
                          | `----settle(refused)---> parked (code and reason of central; "damaged": of its row)
                          |---account(missing)---------' (central has it no more)
                          `---retry, from parked (a person asked for it)

- The future of `append` resolves after the commit that holds the record, and never before. Such a record
  survives kill -9 and a power cut. One whose future has not resolved may or may not be there.
- Numbers: `seq` counts up by one in the order of commits, within an `epoch`. Every opening of the file begins a new
  epoch, always higher than the last: after a crash, or in a copy that was put back, nobody can say for sure which
  numbers were already given. Records keep the identity they were given.
- Who lets go of a record that waits: `settle`, called by the uplink alone, and only of what central answered as stored
  or duplicate. Of those the newest are kept, should central be restored from a copy. Nothing deletes parked records,
  `retry` lets them wait again; nothing is deleted by age, for clocks jump.
- Only the writer thread writes. It also checkpoints. Readers are read-only connections. A second process is
  refused by a lock file.
- Full: an append waits `patience` for a place in the queue; past that, past `max_bytes` (of all records here, as
  ledger.size counts them) or on a full disk room is made for it: first, where the disk is full, by stills (`on_full`);
  then by what central has, the oldest first; then by what waits and is of lower severity than the newcomer, the lowest
  and oldest first, which is counted and told to central, and no more than makes the room. Where that is not enough it
  is refused with OutboxFull and counted by reason. Settling works on a full disk, by ballast.
- A file that is not a sound outbox is renamed to `NAME.damaged-TIME` and a new one started: the edge goes on, and what
  stood in the old file stands in the new one. Its records that match their hash come back by `restore` under the
  identity they have, some of them again (salvage.py); then it is renamed to `NAME.salvaged-TIME`. After an I/O error
  (a failed fsync above all) nothing more is acknowledged until the file was closed, examined and checkpointed anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from contract.event import EventRecord, check
from contract.heartbeat import Numbers, Span
from edge.errors import OutboxDamaged, OutboxError, OutboxFull
from edge.outbox import aside, database, ledger, retry
from edge.outbox.jobs import Account, Append, AppendAll, Job, Newcomer, Refusal, Reopen, Restore, Retry, Settle
from edge.outbox.ledger import Accounted
from edge.outbox.retry import Request
from edge.outbox.writer import Limits, Writer

log = structlog.get_logger(__name__)


class Draft(Protocol):
    """A record that lacks what only the outbox can give, e.g. `functools.partial(EventRecord, event_id=..., ...)`. Each
    call makes a new one."""

    def __call__(self, *, edge_id: str, epoch: int, seq: int, clock_offset: int | None) -> EventRecord: ...


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that is kept but no longer sent. `body` is its MessagePack, possibly damaged."""

    epoch: int
    seq: int
    code: str
    reason: str
    parked_at: int  # UTC ms
    body: bytes


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    epoch: int
    last_seq: int
    pending: int
    parked: int
    kept: int  # stored by central, and still here
    queued: int
    bytes: int
    max_bytes: int
    oldest_age: float | None  # seconds since the oldest pending record was committed
    committed: int  # since start
    settled: int  # since start
    resent: int  # since start: kept ones that central missed
    sacrificed: int  # since start: those that waited and were given up for a more severe one
    refused: Mapping[str, int]  # appends refused since start, by reason: queue, max-bytes, disk-full, fault
    damaged: int  # rows parked as damaged since start
    quarantined: int  # damaged files put aside and not salvaged yet
    salvaged: int  # records brought back from damaged files since start
    full: bool  # the last append was refused for lack of room
    fault: str  # why nothing can be written now; empty if it can


class Outbox:
    """Thread-safe. Close it after whoever appends and after the uplink.

    Raises SettingsError where the directory is in use or another edge's, OutboxFull or OutboxError where the file
    can be neither opened nor started anew.
    """

    def __init__(self, path: Path, edge_id: str, *, now_ms: Callable[[], int], limits: Limits | None = None) -> None:
        self.path = path
        self.edge_id = edge_id
        self._now_ms = now_ms
        self._limits = limits or Limits()
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._reader_of = 0
        self._closed = False
        self._damaged = 0
        # Central's clock minus the edge's, ms, as new records carry it. Not kept over a restart: clocks are set then.
        self.clock_offset: int | None = None
        self._writer = Writer(path, edge_id, now_ms, self._limits)

    def append(self, draft: Draft) -> Future[EventRecord]:
        """Hand a record in; the future resolves to it, numbered, once it is safe.

        Raises OutboxFull where the queue stays full, ValueError where the draft breaks the contract, OutboxError once
        closed. The future may raise OutboxFull or OutboxError: the record is then not accepted.
        """
        job = Append(self._record(draft))
        self._hand_in_new(job, 1)
        return job.done

    def append_all(self, drafts: Iterable[Draft]) -> Future[list[EventRecord]]:
        """As `append`, for up to `group` drafts: one commit holds all of them, or none is accepted. It costs less.

        Room is made for them as for the least severe. Raises ValueError also where there are more.
        """
        records = [self._record(draft) for draft in drafts]
        job = AppendAll(records)
        if not records:
            job.done.set_result(records)
            return job.done
        if len(records) > self._limits.group:
            raise ValueError(f"{len(records)} records at once, a commit has {self._limits.group} at most: split them")
        self._hand_in_new(job, len(records))
        return job.done

    def settle(self, epoch: int, stored: Iterable[int] = (), refused: Iterable[Refusal] = ()) -> Future[int]:
        """Let go of what central has, park what it will never take. Unknown numbers are ignored.

        The future resolves to the number of records deleted or parked; it may raise OutboxError, and nothing is.
        """
        job = Settle(epoch, list(stored), list(refused))
        self._hand_in(job, None)
        return job.done

    def account(self, missing: Sequence[Span]) -> Future[Accounted]:
        """What central misses: what is kept is sent again, what waits will come anyway, the rest is said to be lost.

        The future may raise OutboxError.
        """
        job = Account(missing)
        self._hand_in(job, None)
        return job.done

    def numbers(self) -> list[Numbers]:
        """The numbers given in the newest epochs, the current one last. Raises OutboxError."""
        with self._reading:
            try:
                return ledger.numbers(self._current_reader())
            except sqlite3.Error as error:
                raise database.translated(error, self.path) from error

    def restore(self, records: Iterable[EventRecord]) -> Future[int]:
        """Take back what a damaged file still held: to be sent, under the identity it has. What is pending stays.

        The future resolves to the number of records that were not there; it may raise OutboxFull (an eighth of
        `max_bytes` is left for what is new) or OutboxError, and none is taken.
        """
        job = Restore(list(records))
        self._hand_in(job, None)
        return job.done

    def retry(self, request: Request) -> int:
        """Send parked records again; how many. Raises OutboxError."""
        total = 0
        while True:
            job = Retry(request)
            self._hand_in(job, None)
            done = job.done.result()
            total += done.left
            if not done.more:
                return total

    def take_up_requests(self) -> None:
        """Do what was asked for beside the outbox while it is open (retry.py). Never raises: records go on."""
        for file, request in retry.left(self.path):
            try:
                file.unlink()  # first: one that cannot be deleted would be done again and again
                if request is None:
                    raise OutboxError("it cannot be read")
                log.info("parked records are sent again", records=self.retry(request))
            except (OSError, OutboxError) as error:
                hint = "check the folder's rights and the disk, then ask again: vedette edge outbox retry"
                log.error("request not done", file=file.name, error=str(error), hint=hint)

    def pending(self, limit: int = 500, max_bytes: int = 512 << 10) -> list[EventRecord]:
        """The oldest records of the oldest epoch, in order of seq: up to `limit` and, past the first, `max_bytes`.

        Damaged rows are parked on the way. Raises OutboxError; OutboxDamaged where the whole file was put aside.
        """
        return self._sound(
            "SELECT epoch, seq, body, sha256 FROM pending"
            " WHERE epoch = (SELECT min(epoch) FROM pending) ORDER BY seq LIMIT ?",
            limit,
            max_bytes,
        )

    def alarms(self, limit: int, max_bytes: int = 512 << 10) -> list[EventRecord]:
        """The newest alarms of the newest epoch that has any pending, in order of seq; bounds as with `pending`.

        Damaged rows are parked on the way. Raises OutboxError, as `pending` does.
        """
        newest = self._sound(
            "SELECT epoch, seq, body, sha256 FROM pending INDEXED BY pending_alarms WHERE severity = 2"
            " AND epoch = (SELECT max(epoch) FROM pending INDEXED BY pending_alarms WHERE severity = 2)"
            " ORDER BY seq DESC LIMIT ?",
            limit,
            max_bytes,
        )
        return newest[::-1]

    def standing(self) -> list[EventRecord]:
        """The last record of every event that has not closed; after a start, those that a crash left open.

        Damaged rows are left out: central shows such an event as open until somebody decides it. Raises OutboxError.
        """
        rows = self._query("SELECT epoch, seq, body, sha256 FROM standing ORDER BY epoch, seq")
        found = []
        for row in rows:
            with suppress(ValueError):
                found.append(database.unpack(*row))
        return found

    def parked(self, limit: int = 100) -> list[Parked]:
        """What was parked, oldest first."""
        rows = self._query("SELECT epoch, seq, code, reason, parked_at, body FROM parked ORDER BY id LIMIT ?", (limit,))
        return [Parked(*row) for row in rows]

    @property
    def waiting(self) -> int:
        """How many records are pending."""
        return self._writer.pending

    def status(self) -> OutboxStatus:
        """Never raises, whatever the disk does."""
        oldest: int | None = None
        with suppress(OutboxError):
            ((oldest,),) = self._query("SELECT (SELECT kept_at FROM pending ORDER BY epoch, seq LIMIT 1)")
        writer = self._writer
        queued = len(writer.intake)  # before `pending`: what leaves the one is in the other by then
        return OutboxStatus(
            epoch=writer.head.epoch,
            last_seq=writer.head.last_seq,
            pending=writer.pending,
            parked=writer.parked,
            kept=writer.kept,
            queued=queued,
            bytes=writer.used,
            max_bytes=self._limits.max_bytes,
            oldest_age=None if oldest is None else max(0.0, (self._now_ms() - oldest) / 1000),
            committed=writer.committed,
            settled=writer.settled,
            resent=writer.resent,
            sacrificed=writer.sacrificed,
            refused={**writer.refused, "queue": writer.intake.refused},
            damaged=self._damaged,
            quarantined=len(aside.damaged(self.path)),
            salvaged=writer.restored,
            full=writer.full,
            fault=writer.fault,
        )

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the writer thread after every commit that added records. It must not block."""
        self._writer.on_commit = wake

    def on_aside(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the writer thread whenever a damaged file was put aside. It must not block."""
        self._writer.on_aside = wake

    def on_full(self, spare: Callable[[int], int]) -> None:
        """Where the disk is full, the writer thread asks `spare` to free so many bytes of it, before anything in the
        outbox is given up. It returns how many it freed, and must not append."""
        self._writer.spare = spare

    def close(self) -> None:
        """Commit what was handed in, then close. Idempotent."""
        self._writer.drain()
        with self._reading:
            if self._closed:
                return
            self._closed = True
            if self._reader:
                self._reader.close()
        self._writer.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, draft: Draft) -> EventRecord:
        record = draft(edge_id=self.edge_id, epoch=0, seq=1, clock_offset=self.clock_offset)
        check(record)  # central would refuse it much later
        return record

    def _hand_in_new(self, job: Newcomer, records: int) -> None:
        job.done.set_running_or_notify_cancel()
        try:
            self._writer.intake.put(job, self._limits.patience, records)
        except OutboxFull:
            self._writer.full = True
            raise

    def _hand_in(self, job: Job, patience: float | None) -> None:
        job.done.set_running_or_notify_cancel()  # a caller cannot call a commit off
        self._writer.intake.put(job, patience)

    def _sound(self, sql: str, limit: int, max_bytes: int) -> list[EventRecord]:
        """What `sql` finds, without the damaged rows; those are parked."""
        while True:
            rows = self._query(sql, (limit,))
            records: list[EventRecord] = []
            size = damaged = 0
            for epoch, seq, body, sha256 in rows:
                try:
                    record = database.unpack(epoch, seq, body, sha256)
                except ValueError as error:
                    damaged += 1
                    self._park_damaged(epoch, seq, str(error))
                    continue
                size += len(body)
                if records and size > max_bytes:
                    break
                records.append(record)
            if records or not damaged:
                return records

    def _park_damaged(self, epoch: int, seq: int, reason: str) -> None:
        if not self.settle(epoch, refused=[Refusal(seq, "damaged", reason)]).result():
            self._reopen()
            raise OutboxDamaged(f"{self.path}: a damaged row cannot be reached by its key", hint="check the disk")
        self._damaged += 1
        log.error("outbox row damaged", epoch=epoch, seq=seq, reason=reason)

    def _query(self, sql: str, values: tuple[int, ...] = ()) -> list[Any]:
        with self._reading:
            try:
                return self._current_reader().execute(sql, values).fetchall()
            except sqlite3.Error as error:
                fault = database.translated(error, self.path)
        if isinstance(fault, OutboxDamaged):
            self._reopen()
        raise fault

    def _reopen(self) -> None:
        job = Reopen()
        self._hand_in(job, None)
        job.done.result()

    def _current_reader(self) -> sqlite3.Connection:
        if self._closed:
            raise OutboxError("the outbox is closed")
        if self._reader is None or self._reader_of != self._writer.opened:
            if self._reader:
                self._reader.close()
                self._reader = None
            opened = self._writer.opened
            self._reader = database.open_reader(self.path)
            self._reader_of = opened
        return self._reader
