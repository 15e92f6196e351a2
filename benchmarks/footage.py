"""The hand-checked footage: four clips, a camera file for each, and one clip's way through the replay pipeline."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from contract import parse
from contract.camera import Camera
from edge.detect.base import Detector
from edge.detect.card import Card, load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.replay import ReplayStats, replay
from edge.sources.base import Source

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT.parent / "shared" / "footage"  # beside the checkout
START_MS = 1_795_000_000_000  # when every clip is said to have begun: the same records each time

# People and vehicles of each clip, counted by eye on sheets of its pictures, half a second to two seconds apart. Who
# leaves and comes back counts again, for nobody is recognised. What else the model names (skis, kites, a bench) counts
# nothing here, though it is tracked.
REAL_OBJECTS = {
    "plaza": 23,  # 20 people, give or take one (some turn round behind others), 2 parked vehicles, 1 that drives in
    "junction": 16,  # 8 towards the camera, as events.json has them; 3 that wait and turn, 4 that cross, 1 parked
    "reception": 6,  # the visitors of events.json
    "forecourt": 4,  # the cars of events.json
}
NAMES = tuple(REAL_OBJECTS)


@dataclass(frozen=True, slots=True)
class Fired:
    rule: str
    at: float  # seconds from the clip's start: the event's opening


@dataclass(frozen=True, slots=True)
class Watched:
    """What one replay of one clip gave."""

    fired: tuple[Fired, ...]
    seconds: float
    looks: int
    tracks: int  # confirmed


def demand(folder: Path, parser: argparse.ArgumentParser) -> None:
    """Ends the command where the footage is not in `folder`."""
    if not (folder / "events.json").is_file():
        parser.error(f"{folder}: no footage there; name its folder with --footage")


def camera(name: str, rate: float) -> Camera:
    """The clip's camera, looked at `rate` times a second at most."""
    path = ROOT / "tests" / "footage" / f"{name}.yaml"
    parsed = parse.camera(path.read_bytes(), str(path))
    return parsed.model_copy(update={"detect": parsed.detect.model_copy(update={"rate": rate})})


def card() -> Card:
    """Of the model that the clips are looked at with."""
    return load_card(models_dir() / "yolov8n" / "card.yaml")


def detector() -> OpenVinoDetector:
    return OpenVinoDetector(card(), threads=2)


def measured_on() -> dict[str, str]:
    """What every figure of the footage says beside it."""
    return {
        "machine": machine.described(),
        "model": f"{card().id}, weights {card().sha256[:12]}",
        "backend": f"openvino {version('openvino')}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def watch(source: Source, camera: Camera, detector: Detector) -> Watched:
    """Replay to the end and close the source. Raises SourceError, BackendError."""
    stats = ReplayStats()
    opened: dict[object, Fired] = {}
    for clip_s, record in replay(source, camera, detector, start_ms=START_MS, stats=stats):
        opened.setdefault(record.event_id, Fired(record.rule, clip_s))
    source.close()
    return Watched(tuple(opened.values()), stats.seconds, stats.counts.looks, stats.objects)
