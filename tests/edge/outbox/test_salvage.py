"""Damage done to real files, and what the real outbox has after them. One seed, so that a failure comes again."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from typer.testing import CliRunner

from contract.event import EventRecord
from contract.heartbeat import Span
from edge.cli import app
from edge.errors import OutboxError, OutboxFull
from edge.outbox import Limits, Outbox, Refusal, aside, database
from edge.outbox.salvage import Salvage, Salvaged, salvage
from edge.records import left_open
from tests.edge.records import draft
from tests.waiting import wait_until

NOW = 1_700_000_000_000
COUNT = 400
OVER = {"state": "closed", "closed_at": NOW}

Truth = dict[int, EventRecord]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder that costs no fsync, where there is one: these tests open hundreds of files, and none is about power."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def opened(path: Path, now: int = NOW + 5000, edge_id: str = "edge-1", **limits: float) -> Outbox:
    return Outbox(path, edge_id, now_ms=lambda: now, limits=Limits(**limits))  # type: ignore[arg-type]


def filled(path: Path, count: int = COUNT, **values: object) -> Truth:
    with opened(path, NOW) as outbox:
        futures = [outbox.append(draft(**(values or OVER))) for _ in range(count)]
    return {f.result().seq: f.result() for f in futures}


def all_pending(outbox: Outbox) -> list[EventRecord]:
    """Also where the file turns out damaged only now: then it is put aside under our hands."""
    try:
        return outbox.pending(limit=10_000, max_bytes=1 << 30)
    except OutboxError:
        return outbox.pending(limit=10_000, max_bytes=1 << 30)


def after(path: Path) -> list[EventRecord]:
    """What an edge would send after a start and the salvage."""
    with opened(path) as outbox:
        all_pending(outbox)
        salvage(outbox)
        assert outbox.status().quarantined == 0
        return all_pending(outbox)


def rows_of(data: bytes, truth: Truth) -> dict[int, list[tuple[int, int]]]:
    """Where each record's rows lie: from the body to the end of the hash."""
    places: dict[int, list[tuple[int, int]]] = {}
    for seq, record in truth.items():
        row = b"".join(database.pack(record))
        at = data.find(row)
        while at >= 0:
            places.setdefault(seq, []).append((at, at + len(row)))
            at = data.find(row, at + 1)
    return places


def untouched(places: dict[int, list[tuple[int, int]]], low: int, high: int) -> set[int]:
    """Numbers of which one row at least lies outside the bytes from `low` to `high`."""
    return {seq for seq, rows in places.items() if any(end <= low or start >= high for start, end in rows)}


def judge(found: list[EventRecord], truth: Truth, sound: set[int]) -> tuple[int, int]:
    """How many of the sound rows are back, of how many. A wrong one, or one twice, fails."""
    assert all(record == truth[record.seq] for record in found)
    back = {record.seq for record in found}
    assert len(back) == len(found)
    return len(back & sound), len(sound)


@pytest.mark.parametrize(
    ("where", "cases", "put_aside_at_least"), [("anywhere", 200, 5), ("page heads", 100, 50)], ids=["anywhere", "heads"]
)
def test_single_flipped_bits(memory: Path, where: str, cases: int, put_aside_at_least: int) -> None:
    """Few random ones harm more than a row or free space: so also aimed at what SQLite needs to find its way."""
    truth = filled(memory / "outbox.db")
    good = (memory / "outbox.db").read_bytes()
    places = rows_of(good, truth)
    chance = random.Random(12)
    back = sound = put_aside = 0
    for case in range(cases):
        at = chance.randrange(len(good))
        if where == "page heads":
            at = at // database.PAGE_SIZE * database.PAGE_SIZE + chance.randrange(48)
        spoilt = bytearray(good)
        spoilt[at] ^= 1 << chance.randrange(8)
        home = memory / str(case) / "outbox.db"
        home.parent.mkdir()
        home.write_bytes(spoilt)
        found, whole = judge(after(home), truth, untouched(places, at, at + 1))
        assert found >= 0.99 * whole, (case, at)
        back, sound = back + found, sound + whole
        put_aside += bool(list(home.parent.glob("outbox.db.salvaged-*")))
        shutil.rmtree(home.parent)
    print({"test": f"flips {where}", "n": cases, "files put aside": put_aside, "sound rows": sound, "back": back})
    assert back == sound
    assert put_aside >= put_aside_at_least


