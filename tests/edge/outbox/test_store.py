from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import OutboxError, OutboxFull, SettingsError
from edge.outbox import Limits, Outbox, Refusal
from edge.outbox.database import LAYOUT
from edge.records import left_open
from tests.edge.records import draft

NOW = 1_700_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Outbox(path, "edge-1", now_ms=lambda: NOW) as opened:
        yield opened


def reopened(path: Path, now: int = NOW + 5000, **limits: float) -> Outbox:
    return Outbox(path, "edge-1", now_ms=lambda: now, limits=Limits(**limits))  # type: ignore[arg-type]


def fill(outbox: Outbox, count: int) -> list[int]:
    return [f.result(5).seq for f in [outbox.append(draft()) for _ in range(count)]]


def spoil(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql, values)


def test_numbers_in_order_of_commit_without_gaps(outbox: Outbox) -> None:
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda _: outbox.append(draft()).result(5), range(200)))
    records = outbox.pending()
    assert [r.seq for r in records] == list(range(1, 201))
    assert {(r.edge_id, r.epoch) for r in records} == {("edge-1", NOW)}


def test_resolves_to_the_record_as_kept(outbox: Outbox) -> None:
    outbox.clock_offset = -17
    record = outbox.append(draft(camera_id="lobby")).result(5)
    assert (record.camera_id, record.clock_offset, record.seq) == ("lobby", -17, 1)
    assert outbox.pending() == [record]


def test_settle_deletes_only_what_is_named(outbox: Outbox) -> None:
    fill(outbox, 5)
    outbox.settle(NOW, [1, 3, 99], [Refusal(4, "invalid", "no such rule")]).result(5)
    assert [r.seq for r in outbox.pending()] == [2, 5]
    (parked,) = outbox.parked()
    assert (parked.epoch, parked.seq, parked.code, parked.reason) == (NOW, 4, "invalid", "no such rule")
    status = outbox.status()
    assert (status.pending, status.parked, status.settled, status.committed) == (2, 1, 2, 5)
    outbox.settle(NOW, [1, 3], [Refusal(4, "invalid", "again")]).result(5)
    assert len(outbox.parked()) == 1
    outbox.settle(NOW - 1, [2]).result(5)
    assert [r.seq for r in outbox.pending()] == [2, 5]


def test_pending_is_bounded_by_number_and_bytes(outbox: Outbox) -> None:
    fill(outbox, 20)
    assert len(outbox.pending(limit=7)) == 7
    assert 1 < len(outbox.pending(max_bytes=2000)) < 7
    assert len(outbox.pending(max_bytes=1)) == 1


def test_a_copy_of_a_closed_outbox_gives_no_number_again(path: Path, tmp_path: Path) -> None:
    """A data folder that was put back, or that runs elsewhere too."""
    with reopened(path, NOW) as first:
        fill(first, 3)
    given = set()
    for life in range(2):
        copy = tmp_path / f"copy-{life}"
        shutil.copytree(path.parent, copy)
        with reopened(copy / path.name, NOW + 1000 + life) as outbox:
            fill(outbox, 2)
            outbox.settle(NOW, [1, 2, 3]).result(5)
            given |= {(record.epoch, record.seq) for record in outbox.pending()}
    assert given == {(NOW + 1000, 1), (NOW + 1000, 2), (NOW + 1001, 1), (NOW + 1001, 2)}


@pytest.mark.parametrize("now", [NOW + 5000, NOW - 86_400_000], ids=["clock went on", "clock went back"])
def test_unclean_restart_starts_a_higher_epoch_and_sends_the_older_first(path: Path, now: int) -> None:
    _crash(path, 3)
    before = _epoch(path)
    with reopened(path, now) as outbox:
        assert outbox.status().epoch > before
        assert fill(outbox, 2) == [1, 2]
        old = outbox.pending()
        assert [(r.epoch, r.seq) for r in old] == [(before, 1), (before, 2), (before, 3)]
        outbox.settle(before, [1, 2, 3]).result(5)
        assert [r.seq for r in outbox.pending()] == [1, 2]


