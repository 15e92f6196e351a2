"""Central as a process of its own, to be stopped and killed for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
PATIENCE = 20  # s


class Process:
    """`PREFIX python -m MODULE serve --data DATA --port 0 MORE`; listens when the context is entered."""

    def __init__(self, data: Path, *more: str, module: str = "central", prefix: Sequence[str] = ()) -> None:
        self._errors = (data.parent / f"{data.name}-{time.monotonic_ns()}.err").open("w+")
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module, "serve", "--data", str(data), "--port", "0", *more],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.said: list[str] = []
        self.url = ""

    def __enter__(self) -> Process:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("central listens on "):
                self.url = line.split()[-1]
                return self
        raise AssertionError(f"central ended early: {self.errors()}")

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        assert self._process.stdout
        self._process.stdout.close()
        self._errors.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> tuple[int, float]:
        """SIGTERM; its exit code, and the seconds until then."""
        begun = time.monotonic()
        self._process.terminate()
        return self._process.wait(PATIENCE), time.monotonic() - begun

    def wait(self) -> int:
        return self._process.wait(PATIENCE)

    def errors(self) -> str:
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m central ARGUMENTS`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "central", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
