"""Hours in small: a clip joined to itself, and what that does to memory and to the number of tracks.

    python -m benchmarks loop [--clip NAME] [--minutes 10] [--footage DIR]

Each clip runs in a process of its own, at most 5 looks a second, whole rounds until the minutes are full. Memory is the
resident set after a collection, once a minute of the clip. Prints one JSON line a clip; after all four, their table
goes into docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks import footage
from benchmarks.score import document
from edge.errors import SourceEnded
from edge.replay import ReplayStats, replay
from edge.sources.base import Packet
from edge.sources.file import FileSource

RATE = 5.0


class Looped:
    """A clip again and again, its times going on, in whole rounds until `seconds` are full."""

    broken = 0

    def __init__(self, clip: Path, seconds: float) -> None:
        self._clip, self._seconds = clip, seconds
        self.rounds = 0

    def packets(self) -> Iterator[Packet]:
        """Raises SourceEnded when full, SourceError."""
        began = 0.0
        with ExitStack() as opened:  # what was read in one round may be decoded in the next
            while began < self._seconds:
                self.rounds += 1
                at = step = 0.0
                source = opened.enter_context(closing(FileSource(self._clip)))
                with suppress(SourceEnded):
                    for packet in source.packets():
                        step, at = packet.at - at, packet.at
                        yield Packet(began + at, packet.raw)
                began += at + step  # a round's first picture comes after the last as that one did after its own
        raise SourceEnded(f"{self._clip}: {self.rounds} rounds are over")

    def close(self) -> None:
        """Nothing to do: the iteration closes its files."""


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks loop")
    parser.add_argument("--clip", choices=footage.NAMES, help="only this one, and leave the document as it is")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the clip's time, at least 2")
    parser.add_argument("--footage", type=Path, default=footage.FOLDER, help="folder of the clips")
    parser.add_argument("--document", type=Path, default=document.DOCUMENT, help="where the table is written")
    args = parser.parse_args(argv)
    if args.minutes < 2:
        parser.error("memory is compared between the first minute and the last: give --minutes 2 or more")
    on = footage.measured_on()
    lines = []
    for name in [args.clip] if args.clip else footage.NAMES:
        # Spawned, not forked: what this process has loaded and freed must not show.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            lines.append(pool.submit(looped, args.footage / f"{name}.mp4", args.minutes).result())
        print(json.dumps({"benchmark": "loop", **lines[-1], **on}), flush=True)
    if not args.clip:
        document.write(args.document, "loops", document.loops(lines, on))
    return 0


def looped(clip: Path, minutes: float) -> dict[str, Any]:
    """Replay the clip's rounds; the figures of one JSON line."""
    name = clip.stem
    rss: list[float] = []  # MB, after minute 1, 2, ...
    stats = ReplayStats()
    source = Looped(clip, 60 * minutes)
    with (
        closing(footage.detector()) as detector,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task(f"looping {name}", total=60 * minutes)

        def each(at: float) -> None:
            if at >= 60 * (len(rss) + 1):
                gc.collect()
                rss.append(resident_mb())
                progress.update(task, completed=at)

        camera = footage.camera(name, RATE)
        events = sum(1 for _ in replay(source, camera, detector, start_ms=footage.START_MS, stats=stats, pace=each))
    return {
        "clip": name,
        "minutes": round(stats.seconds / 60, 1),
        "rss_mb": round(rss[0], 1),
        "rss_end_mb": round(rss[-1], 1),
        "growth_mb": round(rss[-1] - rss[0], 1),
        "tracks_numbered": stats.numbered,
        "tracks": stats.objects,
        "real_objects": footage.REAL_OBJECTS[name] * source.rounds,
        "records": events,
    }


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