@pytest.mark.parametrize("lost", ["-wal", ""], ids=["WAL lost", "database lost"])
def test_lost_file_never_gives_a_number_twice(path: Path, lost: str) -> None:
    _crash(path, 3)
    before = _epoch(path)
    path.with_name(path.name + lost).unlink()
    with reopened(path, now=1) as outbox:
        assert outbox.status().epoch > before


def test_bad_draft_is_refused_at_once(outbox: Outbox) -> None:
    for bad in ({"camera_id": "two words"}, {"box": (0.5, 0, 0.1, 1)}, {"tier": 4}):
        with pytest.raises(ValueError):  # noqa: PT011 (msgspec's words)
            outbox.append(draft(**bad))
    assert outbox.pending() == []


def test_wakes_after_commit(outbox: Outbox) -> None:
    woken = threading.Event()
    outbox.on_commit(woken.set)
    fill(outbox, 1)
    assert woken.wait(5)


def test_a_batch_is_taken_whole_or_not_at_all(path: Path) -> None:
    with reopened(path, max_bytes=60_000) as outbox:
        batch = [draft(state="closed", closed_at=NOW, severity=s) for s in ("alarm", "info", "warning")] * 33
        taken = outbox.append_all(batch).result(5)
        assert [record.seq for record in taken] == list(range(1, 100))
        assert [record.event_id for record in taken] == [each.keywords["event_id"] for each in batch]
        assert outbox.pending() == taken
        with pytest.raises(OutboxFull):
            outbox.append_all(batch).result(5)
        status = outbox.status()
        assert (status.pending, status.committed, status.sacrificed) == (99, 99, 0)
        assert status.refused["max-bytes"] == 99
        assert outbox.append_all(batch[:3]).result(5)[0].seq == 100


def test_a_batch_with_one_that_breaks_the_contract_is_not_taken(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="tier"):
        outbox.append_all([draft(), draft(tier=9)])
    with pytest.raises(ValueError, match="split them"):
        outbox.append_all([draft()] * (Limits().group + 1))
    assert outbox.append_all([]).result(0) == []
    assert outbox.append_all([draft()]).result(5)[0].seq == 1


def test_max_bytes_refuses_new_records_and_keeps_old(path: Path) -> None:
    with reopened(path, max_bytes=110_000) as outbox:
        futures = [outbox.append(draft(state="closed", closed_at=NOW)) for _ in range(400)]
        wait(futures)
        refused = [f for f in futures if isinstance(f.exception(), OutboxFull)]
        status = outbox.status()
        assert len(refused) == status.refused["max-bytes"] > 0
        assert status.pending == 400 - len(refused) > 50
        assert status.full
        assert 109_000 < status.bytes <= 110_000
        outbox.settle(status.epoch, range(1, 200)).result(5)
        fill(outbox, 1)
        assert not outbox.status().full


