"""Child processes of the demo: started with their output kept, waited for, and ended whatever happens."""

from __future__ import annotations

import ctypes
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_END_S = 5.0
_PR_SET_PDEATHSIG = 1


class ProcessFailed(Exception):
    """A child ended or stayed silent when it should have answered; the message holds the end of its log."""


class Child:
    """One `vedette` command, its lines readable as they come and kept in `log`."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603  (our own command, no shell)
            [sys.executable, "-m", "vedette", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            env=os.environ | (env or {}) | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C in the terminal is for us alone: we end the children in order
            preexec_fn=_die_with_parent,  # one prctl call: safe after a fork
            text=True,
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def _read(self, stdout: IO[str]) -> None:
        for line in stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)  # the end

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """The first line from here on that matches. Raises ProcessFailed."""
        until = time.monotonic() + timeout_s
        with suppress(queue.Empty):
            while (line := self._lines.get(timeout=max(0.0, until - time.monotonic()))) is not None:
                if match := re.search(pattern, line):
                    return match
        raise ProcessFailed(f"{self.name} did not start:\n{self.tail()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def end(self) -> None:
        """SIGTERM, and SIGKILL if that is not heard. Idempotent."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Children:
    """Ends all children when left, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, *arguments: str, env: dict[str, str] | None = None) -> Child:
        child = Child(name, arguments, self._logs / f"{name}.log", env)
        self._children.append(child)
        return child

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:  # a second Ctrl-C must not leave half of them behind
            for child in reversed(self._children):
                child.end()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def first_dead(self) -> Child | None:
        return next((child for child in self._children if not child.is_running()), None)


def _die_with_parent() -> None:
    """Linux: even if the demo is killed, nothing of it stays behind."""
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
