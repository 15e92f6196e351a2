"""Hours in small: a clip joined to itself, and what that does to memory and to the number of tracks.

    python -m benchmarks loop [--clip NAME] [--minutes 10] [--footage DIR]

Each clip runs in a process of its own, at most 5 looks a second, whole rounds until the minutes are full. Memory is the
resident set once a minute of the clip, after a collection; `growth_mb` is from the first minute to the highest of the
later ones. Events are counted by the round in which they begin: none of the later ones may see less than the second.
Prints one JSON line a clip; after all four, their table goes into docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import resource
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks import footage
from benchmarks.score import document
from edge.detect.mosaic import Mosaic
from edge.replay import ReplayStats, replay
from edge.sources.file import FileSource

RATE = 5.0


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks loop")
    parser.add_argument("--clip", choices=footage.NAMES, help="only this one, and leave the document as it is")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the clip's time, at least 2")
    parser.add_argument("--footage", type=Path, default=footage.FOLDER, help="folder of the clips")
    parser.add_argument("--document", type=Path, default=document.DOCUMENT, help="where the table is written")
    args = parser.parse_args(argv)
    if args.minutes < 2:
        parser.error("memory is compared between the first minute and the last: give --minutes 2 or more")
    footage.demand(args.footage, parser)
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
    memory: list[float] = []  # MB, after minute 1, 2, ...
    stats = ReplayStats()
    with closing(FileSource(clip)) as once:
        round_s = once.duration_s or math.inf
    rounds = math.ceil(60 * minutes / round_s)
    with (
        joined(clip, rounds) as source,
        closing(footage.detector()) as detector,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        mosaic = Mosaic(detector)
        while mosaic.warm():  # as the edge does at its start
            pass
        task = progress.add_task(f"looping {name}", total=60 * minutes)

        def each(at: float) -> None:
            if at >= 60 * (len(memory) + 1):
                memory.append(resident_mb())
                progress.update(task, completed=at)

        camera = footage.camera(name, RATE)
        began: dict[str, float] = {}
        for at, record in replay(source, camera, detector, start_ms=footage.START_MS, stats=stats, pace=each):
            began.setdefault(str(record.event_id), at)
        events = Counter(min(int(at / round_s), rounds - 1) for at in began.values())
    return {
        "clip": name,
        "minutes": round(stats.seconds / 60, 1),
        "rss_mb": round(memory[0], 1),
        "rss_end_mb": round(memory[-1], 1),
        "growth_mb": round(max(memory) - memory[0], 1),
        "tracks_numbered": stats.numbered,
        "tracks": stats.objects,
        "real_objects": footage.REAL_OBJECTS[name] * rounds,
        "events_round_2": events[1],
        "events_least_later": min((events[place] for place in range(2, rounds)), default=events[1]),
    }


@contextmanager
def joined(clip: Path, rounds: int) -> Iterator[FileSource]:
    """The clip so many times, its times going on. Raises SourceError.

    One source, as a camera is, of a list that FFmpeg's concat reads: what a second one held would look like growth.
    """
    with TemporaryDirectory() as folder:
        link = Path(folder) / f"clip{clip.suffix}"  # a list names what lies beside it, by a plain name
        link.symlink_to(clip.resolve())
        listed = Path(folder) / "rounds.ffconcat"
        listed.write_text("ffconcat version 1.0\n" + f"file {link.name}\n" * rounds, encoding="utf-8")
        with closing(FileSource(listed)) as source:
            yield source


def resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
