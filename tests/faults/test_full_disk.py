"""Disks that are full, and disks that fail once. Nobody has to lend a hand."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.driver import Driver, Task
from tests.faults.lab import Central, Lab, Strace, add_edge, lines, wait_for_lines
from tests.faults.oracle import Diary, Verdict, report, stored_at
from tests.waiting import wait_until

SEED = 6
ENDLESS = 1_000_000


def take_all(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def stands_still(lab: Lab, task: Task) -> bool:
    """Whether central takes nothing while the edge goes on."""
    before = len(stored_at(lab.central.data, lab.edge_id))
    wait_for_lines(task.log, lines(task.log) + 1000)
    return len(stored_at(lab.central.data, lab.edge_id)) == before


def full_for_a_while(lab: Lab, tmpfs: Path, seed: int) -> tuple[Verdict, float]:
    """And the seconds from room to the first acknowledgement."""
    task = lab.task(disk=tmpfs, seed=seed, count=ENDLESS)
    lab.central.kill()  # else the outbox makes room in its own file
    with Driver(task) as driver:
        wait_for_lines(task.log, 100)
        take_all(tmpfs / "somebody-elses")
        wait_until(lambda: Diary.read(task.log).failed["OutboxFull"] >= 3, 30)
        acked = len(Diary.read(task.log).acked)
        room = time.monotonic()
        (tmpfs / "somebody-elses").unlink()
        wait_until(lambda: len(Diary.read(task.log).acked) > acked, 30)
        took = time.monotonic() - room
        task.enough.touch()
        healed = time.monotonic()
        lab.central.start()
        assert driver.wait() == 0
    return lab.judge(task, healed), took


def test_of_the_edge(lab: Lab, tmpfs: Path, full: bool) -> None:
    total = Verdict()
    first_acks: list[float] = []
    for seed in range(20 if full else 1):
        verdict, took = full_for_a_while(lab, tmpfs, seed)
        assert verdict.clean, (seed, verdict)
        total += verdict
        first_acks.append(took)
    slowest = max(first_acks)
    report("edge-full-disk", 0, total, first_ack_max=round(slowest, 3))
    assert slowest <= 2


def test_of_central(tmp_path: Path, tmpfs: Path, full: bool) -> None:
    if not full:
        pytest.skip("only in the laboratory (--faults full): central asks the edge to wait 30 s")
    data = tmpfs / "central"
    token = add_edge(data, "edge-1")
    with Central(data) as central:
        lab = Lab(tmp_path, central, token)
        task = lab.task(seed=SEED, count=ENDLESS)
        with Driver(task) as driver:
            wait_for_lines(task.log, 100)
            take_all(tmpfs / "somebody-elses")
            assert any(stands_still(lab, task) for _ in range(20))
            task.enough.touch()
            (tmpfs / "somebody-elses").unlink()
            healed = time.monotonic()
            assert driver.wait(120) == 0
        verdict = lab.judge(task, healed)
    report("central-full-disk", SEED, verdict)
    assert verdict.clean, verdict


@pytest.mark.parametrize(("call", "error"), [("fdatasync", "EIO"), ("pwrite64", "ENOSPC")])
def test_that_fails_the_edge_once(strace: None, lab: Lab, full: bool, call: str, error: str) -> None:
    """After a failed fsync nothing is acknowledged in the epoch that it failed in: the file was opened anew."""
    total = Verdict()
    refused = 0
    for when in range(1, 101) if full else (3, 5, 9, 30):
        task = lab.task(seed=when, count=200, group=1)
        with Driver(task, halt=True) as driver:
            driver.go()
            assert driver.stands_at() == "open"
            with Strace(driver.pid, call, f"error={error}:when={when}"):
                driver.go()
                assert driver.wait() == 0
        diary = Diary.read(task.log)
        failed = sum(diary.failed.values())
        assert failed <= 1
        assert len(diary.acked) == 200 - failed
        if error == "EIO" and failed and diary.epochs_before:
            assert max(diary.epochs_before) < min(diary.epochs_after), "acknowledged without opening anew"
        refused += failed
        verdict = lab.judge(task)
        assert verdict.clean, (when, verdict)
        total += verdict
    report(f"edge-{error.lower()}", 0, total, refused=refused)
    assert refused or not full, "a commit that fails may be one that lets go of what central has"


def test_that_fails_central_once(strace: None, lab: Lab, full: bool) -> None:
    if not full:
        pytest.skip("only in the laboratory (--faults full): central asks the edge to wait 10 s")
    total = Verdict()
    for when in range(1, 41, 4):
        task = lab.task(seed=when, count=200, lockstep=True)
        with Driver(task, halt=True) as driver:
            driver.go()
            assert driver.stands_at() == "open"
            with Strace(lab.central.pid, "fdatasync", f"error=EIO:when={when}"):
                healed = time.monotonic()
                driver.go()
                assert driver.wait() == 0
        verdict = lab.judge(task, healed)
        assert verdict.clean, (when, verdict)
        total += verdict
    report("central-eio", 0, total)
