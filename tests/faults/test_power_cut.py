"""Power cuts at seeded moments, of the edge's disk and of central's. What was acknowledged is there afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.outbox import database
from tests.faults.disk import Disk
from tests.faults.driver import Driver
from tests.faults.lab import Central, Lab, add_edge, wait_for_lines
from tests.faults.oracle import Verdict, report

SEED = 3
ENDLESS = 1_000_000  # events; the cut comes first


def test_of_the_edges_disk(lab: Lab, disk: Disk, full: bool, in_time: Callable[[], bool]) -> None:
    chance = random.Random(SEED)
    total = Verdict()
    for cut in range(300 if full else 6):
        if not in_time():
            break
        task = lab.task(disk=disk.at, seed=cut, count=ENDLESS)
        with Driver(task) as driver:
            wait_for_lines(task.log, chance.randint(1, 400))
            lab.cut_power(disk, driver, task)
        drain, begun = lab.again(task)
        verdict = lab.judge(drain, begun)
        assert verdict.clean, (cut, verdict)
        total += verdict
    report("edge-power-cut", SEED, total)
    assert total.n > 0
    assert total.events > total.n


def test_of_centrals_disk(tmp_path: Path, disk: Disk, full: bool, in_time: Callable[[], bool]) -> None:
    """The edge has let go of what central acknowledged: nobody else has it."""
    chance = random.Random(SEED)
    data = disk.at / "central"
    token = add_edge(data, "edge-1")
    total = Verdict()
    with Central(data) as central:
        lab = Lab(tmp_path, central, token)
        for cut in range(50 if full else 2):
            if not in_time():
                break
            task = lab.task(seed=cut, count=400)
            with Driver(task) as driver:
                wait_for_lines(task.log, chance.randint(2, 800))
                disk.cut_power()
                central.kill()
                disk.unmount()
                disk.mount()
                healed = time.monotonic()
                central.start()
                assert driver.wait() == 0
            verdict = lab.judge(task, healed)
            assert verdict.clean, (cut, verdict)
            total += verdict
    report("central-power-cut", SEED, total)
    assert total.n > 0


def test_of_an_edge_that_does_not_sync_is_noticed(lab: Lab, disk: Disk) -> None:
    """The laboratory itself: an outbox that acknowledges before the disk has it is found guilty."""
    task = lab.task(disk=disk.at, seed=SEED, count=ENDLESS)
    lab.central.kill()  # what central already has cannot be lost
    with Driver(task, prepare=trust_the_page_cache) as driver:
        wait_for_lines(task.log, 400)
        lab.cut_power(disk, driver, task)
    lab.central.start()
    drain, _ = lab.again(task)
    assert lab.judge(drain).lost > 100


def trust_the_page_cache() -> None:
    sound = database.open_writer

    def careless(*given: Any, **named: Any) -> Any:
        db, head = sound(*given, **named)
        db.execute("PRAGMA synchronous=OFF")
        return db, head

    database.open_writer = careless
