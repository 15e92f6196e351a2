"""Central goes back to an older copy of itself: the edges still hold what came since, and central asks for it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from central.store.sqlite import FILE
from tests.faults.driver import Driver, Task
from tests.faults.lab import Lab
from tests.faults.oracle import Verdict, report

SEED = 9


def restored(lab: Lab, seed: int) -> Verdict:
    task = lab.task(seed=seed, count=60)
    copy = lab.root / f"copy-{seed}"
    run(task)
    lab.central.kill()
    put(lab.central.data, copy)
    lab.central.start()
    run(replace(task, seed=seed + 1000))  # the edge lets go of these, for central has them
    lab.central.kill()
    put(copy, lab.central.data)
    healed = time.monotonic()
    lab.central.start()
    run(replace(task, seed=seed + 2000, count=0, beats=1))
    return lab.judge(task, healed)


def put(old: Path, new: Path) -> None:
    """The store's file and its WAL, and nothing newer of them."""
    new.mkdir(exist_ok=True)
    for file in new.glob(f"{FILE}*"):
        file.unlink()
    for file in old.glob(f"{FILE}*"):
        shutil.copy(file, new)


def run(task: Task) -> None:
    with Driver(task) as driver:
        assert driver.wait() == 0


def test_from_an_older_copy(lab: Lab, full: bool, in_time: Callable[[], bool]) -> None:
    total = Verdict()
    for seed in range(50 if full else 2):
        if not in_time():
            break
        verdict = restored(lab, seed)
        assert verdict.clean, (seed, verdict)
        total += verdict
    report("central-restored", SEED, total)
    assert total.events == 120 * total.n
