"""The pipeline on a clip, with the clip's own time as its clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from contract.camera import Camera
from contract.event import EventRecord
from edge.clock import ClipClock
from edge.detect.base import Detector
from edge.errors import SourceEnded
from edge.ids import uuid7
from edge.pace import Pace
from edge.pipeline import Analyst, Watcher, WatcherCounts
from edge.records import complete
from edge.rules.base import RuleState
from edge.rules.engine import Draft
from edge.sources.base import Picture, Source
from edge.types import Box, Detections, Frame, Track
from edge.view import Silence, ViewSignal

REPLAY_EDGE = "replay"
WHOLE: tuple[Box, ...] = ((0.0, 0.0, 1.0, 1.0),)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, and what became of it."""

    frame: Frame
    regions: Sequence[Box]  # the parts of the picture that the model was shown
    detections: Detections  # all, also those too weak for the tracker
    tracks: Sequence[Track]
    states: Sequence[RuleState]


@dataclass(frozen=True, slots=True)
class Moment:
    """One picture of the clip and all that the pipeline made of it; `picture` is None once, at the clip's end."""

    at: float  # seconds from the clip's first picture
    picture: Picture | None
    awake: bool  # the gate
    look: Look | None
    drafts: Sequence[Draft]


Observer: TypeAlias = Callable[[Moment], None]


@dataclass(slots=True)
class ReplayStats:
    """`seconds` of the clip, `spent_s` by what was done (wall clock)."""

    seconds: float = 0.0
    counts: WatcherCounts = field(default_factory=WatcherCounts)
    objects: int = 0  # tracks that were confirmed
    numbered: int = 0  # tracks that were begun
    spent_s: dict[str, float] = field(
        default_factory=lambda: {"decode": 0.0, "watch": 0.0, "detect": 0.0, "analyse": 0.0}
    )


def replay(
    source: Source,
    camera: Camera,
    detector: Detector,
    *,
    start_ms: int,
    stats: ReplayStats,
    pace: Callable[[float], None] = lambda _at: None,
    observe: Observer | None = None,
) -> Iterator[tuple[float, EventRecord]]:
    """Each record with its event's opening in seconds from the clip's start.

    The same clip gives the same records: ids draw their chance from the camera's id. `pace` is called with each
    picture's time and may wait; `observe` is shown every picture, after it was dealt with. Raises SourceError where the
    clip breaks.
    """
    clock = ClipClock(start_ms)
    chance = random.Random(camera.id)
    said: list[ViewSignal] = []
    rate = Pace(camera.detect.rate)
    watcher = Watcher(camera, rate, said.extend)
    silence = Silence(camera.view.offline, 0.0)
    analyst = Analyst(
        camera,
        rate,
        detector.class_names,
        detector.confidence,
        clock.utc_ms,
        lambda utc_ms: uuid7(utc_ms, chance.getrandbits(74)),
    )
    stats.counts = watcher.counts
    confirmed: set[int] = set()
    seq = 0
    pictures = source.pictures()
    while True:
        started = time.perf_counter()
        look: Look | None = None
        try:
            picture: Picture | None = next(pictures)
        except SourceEnded:
            picture = None
        if picture is None:
            drafts = analyst.end(stats.seconds)
        else:
            stats.spent_s["decode"] += time.perf_counter() - started
            said += silence.step(picture.at, stats.seconds)
            said += silence.step(picture.at, picture.at)
            stats.seconds = picture.at
            pace(picture.at)
            paced = time.perf_counter()
            frame = watcher.consider(picture)
            watched = time.perf_counter()
            stats.spent_s["watch"] += watched - paced
            drafts = [draft for signal in said for draft in analyst.note(picture.at, signal)]
            said.clear()
            if frame is not None:
                detections = detector.detect([frame.image])[0]
                detected = time.perf_counter()
                stats.spent_s["detect"] += detected - watched
                drafts += analyst.look(frame.at, detections)
                stats.spent_s["analyse"] += time.perf_counter() - detected
                confirmed.update(track.id for track in analyst.tracks if track.confirmed)
                stats.objects = len(confirmed)
                stats.numbered = max([stats.numbered, *(track.id for track in analyst.tracks)])
                if observe is not None:
                    look = Look(frame, WHOLE, detections, analyst.tracks, analyst.states())
        if observe is not None:
            observe(Moment(stats.seconds, picture, watcher.is_awake(stats.seconds), look, drafts))
        for draft in drafts:
            seq += 1
            make = complete(draft, camera, detector.model_id)
            record = make(edge_id=REPLAY_EDGE, epoch=start_ms, seq=seq, clock_offset=None)
            yield (record.opened_at - start_ms) / 1000, record
        if picture is None:
            return
