"""What the outbox knows of its numbers: the epochs that it gave, the records that are kept though central has them, the
numbers that were given up. Runs in the writer's transaction; commits nothing itself.

Records are kept after central has stored them because a central that was restored from a copy misses what came since.
They are the first to go where room is short; then, for a newcomer of higher severity, the oldest of the lowest one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from contract.event import Severity
from contract.heartbeat import MAX_EPOCHS, MAX_LOST, Lost, Numbers, Span

RANK: dict[Severity, int] = {"info": 0, "warning": 1, "alarm": 2}
ROW = 128  # bytes that a row costs beside its body: hash, key, the unused end of its page
MOST_ROWS = 5000  # of one span that are looked at; the rest with the next heartbeat

SCHEMA = """
CREATE TABLE kept (  -- as pending, and central has stored them
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL, kept_at INTEGER NOT NULL, body BLOB NOT NULL, sha256 BLOB NOT NULL,
    severity INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE TABLE epochs (  -- those before the current one, and the last number of each that is known to have been given
    epoch INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL
);
CREATE INDEX pending_lesser ON pending (severity, epoch, seq) WHERE severity < 2;
CREATE TABLE given_up (  -- records that were let go of unsent, to make room
    epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (epoch, first)
) WITHOUT ROWID;
"""

# Small, and older versions keep it up without knowing it, so it is no new layout.
ALARMS = "CREATE INDEX IF NOT EXISTS pending_alarms ON pending (epoch, seq) WHERE severity = 2"

_ROWS = "epoch, seq, kept_at, body, sha256, severity"


class Accounted(NamedTuple):
    """`back`: records that are sent again. `lost`: what is not here any more."""

    back: int
    lost: list[Lost]


class Shed(NamedTuple):
    """`freed` in bytes, as `size` counts them; `kept` and `pending` count records."""

    freed: int
    kept: int
    pending: int


def keep(db: sqlite3.Connection, epoch: int, seqs: Sequence[int]) -> int:
    """Put what central has stored aside; returns how many of `seqs` were pending."""
    keys = [(epoch, seq) for seq in seqs]
    db.executemany(
        f"INSERT OR REPLACE INTO kept ({_ROWS}) SELECT {_ROWS} FROM pending WHERE epoch = ? AND seq = ?",  # noqa: S608
        keys,
    )
    return db.executemany("DELETE FROM pending WHERE epoch = ? AND seq = ?", keys).rowcount if keys else 0


def size(body: bytes) -> int:
    """What a record counts for, in whichever table it is. Not pages: one that has lost half of its rows is no less in
    use, so whoever went by pages would give up record after record and see no room come of it."""
    return len(body) + ROW


def total(db: sqlite3.Connection) -> int:
    """The size of all records here."""
    found = 0
    for table in ("pending", "kept", "parked", "standing"):
        (size,) = db.execute(f"SELECT coalesce(sum(length(body) + ?), 0) FROM {table}", (ROW,)).fetchone()  # noqa: S608
        found += int(size)
    return found


def standing(db: sqlite3.Connection) -> dict[bytes, int]:
    """The size of each event that stands."""
    return dict(db.execute("SELECT event_id, length(body) + ? FROM standing", (ROW,)))


def trim(db: sqlite3.Connection, count: int) -> int:
    """Let go of the `count` oldest that are kept; returns their size."""
    rows = db.execute("SELECT length(body), epoch, seq FROM kept ORDER BY epoch, seq LIMIT ?", (count,)).fetchall()
    db.executemany("DELETE FROM kept WHERE epoch = ? AND seq = ?", [key for _, *key in rows])
    return sum(length + ROW for length, *_ in rows)


def shed(db: sqlite3.Connection, wanted: int, severity: Severity) -> Shed:
    """Free `wanted` bytes or a little more, if giving up what is less than a newcomer of `severity` yields as much;
    else nothing: what would not make room for it is not given up in vain."""
    found: list[tuple[str, int, int]] = []
    freed = 0
    for table, where in (
        ("kept", "1"),
        *(("pending", f"severity = {rank} AND severity < 2") for rank in range(RANK[severity])),
    ):
        rows = db.execute(f"SELECT epoch, seq, length(body) FROM {table} WHERE {where} ORDER BY epoch, seq")  # noqa: S608
        for epoch, seq, length in rows:
            if freed >= wanted:
                break
            freed += length + ROW
            found.append((table, epoch, seq))
        rows.close()
    if freed < wanted:
        return Shed(0, 0, 0)
    kept = [(epoch, seq) for table, epoch, seq in found if table == "kept"]
    pending = [(epoch, seq) for table, epoch, seq in found if table == "pending"]
    db.executemany("DELETE FROM kept WHERE epoch = ? AND seq = ?", kept)
    db.executemany("DELETE FROM pending WHERE epoch = ? AND seq = ?", pending)
    for epoch, seq in pending:
        _give_up(db, epoch, seq)
    return Shed(freed, len(kept), len(pending))


def has_lesser(db: sqlite3.Connection, severity: Severity) -> bool:
    """Whether there is anything to let go of for a newcomer of `severity`."""
    (found,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM kept) OR EXISTS (SELECT 1 FROM pending WHERE severity < ? AND severity < 2)",
        (RANK[severity],),
    ).fetchone()
    return bool(found)


def note_epoch(db: sqlite3.Connection, epoch: int, last: int) -> None:
    """Remember that an epoch was this outbox's, and that numbers up to `last` were given in it."""
    db.execute(
        "INSERT INTO epochs VALUES (?, ?)"
        " ON CONFLICT (epoch) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
        (epoch, last),
    )
    db.execute(
        # Those in which no number was given go first: an edge that is started again and again makes many of them.
        "DELETE FROM epochs WHERE epoch NOT IN"
        " (SELECT epoch FROM epochs ORDER BY last_seq > 0 DESC, epoch DESC LIMIT ?)",
        (MAX_EPOCHS - 1,),
    )


def numbers(db: sqlite3.Connection) -> list[Numbers]:
    """Of every epoch that is remembered, the current one last."""
    rows = db.execute("SELECT epoch, last_seq FROM epochs UNION ALL SELECT epoch, last_seq FROM head ORDER BY epoch")
    return [Numbers(epoch=epoch, last=last) for epoch, last in rows]


def account(db: sqlite3.Connection, missing: Iterable[Span]) -> Accounted:
    """Of what central misses: what is kept goes back to pending; what waits there will come; the rest is lost.

    Of an epoch that this outbox does not remember it says nothing, as that may be one of a copy of it; unless the epoch
    is older than all that it does remember.
    """
    own = {each.epoch for each in numbers(db)}
    back = 0
    lost: list[Lost] = []
    for span in missing:
        if (span.epoch not in own and span.epoch > min(own)) or len(lost) >= MAX_LOST:
            continue
        key = (span.epoch, span.first, span.last)
        within = "WHERE epoch = ? AND seq BETWEEN ? AND ?"
        db.execute(f"INSERT OR IGNORE INTO pending ({_ROWS}) SELECT {_ROWS} FROM kept {within}", key)  # noqa: S608
        back += db.execute(f"DELETE FROM kept {within}", key).rowcount  # noqa: S608
        here = [
            seq
            for (seq,) in db.execute(
                f"SELECT seq FROM pending {within} ORDER BY seq LIMIT ?",  # noqa: S608
                (*key, MOST_ROWS),
            )
        ]
        until = here[-1] if len(here) == MOST_ROWS else span.last
        lost += islice(_reasons(db, span.epoch, _between(span.first, until, here)), MAX_LOST - len(lost))
    return Accounted(back, lost)


def _between(first: int, last: int, here: Sequence[int]) -> Iterable[tuple[int, int]]:
    """The spans from `first` to `last` without the numbers `here` (ascending)."""
    for number in here:
        if first < number:
            yield first, number - 1
        first = number + 1
    if first <= last:
        yield first, last


def _reasons(db: sqlite3.Connection, epoch: int, spans: Iterable[tuple[int, int]]) -> Iterable[Lost]:
    for first, last in spans:
        known = [
            (max(first, low), min(last, high), reason)
            for low, high, reason in db.execute(
                "SELECT first, last, 'sacrificed' FROM given_up WHERE epoch = ?1 AND first <= ?3 AND last >= ?2"
                # Not from the epoch's beginning on: only the last one that begins before can reach in here.
                " AND first >= coalesce((SELECT max(first) FROM given_up WHERE epoch = ?1 AND first <= ?2), ?2)"
                " UNION ALL SELECT seq, seq, 'parked' FROM parked WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3"
                " ORDER BY 1 LIMIT ?4",
                (epoch, first, last, MAX_LOST),
            )
        ]
        for low, high, reason in known:
            if first < low:
                yield Lost(epoch=epoch, first=first, last=low - 1, reason="gone")
            if high >= first:
                yield Lost(epoch=epoch, first=max(first, low), last=high, reason=reason)
            first = max(first, high + 1)
        if first <= last and len(known) < MAX_LOST:
            yield Lost(epoch=epoch, first=first, last=last, reason="gone")


def _give_up(db: sqlite3.Connection, epoch: int, seq: int) -> None:
    joined = db.execute("UPDATE given_up SET last = ? WHERE epoch = ? AND last = ?", (seq, epoch, seq - 1)).rowcount
    if not joined:
        db.execute("INSERT OR IGNORE INTO given_up VALUES (?, ?, ?)", (epoch, seq, seq))
