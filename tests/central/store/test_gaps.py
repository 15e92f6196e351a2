"""The arithmetic of missing numbers, and the tables against a plain set of numbers after each of many random steps."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlite_utils import Database

from central.store import schema, sqlite_gaps
from central.store.gaps import Gap, Run, declared, runs, without
from central.store.sqlite_gaps import GapWriter
from contract.event import MAX_SEQ
from contract.heartbeat import MAX_MISSING, Heartbeat, Lost, Numbers, Span

EDGE = "edge-412"
NOW = 1_750_000_000_000


@pytest.mark.parametrize(
    ("came", "found"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(1, 10)], [Run(1, 1, 10, 10)], id="one"),
        pytest.param([(3, 30), (1, 10), (2, 20)], [Run(1, 3, 10, 30)], id="in any order"),
        pytest.param([(7, 70), (2, 20), (3, 25)], [Run(2, 3, 20, 25), Run(7, 7, 70, 70)], id="two"),
    ],
)
def test_runs(came: list[tuple[int, int]], found: list[Run]) -> None:
    assert runs(came) == found


def gap(first: int, last: int, after: int | None = 1, before: int | None = 99, reason: str | None = None) -> Gap:
    return Gap(first, last, after, before, NOW, reason)


@pytest.mark.parametrize(
    ("run", "left"),
    [
        pytest.param(Run(10, 20, 50, 60), [], id="all of it"),
        pytest.param(Run(5, 30, 50, 60), [], id="more than it"),
        pytest.param(Run(10, 12, 50, 60), [gap(13, 20, after=60)], id="its beginning"),
        pytest.param(Run(18, 20, 50, 60), [gap(10, 17, before=50)], id="its end"),
        pytest.param(Run(14, 15, 50, 60), [gap(10, 13, before=50), gap(16, 20, after=60)], id="its middle"),
        pytest.param(Run(21, 30, 50, 60), [gap(10, 20, before=50)], id="touched from above"),
        pytest.param(Run(3, 9, 50, 60), [gap(10, 20, after=60)], id="touched from below"),
        pytest.param(Run(22, 30, 50, 60), [gap(10, 20)], id="above it"),
        pytest.param(Run(3, 8, 50, 60), [gap(10, 20)], id="below it"),
    ],
)
def test_without(run: Run, left: list[Gap]) -> None:
    assert without(gap(10, 20), run) == left


@pytest.mark.parametrize(
    ("first", "last", "parts"),
    [
        pytest.param(10, 20, [(10, 20, "damaged")], id="all of it"),
        pytest.param(1, 99, [(10, 20, "damaged")], id="more than it"),
        pytest.param(10, 12, [(10, 12, "damaged"), (13, 20, None)], id="its beginning"),
        pytest.param(18, 30, [(10, 17, None), (18, 20, "damaged")], id="its end"),
        pytest.param(14, 15, [(10, 13, None), (14, 15, "damaged"), (16, 20, None)], id="its middle"),
        pytest.param(21, 30, [(10, 20, None)], id="not it"),
    ],
)
def test_declared(first: int, last: int, parts: list[tuple[int, int, str | None]]) -> None:
    found = declared(gap(10, 20), first, last, "damaged", NOW + 5)
    assert [(part.first, part.last, part.reason) for part in found] == parts
    assert {part.noticed_at for part in found if part.reason} <= {NOW + 5}
    assert {part.noticed_at for part in found if not part.reason} <= {NOW}


def test_what_was_declared_keeps_its_reason() -> None:
    lost = gap(10, 20, reason="damaged")
    assert declared(lost, 12, 13, "parked", NOW + 5) == [lost]


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.prepare(Database(connection), NOW)
    yield connection
    connection.close()


def rows(db: sqlite3.Connection, epoch: int = 1) -> list[Gap]:
    sql = "SELECT first, last, after_at, before_at, noticed_at, reason FROM gaps WHERE epoch = ? ORDER BY first"
    return [Gap(*row) for row in db.execute(sql, (epoch,))]


def spans(db: sqlite3.Connection, epoch: int = 1) -> list[tuple[int, int, str | None]]:
    return [(row.first, row.last, row.reason) for row in rows(db, epoch)]


def numbers(*seqs: int) -> list[tuple[int, int]]:
    return [(seq, seq * 10) for seq in seqs]


def heartbeat(last: int, *lost: tuple[int, int], epoch: int = 1, reason: str = "damaged") -> Heartbeat:
    gone = [Lost(epoch=epoch, first=a, last=b, reason=reason) for a, b in lost]
    return Heartbeat(edge_id=EDGE, epochs=[Numbers(epoch=epoch, last=last)], waiting=0, lost=gone)


def test_a_life(db: sqlite3.Connection) -> None:
    writer = GapWriter(db)
    writer.came(EDGE, 1, numbers(1, 2, 3), NOW)
    assert rows(db) == []
    writer.came(EDGE, 1, numbers(8), NOW + 1)
    assert rows(db) == [Gap(4, 7, 30, 80, NOW + 1)]
    assert writer.beat(heartbeat(12), NOW + 2) == [Span(epoch=1, first=4, last=7), Span(epoch=1, first=9, last=12)]
    assert rows(db)[1] == Gap(9, 12, 80, None, NOW + 2)
    assert writer.beat(heartbeat(14, (5, 6)), NOW + 3) == [
        Span(epoch=1, first=first, last=last) for first, last in [(4, 4), (7, 7), (9, 14)]
    ]
    assert spans(db) == [(4, 4, None), (5, 6, "damaged"), (7, 7, None), (9, 14, None)]
    writer.came(EDGE, 1, numbers(5, 10, 16), NOW + 4)  # one was salvaged
    assert rows(db) == [
        Gap(4, 4, 30, 50, NOW + 1),
        Gap(6, 6, 50, 80, NOW + 3, "damaged"),
        Gap(7, 7, 30, 80, NOW + 1),
        Gap(9, 9, 80, 100, NOW + 2),
        Gap(11, 15, 100, 160, NOW + 2),
    ]
    writer.came(EDGE, 1, numbers(4, 6, 7, 9, 11, 12, 13, 14, 15), NOW + 5)
    assert rows(db) == []
    assert writer.beat(heartbeat(16, (1, 16)), NOW + 6) == []  # what central has is never lost
    assert rows(db) == []


def test_a_lost_end_learns_when_it_was_over(db: sqlite3.Connection) -> None:
    writer = GapWriter(db)
    writer.came(EDGE, 1, numbers(1), NOW)
    writer.beat(heartbeat(5, (2, 5)), NOW)
    assert rows(db) == [Gap(2, 5, 10, None, NOW, "damaged")]
    writer.came(EDGE, 1, numbers(6), NOW)
    assert rows(db) == [Gap(2, 5, 10, 60, NOW, "damaged")]


def test_what_is_lost_was_given_also_in_an_epoch_unheard_of(db: sqlite3.Connection) -> None:
    writer = GapWriter(db)
    gone = [Lost(epoch=1, first=3, last=4, reason="parked")]
    beat = Heartbeat(edge_id=EDGE, epochs=[Numbers(epoch=2, last=0)], waiting=0, lost=gone)
    assert writer.beat(beat, NOW) == [Span(epoch=1, first=1, last=2)]
    assert spans(db) == [(1, 2, None), (3, 4, "parked")]


@pytest.mark.parametrize("bound", [10_000, 6], ids=["with room", "at the bound of rows"])
@pytest.mark.parametrize("seed", range(25))
def test_tables_equal_a_plain_set_after_each_step(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, seed: int, bound: int
) -> None:
    """Out of order, in bursts, declared lost, late after lost, epochs mixed, rolled back now and then."""
    monkeypatch.setattr(sqlite_gaps, "MAX_GAPS", bound)
    rng = random.Random(seed)
    writer = GapWriter(db)
    come: dict[int, set[int]] = {1: set(), 2: set()}
    lost: dict[int, set[int]] = {1: set(), 2: set()}
    given = {1: 0, 2: 0}
    for step in range(120):
        epoch = rng.choice([1, 1, 2])
        top = given[epoch]
        db.execute("BEGIN")
        kept = rng.random() > 0.1
        before = (set(come[epoch]), set(lost[epoch]), top)
        if rng.random() < 0.6:
            wanted = rng.sample(range(1, top + 12), k=min(rng.choice([1, 1, 2, 6]), top + 11))
            new = [seq for seq in wanted if seq not in come[epoch]]
            writer.came(EDGE, epoch, numbers(*new), NOW + step)
            come[epoch].update(new)
            lost[epoch].difference_update(new)
            given[epoch] = max([top, *new])
        else:
            last = top + rng.choice([0, 0, 1, 5])
            first = rng.randint(1, last + 1)
            gone = [(first, rng.randint(first, last))] if first <= last else []
            answer = writer.beat(heartbeat(last, *gone, epoch=epoch), NOW + step)
            given[epoch] = last
            for a, b in gone:
                lost[epoch].update(set(range(a, b + 1)) - come[epoch])
            if bound == 10_000:
                asked = {(span.epoch, seq) for span in answer for seq in range(span.first, span.last + 1)}
                assert asked == {(e, seq) for e in (1, 2) for seq in set(range(1, given[e] + 1)) - come[e] - lost[e]}, (
                    step
                )
        if kept:
            db.execute("COMMIT")
        else:
            db.execute("ROLLBACK")
            writer.reload()
            come[epoch], lost[epoch], given[epoch] = before
        count = 0
        for e in (1, 2):
            found = rows(db, e)
            count += len(found)
            assert all(a.last < b.first for a, b in pairwise(found)), step
            held = {seq: row.reason for row in found for seq in range(row.first, row.last + 1)}
            missing = set(range(1, given[e] + 1)) - come[e]
            state = db.execute("SELECT given, overlooked FROM epochs WHERE epoch = ?", (e,)).fetchone() or (0, 0)
            if bound == 10_000:
                assert state == (given[e], 0), step
                assert set(held) == missing, step
                assert {seq for seq, reason in held.items() if reason} == lost[e], step
            else:  # nothing that came counts as missing, and the sum is true
                assert set(held) <= missing, step
                assert state[1] == len(missing) - len(held) or state == (0, 0), step
            for row in found:  # bounds, where they are known: the records around, or farther ones
                assert row.after_at is None or row.after_at <= row.first * 10
                assert row.before_at is None or row.before_at >= row.last * 10
        assert count <= bound


def test_records_in_order_cost_one_statement_a_batch(db: sqlite3.Connection) -> None:
    writer = GapWriter(db)
    writer.came(EDGE, 1, numbers(1), NOW)
    said: list[str] = []
    db.set_trace_callback(said.append)
    writer.came(EDGE, 1, numbers(*range(2, 1002)), NOW)
    assert len(said) == 1
    assert said[0].startswith("INSERT INTO epochs")


def test_absurd_numbers_make_one_row(db: sqlite3.Connection) -> None:
    writer = GapWriter(db)
    assert writer.beat(heartbeat(MAX_SEQ), NOW) == [Span(epoch=1, first=1, last=MAX_SEQ)]
    assert spans(db) == [(1, MAX_SEQ, None)]


def test_an_edge_has_a_bounded_number_of_rows(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_gaps, "MAX_GAPS", 300)
    writer = GapWriter(db)
    writer.came(EDGE, 1, numbers(*range(2, 1002, 2)), NOW)  # 500 gaps
    assert (len(rows(db)), db.execute("SELECT given, overlooked FROM epochs").fetchone()) == (300, (1000, 200))
    assert len(writer.beat(heartbeat(1000), NOW)) == MAX_MISSING
    for epoch in range(2, 40):
        writer.beat(heartbeat(9, epoch=epoch), NOW)
    assert db.execute("SELECT count(*) FROM epochs").fetchone() == (1,)
    writer.came(EDGE, 1, numbers(*range(1, 1001, 2)), NOW)
    assert (rows(db), db.execute("SELECT given, overlooked FROM epochs").fetchone()) == ([], (1000, 0))
    writer.came("edge-7", 1, numbers(5), NOW)  # another edge has room
    assert db.execute("SELECT first, last FROM gaps WHERE edge_id = 'edge-7'").fetchall() == [(1, 4)]


def test_a_heartbeat_reads_late_gaps_alone(db: sqlite3.Connection) -> None:
    """However many an edge has lost, of which it may tell in every heartbeat."""
    for sql, params in ((sqlite_gaps._LATE, (EDGE, 1, 9)), (sqlite_gaps._MISSING, (EDGE, 9))):
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
        assert len(plan) == 1, plan
        assert plan[0].startswith("SEARCH gaps USING"), plan
        assert "INDEX gaps_late (edge_id=?" in plan[0], plan
