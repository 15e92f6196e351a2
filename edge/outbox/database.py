"""The outbox's SQLite file: layout, pragmas, row hashes, and what tells a sound file from a damaged one.

WAL with synchronous=FULL: a commit that returned survives a power cut. (NORMAL lost everything since the last
checkpoint in our test, and a default DELETE journal the last commit.)
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from contract.event import EventRecord
from edge.errors import OutboxDamaged, OutboxError, OutboxFull, SettingsError
from edge.outbox import ledger

APPLICATION_ID = 0x56_44_4F_42  # "VDOB", seen by file(1)
LAYOUT = 2

# Of new files. SQLite keeps a row of a table without rowid whole where it is at most (page - 12) * 64 / 255 - 23 bytes:
# 2030 here, 1002 with its default of 4096. The longest record has 1313 bytes, its row some 70 more. So every row is
# whole, and can be found where the pages around it are damaged (carve.py).
PAGE_SIZE = 8192

# A checkpoint may have to write this much again, so ballast must cover it.
WAL = 1 << 20  # bytes
BALLAST = 2 << 20

_SCHEMA = """
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    edge_id TEXT NOT NULL, epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL, clean INTEGER NOT NULL,
    sha256 BLOB NOT NULL  -- of the four: a wrong last_seq would give a number twice
);
CREATE TABLE pending (
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    kept_at INTEGER NOT NULL,  -- UTC ms of the commit, by the edge's clock
    body BLOB NOT NULL,  -- the record as MessagePack, fields named
    sha256 BLOB NOT NULL,  -- of body
    severity INTEGER NOT NULL DEFAULT 1,  -- as in ledger.RANK
    PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE TABLE standing (  -- the opening records of events that have not closed
    event_id BLOB PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, sha256 BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE parked (  -- a damaged key may stand here twice, so it is no key here
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL, kept_at INTEGER NOT NULL, body BLOB NOT NULL, sha256 BLOB NOT NULL,
    code TEXT NOT NULL, reason TEXT NOT NULL, parked_at INTEGER NOT NULL
);
"""

# What says nothing about the file's content; any other error does.
_ELSEWHERE = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_MISUSE,
    )
)


class Head(NamedTuple):
    """The outbox's own few facts. `clean` is 1 between a clean close and the next start."""

    edge_id: str
    epoch: int
    last_seq: int
    clean: int

    def sha256(self) -> bytes:
        return hashlib.sha256("/".join(map(str, self)).encode()).digest()


def pack(record: EventRecord) -> tuple[bytes, bytes]:
    """A record's canonical bytes and their SHA-256."""
    body = msgspec.msgpack.encode(record)
    return body, hashlib.sha256(body).digest()


def unpack(epoch: int, seq: int, body: bytes, sha256: bytes) -> EventRecord:
    """Raises ValueError where the row is not what was committed, or not readable by this version."""
    if not isinstance(body, bytes) or hashlib.sha256(body).digest() != sha256:
        raise ValueError("the row does not match its SHA-256")
    record = msgspec.msgpack.decode(body, type=EventRecord)
    if (record.epoch, record.seq) != (epoch, seq):
        raise ValueError(f"the row's key is {epoch}/{seq}, its record's {record.epoch}/{record.seq}")
    return record


def translated(error: sqlite3.Error, path: Path) -> OutboxError:
    """The edge's own error for one of SQLite's."""
    if is_full(error):
        return OutboxFull(f"the disk under {path} is full", hint="free space; the outbox goes on by itself")
    if _primary(error) not in _ELSEWHERE:
        return OutboxDamaged(f"{path} is damaged: {error}", hint="check the disk; the file is kept aside for salvage")
    return OutboxError(f"{path}: {error}", hint="check the disk, the directory and its rights")


def is_full(error: sqlite3.Error) -> bool:
    # The WAL's index is made anew at a start; SQLite calls it an I/O error where there is no room for that.
    no_index = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE
    return no_index or _primary(error) == sqlite3.SQLITE_FULL


def _primary(error: sqlite3.Error) -> int:
    # Python's own module raises a few without a code: text that is no UTF-8, use after close.
    silent = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else sqlite3.SQLITE_MISUSE
    return int(getattr(error, "sqlite_errorcode", silent)) & 0xFF


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself on some errors
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def open_reader(path: Path) -> sqlite3.Connection:
    _keep_lone_wal(path)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA cell_size_check=ON")
    return db


def open_writer(
    path: Path, edge_id: str, epoch: int, *, before: tuple[int, int] = (0, 0)
) -> tuple[sqlite3.Connection, Head]:
    """Open or create the file.

    `before`: an epoch of this outbox, and a number that was given in it for sure, as is known from elsewhere; (0, 0)
    where nothing is.

    Every opening begins an epoch, `epoch` or a higher one. What the disk kept of a file that was not closed cleanly
    cannot be known for sure; one that was may be a copy of before, put back or running elsewhere too; and a number
    given twice would make central take a new record for an old one.

    Raises OutboxDamaged, OutboxFull, OutboxError; SettingsError where the file is another edge's or a newer layout.
    """
    try:
        _keep_lone_wal(path)
        fresh = not path.exists() or _is_blank(path, edge_id)
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            if fresh:
                db.execute(f"PRAGMA page_size={PAGE_SIZE}")
            (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
            if mode != "wal":
                raise OutboxError(f"{path}: no WAL on this file system", hint="put the data on a local disk")
            db.execute("PRAGMA synchronous=FULL")
            (page,) = db.execute("PRAGMA page_size").fetchone()
            db.execute(f"PRAGMA wal_autocheckpoint={WAL // page}")
            db.execute(f"PRAGMA journal_size_limit={BALLAST}")
            with transaction(db):
                if fresh:
                    _create(db)
                    head = Head(edge_id, epoch, 0, 0)
                else:
                    _bring_up(db)
                    old = read_head(db)
                    ledger.note_epoch(db, old.epoch, old.last_seq)
                    head = Head(edge_id, max(epoch, old.epoch + 1), 0, 0)
                if before > (0, 0) and before[0] != head.epoch:
                    ledger.note_epoch(db, *before)
                write_head(db, head._replace(clean=0))
            # In the main file before the first record: also a lost WAL is then noticed.
            (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise OutboxError(f"{path} is held by another program", hint="close whatever has the outbox open")
            if fresh:
                sync_directory(path.parent)
            return db, head._replace(clean=0)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise translated(error, path) from error


def close_writer(db: sqlite3.Connection, head: Head) -> None:
    """Close cleanly, for whoever looks at the file; the next start trusts nothing of that."""
    with suppress(sqlite3.Error):
        write_head(db, head._replace(clean=1))
    db.close()


def read_head(db: sqlite3.Connection) -> Head:
    """Raises OutboxDamaged where it is missing or not what was written."""
    row = db.execute("SELECT edge_id, epoch, last_seq, clean, sha256 FROM head").fetchone()
    if row is None or (head := Head(*row[:4])).sha256() != row[4]:
        raise OutboxDamaged("the outbox's head is damaged", hint="check the disk; the file is kept for salvage")
    return head


def write_head(db: sqlite3.Connection, head: Head) -> None:
    db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?)", (*head, head.sha256()))


def _create(db: sqlite3.Connection) -> None:
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={LAYOUT}")
    _run(db, _SCHEMA + ledger.SCHEMA)
    db.execute(ledger.ALARMS)


def _bring_up(db: sqlite3.Connection) -> None:
    """Of layout 1: nothing was kept that central had stored. Early files of layout 2 lack the index of alarms."""
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    if layout < LAYOUT:
        db.execute("ALTER TABLE pending ADD COLUMN severity INTEGER NOT NULL DEFAULT 1")
        for severity, rank in ledger.RANK.items():  # neither text nor label can hold these bytes: they are no UTF-8
            named = msgspec.msgpack.encode("severity") + msgspec.msgpack.encode(severity)
            db.execute("UPDATE pending SET severity = ? WHERE severity <> ?1 AND instr(body, ?)", (rank, named))
        _run(db, ledger.SCHEMA)
        db.execute(f"PRAGMA user_version={LAYOUT}")
    db.execute(ledger.ALARMS)


def _run(db: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";")[:-1]:  # executescript would commit first
        db.execute(statement)


def _is_blank(path: Path, edge_id: str) -> bool:
    """Whether the file holds nothing yet; raises where it holds anything but a sound outbox of `edge_id`.

    Only looks: a writing connection would fold the WAL into a damaged file when it closes.
    """
    if path.with_name(path.name + "-journal").exists():
        # Killed while WAL was being switched on, before the first record. Only a writer may roll that back.
        with closing(sqlite3.connect(path)) as db:
            db.execute("SELECT 1 FROM sqlite_schema").fetchone()
    db = open_reader(path)
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (layout,) = db.execute("PRAGMA user_version").fetchone()
        if not application and not db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            return True  # killed before its first commit
        if application != APPLICATION_ID:
            raise OutboxDamaged(f"{path} is no outbox", hint="the file is kept aside; a new outbox is started")
        if layout > LAYOUT:
            raise SettingsError(f"{path} was written by a newer Vedette", hint="start the newer version again")
        # quick_check would not see rows out of order, which a search by key then never finds.
        (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise OutboxDamaged(f"{path} is damaged: {verdict}", hint="check the disk; the file is kept for salvage")
        owner = read_head(db).edge_id
    finally:
        db.close()
    if owner != edge_id:
        raise SettingsError(
            f"{path} belongs to edge {owner!r}, not to {edge_id!r}",
            hint="give every edge a data directory of its own",
        )
    return False


def _keep_lone_wal(path: Path) -> None:
    """SQLite, even reading, deletes a WAL whose file is gone or empty."""
    file, wal = (each.stat().st_size if each.exists() else 0 for each in (path, path.with_name(path.name + "-wal")))
    if wal and not file:
        raise OutboxDamaged(f"{path} is gone, its WAL is there", hint="check the disk; the WAL is kept for salvage")


def sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
