"""What is kept after central has it, what goes where room is short, and what is said of numbers that central misses."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.event import EventRecord
from contract.heartbeat import MAX_EPOCHS, MAX_LOST, Lost, Numbers, Span
from edge.errors import OutboxFull
from edge.outbox import Limits, Outbox, Refusal, ledger
from edge.outbox.database import Head, write_head
from edge.records import left_open
from tests.edge.records import draft

NOW = 1_700_000_000_000


def opened(path: Path, **limits: Any) -> Outbox:
    return Outbox(path, "edge-1", now_ms=lambda: NOW, limits=Limits(delay=0, **limits))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with opened(path) as one:
        yield one


def fill(outbox: Outbox, count: int, **fields: Any) -> list[int]:
    futures = [outbox.append(draft(**fields)) for _ in range(count)]
    return [future.result(5).seq for future in futures]


def span(first: int, last: int, epoch: int = NOW) -> Span:
    return Span(epoch=epoch, first=first, last=last)


def lost(first: int, last: int, reason: str) -> Lost:
    return Lost(epoch=NOW, first=first, last=last, reason=reason)


def waiting(outbox: Outbox) -> list[int]:
    return [record.seq for record in outbox.pending(10_000, 1 << 30)]


def test_what_central_misses_is_sent_again_or_said_to_be_lost(outbox: Outbox) -> None:
    fill(outbox, 10)
    outbox.settle(NOW, [1, 2, 3, 4, 5], [Refusal(6, "invalid", "no such rule")]).result(5)
    assert waiting(outbox) == [7, 8, 9, 10]
    woken = []
    outbox.on_commit(lambda: woken.append(1))
    accounted = outbox.account([span(2, 3), span(5, 8), span(10, 14)]).result(5)
    assert (accounted.back, accounted.lost) == (3, [lost(6, 6, "parked"), lost(11, 14, "gone")])
    assert waiting(outbox) == [2, 3, 5, 7, 8, 9, 10]
    assert woken, "the uplink must hear of it"
    status = outbox.status()
    assert (status.pending, status.kept, status.resent) == (7, 2, 3)


def test_of_another_s_epoch_nothing_is_said(path: Path) -> None:
    crashed(path)
    with opened(path) as outbox:
        first, *_, current = outbox.numbers()
        assert outbox.account([span(1, 9, epoch=current.epoch + 1)]).result(5) == (0, [])
        older = outbox.account([span(1, 9, epoch=first.epoch - 1)]).result(5)
        assert older == (0, [Lost(epoch=first.epoch - 1, first=1, last=9, reason="gone")])


def test_a_span_of_all_numbers_costs_no_more_than_the_records_here(outbox: Outbox) -> None:
    fill(outbox, 3)
    accounted = outbox.account([span(1, 2**53)]).result(5)
    assert accounted.lost == [lost(4, 2**53, "gone")]


def test_what_was_given_up_long_ago_costs_nothing(path: Path) -> None:
    """The writer does nothing else meanwhile. In SQLite's own steps, so that a slow machine counts the same."""
    with opened(path) as outbox:
        fill(outbox, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executemany("INSERT INTO given_up VALUES (?, ?, ?)", [(NOW, seq, seq) for seq in range(2, 20_000, 2)])
        more = "INSERT INTO pending SELECT epoch, ?, kept_at, body, sha256, severity FROM pending WHERE seq = 1"
        db.executemany(more, [(seq,) for seq in range(10_001, 14_000, 2)])
        thousands = []
        db.set_progress_handler(lambda: thousands.append(1), 1000)
        alternating = [span(seq, seq) for seq in range(19_600, 20_000, 2)]
        for missing in ([span(1, 20_000)], [span(10_001, 20_000)], alternating):
            assert len(ledger.account(db, missing).lost) == MAX_LOST
        assert len(thousands) < 200


def test_only_the_newest_are_kept(path: Path) -> None:
    with opened(path, kept=4) as outbox:
        outbox.settle(NOW, fill(outbox, 10)).result(5)
        assert outbox.status().kept == 4
        assert outbox.account([span(1, 10)]).result(5) == (4, [lost(1, 6, "gone")])
        assert waiting(outbox) == [7, 8, 9, 10]


def test_what_is_kept_is_still_kept_after_a_restart(path: Path) -> None:
    with opened(path) as outbox:
        outbox.settle(NOW, fill(outbox, 3)).result(5)
    with opened(path) as outbox:
        assert outbox.status().kept == 3
        assert outbox.account([span(1, 3)]).result(5).back == 3


SMALL = 400 << 10  # bytes


def stuffed(outbox: Outbox, **fields: Any) -> int:
    """Append until one alone is refused; how many were taken."""
    taken = 0
    for group in (20, 1):
        futures: list[Future[EventRecord]] = []
        while all(future.exception() is None for future in futures):
            futures = [outbox.append(draft(**fields)) for _ in range(group)]
            wait(futures)
            taken += sum(future.exception() is None for future in futures)
    return taken


def test_where_room_is_short_what_central_has_goes_first(path: Path) -> None:
    with opened(path, max_bytes=SMALL) as outbox:
        outbox.settle(NOW, fill(outbox, 100, severity="alarm")).result(5)
        waits = stuffed(outbox, severity="info")
        status = outbox.status()
        assert (status.pending, status.sacrificed) == (waits, 0)
        assert status.kept < 2, "too few for one more"


def test_then_the_oldest_of_the_lowest_severity_and_central_is_told(path: Path) -> None:
    with opened(path, max_bytes=SMALL) as outbox:
        infos = stuffed(outbox, severity="info")
        warnings = fill(outbox, 10, severity="warning")
        alarms = stuffed(outbox, severity="alarm")
        status = outbox.status()
        less = infos + len(warnings)
        assert less - 2 <= status.sacrificed <= less, "what is left is too little for an alarm"
        assert status.pending == less + alarms - status.sacrificed == len(waiting(outbox))
        gone = outbox.account([span(1, less + alarms)]).result(5).lost
        assert gone == [lost(1, status.sacrificed, "sacrificed")]


def test_no_more_is_given_up_than_a_newcomer_needs(path: Path) -> None:
    """Also where it lies scattered among what stays, so that no page becomes free by it."""
    over = {"state": "closed", "closed_at": NOW}
    with opened(path, max_bytes=SMALL) as outbox:
        futures = [outbox.append(draft(severity=s, **over)) for _ in range(500) for s in ("info", "alarm")]
        wait(futures)
        while outbox.append(draft(severity="info", **over)).exception() is None:
            pass
        before = outbox.status()
        assert before.sacrificed < 100
        fill(outbox, 40, severity="alarm", **over)
        after = outbox.status()
        assert 40 <= after.sacrificed - before.sacrificed <= 42, "an alarm is a byte longer than an info"
        assert SMALL - 2000 < after.bytes <= SMALL


@pytest.mark.parametrize("kept", [0, 5])
def test_what_is_counted_as_used_is_what_is_there(path: Path, kept: int) -> None:
    with opened(path, kept=kept) as outbox:
        opens = [draft() for _ in range(20)]
        records = outbox.append_all(opens).result(5)
        outbox.append_all([*(partial(d, state="update") for d in opens[:4]), *opens[:2]]).result(5)
        outbox.append_all([left_open(record, NOW + 7) for record in records[:15]]).result(5)
        outbox.settle(NOW, range(1, 18), [Refusal(18, "invalid", "no such rule")]).result(5)
        outbox.account([span(1, 30)]).result(5)
        outbox.restore(records).result(5)
        counted = outbox.status().bytes
    with opened(path) as outbox:
        assert outbox.status().bytes == counted > 0


@pytest.mark.parametrize("severity", ["info", "warning", "alarm"])
def test_nothing_is_given_up_for_its_like(path: Path, severity: str) -> None:
    with opened(path, max_bytes=SMALL) as outbox:
        taken = stuffed(outbox, severity=severity)
        with pytest.raises(OutboxFull):
            outbox.append(draft(severity=severity)).result(5)
        assert outbox.status().sacrificed == 0
        assert len(waiting(outbox)) == taken


def test_every_epoch_of_the_outbox_is_told_up_to_its_last_number(path: Path) -> None:
    for _ in range(MAX_EPOCHS + 3):
        crashed(path)
    with opened(path) as outbox:
        told = outbox.numbers()
        assert len(told) == MAX_EPOCHS
        assert told[-1] == Numbers(epoch=outbox.status().epoch, last=0)
        assert {each.last for each in told[:-1]} == {2}


def test_starts_that_give_no_number_crowd_out_no_epoch_with_some(path: Path) -> None:
    crashed(path)
    for _ in range(MAX_EPOCHS + 3):
        crashed(path, records=0)
    with opened(path) as outbox:
        told = outbox.numbers()
        assert len(told) == MAX_EPOCHS
        assert told[0] == Numbers(epoch=NOW, last=2)
        assert told[-1].epoch == outbox.status().epoch


def crashed(path: Path, records: int = 2) -> None:
    """Some records, and the file as a kill leaves it."""
    with opened(path) as outbox:
        fill(outbox, records)
    with closing(sqlite3.connect(path)) as db:
        edge_id, epoch, last = db.execute("SELECT edge_id, epoch, last_seq FROM head").fetchone()
        write_head(db, Head(edge_id, epoch, last, 0))
        db.commit()


@pytest.mark.parametrize("clean", [False, True])
def test_a_lost_end_of_the_file_is_noticed(path: Path, clean: bool) -> None:
    """SQLite ends its recovery at the first damaged page of the WAL, and says that all is well. Or the file is a copy
    from before, closed cleanly."""
    with opened(path) as outbox:
        before = path.read_bytes()
        if clean:
            outbox.close()
            before = path.read_bytes()
    with opened(path) as outbox:
        fill(outbox, 43)
        lock = path.with_suffix(".lock").read_bytes()
    path.write_bytes(before)
    path.with_suffix(".lock").write_bytes(lock)
    assert json.loads(lock)["last"] == 43
    with opened(path) as outbox:
        epoch = outbox.status().epoch
        told = {each.epoch: each.last for each in outbox.numbers()}
        assert told == {NOW: 0, NOW + 1: 43, epoch: 0}
        gone = Lost(epoch=NOW + 1, first=1, last=43, reason="gone")
        assert outbox.account([span(1, 43, epoch=NOW + 1)]).result(5).lost == [gone]


def test_a_file_of_the_layout_before_is_brought_up(path: Path) -> None:
    with opened(path) as outbox:
        for severity in ("info", "warning", "alarm"):
            fill(outbox, 1, severity=severity)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP INDEX pending_lesser; DROP INDEX pending_alarms;"
            "DROP TABLE kept; DROP TABLE epochs; DROP TABLE given_up;"
            "ALTER TABLE pending DROP COLUMN severity; PRAGMA user_version=1"
        )
    with opened(path) as outbox:
        assert waiting(outbox) == [1, 2, 3]
        with closing(sqlite3.connect(path)) as db:
            ranks = db.execute("SELECT severity FROM pending ORDER BY seq").fetchall()
        assert ranks == [(0,), (1,), (2,)], "no alarm is given up for another"
        outbox.settle(NOW, [1, 2, 3]).result(5)
        assert outbox.account([span(1, 3)]).result(5).back == 3


def test_what_is_kept_is_not_brought_back_as_well(outbox: Outbox) -> None:
    """Salvage may find it again: counted twice it would never be counted off."""
    fill(outbox, 5)
    records = outbox.pending()
    outbox.settle(NOW, range(1, 5)).result(5)
    assert outbox.restore(records).result(5) == 0
    assert waiting(outbox) == [5]
    assert outbox.account([span(1, 4)]).result(5).back == 4
    outbox.settle(NOW, range(1, 6)).result(5)
    status = outbox.status()
    assert (status.pending, status.kept) == (0, 5)


def test_an_epoch_left_for_a_higher_one_that_came_back_is_told(outbox: Outbox) -> None:
    fill(outbox, 3)
    later = msgspec.structs.replace(outbox.pending()[0], epoch=NOW + 500, seq=7)
    outbox.restore([later]).result(5)
    last = [(NOW, 3), (NOW + 500, 7), (NOW + 501, 0)]
    assert [(each.epoch, each.last) for each in outbox.numbers()] == last