@pytest.mark.parametrize("how", ["cut", "zeroed", "garbage"])
def test_every_page_in_turn(memory: Path, how: str) -> None:
    truth = filled(memory / "outbox.db")
    good = (memory / "outbox.db").read_bytes()
    places = rows_of(good, truth)
    size = database.PAGE_SIZE
    noise = random.Random(3).randbytes(size)
    for page in range(len(good) // size):
        at, end = page * size, (page + 1) * size
        data, sound = {
            "cut": (good[:at], untouched(places, at, len(good))),
            "zeroed": (good[:at] + bytes(size) + good[end:], untouched(places, at, end)),
            "garbage": (good[:at] + noise + good[end:], untouched(places, at, end)),
        }[how]
        home = memory / str(page) / "outbox.db"
        home.parent.mkdir()
        home.write_bytes(data)
        back, whole = judge(after(home), truth, sound)
        assert back == whole, page
        assert whole > COUNT * 0.9 or how == "cut"
        shutil.rmtree(home.parent)


def crashed(path: Path, count: int) -> None:
    """`count` records, none in the main file yet, then gone without a close."""
    code = (
        "import os, sys, pathlib; from edge.outbox import Outbox; from tests.edge.records import draft\n"
        f"o = Outbox(pathlib.Path(sys.argv[1]), 'edge-1', now_ms=lambda: {NOW})\n"
        f"[f.result(5) for f in [o.append(draft()) for _ in range({count})]]; os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], timeout=30, check=False).returncode == 9


@pytest.mark.parametrize(
    "damage",
    [
        lambda main, wal: main.write_bytes(b"\xff" * 8192 + main.read_bytes()[8192:]),
        lambda main, wal: main.write_bytes(b""),
        lambda main, wal: main.unlink(),
    ],
    ids=["header", "empty", "lost"],
)
def test_records_that_are_only_in_the_wal(tmp_path: Path, damage: Callable[[Path, Path], object]) -> None:
    path = tmp_path / "outbox.db"
    crashed(path, 60)
    wal = path.with_name("outbox.db-wal")
    assert b"edge-1" not in path.read_bytes()[8192 * 2 :]
    damage(path, wal)
    assert [record.seq for record in after(path)] == list(range(1, 61))


def test_a_lost_wal_takes_only_what_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path)
    crashed(path, 60)
    path.with_name("outbox.db-wal").unlink()
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(60) + data[160:])
    assert judge(after(path), truth, set(truth)) == (COUNT, COUNT)


def spoil_the_root(path: Path, table: str) -> None:
    """The head of the page that a table begins with."""
    with closing(database.open_reader(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * database.PAGE_SIZE : (page - 1) * database.PAGE_SIZE + 8] = b"\xaa" * 8
    path.write_bytes(data)


def test_the_edge_does_it_by_itself_after_a_start(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path)
    spoil_the_root(path, "pending")
    with opened(path) as outbox:
        assert outbox.status().quarantined == 1
        assert outbox.pending() == []
        mine = outbox.append(draft(**OVER)).result(5)
        woken: list[int] = []
        outbox.on_commit(lambda: woken.append(1))
        worker = Salvage(outbox)
        worker.start()
        wait_until(lambda: outbox.status().quarantined == 0)
        worker.stop()
        assert woken, "the uplink hears of it"
        status = outbox.status()
        assert (status.pending, status.salvaged) == (COUNT + 1, COUNT)
        assert all_pending(outbox) == list(truth.values()), "the oldest epoch first"
        outbox.settle(NOW, truth).result(5)
        assert all_pending(outbox) == [mine]
    assert len([file for file in tmp_path.glob("outbox.db.salvaged-*") if not file.name.endswith("-wal")]) == 1


def test_the_edge_does_it_by_itself_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path)
    with opened(path) as outbox:
        worker = Salvage(outbox)
        worker.start()
        spoil_the_root(path, "pending")
        with pytest.raises(OutboxError):
            outbox.pending(limit=10_000, max_bytes=1 << 30)
        wait_until(lambda: outbox.status().salvaged == COUNT and outbox.status().quarantined == 0)
        worker.stop()
        assert all_pending(outbox) == list(truth.values())


