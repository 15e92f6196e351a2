"""What an edge costs a camera, and what it finds, over real RTSP.

    python -m benchmarks edge-quiet | edge-busy | edge-mixed [--cameras N] [--seconds S] [--lines 360|720]
                                                             [--cores 1] [--settle 15] [--baseline ultralytics]

The edge runs on one core, the cameras on the others; only the edge's CPU time counts, once all cameras have been live
for 15 s: each is awake at first, and many of them need longer. Prints one JSON line.

`cpu_ms_per_camera_second`, `cameras_per_core`   the second is 1000 over the first: what it would be if nothing else
    limited. Read `looks_per_s` with it: an edge with too much to do looks less often and costs no more than its core.
`events_expected`, `events_found`, `events_extra`, `f1`   against what a replay of the same clip finds, which
    has no clock to keep up with and looks at all of every picture; the same rule within 2 s.
`checked_...`   the same against what was written down by hand; a replay is wrong at times, too. Not of scenes at rest.
`p95_onset_ms`   from the picture in which that reference has an event open, to the commit of the event's record.
`baseline_...`, `ratio`   with --baseline: Ultralytics' plain loop after the edge has ended, on the first of the same
    streams and the same core; the ratio is its CPU time a camera second over the edge's. See `baseline.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks import footage, machine
from benchmarks.edge import baseline
from benchmarks.edge.scenes import KEY_S, Scene, scene
from benchmarks.edge.site import Shown, Watched, watch
from edge.errors import EdgeError

NEAR_S = 2.0
LEAST = {"cameras": 1, "seconds": 1.0, "settle": 0.0, "threads": 1, "rate": 0.1, "baseline_cameras": 1}
EDGE_OF_WINDOW_S = 3.0  # happenings that near to the window's ends are not counted, only matched


class Due(NamedTuple):
    rule: str
    at: float  # seconds, UTC
    near_s: float
    counts: bool  # it is not at the window's ends


def quiet(argv: Sequence[str]) -> int:
    return _run("edge-quiet", ("rest",), argv, cameras=20)


def busy(argv: Sequence[str]) -> int:
    return _run("edge-busy", ("plaza", "junction"), argv, cameras=4)


def mixed(argv: Sequence[str]) -> int:
    return _run("edge-mixed", ("plaza", *["rest"] * 4, "junction", *["rest"] * 4), argv, cameras=10)


def _run(name: str, scenes: Sequence[str], argv: Sequence[str], *, cameras: int) -> int:
    parser = argparse.ArgumentParser(prog=f"benchmarks {name}", allow_abbrev=False)
    parser.add_argument("--cameras", type=int, default=cameras, help="%(default)s")
    parser.add_argument("--seconds", type=float, default=60.0, help="measured: %(default)g")
    parser.add_argument("--settle", type=float, default=15.0, help="%(default)g s before, once all are live")
    parser.add_argument("--cores", type=int, default=1, help="of the edge (1); cameras have the others")
    parser.add_argument("--threads", type=int, help="of the model; as many as cores where it is not given")
    parser.add_argument("--rate", type=float, default=5.0, help="looks a second: %(default)g")
    parser.add_argument(
        "--lines", type=int, choices=(360, 720), default=360, help="sub-stream (%(default)s), or main stream"
    )
    parser.add_argument("--footage", type=Path, default=footage.FOLDER, help="folder of the clips: %(default)s")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "vedette-scenes",
        help="scenes are made once, here: %(default)s",
    )
    parser.add_argument("--baseline", choices=("ultralytics",), help="afterwards, this library's plain loop")
    parser.add_argument("--baseline-cameras", type=int, default=2, help="of the same; a core can do two or so")
    parser.add_argument("--baseline-python", type=Path, default=Path(sys.executable), help="interpreter that has it")
    parser.add_argument("--baseline-weights", type=Path, default=baseline.WEIGHTS, help="the official yolov8n.pt")
    options = parser.parse_args(argv)
    for what, least in LEAST.items():
        if (value := getattr(options, what)) is not None and value < least:
            parser.error(f"--{what.replace('_', '-')} {value:g}: at least {least:g}")
    there = sorted(os.sched_getaffinity(0))
    if not 1 <= options.cores <= len(there):
        parser.error(f"--cores {options.cores}: there are {len(there)}")
    footage.demand(options.footage, parser)
    if options.baseline:
        try:
            baseline.check(options.baseline_python, options.baseline_weights)
        except EdgeError as error:
            parser.error(f"{error}\n  hint: {error.hint}")
    known = {
        each: scene(each, options.lines, options.rate, options.cache, options.footage) for each in dict.fromkeys(scenes)
    }
    site = [_shown(known[scenes[number % len(scenes)]], number, options.cameras) for number in range(options.cameras)]
    cores = set(there[: options.cores]), set(there[options.cores :]) or set(there)
    figures: dict[str, Any] = {"benchmark": name, "lines": options.lines}
    Console(stderr=True).print(
        f"{options.cameras} cameras; once all are live {options.settle:g} s to settle, {options.seconds:g} s measured"
    )
    with tempfile.TemporaryDirectory() as folder:
        watched = watch(
            site, rate=options.rate, seconds=options.seconds, settle_s=options.settle, cores=cores, folder=Path(folder),
            threads=options.threads or options.cores,
        )  # fmt: skip
        figures |= _figures(site, watched, options.cores)
        if options.baseline:
            looped = baseline.loop(
                site[: options.baseline_cameras], rate=options.rate, seconds=options.seconds, cores=cores,
                folder=Path(folder), python=options.baseline_python, weights=options.baseline_weights,
            )  # fmt: skip
            figures |= baseline.figures(looped, options.rate, figures)
    print(json.dumps(figures))
    return 0


def _shown(scene: Scene, number: int, of: int) -> Shown:
    """Cameras of one scene are spread over it."""
    offset = scene.seconds * number / of
    return Shown(scene, number, offset // KEY_S * KEY_S)


@dataclass(slots=True)
class _Found:
    """Of what was due: how much there was, was told, and was told beyond it; and how late, ms."""

    expected: int = 0
    found: int = 0
    extra: int = 0
    onsets: list[float] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return round(2 * self.found / max(1, self.found + self.extra + self.expected), 3)

    def add(self, due: Sequence[Due], told: Sequence[tuple[str, float, float]], inner: tuple[float, float]) -> None:
        """`told`: (rule, when it opened, when it was kept). What happens outside of `inner` is only matched."""
        free = list(told)
        for rule, at, near_s, counts in due:
            near = [each for each in free if each[0] == rule and abs(each[1] - at) <= near_s]
            self.expected += counts
            if near:
                best = min(near, key=lambda each: abs(each[1] - at))
                free.remove(best)
                self.found += counts
                self.onsets += [1000 * (best[2] - at)] if counts else []
        self.extra += sum(inner[0] <= at <= inner[1] for _, at, _ in free)


def _figures(site: Sequence[Shown], watched: Watched, cores: int) -> dict[str, Any]:
    seconds = watched.until - watched.since
    inner = watched.since + EDGE_OF_WINDOW_S, watched.until - EDGE_OF_WINDOW_S
    replayed, checked = _Found(), _Found()
    for shown in site:
        name = f"{shown.scene.name}-{shown.number:03d}"
        opened: dict[object, tuple[str, float, float]] = {}
        for record, kept_at in watched.kept:
            if record.camera_id == name and watched.since <= kept_at <= watched.until:
                opened.setdefault(record.event_id, (record.rule, record.opened_at / 1000, kept_at))
        window = watched.started[name], watched.since, watched.until
        replayed.add(
            _due(shown, [(rule, at, NEAR_S) for rule, at in shown.scene.truth], *window), list(opened.values()), inner
        )
        if shown.scene.checked:
            checked.add(_due(shown, shown.scene.checked, *window), list(opened.values()), inner)
    onsets = replayed.onsets
    per_camera = 1000 * watched.cpu_s / seconds / len(site)
    return {
        "cameras": len(site),
        "seconds": round(seconds, 1),
        "cpu_ms_per_camera_second": round(per_camera, 2),
        "cameras_per_core": round(1000 / per_camera, 1),
        "cores": cores,
        "core_used": round(watched.cpu_s / seconds, 2),
        "looks_per_s": round(sum(watched.looks.values()) / seconds / len(site), 2),
        "events_expected": replayed.expected,
        "events_found": replayed.found,
        "events_extra": replayed.extra,
        "f1": replayed.f1 if replayed.expected else None,
        "checked_expected": checked.expected,
        "checked_found": checked.found,
        "checked_extra": checked.extra,
        "checked_f1": checked.f1 if checked.expected else None,
        "p50_onset_ms": round(statistics.median(onsets)) if onsets else None,
        "p95_onset_ms": round(statistics.quantiles(onsets, n=20, method="inclusive")[-1]) if len(onsets) > 1 else None,
        "rss_mb": round(watched.rss_mb),
        "machine": machine.described(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _due(
    shown: Shown, what: Sequence[tuple[str, float, float]], started: float, since: float, until: float
) -> list[Due]:
    """Those in the window. `what`: (rule, seconds into the clip, how exactly)."""
    found = []
    for rule, at, near_s in what:
        first = started - shown.offset + at
        rounds = range(int((since - first) // shown.scene.seconds), int((until - first) // shown.scene.seconds) + 1)
        for due in (first + each * shown.scene.seconds for each in rounds):
            if since - near_s <= due <= until + near_s and due >= started:
                counts = since + EDGE_OF_WINDOW_S <= due <= until - EDGE_OF_WINDOW_S
                found.append(Due(rule, due, near_s, counts))
    return found
