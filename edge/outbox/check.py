"""Look at an outbox's file without changing it: also while the edge runs, also one that was put aside."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.errors import OutboxError
from edge.outbox import database


@dataclass(frozen=True, slots=True)
class Report:
    """`faults` is empty where the file is sound; `readable` counts the pending rows that match their SHA-256."""

    edge_id: str
    epoch: int
    last_seq: int
    clean: bool  # closed cleanly; False also while the edge runs
    readable: Mapping[int, tuple[int, int, int]]  # by epoch: records, lowest and highest seq
    damaged: int
    parked: Mapping[str, int]  # by code
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    edge_id: str
    pending: int
    parked: int


def look(path: Path) -> Look:
    """Counts only, so it is quick. Raises OutboxError where there is no file, or it is damaged where this looks."""
    if not path.is_file():
        raise OutboxError(f"{path}: there is no such file", hint="name an edge's data folder")
    try:
        with closing(database.open_reader(path)) as db:
            (pending,), (parked,) = (db.execute(f"SELECT count(*) FROM {t}").fetchone() for t in ("pending", "parked"))  # noqa: S608
            return Look(database.read_head(db).edge_id, pending, parked)
    except sqlite3.Error as error:
        raise database.translated(error, path) from error


def parked(path: Path, limit: int) -> list[tuple[int, int, str, str]]:
    """Epoch, number, code and reason, the oldest first. Raises OutboxError."""
    try:
        with closing(database.open_reader(path)) as db:
            return db.execute("SELECT epoch, seq, code, reason FROM parked ORDER BY id LIMIT ?", (limit,)).fetchall()
    except sqlite3.Error as error:
        raise database.translated(error, path) from error


def check(path: Path) -> Report:
    """Raises OutboxError where there is no file, or it cannot be opened at all."""
    if not path.is_file():
        raise OutboxError(f"{path}: there is no such file", hint="name an edge's data folder, or the file")
    faults: list[str] = []
    head = database.Head("", 0, 0, 0)
    readable: dict[int, tuple[int, int, int]] = {}
    parked: Counter[str] = Counter()
    damaged = 0
    with closing(database.open_reader(path)) as db:
        try:
            faults += [text for (text,) in db.execute("PRAGMA integrity_check(10)") if text != "ok"]
            head = database.read_head(db)
        except (sqlite3.Error, OutboxError) as error:
            faults.append(str(error))
        try:
            for epoch, seq, body, sha256 in db.execute("SELECT epoch, seq, body, sha256 FROM pending"):
                try:
                    database.unpack(epoch, seq, body, sha256)
                except ValueError:
                    damaged += 1
                    continue
                count, low, high = readable.get(epoch, (0, seq, seq))
                readable[epoch] = (count + 1, min(low, seq), max(high, seq))
            parked.update(code for (code,) in db.execute("SELECT code FROM parked"))
        except sqlite3.Error as error:
            faults.append(str(error))
    if damaged:
        faults.append(f"{damaged} rows do not match their SHA-256")
    return Report(
        head.edge_id,
        head.epoch,
        head.last_seq,
        bool(head.clean),
        readable,
        damaged,
        parked,
        tuple(dict.fromkeys(faults)),
    )
