"""The whole line as real processes: virtual camera (in the test's process), edge, central."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.waiting import wait_until
from vedette.demo.desk import Desk


class Process:
    """A `vedette` command; its output goes to a file."""

    def __init__(
        self, log: Path, *arguments: str, env: dict[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> None:
        """`prefix`: a command that runs it."""
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "vedette", *arguments],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | (env or {}),
            )  # fmt: skip

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def said(self, pattern: str, within: float = 30) -> str:
        """The first group of the last match, once there is one."""
        wait_until(lambda: re.search(pattern, self.text()) or self._process.poll() is not None, within)
        found = re.findall(pattern, self.text())
        assert found, f"ended with {self._process.poll()}:\n{self.text()}"
        return found[-1]

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, within: float = 10) -> int:
        """Signal and wait; the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(within)

    def wait(self, within: float) -> int:
        return self._process.wait(within)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.poll()


class Line:
    """Central and one edge in a folder; use as a context."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes: list[Process] = []
        self.address = ""
        self.login: tuple[str, str] | None = None
        self._desks: list[Desk] = []

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        for desk in self._desks:
            desk.close()
        for process in self.processes:
            process.end(signal.SIGKILL)

    def start_central(self, port: int = 0) -> Process:
        process = Process(
            self.root / f"central-{len(self.processes)}.log",
            "central", "serve", "--data", str(self.root / "central"), "--port", str(port),
        )  # fmt: skip
        self.processes.append(process)
        self.address = process.said(r"listens on (\S+)")
        if self.login is None:
            found = re.search(r"first login: (\S+)\s+one-time password: (\S+)", process.text())
            assert found, process.text()
            self.login = (found[1], found[2])
        return process

    def start_edge(self, cameras: Sequence[str], token: str, *more: str) -> Process:
        """`cameras` are texts of camera files."""
        folder = self.root / "cameras"
        folder.mkdir(exist_ok=True)
        for number, text in enumerate(cameras):
            (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
        process = Process(
            self.root / f"edge-{len(self.processes)}.log",
            "edge", "run", "--configs", str(folder), "--central", self.address, "--data", str(self.root / "edge"),
            *more, env={"VEDETTE_EDGE_TOKEN": token},
        )  # fmt: skip
        self.processes.append(process)
        return process

    def add_edge(self, name: str = "edge-1") -> str:
        command = [sys.executable, "-m", "vedette", "central", "add-edge", name, "--data", str(self.root / "central")]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def desk(self) -> Desk:
        assert self.login is not None
        self._desks.append(Desk(self.address, *self.login))
        return self._desks[-1]


def health(edge: Process) -> dict[str, Any]:
    with urllib.request.urlopen(edge.said(r"health: (http://\S+)"), timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