def test_full_queue_waits_then_refuses(path: Path) -> None:
    """Another program holds the write lock, so the writer stands still."""
    with reopened(path, queue=2, patience=0.05, group=1) as outbox:
        fill(outbox, 1)
        with closing(sqlite3.connect(path, isolation_level=None)) as blocker:
            blocker.execute("BEGIN IMMEDIATE")
            accepted = [outbox.append(draft()) for _ in range(2)]
            with pytest.raises(OutboxFull) as full:
                accepted += (outbox.append(draft()) for _ in range(2))  # one may be in the writer's hands already
            assert full.value.retryable
            blocker.execute("ROLLBACK")
        assert [f.result(10).seq for f in accepted] == list(range(2, 2 + len(accepted)))
        assert outbox.status().refused == {"queue": 1}


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("UPDATE pending SET body = ? WHERE seq = 2", b"\x80"),
        ("UPDATE pending SET sha256 = ? WHERE seq = 2", b"x" * 32),
        ("UPDATE pending SET seq = ? WHERE seq = 2", 77),
        ("UPDATE pending SET body = ? WHERE seq = 2", "text"),
    ],
    ids=["body", "hash", "key", "type"],
)
def test_damaged_row_is_parked_and_the_others_go_on(path: Path, sql: str, value: object) -> None:
    with reopened(path, NOW) as outbox:
        fill(outbox, 3)
    spoil(path, sql, value)
    with reopened(path) as outbox:
        assert [r.seq for r in outbox.pending()] == [1, 3]
        assert [p.code for p in outbox.parked()] == ["damaged"]
        status = outbox.status()
        assert (status.pending, status.parked, status.damaged) == (2, 1, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"not a database at all" * 100,
        lambda data: data[: len(data) // 2],
        lambda data: data[:4096] + bytes(4096) + data[8192:],
        lambda data: data[:20] + bytes(20) + data[40:],
        lambda data: data.replace(b"CREATE TABLE head", b"CREATE TABLE dead", 1),
        lambda data: data.replace(b"edge-1", b"edge-2", 1),
    ],
    ids=["no database", "cut in half", "zero page", "header", "schema", "head"],
)
def test_damaged_file_is_put_aside_and_the_edge_starts(path: Path, damage: Callable[[bytes], bytes]) -> None:
    with reopened(path, NOW) as outbox:
        fill(outbox, 300)
        outbox.settle(NOW, range(2, 300)).result(5)  # so that `head` is read before any record
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with reopened(path) as outbox:
        status = outbox.status()
        assert status.quarantined == 1
        assert status.epoch > NOW
        assert fill(outbox, 1) == [1]
    (aside,) = (file for file in path.parent.glob("outbox.db.damaged-*") if not file.name.endswith("-wal"))
    assert aside.read_bytes() == broken


def test_damaged_file_is_put_aside_with_its_wal_untouched(path: Path) -> None:
    _crash(path, 3)
    wal = path.with_name("outbox.db-wal").read_bytes()
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    with reopened(path):
        (aside,) = path.parent.glob("outbox.db.damaged-*-wal")
        assert len(wal) > 4096
        assert aside.read_bytes() == wal


def test_file_damaged_while_in_use_is_put_aside(path: Path) -> None:
    with reopened(path, NOW) as outbox:
        fill(outbox, 2000)
    with reopened(path) as outbox:
        assert len(outbox.pending(limit=3)) == 3
        with path.open("r+b") as file:
            file.seek(3 * 4096)
            file.write(os.urandom(path.stat().st_size - 3 * 4096))
        with pytest.raises(OutboxError) as caught:
            outbox.pending(limit=2000)
        assert caught.value.hint
        assert outbox.pending() == []
        assert fill(outbox, 1) == [1]
        assert outbox.status().quarantined == 1


def test_other_edges_file_is_refused_not_put_aside(path: Path) -> None:
    reopened(path).close()
    with pytest.raises(SettingsError, match="belongs to edge 'edge-1'"):
        Outbox(path, "edge-2", now_ms=lambda: NOW)
    reopened(path).close()


def test_a_directory_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match=r"Not a directory|File exists") as caught:
        reopened(tmp_path / "file" / "outbox.db")
    assert caught.value.hint


def test_newer_layout_is_refused_not_put_aside(path: Path) -> None:
    reopened(path).close()
    spoil(path, f"PRAGMA user_version={LAYOUT + 1}")
    with pytest.raises(SettingsError, match="newer"):
        reopened(path)


