"""What the SQLite store writes about missing numbers. Runs in the writer's transaction; commits nothing itself.

Records in order cost one statement a batch: the highest number given. Only where an edge has gaps they are looked at.

An edge has MAX_GAPS rows at most, however wild the numbers are that it sends. What would need more is only counted, as
`overlooked` of its epoch, so that the sum stays true: given = come + in gaps + overlooked. Such numbers are not asked
for again; a declaration that would need more rows is left aside, and the numbers stay late; a heartbeat's epoch that
central has nothing of is not taken in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import structlog

from central.store.gaps import Gap, Run, declared, runs, without
from contract.heartbeat import MAX_MISSING, Heartbeat, Lost, Span

log = structlog.get_logger(__name__)

MAX_GAPS = 10_000  # rows an edge
MAX_KNOWN = 10_000  # epochs kept in memory; more are read again

_GAP = "first, last, after_at, before_at, noticed_at, reason"
_BELOW = "WHERE edge_id = ? AND epoch = ? AND first <= ?"
_ALL = f"SELECT {_GAP} FROM gaps {_BELOW} ORDER BY first DESC"  # noqa: S608
# The planner would rather walk all rows of the edge, however few of them are late.
_LATE = f"SELECT {_GAP} FROM gaps INDEXED BY gaps_late {_BELOW} AND reason IS NULL ORDER BY first DESC"  # noqa: S608
_MISSING = (
    "SELECT epoch, first, last FROM gaps INDEXED BY gaps_late WHERE edge_id = ? AND reason IS NULL"
    " ORDER BY epoch, first LIMIT ?"
)


@dataclass(slots=True)
class _Epoch:
    given: int = 0  # the highest number known to be given
    at: int | None = None  # of the record with the highest number that came
    overlooked: int = 0


class GapWriter:
    """Owned by the writer thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.reload()

    def reload(self) -> None:
        """Forget what a rolled back job left in memory."""
        self._epochs: dict[tuple[str, int], _Epoch] = {}
        self._rows: dict[str, int] = {}
        self._crowded = False  # something had no room; told once a batch or heartbeat

    def came(self, edge_id: str, epoch: int, numbers: Sequence[tuple[int, int]], now: int) -> None:
        """(seq, at) of records that were not there before."""
        state = self._epoch(edge_id, epoch)
        for run in runs(numbers):
            if self._count(edge_id) or state.overlooked:
                self._fill(edge_id, epoch, state, run)
            if run.first > state.given + 1:
                self._open(edge_id, epoch, state, run.first - 1, run.first_at, now)
            if run.last >= state.given:
                state.given, state.at = run.last, run.last_at
        self._keep(edge_id, epoch, state)
        self._tell(edge_id)

    def beat(self, heartbeat: Heartbeat, now: int) -> list[Span]:
        """What is missing and not lost, oldest first, at most MAX_MISSING."""
        edge_id = heartbeat.edge_id
        for numbers in heartbeat.epochs:
            self._given(edge_id, numbers.epoch, numbers.last, now)
        if heartbeat.lost:
            lost_at = max(now, self._noted(edge_id) + 1)  # also where the clock was set back: noted is what was there
            for lost in heartbeat.lost:
                self._given(edge_id, lost.epoch, lost.last, now)  # what is lost was given
                self._declare(edge_id, lost, lost_at)
        self._tell(edge_id)
        rows = self._db.execute(_MISSING, (edge_id, MAX_MISSING))
        return [Span(epoch=epoch, first=first, last=last) for epoch, first, last in rows]

    def _given(self, edge_id: str, epoch: int, last: int, now: int) -> None:
        state = self._epoch(edge_id, epoch)
        if last <= state.given:
            return
        if not state.given and self._count(edge_id) >= MAX_GAPS:
            self._crowded = True
            return  # not even counted: an edge may claim any number of epochs
        self._open(edge_id, epoch, state, last, None, now)
        state.given = last
        self._keep(edge_id, epoch, state)

    def _open(self, edge_id: str, epoch: int, state: _Epoch, last: int, before_at: int | None, now: int) -> None:
        """The numbers above `given` up to `last` are missing: a gap, or more of the one at the end."""
        tail = self._tail(edge_id, epoch, state.given) if self._count(edge_id) else None
        if tail is not None and tail.reason is None:
            self._db.execute(
                "UPDATE gaps SET last = ?, before_at = ? WHERE edge_id = ? AND epoch = ? AND first = ?",
                (last, before_at, edge_id, epoch, tail.first),
            )
        elif self._count(edge_id) < MAX_GAPS:
            after_at = state.at if tail is None else tail.after_at
            self._insert(edge_id, epoch, Gap(state.given + 1, last, after_at, before_at, now))
        else:
            self._crowded = True
            state.overlooked += last - state.given

    def _tail(self, edge_id: str, epoch: int, given: int) -> Gap | None:
        row = self._db.execute(f"{_ALL} LIMIT 1", (edge_id, epoch, given)).fetchone()
        return Gap(*row) if row and row[1] == given else None

    def _fill(self, edge_id: str, epoch: int, state: _Epoch, run: Run) -> None:
        filled = 0
        for gap in self._between(edge_id, epoch, run.first - 1, run.last + 1):
            left = without(gap, run)
            filled += gap.size - sum(part.size for part in left)
            if len(left) > 1 and self._count(edge_id) >= MAX_GAPS:
                small = min(left, key=lambda part: part.size)
                left.remove(small)
                state.overlooked += small.size
                self._crowded = True
            self._replace(edge_id, epoch, gap, left)
        unseen = max(0, min(run.last, state.given) - run.first + 1 - filled)  # these had no row
        state.overlooked = max(0, state.overlooked - unseen)

    def _declare(self, edge_id: str, lost: Lost, now: int) -> None:
        for gap in self._between(edge_id, lost.epoch, lost.first, lost.last, late=True):
            parts = declared(gap, lost.first, lost.last, lost.reason, now)
            if self._count(edge_id) + len(parts) - 1 <= MAX_GAPS:
                self._replace(edge_id, lost.epoch, gap, parts)
            else:
                self._crowded = True

    def _tell(self, edge_id: str) -> None:
        if self._crowded:
            log.warning("edge has too many gaps, more are only counted", edge=edge_id, gaps=MAX_GAPS)
            self._crowded = False

    def _noted(self, edge_id: str) -> int:
        """Up to when somebody has seen what was lost."""
        row = self._db.execute("SELECT coalesce(max(until), 0) FROM gap_notes WHERE edge_id = ?", (edge_id,)).fetchone()
        return int(row[0])

    def _between(self, edge_id: str, epoch: int, first: int, last: int, *, late: bool = False) -> list[Gap]:
        """Gaps with a number from `first` to `last`."""
        found: list[Gap] = []
        for row in self._db.execute(_LATE if late else _ALL, (edge_id, epoch, last)):
            if row[1] < first:
                break  # they do not overlap, so the rest ends before
            found.append(Gap(*row))
        return found

    def _replace(self, edge_id: str, epoch: int, gap: Gap, parts: Sequence[Gap]) -> None:
        if [gap] == parts:
            return
        self._db.execute("DELETE FROM gaps WHERE edge_id = ? AND epoch = ? AND first = ?", (edge_id, epoch, gap.first))
        self._rows[edge_id] -= 1
        for part in parts:
            self._insert(edge_id, epoch, part)

    def _insert(self, edge_id: str, epoch: int, gap: Gap) -> None:
        values = (edge_id, epoch, *astuple(gap))
        self._db.execute(f"INSERT INTO gaps (edge_id, epoch, {_GAP}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
        self._rows[edge_id] += 1

    def _count(self, edge_id: str) -> int:
        if edge_id not in self._rows:
            rows = self._db.execute("SELECT count(*) FROM gaps WHERE edge_id = ?", (edge_id,)).fetchone()
            self._rows[edge_id] = int(rows[0])
        return self._rows[edge_id]

    def _epoch(self, edge_id: str, epoch: int) -> _Epoch:
        if (state := self._epochs.get((edge_id, epoch))) is not None:
            return state
        if len(self._epochs) >= MAX_KNOWN:
            self._epochs.clear()
        row = self._db.execute(
            "SELECT given, at, overlooked FROM epochs WHERE edge_id = ? AND epoch = ?", (edge_id, epoch)
        ).fetchone()
        state = self._epochs[edge_id, epoch] = _Epoch(*row) if row else _Epoch()
        return state

    def _keep(self, edge_id: str, epoch: int, state: _Epoch) -> None:
        self._db.execute(
            "INSERT INTO epochs (edge_id, epoch, given, at, overlooked) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO"
            " UPDATE SET given = excluded.given, at = excluded.at, overlooked = excluded.overlooked",
            (edge_id, epoch, state.given, state.at, state.overlooked),
        )
