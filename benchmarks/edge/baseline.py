"""What Ultralytics' plain loop (`plain_loop.py`) costs a camera, on the same streams and the same core as the edge's.

It looks at the whole picture at the asked rate whether anything moves or not, follows objects, and that is all: no
rules, no events, nothing kept.

`baseline_cpu_ms_per_camera_second_raw`   as measured
`baseline_cpu_ms_per_camera_second`       at the asked looks a second. The same where the loop made them (3 % off at
    most). Else, mostly because the core was full: the CPU time of the threads that look, in proportion to the looks,
    plus that of reading and decoding as it was. A full core also reads less than it should: the figure is the least.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import footage
from benchmarks.edge.scenes import FPS
from benchmarks.edge.site import Shown, cameras
from edge.errors import BackendError, ChecksumError

WEIGHTS = footage.ROOT.parent / "shared" / "weights" / "yolov8n.pt"  # beside the checkout
PROGRAM = Path(__file__).with_name("plain_loop.py")
CLOSE = 0.03
START_S = 180.0  # importing, connecting, and warming up
# Nothing is installed, fetched or reported.
QUIET = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Looped:
    """The loop on `cameras` cameras over `seconds`. `looking_cpu_s`: the share of `cpu_s` that is not reading."""

    cameras: int
    seconds: float
    cpu_s: float
    looking_cpu_s: float
    looks: int
    version: str

    @property
    def looks_per_s(self) -> float:
        """A camera."""
        return self.looks / self.seconds / self.cameras

    @property
    def raw_ms(self) -> float:
        """CPU milliseconds a camera second."""
        return 1000 * self.cpu_s / self.seconds / self.cameras

    def ms_at(self, rate: float) -> float:
        """The same, had it made `rate` looks a second and camera; see above."""
        if abs(self.looks_per_s - rate) <= CLOSE * rate:
            return self.raw_ms
        looking_ms = 1000 * self.looking_cpu_s / self.seconds / self.cameras
        return self.raw_ms - looking_ms + looking_ms * rate / self.looks_per_s


def check(python: Path, weights: Path) -> None:
    """Raises BackendError where `python` lacks the library, ChecksumError where `weights` are not the official ones."""
    hint = "pip install 'vedette[ultralytics]', or name an interpreter that has it: --baseline-python PATH"
    try:
        asked = subprocess.run([python, "-I", PROGRAM, "--missing"], capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise BackendError(f"{python}: {error.strerror}", hint=hint) from error
    if asked.returncode or asked.stdout.strip():
        missing = asked.stdout.strip().replace(" ", ", ") or asked.stderr.strip()
        raise BackendError(f"the baseline needs what {python} does not have: {missing}", hint=hint)
    source = footage.card().source
    hint = f"give {source.file} of {source.url}: --baseline-weights PATH"
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise ChecksumError(f"{weights}: {error.strerror}", hint=hint) from error
    if found != source.sha256:  # loading runs what is in it
        raise ChecksumError(f"{weights}: SHA-256 is {found}, the card's source has {source.sha256}", hint=hint)


def loop(
    site: Sequence[Shown], *, rate: float, seconds: float, cores: Sequence[set[int]], folder: Path, python: Path,
    weights: Path,
) -> Looped:  # fmt: skip
    """Run it for `seconds` once all cameras are live. `cores`: the loop's one, and the cameras'."""
    stride = max(1, round(FPS / rate))
    log = folder / "baseline.log"
    with cameras(site, cores[1]) as urls, log.open("wb") as stderr:
        told = [str(each) for each in (weights.resolve(), *cores[0], stride)]
        command = [str(python), "-I", str(PROGRAM), *told, *(url for url, _ in urls)]
        env = os.environ | QUIET | {"YOLO_CONFIG_DIR": str(folder)}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder, env=env
        ) as process:  # fmt: skip
            assert process.stdin
            assert process.stdout
            limit = threading.Timer(START_S + seconds, process.kill)
            limit.start()
            try:
                first = _told(process.stdout.readline(), log)
                time.sleep(seconds)
                with suppress(BrokenPipeError):
                    print(file=process.stdin, flush=True)
                last = _told(process.stdout.readline(), log)
            finally:
                limit.cancel()
                process.kill()
    during = {key: last[key] - first[key] for key in ("at", "cpu_s", "looking_cpu_s", "looks")}
    return Looped(
        len(site), during["at"], during["cpu_s"], during["looking_cpu_s"], during["looks"], last["version"]
    )  # fmt: skip


def _told(line: str, log: Path) -> dict[str, Any]:
    if not line:
        raise BackendError(f"the baseline ended:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
    told: dict[str, Any] = json.loads(line)
    return told


def figures(looped: Looped, rate: float, ours: Mapping[str, Any]) -> dict[str, Any]:
    """Keys beside those of `ours`."""
    ms = looped.ms_at(rate)
    return {
        "baseline": f"ultralytics {looped.version}",
        "baseline_cameras": looped.cameras,
        "baseline_looks_per_s": round(looped.looks_per_s, 2),
        "baseline_looks_per_s_asked": rate,
        "baseline_core_used": round(looped.cpu_s / looped.seconds, 2),
        "baseline_cpu_ms_per_camera_second_raw": round(looped.raw_ms, 2),
        "baseline_cpu_ms_per_camera_second": round(ms, 2),
        "ratio": round(ms / ours["cpu_ms_per_camera_second"], 2),
    }
