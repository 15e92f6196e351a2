"""The pipeline on a clip, with the clip's own time as its clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TypeAlias

from contract.camera import Camera
from contract.event import EventRecord
from edge.clock import ClipClock
from edge.detect.base import Detector
from edge.detect.mosaic import Mosaic
from edge.errors import SourceEnded, SourceError
from edge.ids import uuid7
from edge.pace import FASTER, Pace
from edge.pipeline import Analyst, LookCounts, Watcher, WatcherCounts, everybody
from edge.records import complete
from edge.rules.base import RuleState
from edge.rules.engine import Draft
from edge.sources.base import Packet, Picture, Source
from edge.sources.decoder import Decoder
from edge.types import Box, Detections, Frame, Track
from edge.view import Silence, ViewSignal

REPLAY_EDGE = "replay"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, and what became of it."""

    frame: Frame
    regions: Sequence[Box]  # the parts of the picture that the model was shown
    detections: Detections  # all in them, also those too weak for the tracker
    people: Callable[[], Sequence[Box]]  # everybody in the whole picture; raises BackendError
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
    looks: LookCounts = field(default_factory=LookCounts)
    objects: int = 0  # tracks that were confirmed
    numbered: int = 0  # tracks that were begun
    spent_s: dict[str, float] = field(
        default_factory=lambda: {"decode": 0.0, "watch": 0.0, "detect": 0.0, "analyse": 0.0, "draw": 0.0}
    )

    @contextmanager
    def spending(self, on: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent_s[on] += time.perf_counter() - started


def replay(
    source: Source,
    camera: Camera,
    detector: Detector,
    *,
    start_ms: int,
    stats: ReplayStats,
    pace: Callable[[float], None] = lambda _at: None,
    observe: Observer = lambda _moment: None,
    whole: bool = False,
) -> Iterator[tuple[float, EventRecord]]:
    """Each record with its event's opening in seconds from the clip's start.

    The same clip gives the same records: ids draw their chance from the camera's id. `pace` is called with each
    picture's time and may wait; `observe` is shown every picture, after it was dealt with; `whole`: every look is at
    the whole picture. Raises SourceError where the clip breaks.
    """
    run = _Run(camera, detector, start_ms, stats, whole=whole)
    seq = 0
    for picture in _pictures(source, run, stats):
        if picture is None:
            drafts, look = run.end(), None
        else:
            pace(picture.at)
            drafts, look = run.step(picture)
        with stats.spending("draw"):
            observe(Moment(stats.seconds, picture, run.awake, look, drafts))
        for draft in drafts:
            seq += 1
            make = complete(draft, camera, detector.model_id)
            record = make(edge_id=REPLAY_EDGE, epoch=start_ms, seq=seq, clock_offset=None)
            yield (record.opened_at - start_ms) / 1000, record


def _pictures(source: Source, run: _Run, stats: ReplayStats) -> Iterator[Picture | None]:
    """Those of the clip's pictures that the pipeline would decode, and None for the clip's end."""
    packets = source.packets()
    while True:
        with stats.spending("decode"):
            try:
                pictures = run.decoded(next(packets))
            except SourceEnded:
                break
        yield from pictures
    yield from run.last()
    yield None


class _Run:
    """One camera's pipeline in one thread, a picture at a time."""

    def __init__(self, camera: Camera, detector: Detector, start_ms: int, stats: ReplayStats, *, whole: bool) -> None:
        chance = random.Random(camera.id)
        rate = Pace(camera.detect.rate)
        self._mosaic = Mosaic(detector)
        self._stats = stats
        self._said: list[ViewSignal] = []
        self._rested: list[Draft] = []  # since the last picture
        self._watcher = Watcher(camera, rate, self._said.extend)
        self._decoder = Decoder(FASTER * camera.detect.rate)
        self._silence = Silence(camera.view.offline, 0.0)
        self._heard = 0.0
        self._analyst = Analyst(
            camera,
            rate,
            detector.class_names,
            detector.confidence,
            ClipClock(start_ms).utc_ms,
            lambda utc_ms: uuid7(utc_ms, chance.getrandbits(74)),
            whole=whole,
        )
        stats.looks = self._analyst.counts
        self._confirmed: set[int] = set()
        stats.counts = self._watcher.counts

    @property
    def awake(self) -> bool:
        return self._watcher.is_awake(self._stats.seconds)

    def decoded(self, packet: Packet) -> list[Picture]:
        self._said += self._silence.step(packet.at, self._heard)
        self._heard = max(packet.at, self._heard)
        self._said += self._silence.step(packet.at, self._heard)
        pictures = list(self._watcher.pictures(packet, self._decoder))
        if not pictures and (frame := self._watcher.rest(packet.at)) is not None:
            self._rested += self._analyst.rest(frame.at)
        return pictures

    def last(self) -> list[Picture]:
        """What is left at the clip's end. Raises SourceError where no picture could be decoded."""
        pictures = list(self._decoder.end())
        if self._decoder.broken and not pictures and not self._watcher.counts.pictures:
            raise SourceError("none of the clip's pictures can be decoded", hint="is it whole?")
        return pictures

    def step(self, picture: Picture) -> tuple[list[Draft], Look | None]:
        stats = self._stats
        stats.seconds = picture.at
        with stats.spending("watch"):
            frame = self._watcher.consider(picture)
        drafts = self._rested + [draft for signal in self._said for draft in self._analyst.note(picture.at, signal)]
        self._rested, self._said[:] = [], []
        if frame is None:
            return drafts, None
        if frame.still:
            with stats.spending("analyse"):
                return drafts + self._analyst.rest(frame.at), None
        with stats.spending("detect"):
            image = frame.image(self._mosaic.detector.side)
            plan = self._analyst.plan(frame, self._mosaic.size(image))
            [sight] = self._mosaic.look([(image, plan.regions)])
        with stats.spending("analyse"):
            drafts += self._analyst.look(frame, plan, sight)
        tracks = self._analyst.tracks
        self._confirmed.update(track.id for track in tracks if track.confirmed)
        stats.objects = len(self._confirmed)
        stats.numbered = max([stats.numbered, *(track.id for track in tracks)])
        people = cache(partial(everybody, self._mosaic, image, plan, sight, tracks))
        regions = [region.box for region in plan.regions]
        return drafts, Look(frame, regions, sight.detections, people, tracks, self._analyst.states())

    def end(self) -> list[Draft]:
        return self._rested + self._analyst.end(self._stats.seconds)
