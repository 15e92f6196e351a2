"""The edge to be hurt: the real outbox and the real uplink, without cameras, in a process of its own.

It writes down what it did in a log that must lie outside the disk that is hurt, a line an event (oracle.py reads it):

    offer EVENT_ID            before the outbox is asked
    ack EPOCH SEQ EVENT_ID    the outbox has acknowledged it
    fail REASON               the outbox has refused it
    end SECONDS PARKED        all that is kept is at central, at SECONDS of the monotonic clock

The processes are forked from one that has already imported everything, so that a kill sweep is not one of imports.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from contract.event import EventRecord
from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.outbox import Outbox
from edge.uplink import Client, Pace, Uplink
from tests.edge.records import draft
from tests.waiting import wait_until

PACE = Pace(first=0.02, cap=0.2, refused=0.2)
REFUSED = threading.Event()  # never set: a pause, as a camera's next event has
LONGEST = 60.0  # s that anything may take here
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.faults.driver"])


@dataclass(frozen=True)
class Task:
    """What a life of the edge does: append `count` events, then wait until central has all that is kept."""

    outbox: Path
    log: Path
    central: str
    token: str
    edge_id: str = "edge-1"
    seed: int = 0
    count: int = 200
    group: int = 4  # events at once, 1 to so many
    patience: float = 2.0  # s for central's answer
    lockstep: bool = False  # wait until central has a group before the next: as many batches as groups, in every run
    until: float = LONGEST  # s to wait at the end
    beats: int = 0  # heartbeats that central must have answered by then

    @property
    def enough(self) -> Path:
        """Once this file exists, nothing more is appended."""
        return self.log.with_suffix(".enough")


class Log:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def line(self, *words: object) -> None:
        os.write(self._fd, (" ".join(map(str, words)) + "\n").encode())  # whole, even where the process is killed

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def event_id(chance: random.Random, ms: int = 1_700_000_000_000) -> UUID:
    return UUID(int=(ms << 80) | (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62))


def drive(task: Task, gate: Connection | None = None) -> None:
    """`gate`: says `opening` and `open`, and waits for a word before it goes on."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    chance = random.Random(task.seed)
    _pass(gate, "opening")
    clock = SystemClock()
    with Log(task.log) as log, Outbox(task.outbox, task.edge_id, now_ms=lambda: clock.utc_ms(clock.now())) as outbox:
        client = Client(task.central, task.token, clock, plain_http=True, read_timeout=task.patience)
        uplink = Uplink(outbox, client, clock, pace=PACE, chance=chance.random)
        uplink.start()
        try:
            _pass(gate, "open")
            left = task.count
            while left > 0 and not task.enough.exists():
                size = min(left, chance.randint(1, task.group))
                if not _append(outbox, log, chance, size):
                    REFUSED.wait(0.01)
                left -= size
                if task.lockstep:
                    wait_until(lambda: outbox.status().pending == 0, task.until)
            wait_until(lambda: uplink.status().heartbeats >= task.beats, task.until)
            wait_until(lambda: (status := outbox.status()).pending == 0 and not status.fault, task.until)
            log.line("end", time.monotonic(), outbox.status().parked)
        finally:
            uplink.stop()


def _append(outbox: Outbox, log: Log, chance: random.Random, size: int) -> bool:
    """Whether all were acknowledged."""
    asked: list[tuple[UUID, Future[EventRecord]]] = []
    for _ in range(size):
        event = event_id(chance)
        log.line("offer", event)
        try:
            asked.append((event, outbox.append(_record(event, chance))))
        except EdgeError as error:
            log.line("fail", type(error).__name__)
    wait_for([future for _, future in asked])
    failed = size - len(asked)
    for event, future in asked:
        if error := future.exception():
            failed += 1
            log.line("fail", type(error).__name__)
        else:
            record = future.result()
            log.line("ack", record.epoch, record.seq, event)
    return not failed


def _record(event: UUID, chance: random.Random) -> partial[EventRecord]:
    """Some stay open: those stand in a table of their own as well."""
    values: dict[str, Any] = {"state": "closed", "closed_at": 1_700_000_000_000} if chance.random() < 0.5 else {}
    return draft(event_id=event, **values)


def _pass(gate: Connection | None, word: str) -> None:
    if gate is not None:
        gate.send(word)
        gate.recv()


class Driver:
    """A running `drive`; use as a context, at whose end it is killed if it still runs.

    With `halt` it stands at its two gates until `go`.
    """

    def __init__(self, task: Task, *, halt: bool = False, prepare: Any = None) -> None:
        self._here, there = _FORKING.Pipe()
        self._process: ForkServerProcess = _FORKING.Process(
            target=_child, args=(task, there if halt else None, prepare)
        )
        self._process.start()
        there.close()
        if halt:
            assert self.stands_at() == "opening"

    def stands_at(self) -> str:
        assert self._here.poll(LONGEST)
        return str(self._here.recv())

    def go(self) -> None:
        self._here.send("go")

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.join(LONGEST)

    def wait(self, within: float = LONGEST) -> int | None:
        """Its exit status, negative for a signal; None where it still runs."""
        self._process.join(within)
        return self._process.exitcode

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join(LONGEST)
        self._process.close()
        self._here.close()


def _child(task: Task, gate: Connection | None, prepare: Any) -> None:
    if prepare is not None:
        prepare()
    drive(task, gate)
