"""Sets up the demo: one virtual camera, one edge, one central, all in a folder that goes with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from vedette.demo.processes import Child, Children, ProcessFailed

CLIP = Path(__file__).with_name("plaza-lawn.mp4")
CAMERA = Path(__file__).with_name("camera.yaml")
EDGE_ID = "demo-edge"


@dataclass(frozen=True, slots=True)
class Demo:
    """The running demo. `camera_started` is UTC seconds when the camera began to listen."""

    address: str
    user: str
    password: str
    camera_started: float
    children: Children
    edge: Child
    health: str


@contextmanager
def running(port: int, *, clip: Path = CLIP, camera: Path = CAMERA) -> Iterator[Demo]:
    """Start everything, and end everything when left. Raises ProcessFailed."""
    with TemporaryDirectory(prefix="vedette-demo-") as folder, Children(Path(folder)) as children:
        root = Path(folder)
        central = children.start("central", "central", "serve", "--data", f"{root}/central", "--port", str(port))
        login = central.wait_for(r"first login: (\S+)\s+one-time password: (\S+)", 30)
        address = central.wait_for(r"listens on (\S+)", 30)[1]
        token = add_edge(root / "central", EDGE_ID)
        # The clip begins when the edge first plays it, so the demo shows the same however long the edge takes to start.
        view = children.start("camera", "camera", "serve", str(clip), "--port", "0", "--start", "first-play")
        url = view.wait_for(r"(rtsp://\S+)", 30)[1]
        started = time.time()
        cameras = root / "cameras"
        cameras.mkdir()
        (cameras / "demo.yaml").write_text(camera.read_text(encoding="utf-8").replace("rtsp://camera.invalid/", url))
        edge = children.start(
            "edge", "edge", "run", "--configs", str(cameras), "--central", address, "--data", f"{root}/edge",
            "--threads", "2", env={"VEDETTE_EDGE_TOKEN": token},
        )  # fmt: skip
        health = edge.wait_for(r"health: (\S+)", 60)[1]
        yield Demo(address, login[1], login[2], started, children, edge, health)


def add_edge(data: Path, edge_id: str) -> str:
    """Let an edge in; its token. Raises ProcessFailed."""
    command = [sys.executable, "-m", "vedette", "central", "add-edge", edge_id, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if done.returncode:
        raise ProcessFailed(f"add-edge failed:\n{done.stderr}")
    return done.stdout.strip()
