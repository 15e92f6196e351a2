"""A real central on a port that stays the same, edges that it knows, and what stops either at an exact system call."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from central import control, credentials
from tests.central.process import Process
from tests.faults.disk import Disk
from tests.faults.driver import Driver, Task
from tests.faults.oracle import Diary, Verdict, judge, stored_at
from tests.waiting import wait_until


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def add_edge(data: Path, edge_id: str) -> str:
    """Its token. Works while central runs."""
    token = credentials.edge_token(edge_id)
    assert control.ask(data, control.AddEdge(edge_id, credentials.token_hash(token), now_ms(), False), now_ms())
    return token


class Central:
    """Central in `data`; starts again on the same port. Use as a context, at whose end it is killed."""

    def __init__(self, data: Path, *more: str, prefix: Sequence[str] = ()) -> None:
        self.data, self._more, self._prefix = data, more, prefix
        self._port = 0
        self._process: Process | None = None
        self.url = ""

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        self.kill()
        process = Process(
            self.data, *self._more, *(("--port", str(self._port)) if self._port else ()), prefix=self._prefix
        )
        self._process = process.__enter__()
        self.url = process.url
        self._port = int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def kill(self) -> None:
        if self._process:
            self._process.__exit__(None, None, None)
            self._process = None

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send(number)

    def __enter__(self) -> Central:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass
class Lab:
    """One central, one edge; every case has an outbox and a log of its own, outside of each other's disks."""

    root: Path
    central: Central
    token: str
    edge_id: str = "edge-1"
    cases: int = 0
    since: int = 0  # no epoch of the case is lower
    unsure: list[tuple[int, int]] = field(default_factory=list)

    def task(self, *, disk: Path | None = None, **values: object) -> Task:
        """A new outbox on `disk`, or beside the others."""
        self.cases += 1
        self.since = now_ms()
        self.unsure = []
        folder = (disk or self.root) / f"edge-{self.cases}"
        known = Task(
            folder / "outbox.db", self.root / f"{self.cases}.log", self.central.url, self.token, edge_id=self.edge_id
        )
        return replace(known, **values)  # type: ignore[arg-type]

    def cut_power(self, disk: Disk, driver: Driver, task: Task) -> None:
        """And give it back. Where the kernel lets an fdatasync succeed while the disk goes away, nobody could have
        been told: what is acknowledged from the beginning of the cut on is neither safe nor lost."""
        before = task.log.stat().st_size
        disk.cut_power()
        driver.kill()
        self.unsure.append((before, task.log.stat().st_size))
        disk.unmount()
        disk.mount()

    def through(self, task: Task, url: str) -> Task:
        """The same by another way."""
        return replace(task, central=url)

    def judge(self, task: Task, healed: float | None = None) -> Verdict:
        diary = Diary.read(task.log, self.unsure)
        verdict = judge(diary, stored_at(self.central.data, self.edge_id, self.since), healed)
        shutil.rmtree(task.outbox.parent, ignore_errors=True)
        return verdict

    def again(self, task: Task) -> tuple[Task, float]:
        """Start the edge once more, only to bring away what it kept; when that began. Raises AssertionError."""
        drain = replace(task, count=0, seed=task.seed + 1)
        begun = time.monotonic()
        with Driver(drain) as driver:
            assert driver.wait() == 0, "the edge did not start again, or could not empty its outbox"
        return drain, begun


class Strace:
    """Watches all threads of a process from now on, and does `fault` to each thread's Nth `call`."""

    def __init__(self, pid: int, call: str, fault: str = "", out: str = "/dev/null") -> None:
        inject = ["-e", f"inject={call}:{fault}"] if fault else []
        self._process = subprocess.Popen(
            ["strace", "-f", "-o", out, "-e", f"trace={call}", *inject, "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr
        for line in self._process.stderr:
            if "attached" in line:
                return
        raise AssertionError(f"strace cannot watch process {pid}")

    def __enter__(self) -> Strace:
        return self

    def __exit__(self, *_: object) -> None:
        """The watched process goes on unwatched."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stderr
        self._process.stderr.close()


def calls_a_thread(log: Path) -> Counter[str]:
    """From what strace wrote: how often the thread that called most called what it was watched for, by name."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := re.match(r"(\d+)\s+(\w+)\(", line):
            counts[found[1], found[2]] += 1
    most: Counter[str] = Counter()
    for (_, call), count in counts.items():
        most[call] = max(most[call], count)
    return most


def lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def wait_for_lines(log: Path, count: int, within: float = 60) -> None:
    """Until the driver has written so many lines."""
    wait_until(lambda: lines(log) >= count, within)
