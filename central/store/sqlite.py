"""The SQLite store: the default, embedded in central.

Contract
- One process a file, held by a lock beside it; in it one thread with the one writing connection, which also does the
  checkpoints. (SQLite below 3.51.3 can damage a WAL that several connections write.)
- Jobs that wait together are committed together: WAL, synchronous=FULL, each job in a savepoint of its own, so that
  a failing one leaves the others alone. A job's caller hears of it after the commit, never before.
- Readers are read-only connections in threads; a page is one statement, so one snapshot.
- What waits for the writer is bounded by `write_queue`; more raises StoreBusy.
- The last of the disk is for people: where less than RESERVE is free, records are refused (edges keep them), and who
  comes to make room can still log in.
- An I/O error while writing is not retried on the same connection: the file is opened again and checkpointed to the
  disk before the next commit, since a failed fsync must not be believed to have worked the second time.
- Nothing is lost in a crash that was answered; jobs that were not answered may or may not be there.
- Nothing here deletes events, records, decisions or looks; sessions are deleted when they end, gaps when their records
  come.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlite_utils import Database

from central.errors import SearchTooLong, StoreBusy, StoreClosed, StoreError, StoreFull, StoreUnsuited
from central.store import sqlite_access as access
from central.store import sqlite_missing as missing
from central.store.base import (
    FACETS,
    Changes,
    DecisionRow,
    EdgeRow,
    EpochGap,
    EventQuery,
    Missing,
    Outcome,
    Position,
    SessionRow,
    Shown,
    StoredEvent,
    UserRow,
)
from central.store.schema import prepare
from central.store.sqlite_events import EventWriter
from central.store.sqlite_feed import COLUMNS, changes_of, changes_sql, count_sql, event_of, page_sql
from contract.heartbeat import Heartbeat, Span
from contract.wire import Received

FILE = "central.sqlite"
RESERVE = 64 << 20  # bytes of the disk, of a small one a twentieth: a year of logins and decisions
GROUP = 64  # jobs committed together at most
READ_TIME = 5.0  # s; a search that finds next to nothing in years of events must not keep the readers from the desks
READ_STEPS = 50_000  # SQLite's, between looks at the clock: a few ms

T = TypeVar("T")
Write = Callable[[sqlite3.Connection, EventWriter], Any]


class SqliteStore:
    """`data` is a folder, made if missing. `now` in UTC ms. Raises StoreError."""

    def __init__(self, data: Path, now: int, *, readers: int = 4, write_queue: int = 256) -> None:
        self._file = data / FILE
        self._jobs: queue.Queue[tuple[Write, Future[Any]] | None] = queue.Queue(write_queue)
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False
        self._gate = threading.Lock()  # nothing enters the queue behind the writer's end
        with contextlib.ExitStack() as undo:
            self._lock = undo.enter_context(_locked(data))
            self._db, self._central_epoch = _open_writer(self._file, now)
            undo.callback(lambda: self._db.close())
            self._events = EventWriter(self._db, _head(self._db))
            undo.pop_all()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._writer.start()

    @property
    def central_epoch(self) -> int:
        return self._central_epoch

    def close(self) -> None:
        """Finishes what waits, then closes."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in self._open:
            connection.close()
        self._db.close()
        self._lock.close()

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # --- events

    async def put(self, records: Sequence[Received], received_at: int) -> list[Outcome]:
        def put(_: sqlite3.Connection, events: EventWriter) -> list[Outcome]:
            _demand_room(self._file.parent)
            return events.put(records, received_at)

        return await self._write(put)

    async def events(self, query: EventQuery, before: Position | None, limit: int) -> list[StoredEvent]:
        sql, params = page_sql(query, before, limit)
        return await self._read(lambda db: [event_of(row) for row in db.execute(sql, params)])

    async def count(self, query: EventQuery, limit: int) -> int:
        sql, params = count_sql(query, limit)
        return await self._read(lambda db: int(db.execute(sql, params).fetchone()[0]))

    async def changes(self, query: EventQuery, after: int, limit: int) -> Changes:
        sql, params = changes_sql(query, after, limit + 1)

        def read(db: sqlite3.Connection) -> Changes:
            db.execute("BEGIN")  # rows and head from one snapshot
            try:
                return changes_of(db.execute(sql, params).fetchall(), limit, _head(db))
            finally:
                db.execute("COMMIT")

        return await self._read(read)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        sql = f"SELECT {COLUMNS} FROM events WHERE event_id = ?"  # noqa: S608
        row = await self._read(lambda db: db.execute(sql, (event_id.bytes,)).fetchone())
        return row and event_of(row)

    async def decisions(self, event_id: UUID) -> list[DecisionRow]:
        sql = 'SELECT decision, "by", at, note FROM decisions WHERE event_id = ? ORDER BY id DESC'
        return await self._read(lambda db: [DecisionRow(*row) for row in db.execute(sql, (event_id.bytes,))])

    async def decide(self, event_id: UUID, row: DecisionRow) -> StoredEvent | None:
        return await self._write(lambda _, events: events.decide(event_id, row))

    async def look(self, event_id: UUID, by: str, at: int) -> None:
        await self._write(lambda _, events: events.look(event_id, by, at))

    # --- what is missing

    async def beat(self, heartbeat: Heartbeat, at: int) -> list[Span]:
        return await self._write(lambda _, events: events.beat(heartbeat, at))

    async def missing(self, shown: Shown) -> list[Missing]:
        return await self._read(lambda db: missing.lines(db, shown))

    async def gaps(self, edge_id: str, limit: int) -> list[EpochGap]:
        return await self._read(lambda db: missing.gaps(db, edge_id, limit))

    async def note_gaps(self, edge_id: str, until: int, by: str, at: int) -> bool:
        return await self._write(lambda db, _: missing.note(db, edge_id, until, by, at))

    async def facets(self) -> Mapping[str, list[str]]:
        rows = await self._read(lambda db: db.execute("SELECT name, value FROM facets ORDER BY value").fetchall())
        return {name: [value for key, value in rows if key == name] for name in FACETS}

    async def last_change(self) -> int:
        return await self._read(_head)

    # --- edges, users, sessions

    async def add_edge(self, edge_id: str, token_hash: bytes, at: int, *, replace: bool = False) -> bool:
        return await self._write(lambda db, _: access.add_edge(db, edge_id, token_hash, at, replace))

    async def edge_of(self, token_hash: bytes) -> str | None:
        return await self._read(lambda db: access.edge_of(db, token_hash))

    async def edges(self) -> list[EdgeRow]:
        return await self._read(access.edges)

    async def has_users(self) -> bool:
        return await self._read(access.has_users)

    async def user(self, name: str) -> UserRow | None:
        return await self._read(lambda db: access.user(db, name))

    async def add_user(self, user: UserRow) -> bool:
        return await self._write(lambda db, _: access.add_user(db, user))

    async def set_password(self, user: UserRow) -> bool:
        return await self._write(lambda db, _: access.set_password(db, user))

    async def add_session(self, token_hash: bytes, user: str, at: int) -> None:
        await self._write(lambda db, _: access.add_session(db, token_hash, user, at))

    async def session(self, token_hash: bytes) -> SessionRow | None:
        return await self._read(lambda db: access.session(db, token_hash))

    async def touch_session(self, token_hash: bytes, at: int) -> None:
        await self._write(lambda db, _: access.touch_session(db, token_hash, at))

    async def end_session(self, token_hash: bytes) -> None:
        await self._write(lambda db, _: access.end_session(db, token_hash))

    async def drop_sessions(self, created_before: int, seen_before: int) -> None:
        await self._write(lambda db, _: access.drop_sessions(db, created_before, seen_before))

    # --- threads

    async def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with _translated():
                connection = self._reader()
                deadline = time.monotonic() + READ_TIME
                connection.set_progress_handler(lambda: time.monotonic() > deadline, READ_STEPS)
                return job(connection)

        if self._closed:
            raise StoreClosed("the store is closed")
        return await asyncio.wrap_future(self._readers.submit(run))

    def _reader(self) -> sqlite3.Connection:
        if (connection := getattr(self._local, "db", None)) is None:
            connection = sqlite3.connect(
                f"{self._file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA query_only = 1")
            self._local.db = connection
            self._open.append(connection)
        return connection

    async def _write(self, job: Callable[[sqlite3.Connection, EventWriter], T]) -> T:
        done: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise StoreClosed("the store is closed")
            try:
                self._jobs.put_nowait((job, done))
            except queue.Full:
                raise StoreBusy("more is waiting to be stored than may wait", retry_after=1) from None
        return await asyncio.wrap_future(done)

    def _write_all(self) -> None:
        ended = False
        while not ended:
            group = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP and group[-1] is not None:
                    group.append(self._jobs.get_nowait())
            ended = group[-1] is None
            # A caller that went away while its job waited does not get it done.
            self._commit([entry for entry in group if entry and entry[1].set_running_or_notify_cancel()])

    def _commit(self, jobs: list[tuple[Write, Future[Any]]]) -> None:
        before = self._events.change
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with _translated():
                self._db.execute("BEGIN IMMEDIATE")
                for job, done in jobs:
                    answers.append((done, *self._run(job)))
                if self._events.change != before:
                    self._events.keep_change()
                self._db.execute("COMMIT")
        except BaseException as error:  # whatever it is, no caller may be left waiting
            self._recover(error)
            for _, done in jobs:
                done.set_exception(error)
            return
        for done, value, failure in answers:
            if failure is None:
                done.set_result(value)
            else:
                done.set_exception(failure)
        if self._events.change != before:
            for callback in tuple(self._listeners):
                callback()

    def _run(self, job: Write) -> tuple[Any, BaseException | None]:
        """One job in its savepoint. Raises what ends the whole transaction."""
        self._db.execute("SAVEPOINT job")
        before = self._events.change
        try:
            value = job(self._db, self._events)
        except Exception as error:
            if not self._db.in_transaction:  # a full disk or an I/O error took the transaction with it
                raise
            self._db.execute("ROLLBACK TO job")
            self._db.execute("RELEASE job")
            self._events.reload(before)
            return None, _translate(error)
        self._db.execute("RELEASE job")
        return value, None

    def _recover(self, error: BaseException) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error, StoreError):
            if not isinstance(error, StoreFull):
                self._db.close()
                self._db, _ = _open_writer(self._file, None)
                self._events = EventWriter(self._db, _head(self._db))
            else:
                self._events.reload(_head(self._db))


