"""Parked records that are to be sent again: how a person asks for it, and what the writer then does.

An edge that runs has the outbox for itself, so a request is left as a file beside it, which the edge takes up and
deletes before it does it, so that nothing is asked for twice; `status` shows what is still parked. It is written under
another name and renamed: it is there whole or not at all.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias
from uuid import uuid4

import msgspec

from edge.outbox import database, ledger

MOST = 2000  # records in one commit
LARGEST = 2**63 - 1  # number that SQLite takes: a larger one would fail the commit, and what else is in it
AT_ONCE = 100  # requests; records do not wait for more, nor does the end of the edge

_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parked record; without `epoch` and `seq` all of them. Raises ValueError where one of the two is missing."""

    epoch: _Number | None = None
    seq: _Number | None = None

    def __post_init__(self) -> None:
        if (self.epoch is None) != (self.seq is None):
            raise ValueError("epoch and seq name a record together")


class Retried(NamedTuple):
    """`left`: records that are not parked any more; `waiting`: of those, what neither waited already nor is kept as
    stored by central; `freed`: bytes of what did or is, as `ledger.size` counts them. `more` may be parked."""

    left: int
    waiting: int
    freed: int
    more: bool


def leave(path: Path, request: Request) -> Path:
    """For the edge that has the outbox `path` open; the file is gone once that takes it up. Raises OSError."""
    file = path.with_name(f"{path.name}.retry-{uuid4().hex}")
    draft = file.with_name(f"draft-{file.name}")
    draft.write_bytes(msgspec.json.encode(request))
    draft.chmod(0o644)  # the edge may be another user
    draft.replace(file)
    return file


def left(path: Path) -> list[tuple[Path, Request | None]]:
    """Requests that lie beside the outbox, AT_ONCE of them at most; None where one cannot be read."""
    # Nothing else: who opens a pipe waits for its other end, and a folder is there again at each look.
    found = sorted(file for file in path.parent.glob(f"{path.name}.retry-*") if file.is_file())
    return [(file, _read(file)) for file in found[:AT_ONCE]]


def retry(db: sqlite3.Connection, request: Request) -> Retried:
    """In the writer's transaction, at most MOST: parked records wait again, under the identity they have. What does
    not match its SHA-256 stays."""
    asked = "" if request.seq is None else " AND epoch = :epoch AND seq = :seq"
    rows = db.execute(
        "SELECT id, epoch, seq, kept_at, body, sha256 FROM parked"  # noqa: S608
        f" WHERE code <> 'damaged'{asked} ORDER BY id LIMIT {MOST}",
        {"epoch": request.epoch, "seq": request.seq},
    ).fetchall()
    gone = waiting = freed = 0
    for row, epoch, seq, kept_at, body, sha256 in rows:
        try:
            record = database.unpack(epoch, seq, body, sha256)
        except ValueError as error:
            db.execute("UPDATE parked SET code = 'damaged', reason = ? WHERE id = ?", (str(error), row))
            continue
        values = (epoch, seq, kept_at, body, sha256, ledger.RANK[record.severity])
        new = db.execute(
            "INSERT OR IGNORE INTO pending SELECT ?1, ?2, ?3, ?4, ?5, ?6"
            " WHERE NOT EXISTS (SELECT 1 FROM kept WHERE epoch = ?1 AND seq = ?2)",  # salvage may have sent it
            values,
        ).rowcount
        waiting += new
        freed += 0 if new else ledger.size(body)
        gone += db.execute("DELETE FROM parked WHERE id = ?", (row,)).rowcount
    return Retried(gone, waiting, freed, len(rows) == MOST)


def _read(file: Path) -> Request | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Request)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