def test_events_that_stood_are_closed_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path, NOW) as outbox:
        open_ones = [outbox.append(draft()).result(5) for _ in range(30)]
        closed = [outbox.append(left_open(record, NOW + 7)).result(5) for record in open_ones[:20]]
        outbox.settle(NOW, [record.seq for record in (*open_ones, *closed)]).result(5)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"edge-1", b"edge-7", 1))  # in the outbox's head
    with opened(path) as outbox:
        assert outbox.status().quarantined == 1
        assert {record.event_id for record in outbox.standing()} == {record.event_id for record in open_ones[20:]}
        ends = [outbox.append(left_open(record, NOW + 9)).result(5) for record in outbox.standing()]
        salvage(outbox)
        assert outbox.standing() == []
        for record in all_pending(outbox):  # what a page still held of the events that are over is as it was
            assert record in (*open_ones, *closed, *ends)


def test_an_event_that_closed_behind_the_damage_of_the_wal_does_not_stand(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path, NOW) as outbox:
        first = outbox.append(draft()).result(5)
    with opened(path, NOW + 1) as outbox:
        end = outbox.append(left_open(first, NOW + 7)).result(5)
        before = (path.read_bytes(), bytearray(path.with_name("outbox.db-wal").read_bytes()))
    main, wal = before
    wal[24 + 32 + 3] ^= 1  # the first frame: SQLite reads nothing of this WAL
    path.with_name("outbox.db-wal").write_bytes(wal)
    path.write_bytes(main.replace(b"edge-1", b"edge-7", 1))  # in the outbox's head
    with opened(path) as outbox:
        assert outbox.standing() == []
        salvage(outbox)
        assert outbox.pending() == [first]
        outbox.settle(first.epoch, [first.seq]).result(5)
        assert outbox.pending() == [end]


def test_only_its_own_records_and_each_once(tmp_path: Path) -> None:
    path, other = tmp_path / "outbox.db", tmp_path / "other" / "outbox.db"
    truth = filled(path, 5)
    with opened(other, NOW, "edge-2") as outbox:
        outbox.append(draft(**OVER)).result(5)
    own = path.read_bytes()
    path.with_name("outbox.db.damaged-1").write_bytes(own + other.read_bytes() + own)
    path.with_name("outbox.db.damaged-2").write_bytes(own)
    path.with_name("outbox.db.damaged-by-hand").write_bytes(other.read_bytes())
    with opened(path) as outbox:
        outbox.settle(NOW, refused=[Refusal(4, "invalid", "no such rule")]).result(5)
        done = salvage(outbox)
        assert done == Salvaged(records=1, epochs={NOW}, files=2)
        assert all_pending(outbox) == list(truth.values())


def test_numbers_of_a_later_epoch_push_the_epoch_on(tmp_path: Path) -> None:
    """The clock went back and the lock file, which remembers the last epoch, was lost."""
    path = tmp_path / "outbox.db"
    truth = filled(path, 5)
    path.rename(path.with_name("outbox.db.damaged-1"))
    path.with_name("outbox.lock").unlink()
    with opened(path, NOW) as outbox:
        assert outbox.status().epoch == NOW
        salvage(outbox)
        fresh = outbox.append(draft(**OVER)).result(5)
        assert (fresh.epoch, fresh.seq) == (NOW + 1, 1)
        assert all_pending(outbox) == list(truth.values())