def _open_writer(file: Path, now: int | None) -> tuple[sqlite3.Connection, int]:
    """The writing connection and central_epoch. `now` None: the file must be there, none is made in its place."""
    with _translated():
        if now is not None:
            with contextlib.suppress(OSError):  # SQLite then says what is wrong
                file.touch(mode=0o600)  # whoever opens it first; SQLite gives the files beside it the same mode
        uri = f"{file.absolute().as_uri()}?mode={'rw' if now is None else 'rwc'}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            epoch = prepare(Database(connection), now or 0)
            # All that an earlier process wrote reaches the disk before anything new is answered on top of it.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return connection, epoch
        except BaseException:
            connection.close()
            raise


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error) from error


def _translate(error: BaseException) -> BaseException:
    """What sqlite3 raises, in central's words; anything else as it is."""
    if not isinstance(error, sqlite3.Error):
        return error
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_FULL":
            return _full()
        case "SQLITE_INTERRUPT":
            return SearchTooLong("the search takes too long", hint="narrow it: camera, site, time")
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return StoreUnsuited(f"the store's file is damaged: {error}", hint="restore a backup")
        case name:
            return StoreError(f"the store failed: {error} ({name})", hint="look at central's disk", retry_after=10)


def _full() -> StoreFull:
    return StoreFull(
        "no room left on central's disk", hint="make room; edges keep their events and send them again", retry_after=30
    )


def _demand_room(data: Path) -> None:
    """Raises StoreFull where only the reserve is left."""
    disk = os.statvfs(data)
    if disk.f_bavail < min(RESERVE // disk.f_frsize, disk.f_blocks // 20):
        raise _full()


def _locked(data: Path) -> Any:
    """The folder's lock, held while the returned file is open. Raises StoreBusy."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (data / "central.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreBusy(f"another process has {data} open", hint="stop it first, or take another --data") from None
    return lock


def _head(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT value FROM meta WHERE name = 'change'").fetchone()[0])
