"""All of it mixed, in a seeded order: while the edge goes on, each fault comes on top of what the last one left."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.faults import proxy
from tests.faults.disk import Disk
from tests.faults.driver import Driver
from tests.faults.lab import Lab, Strace, lines, wait_for_lines
from tests.faults.oracle import Verdict, report
from tests.faults.proxy import Proxy, Step

SEED = 8
ENDLESS = 1_000_000
STEPS = (proxy.PASS, proxy.SWALLOW, proxy.REPLAY, proxy.STALE, proxy.HALF_CLOSE, proxy.SILENCE, proxy.DELAY)


class Schedule:
    """One run. Every method but `run` is a fault, over when it returns."""

    def __init__(self, lab: Lab, disk: Disk, seed: int) -> None:
        self._lab, self._disk, self._seed = lab, disk, seed
        self._chance = random.Random(seed)
        self._lives = 0
        self.told: list[str] = []

    def run(self) -> Verdict:
        task = self._lab.task(disk=self._disk.at, count=ENDLESS, patience=0.5)
        with Proxy(task.central, self._script()) as way:
            self._task = self._lab.through(task, way.url)
            self._driver = self._start()
            try:
                for _ in range(self._chance.randint(3, 6)):
                    self._events(1, 150)
                    fault = self._chance.choice(FAULTS)
                    self.told.append(fault.__name__)
                    fault(self)
                self._events(1, 150)
                self._task.enough.touch()
                healed = time.monotonic()
                assert self._driver.wait() == 0
            finally:
                self._driver.__exit__()
        return self._lab.judge(task, healed)

    def kill_edge(self) -> None:
        self._driver.kill()
        self._restart()

    def kill_central(self) -> None:
        self._lab.central.kill()
        self._events(1, 300)
        self._lab.central.start()

    def cut_power(self) -> None:
        self._lab.cut_power(self._disk, self._driver, self._task)
        self._restart()

    def pause_central(self) -> None:
        self._lab.central.send(signal.SIGSTOP)
        self._events(300, 900)
        self._lab.central.send(signal.SIGCONT)

    def fail_a_sync(self) -> None:
        self._fail("fdatasync", "EIO")

    def fail_a_write(self) -> None:
        self._fail("pwrite64", "ENOSPC")

    def _fail(self, call: str, error: str) -> None:
        with Strace(self._driver.pid, call, f"error={error}:when={self._chance.randint(1, 20)}"):
            self._events(100, 200)

    def _restart(self) -> None:
        self._driver.__exit__()
        self._driver = self._start()

    def _start(self) -> Driver:
        self._lives += 1
        return Driver(replace(self._task, seed=self._seed * 100 + self._lives))

    def _events(self, least: int, most: int) -> None:
        """The edge hands in some more."""
        wait_for_lines(self._task.log, lines(self._task.log) + 2 * self._chance.randint(least, most))

    def _script(self) -> Iterator[Step]:
        for _ in range(40):
            cuts = (proxy.cut_request(self._chance.randrange(600)), proxy.cut_answer(self._chance.randrange(300)))
            yield self._chance.choice((*STEPS, *cuts))


FAULTS: tuple[Callable[[Schedule], None], ...] = (
    Schedule.kill_edge,
    Schedule.kill_central,
    Schedule.cut_power,
    Schedule.pause_central,
    Schedule.fail_a_sync,
    Schedule.fail_a_write,
)


def test_schedules(strace: None, lab: Lab, disk: Disk, full: bool, in_time: Callable[[], bool]) -> None:
    total = Verdict()
    faults = 0
    for seed in range(200 if full else 2):
        if not in_time():
            break
        schedule = Schedule(lab, disk, seed)
        verdict = schedule.run()
        assert verdict.clean, (seed, schedule.told, verdict)
        total += verdict
        faults += len(schedule.told)
    report("schedule", SEED, total, faults=faults)
    assert total.n
