"""Files of an outbox that were put aside because they were damaged: their names, what can be read of them, their end.

    outbox.db, outbox.db-wal --put_aside--> outbox.db.damaged-TIME[-wal] --salvaged--> outbox.db.salvaged-TIME[-wal]
                                              `--what could be read was--> outbox.db.newer-TIME[-wal] --salvaged--^

`newer`: it holds records of a newer schema too; each start does such a file again. TIME is unique among all three.

Nothing writes into them. The newest salvaged ones are kept for a person to look at, older ones are deleted.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from contract.event import MAX_SEQ, EventRecord
from edge.errors import OutboxDamaged
from edge.outbox import database
from edge.outbox.carve import LONGEST, carve

KEPT = 3  # salvaged files

_WINDOW = 1 << 20  # bytes read at once
_BLOCK = 4096  # what is left out where the disk cannot read


@dataclass(frozen=True, slots=True)
class Aside:
    """One outbox that was put aside: the file, its WAL, or both."""

    file: Path  # as it is named, whether it is there or not
    stamp: int

    @property
    def parts(self) -> list[Path]:
        return [path for path in (self.file, _wal(self.file)) if path.exists()]

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.parts)


def put_aside(path: Path, stamp: int) -> Aside:
    """Rename a damaged file and its WAL. Nothing is deleted but the WAL's index. The WAL goes first: SQLite would
    delete one that lies beside a new file. `stamp` is counted up where a file bears it: a rename would replace that."""
    taken = {each.stamp for state in ("damaged", "newer", "salvaged") for each in _found(path, state)}
    while stamp in taken:
        stamp += 1
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    _rename(path, aside)
    return Aside(aside, stamp)


def damaged(path: Path) -> list[Aside]:
    """What of the outbox `path` was put aside and is not salvaged yet, oldest first."""
    return sorted(_found(path, "damaged") + newer(path), key=lambda each: each.stamp)


def newer(path: Path) -> list[Aside]:
    """Those among them that were read, and hold records of a newer schema."""
    return _found(path, "newer")


def salvaged(path: Path) -> list[Aside]:
    """What was salvaged and is kept for a while, oldest first."""
    return _found(path, "salvaged")


def mark_salvaged(path: Path, aside: Aside) -> int:
    """Rename it, so that it is not done again; returns how many older ones were deleted."""
    _rename(aside.file, path.with_name(f"{path.name}.salvaged-{aside.stamp}"))
    old = salvaged(path)[:-KEPT]
    for each in old:
        for part in each.parts:
            part.unlink()
    return len(old)


def mark_newer(path: Path, aside: Aside) -> None:
    """Rename it: what this version can read was taken, and a newer version will do it again."""
    _rename(aside.file, path.with_name(f"{path.name}.newer-{aside.stamp}"))


def records(aside: Aside, unread: Callable[[], object] = lambda: None) -> Iterator[tuple[int, list[EventRecord]]]:
    """What still matches its hash, with the bytes read so far. Memory stays the same however large the file is."""
    done = 0
    for part in aside.parts:
        for step, window in _windows(part):
            done += step
            yield done, list(carve(window, unread))


def epochs(aside: Aside, before: int) -> dict[int, int]:
    """The epochs up to `before` that it knew with the last number of each, as far as SQLite can still read them."""
    found: dict[int, int] = {}
    with suppress(sqlite3.Error, OutboxDamaged), closing(database.open_reader(aside.file)) as db:
        for order in ("", "DESC"):  # from both ends up to the damage
            with suppress(sqlite3.Error):
                found.update(db.execute(f"SELECT epoch, last_seq FROM epochs ORDER BY epoch {order}"))  # noqa: S608
        with suppress(sqlite3.Error, OutboxDamaged):
            head = database.read_head(db)
            found[head.epoch] = head.last_seq
    aside.file.with_name(aside.file.name + "-shm").unlink(missing_ok=True)
    # No hash covers a row of these: what no outbox writes is left out.
    return {epoch: last for epoch, last in found.items() if _within(epoch, before) and _within(last, MAX_SEQ)}


def stood(aside: Aside, edge_id: str) -> list[EventRecord]:
    """The events that had not closed, as far as SQLite can still read them.

    Only SQLite knows a row from one that was deleted, and an event that is closed twice would get a wrong end. What
    stood in the damaged part stays open on the desk until somebody decides it.
    """
    found: dict[UUID, EventRecord] = {}
    with suppress(sqlite3.Error, OutboxDamaged), closing(database.open_reader(aside.file)) as db:
        for order in ("", "DESC"):  # from both ends up to the damage
            with suppress(sqlite3.Error):
                for row in db.execute(f"SELECT epoch, seq, body, sha256 FROM standing ORDER BY event_id {order}"):  # noqa: S608
                    with suppress(ValueError):
                        record = database.unpack(*row)
                        found[record.event_id] = record
    aside.file.with_name(aside.file.name + "-shm").unlink(missing_ok=True)
    # SQLite ends its reading of a WAL at the first damaged page; an event may have closed behind it.
    for _, window in _windows(_wal(aside.file)):
        for record in carve(window):
            if record.state == "closed":
                found.pop(record.event_id, None)
    return [record for record in found.values() if record.edge_id == edge_id]


def _within(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _windows(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file's bytes, each window reaching a row's length into the next, and how many of them are new."""
    if not path.exists():
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        for at in range(0, size, _WINDOW):
            yield min(_WINDOW, size - at), _read(fd, min(_WINDOW + LONGEST, size - at), at)
    finally:
        os.close(fd)


def _read(fd: int, count: int, at: int) -> bytes:
    """Zeros where the disk cannot read. (A file mapped into memory would there kill the process.)"""
    with suppress(OSError):
        read = os.pread(fd, count, at)
        if len(read) == count:
            return read
    if count <= _BLOCK:
        return bytes(count)
    return b"".join(_read(fd, min(_BLOCK, count - i), at + i) for i in range(0, count, _BLOCK))


def _found(path: Path, state: str) -> list[Aside]:
    name = re.compile(re.escape(f"{path.name}.{state}-") + r"(\d+)(-wal)?")
    matches = (name.fullmatch(file.name) for file in path.parent.glob(f"{path.name}.{state}-*"))
    stamps = sorted({int(match[1]) for match in matches if match})
    return [Aside(path.with_name(f"{path.name}.{state}-{stamp}"), stamp) for stamp in stamps]


def _rename(old: Path, new: Path) -> None:
    for source, target in ((_wal(old), _wal(new)), (old, new)):
        if source.exists():
            source.rename(target)
    old.with_name(old.name + "-shm").unlink(missing_ok=True)
    database.sync_directory(old.parent)


def _wal(file: Path) -> Path:
    return file.with_name(file.name + "-wal")
