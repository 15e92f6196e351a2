"""Scores the four hand-checked clips and writes the tables of docs/accuracy.md.

    python -m benchmarks score [--perturb] [--footage DIR]

At most 5 and at most 2 looks a second; with --perturb also the spoilt clips, at 5. Prints one JSON line a score.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from benchmarks import footage
from benchmarks.footage import NAMES, REAL_OBJECTS, Watched
from benchmarks.score import document
from benchmarks.score.marking import Score, mark
from benchmarks.score.perturb import PERTURBATIONS, perturbed
from edge.detect.base import Detector
from edge.sources.file import FileSource

RATES = (5.0, 2.0)
PERTURBED_RATE = 5.0


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks score")
    parser.add_argument("--footage", type=Path, default=footage.FOLDER, help="clips, events.json and score.py")
    parser.add_argument("--perturb", action="store_true", help="also the clips resized, noisy, with pictures lost")
    parser.add_argument("--cache", type=Path, help="keep the spoilt clips here, and use those that are here")
    parser.add_argument("--document", type=Path, default=document.DOCUMENT, help="where the tables are written")
    args = parser.parse_args(argv)
    footage.demand(args.footage, parser)
    on = footage.measured_on()
    with (
        closing(footage.detector()) as detector,
        Progress(console=Console(stderr=True), transient=True) as progress,
        TemporaryDirectory() as folder,
    ):
        whole = {name: args.footage / f"{name}.mp4" for name in NAMES}
        watched = {rate: _watched(whole, rate, detector, progress, f"at {rate:g}/s") for rate in RATES}
        scores = {rate: mark(args.footage, clips) for rate, clips in watched.items()}
        for rate, score in scores.items():
            _tell("as recorded", rate, score, watched[rate], on)
        document.write(args.document, "rates", document.rates(scores, watched, on))
        if args.perturb:
            spoilt: dict[str, tuple[Score, dict[str, Watched]]] = {}
            for name in PERTURBATIONS:
                made = {
                    clip: perturbed(path, args.cache or Path(folder), name)
                    for clip, path in progress.track(whole.items(), description=f"encoding {name}")
                }
                clips = _watched(made, PERTURBED_RATE, detector, progress, name)
                spoilt[name] = mark(args.footage, clips), clips
                _tell(name, PERTURBED_RATE, *spoilt[name], on)
            document.write(args.document, "perturbations", document.perturbations(spoilt, on))
    return 0


def _watched(
    clips: Mapping[str, Path], rate: float, detector: Detector, progress: Progress, what: str
) -> dict[str, Watched]:
    return {
        name: footage.watch(FileSource(path), footage.camera(name, rate), detector)
        for name, path in progress.track(clips.items(), description=f"scoring {what}")
    }


def _tell(clips: str, rate: float, score: Score, watched: Mapping[str, Watched], on: Mapping[str, str]) -> None:
    line = {
        "benchmark": "score",
        "clips": clips,
        "rate": rate,
        **{what: score.total(what) for what in ("tp", "fp", "fn", "twice")},
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        "unknown": score.unknown,
        "looks_per_s": {name: round(clip.looks / clip.seconds, 2) for name, clip in watched.items()},
        "tracks": {name: clip.tracks for name, clip in watched.items()},
        "real_objects": REAL_OBJECTS,
        **on,
    }
    print(json.dumps(line), flush=True)
