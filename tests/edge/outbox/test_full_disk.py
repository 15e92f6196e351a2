from __future__ import annotations

import os
import sqlite3
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path

import pytest

from edge.errors import OutboxError, OutboxFull
from edge.outbox import Outbox
from edge.outbox.database import BALLAST
from edge.outbox.jobs import Job, Work
from edge.shelf import Shelf
from edge.stills import Stills
from tests.edge.records import draft
from tests.edge.test_shelf import facts
from tests.waiting import wait_until

NOW = 1_700_000_000_000


def open_on(disk: Path) -> Outbox:
    return Outbox(disk / "outbox.db", "edge-1", now_ms=lambda: NOW)


def fill(outbox: Outbox) -> int:
    """Append until the disk is full, one by one at the end; the number accepted."""
    accepted = 0
    for size in (200, 1):
        while True:
            futures = [outbox.append(draft()) for _ in range(size)]
            wait(futures)
            accepted += sum(1 for future in futures if future.exception() is None)
            if any(isinstance(future.exception(), OutboxFull) for future in futures):
                break
    return accepted


def take_all(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_refuses_on_a_full_disk_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    other = small_disk / "somebody-elses"
    with open_on(small_disk) as outbox:
        outbox.append(draft()).result(5)
        take_all(other)
        accepted = 1 + fill(outbox)
        status = outbox.status()
        assert status.full
        assert status.refused["disk-full"] > 0
        assert status.fault == ""
        assert len(outbox.pending(2000)) == min(accepted, 2000)
        other.unlink()
        assert outbox.append(draft()).result(5).seq == accepted + 1
        assert not outbox.status().full


def test_stills_go_before_any_record(small_disk: Path) -> None:
    stills = Stills(small_disk / "stills", {}, lambda: NOW, max_bytes=1 << 30)
    shelf = Shelf(small_disk / "stills", 1 << 30)
    shelf.open()
    for number in range(8):
        assert shelf.keep(facts(number, at=NOW + number), bytes(100_000))
    with open_on(small_disk) as outbox:
        stills.start()
        wait_until(lambda: stills.status().kept == 8)
        outbox.on_full(stills.shed)
        first = outbox.append(draft(severity="info")).result(5)
        outbox.settle(first.epoch, [first.seq]).result(5)
        outbox.append(draft(severity="info")).result(5)
        take_all(small_disk / "somebody-elses")
        for _ in range(300):
            outbox.append(draft(severity="alarm")).result(5)
        status = outbox.status()
        assert (status.kept, status.sacrificed, status.refused) == (1, 0, {"queue": 0})
        assert stills.status().deleted["disk-full"] == 8
    stills.stop(5)


def test_settles_on_a_disk_that_the_outbox_itself_filled(small_disk: Path) -> None:
    with open_on(small_disk) as outbox:
        accepted = fill(outbox)
        assert os.statvfs(small_disk).f_bavail * 4096 < 64 << 10
        settled = 0
        while records := outbox.pending():
            outbox.settle(records[0].epoch, [r.seq for r in records]).result(5)
            settled += len(records)
        assert settled == accepted
        assert outbox.append(draft()).result(5).seq == accepted + 1


def test_starts_on_a_full_disk_by_its_ballast(small_disk: Path) -> None:
    with open_on(small_disk) as outbox:
        accepted = fill(outbox)
    take_all(small_disk / "somebody-elses")
    with open_on(small_disk) as outbox:
        assert outbox.status().pending == accepted
        records = outbox.pending()
        outbox.settle(records[0].epoch, [r.seq for r in records]).result(5)
        assert outbox.status().pending == accepted - len(records)


def test_ballast_is_held_while_there_is_room(tmp_path: Path) -> None:
    with open_on(tmp_path):
        assert (tmp_path / "outbox.ballast").stat().st_blocks * 512 >= BALLAST


def test_a_file_that_cannot_be_opened_anew_on_a_full_disk_ends_no_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_on(tmp_path) as outbox, monkeypatch.context() as patch:
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        troubles: list[Exception] = [full]
        really = Work.do

        def do(work: Work, job: Job) -> None:
            if troubles:
                raise troubles.pop()
            really(work, job)

        def no_room(*_: object, **__: object) -> None:
            raise OutboxFull("the disk is full")

        patch.setattr(Work, "do", do)
        patch.setattr("edge.outbox.database.open_writer", no_room)
        with pytest.raises(OutboxError, match="full"):
            outbox._reopen()
        patch.undo()
        assert outbox.append(draft()).result(5).seq == 1