def test_a_full_outbox_leaves_the_file_for_later_and_room_for_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path, 1200)
    path.rename(path.with_name("outbox.db.damaged-1"))
    with opened(path, max_bytes=500_000) as outbox:
        with pytest.raises(OutboxFull):
            salvage(outbox)
        status = outbox.status()
        assert (status.pending, status.quarantined, status.full, status.refused["queue"]) == (500, 1, False, 0)
        outbox.append(draft(**OVER)).result(5)

        def central_takes_some() -> bool:
            pending = [record for record in all_pending(outbox) if record.epoch == NOW]
            outbox.settle(NOW, [record.seq for record in pending]).result(5)
            sent.extend(pending)
            return True

        sent: list[EventRecord] = []
        salvage(outbox, patience=central_takes_some)
        sent += [record for record in all_pending(outbox) if record.epoch == NOW]
        assert {record.seq for record in sent} == set(truth)
        assert outbox.status().quarantined == 0


def test_the_end_of_the_edge_leaves_the_file_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    filled(path, 5)
    path.rename(path.with_name("outbox.db.damaged-1"))
    with opened(path) as outbox:
        assert salvage(outbox, ending=lambda: True).files == 0
        assert outbox.status().quarantined == 1
        worker = Salvage(outbox)
        worker.stop()
        worker.start()
        worker.stop()
        worker.stop()
        assert outbox.status().quarantined == 1
        assert salvage(outbox).files == 1


def test_three_salvaged_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path, 5)
    data = path.read_bytes()
    for stamp in range(95, 101):
        path.with_name(f"outbox.db.damaged-{stamp}").write_bytes(data)
        path.with_name(f"outbox.db.damaged-{stamp}-wal").write_bytes(data)
    with opened(path) as outbox:
        outbox.settle(NOW, truth).result(5)
        assert salvage(outbox) == Salvaged(records=0, epochs={NOW}, files=6, deleted=3), "kept"
    kept = {f"outbox.db.salvaged-{stamp}{part}" for stamp in (98, 99, 100) for part in ("", "-wal")}
    assert {file.name for file in tmp_path.glob("outbox.db.*-*")} == kept


def test_what_the_disk_cannot_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path)
    data = path.read_bytes()
    path.rename(path.with_name("outbox.db.damaged-1"))
    places = rows_of(data, truth)
    bad = range(20_480, 28_672)
    really = os.pread

    def pread(fd: int, count: int, at: int) -> bytes:
        if at in bad:
            raise OSError(5, "Input/output error")
        return really(fd, min(count, bad.start - at) if at < bad.start else count, at)

    monkeypatch.setattr(os, "pread", pread)
    assert judge(after(path), truth, untouched(places, bad.start, bad.stop))[0] > COUNT * 0.9


def test_a_record_across_two_windows_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path)
    path.rename(path.with_name("outbox.db.damaged-1"))
    monkeypatch.setattr(aside, "_WINDOW", 5000)
    assert after(path) == list(truth.values())


def test_a_parked_record_is_sent_again_and_central_decides_again(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path, NOW) as outbox:
        kept = outbox.append(draft(**OVER)).result(5)
        outbox.settle(NOW, refused=[Refusal(1, "invalid", "no such rule")]).result(5)
    path.rename(path.with_name("outbox.db.damaged-1"))
    assert after(path) == [kept]


def spoil_the_head(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"edge-1", b"edge-7", 1))  # in the outbox's head


def test_epochs_of_the_damaged_file_are_known_in_the_new_one(tmp_path: Path) -> None:
    """Central may miss numbers of one whose records are gone: unknown to the edge they were late for ever."""
    path = tmp_path / "outbox.db"
    for epoch in range(NOW, NOW + 50, 10):
        with opened(path, epoch, kept=0) as outbox:
            records = [outbox.append(draft(**OVER)).result(5) for _ in range(3)]
            if epoch > NOW:  # of the first one records are left, to be salvaged
                outbox.settle(epoch, [record.seq for record in records]).result(5)
    spoil_the_head(path)
    with opened(path) as outbox:
        assert outbox.status().quarantined == 1
        salvage(outbox)
        known = [(each.epoch, each.last) for each in outbox.numbers()]
        assert known == [*((epoch, 3) for epoch in range(NOW, NOW + 50, 10)), (NOW + 5000, 0)]
        span = Span(epoch=NOW + 20, first=1, last=4)
        assert [lost.reason for lost in outbox.account([span]).result(5).lost][-1] == "gone"


