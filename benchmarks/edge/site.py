"""A site on one machine: cameras in a process of their own, an edge in another, and what the edge used and kept."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.edge.scenes import Scene
from contract.event import EventRecord
from vedette.demo.processes import Child, Children
from vedette.virtual_camera import Mount, VirtualCamera

LIVE_S = 120.0  # all cameras must send within
NOBODY = "http://127.0.0.1:9"  # no central: everything stays in the outbox, where it can be read


class Shown(NamedTuple):
    """One camera of the site."""

    scene: Scene
    number: int
    offset: float  # seconds into the clip at its start: the time of a key frame


class Kept(NamedTuple):
    record: EventRecord
    kept_at: float  # seconds, UTC: when it was committed


@dataclass(frozen=True, slots=True)
class Watched:
    """The edge alone, from `since` to `until` (UTC seconds); `started` by camera: when its clip's offset was shown."""

    since: float
    until: float
    cpu_s: float
    rss_mb: float
    started: dict[str, float]
    looks: dict[str, int]  # by camera
    kept: list[Kept]


def watch(
    site: Sequence[Shown],
    *,
    rate: float,
    seconds: float,
    settle_s: float,
    cores: Sequence[set[int]],
    folder: Path,
    threads: int = 1,
) -> Watched:
    """Run the site for `seconds` once all cameras have been live for `settle_s`. `cores`: the edge's, the cameras'."""
    with cameras(site, cores[1]) as urls, Children(folder) as children:
        configs = folder / "cameras"
        configs.mkdir()
        names = []
        for shown, (url, _) in zip(site, urls, strict=True):
            camera = shown.scene.camera(shown.number, url, rate)
            names.append(camera.id)
            text = json.dumps(camera.model_dump(mode="json", by_alias=True, exclude_none=True))
            (configs / f"{camera.id}.yaml").write_text(text, encoding="utf-8")
        edge = children.start(
            "edge", "edge", "run", "--configs", str(configs), "--central", NOBODY, "--data", str(folder / "edge"),
            "--threads", str(threads),
            env={"VEDETTE_EDGE_TOKEN": "vde_bench." + "x" * 32},
        )  # fmt: skip
        os.sched_setaffinity(edge.pid, cores[0])
        address = edge.wait_for(r"health: (\S+)", 120)[1]
        _until_live(address, len(site), edge)
        time.sleep(settle_s)
        looked = _looks(address)
        since, before = time.time(), _cpu_s(edge.pid)
        time.sleep(seconds)
        until, after = time.time(), _cpu_s(edge.pid)
        looks = {name: count - looked[name] for name, count in _looks(address).items()}
        rss = rss_mb(edge.pid)
    return Watched(
        since, until, after - before, rss,
        {name: started for name, (_, started) in zip(names, urls, strict=True)}, looks, kept(folder / "edge"),
    )  # fmt: skip


@contextmanager
def cameras(site: Sequence[Shown], cores: set[int]) -> Iterator[list[tuple[str, float]]]:
    """(address, UTC seconds of its start) a camera."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(site, cores, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(10)
        process.kill()


def _serve(site: Sequence[Shown], cores: set[int], pipe: Connection) -> None:
    os.sched_setaffinity(0, cores)
    mounts = [Mount(f"cam-{place}", shown.scene.clip, "serve", shown.offset) for place, shown in enumerate(site)]
    with VirtualCamera(mounts) as camera:
        started = [camera.stats(mount.name).started or time.time() for mount in mounts]
        pipe.send([(camera.url(mount.name), at) for mount, at in zip(mounts, started, strict=True)])
        pipe.recv()


def _until_live(address: str, count: int, edge: Child) -> None:
    until = time.monotonic() + LIVE_S
    while sum(camera["state"] == "live" for camera in _health(address)["cameras"].values()) < count:
        if time.monotonic() > until or not edge.is_running():
            raise RuntimeError(f"not all cameras came alive:\n{edge.tail()}")
        time.sleep(0.5)


def _looks(address: str) -> dict[str, int]:
    return {name: camera["looks"] for name, camera in _health(address)["cameras"].items()}


def _health(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def kept(data: Path) -> list[Kept]:
    """What the outbox in `data` has for central, in order. The edge may be running."""
    with closing(sqlite3.connect(f"file:{data / 'outbox.db'}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT body, kept_at FROM pending ORDER BY epoch, seq").fetchall()
    return [Kept(msgspec.msgpack.decode(body, type=EventRecord), at / 1000) for body, at in rows]