def test_second_process_is_refused_by_the_pid_of_the_first(outbox: Outbox, path: Path) -> None:
    command = [sys.executable, "-m", "tests.edge.outbox.writer_child", str(path), "1", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode != 0
    assert f"in use by process {os.getpid()}" in second.stderr
    with pytest.raises(SettingsError):
        reopened(path)
    fill(outbox, 1)


def test_close_commits_what_was_handed_in_and_is_idempotent(path: Path) -> None:
    outbox = reopened(path, NOW)
    futures = [outbox.append(draft()) for _ in range(50)]
    outbox.close()
    outbox.close()
    assert [f.result(0).seq for f in futures] == list(range(1, 51))
    for use in (lambda: outbox.append(draft()), outbox.pending, lambda: outbox.settle(NOW, [1])):
        with pytest.raises(OutboxError, match="closed"):
            use()
    assert outbox.status().pending == 50


def test_start_and_stop_leak_nothing(path: Path) -> None:
    reopened(path).close()
    files, threads = open_files(), threading.active_count()
    for _ in range(20):
        with reopened(path) as outbox:
            fill(outbox, 1)
            outbox.pending()
    assert (open_files(), threading.active_count()) == (files, threads)


def test_oldest_age_is_that_of_the_oldest_record(path: Path) -> None:
    with reopened(path, NOW) as outbox:
        assert outbox.status().oldest_age is None
        fill(outbox, 1)
    with reopened(path, NOW + 90_000) as outbox:
        fill(outbox, 1)
        assert outbox.status().oldest_age == 90


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _crash(path: Path, count: int) -> None:
    """`count` records, then gone without a close."""
    code = (
        "import os, sys, pathlib; from edge.outbox import Outbox; from tests.edge.records import draft\n"
        f"o = Outbox(pathlib.Path(sys.argv[1]), 'edge-1', now_ms=lambda: {NOW})\n"
        f"[o.append(draft()).result(5) for _ in range({count})]; os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], timeout=30, check=False).returncode == 9


def _epoch(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT epoch FROM head").fetchone()[0])


def test_events_that_have_not_closed_stand_over_a_restart(path: Path) -> None:
    with reopened(path) as first:
        opened, closed = draft(), draft()
        first.append(opened).result(5)
        gone = first.append(closed).result(5)
        first.append(left_open(gone, NOW)).result(5)
        first.settle(gone.epoch, [1, 2, 3]).result(5)
    with reopened(path) as second:
        (standing,) = second.standing()
        assert (standing.seq, standing.state) == (1, "open")
        late = second.append(left_open(standing, NOW + 99_000)).result(5)
        assert (late.event_id, late.state) == (standing.event_id, "closed")
        assert (late.opened_at, late.closed_at, late.at) == (standing.opened_at, standing.at, NOW + 99_000)
        assert second.standing() == []


def test_a_damaged_standing_row_is_left_out(path: Path) -> None:
    with reopened(path) as outbox:
        fill(outbox, 2)
    spoil(path, "UPDATE standing SET body = x'00' WHERE seq = 1")
    with reopened(path) as outbox:
        assert [record.seq for record in outbox.standing()] == [2]


def test_a_record_in_the_midst_of_its_commit_is_not_overlooked(path: Path) -> None:
    committing, goes_on = threading.Event(), threading.Event()

    def now() -> int:
        if threading.current_thread().name == "outbox":
            committing.set()
            goes_on.wait(5)
        return NOW

    with Outbox(path, "edge-1", now_ms=now) as outbox:
        kept = outbox.append(draft())
        assert committing.wait(5)
        status = outbox.status()
        assert (status.pending, status.queued) == (0, 1), "who waits until all is sent must see that something comes"
        goes_on.set()
        kept.result(5)
        assert outbox.status().pending == 1


def test_alarms_are_the_newest_of_the_newest_epoch(path: Path) -> None:
    with reopened(path) as outbox:
        first = outbox.append(draft(severity="alarm")).result(5)
    with reopened(path) as outbox:
        for severity in ("alarm", "info", "alarm", "alarm", "warning"):
            outbox.append(draft(severity=severity)).result(5)
        assert [r.seq for r in outbox.alarms(10)] == [1, 3, 4]
        assert [r.seq for r in outbox.alarms(2)] == [3, 4]
        assert [r.seq for r in outbox.alarms(10, max_bytes=1)] == [4]
        spoil(path, "UPDATE pending SET body = ? WHERE seq = 4", b"\x80")
        assert [r.seq for r in outbox.alarms(2)] == [3], "the next time there are two again"
        assert [r.seq for r in outbox.alarms(2)] == [1, 3]
        outbox.settle(outbox.alarms(1)[0].epoch, [1, 3]).result(5)
        assert outbox.alarms(10) == [first]
        outbox.settle(first.epoch, [first.seq]).result(5)
        assert outbox.alarms(10) == []