def test_what_no_outbox_writes_is_no_epoch(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    filled(path, 1)
    with closing(sqlite3.connect(path)) as db:
        wrong = [(NOW + 9000, 1), (7, -1), (8, 2**60), (9, "many"), (NOW - 1, 5)]
        db.executemany("INSERT INTO epochs VALUES (?, ?)", wrong)
        db.commit()
    spoil_the_head(path)
    with opened(path) as outbox:
        assert [each.epoch for each in outbox.numbers()] == [NOW - 1, NOW, NOW + 5000]


def test_a_salvage_that_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path, 5)
    path.rename(path.with_name("outbox.db.damaged-1"))
    with opened(path) as outbox:
        faults = [OutboxError("the disk stood still"), OSError(5, "Input/output error")]
        really = outbox.restore

        def restore(records: list[EventRecord]) -> Future[int]:
            if faults:
                raise faults.pop()
            return really(records)

        monkeypatch.setattr(outbox, "restore", restore)
        worker = Salvage(outbox, chance=lambda: 0.0)
        worker.start()
        wait_until(lambda: outbox.status().quarantined == 0)
        worker.stop()
        assert not faults
        assert all_pending(outbox) == list(truth.values())


def test_the_wait_for_another_try_ends_with_the_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    filled(path, 5)
    path.rename(path.with_name("outbox.db.damaged-1"))
    with opened(path) as outbox:
        tried = threading.Event()

        def restore(_: object) -> Future[int]:
            tried.set()
            raise OutboxError("the disk stood still")

        monkeypatch.setattr(outbox, "restore", restore)
        monkeypatch.setattr("edge.outbox.salvage.FIRST_WAIT_S", 1e6)
        worker = Salvage(outbox, chance=lambda: 1.0)
        worker.start()
        assert tried.wait(5)
        worker.stop()
        assert outbox.status().quarantined == 1


def test_no_file_put_aside_takes_another_one_s_name(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    for stamp, state in ((7, "damaged"), (8, "salvaged"), (9, "newer")):
        path.with_name(f"outbox.db.{state}-{stamp}").write_bytes(b"before")
    path.with_name("outbox.db.damaged-10-wal").write_bytes(b"before")
    path.write_bytes(b"now")
    assert aside.put_aside(path, 7).file.name == "outbox.db.damaged-11"
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())].count(b"before") == 4


def test_a_file_with_records_of_a_newer_schema_is_not_done(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    truth = filled(path, 5)
    newer = msgspec.msgpack.encode(msgspec.to_builtins(truth[5]) | {"seq": 6, "weather": "rain"})
    data = path.read_bytes() + newer + hashlib.sha256(newer).digest()
    path.rename(path.with_name("outbox.db.damaged-1"))
    path.with_name("outbox.db.damaged-1").write_bytes(data)
    with opened(path) as outbox:
        assert salvage(outbox) == Salvaged(records=5, epochs={NOW}, newer=1)
        assert outbox.status().quarantined == 1, "not done"
        assert all_pending(outbox) == list(truth.values())
        assert salvage(outbox) == Salvaged(records=0, epochs={NOW}, newer=1)
    done = CliRunner().invoke(app, ["outbox", "status", str(tmp_path)])
    first, last = done.output.splitlines()
    assert first == (
        f"damaged, holds records of a newer version, start that one again: outbox.db.newer-1, {len(data)} bytes"
    )
    assert last.endswith("damaged files 1")
    with opened(path) as outbox:  # the newer version's start, which can read all of it
        path.with_name("outbox.db.newer-1").write_bytes(data[: -len(newer) - 32])
        assert salvage(outbox).files == 1
        assert outbox.status().quarantined == 0
