"""The analysis thread: takes the frames that wait, of all cameras, asks the model about what may matter in them, all at
once, and hands records to the outbox. A batch ends where it would keep others waiting for longer than BATCH_S.

Tracks and rules of every camera live in this thread alone, so nothing in them needs a lock. What the cameras' threads
say of their sight is noted and seen to between two batches, in order; bound: at most NOTES wait, further ones are
dropped and counted, but for closings (each belongs to an opening that was kept). That a camera is silent is found here,
because its own thread may hang in a connect.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeAlias
from uuid import UUID

import structlog

from contract.camera import Camera
from contract.event import EventRecord
from edge.clock import Clock
from edge.detect.base import Detector
from edge.detect.mosaic import Mosaic, Sight
from edge.errors import BackendError, EdgeError, OutboxError
from edge.load import Counts, Load, LoadStatus
from edge.looks import LookQueue
from edge.outbox import Outbox
from edge.overload import Overload
from edge.pipeline import Analyst, everybody
from edge.records import complete, of_edge
from edge.regions import Plan
from edge.retry import FaultDigest
from edge.rules.engine import Draft
from edge.types import Box, Frame, Image
from edge.view import Silence, ViewSignal

log = structlog.get_logger(__name__)

KeepStills: TypeAlias = Callable[[Camera, Frame, Callable[[], Sequence[Box]], Sequence[Draft]], None]  # Stills.offer
STALE_S = 1.0  # a frame that waited longer tells where things were, not where they are
CALM_STALE_S = 5.0  # unless nothing moves
SILENCES_S = 0.2  # between two questions whether all cameras are heard
TOO_MUCH = "where it lasts: fewer cameras here, smaller streams, a lower detect.rate, masks over trees or a faster box"
NOTES = 1000  # of all cameras
BATCH_S = 0.08  # a batch keeps all others waiting for so long
BEHIND_S = 0.1  # a frame that waited longer is looked at in haste
MOST_PIXELS = 800_000  # of a batch: three pictures of 640x384, 0.1 s on one core; fewer where it takes over BATCH_S
STOOD_S = 2.0  # longer than any batch: the edge itself stood still, and no camera was silent


class _Look(NamedTuple):
    """One that is to be made."""

    camera: str
    frame: Frame
    image: Image
    plan: Plan
    pixels: float  # that the network is to be shown


class Analysis:
    """Owns the analysts; one thread. `events` and `dropped` count by camera; `faults` holds the model's fault of each
    camera whose last picture it failed on; `mosaics` by the model's id."""

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        analysts: Mapping[str, Analyst],
        detectors: Mapping[str, Detector],
        looks: LookQueue,
        outbox: Outbox,
        clock: Clock,
        new_id: Callable[[int], UUID],
        keep_stills: KeepStills = lambda *_: None,
    ) -> None:
        """`detectors` by the model's id. `new_id` as for the RuleEngine. `keep_stills` gets each look that gave
        drafts; it must not wait, nor raise but what who is in the picture raises."""
        self.events: Counter[str] = Counter()
        self.dropped: dict[str, Counter[str]] = {name: Counter() for name in cameras}
        self.faults: dict[str, str] = {}
        self._cameras = cameras
        self._analysts = analysts
        self.mosaics = {model: Mosaic(detector) for model, detector in detectors.items()}
        self._most = float(MOST_PIXELS)  # pixels of a batch
        self._cold = list(self.mosaics.values())  # there may be canvases that their detectors have not seen yet
        self._looks = looks
        self._outbox = outbox
        self._clock = clock
        self._keep_stills = keep_stills
        self._digest = FaultDigest()
        self._counting = threading.Lock()
        self._load = Load({name: camera.detect.rate for name, camera in cameras.items()})
        self._overload = Overload(clock.utc_ms, new_id)
        self._notes: deque[tuple[str, ViewSignal]] = deque()
        self._heard: dict[str, float] = {}
        self._silences: dict[str, Silence] = {}
        self._silences_due = clock.now()
        self._blinded: dict[str, float] = {}  # when the camera last lost sight: what it saw before does not count
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)

    def start(self) -> None:
        now = self._clock.now()
        self._silences = {name: Silence(camera.view.offline, now) for name, camera in self._cameras.items()}
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Finish the frame in hand, close every open event, end. Idempotent."""
        self._stop.set()
        self._looks.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def note(self, camera_id: str, signals: list[ViewSignal]) -> None:
        """What is to be said of a camera's sight; from any thread."""
        for signal in signals:
            if signal.what != "closed" and len(self._notes) >= NOTES:
                with self._counting:
                    self.dropped[camera_id]["view"] += 1
            else:
                self._notes.append((camera_id, signal))

    def heard(self, camera_id: str, at: float) -> None:
        """A picture came at `at`; from any thread."""
        self._heard[camera_id] = at

    def offline(self, camera_id: str) -> bool:
        """Whether no pictures have come for long; from any thread."""
        return camera_id in self._silences and self._silences[camera_id].holds

    def load(self) -> LoadStatus:
        """From any thread."""
        return self._load.status

    def is_ready(self) -> bool:
        """Whether looks no longer wait for a network that is made ready; from any thread."""
        return not self._cold

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            batch = self._gather()
            began = self._clock.now()
            for model, looks in groupby(sorted(batch, key=self._model), self._model):
                self._make(self.mosaics[model], list(looks))
            if batch:
                self._fit(sum(look.pixels for look in batch), self._clock.now() - began)
            else:
                self._warm()
            self._weigh()
        self._see_to_views()
        for name, analyst in self._analysts.items():
            with self._guarding(name):
                self._keep(name, analyst.end(self._clock.now()))
        self._tell(self._overload.end(self._clock.now()))

    def _gather(self) -> list[_Look]:
        """The looks to make now: what waits, the longest waiting first, as much as a batch may be."""
        batch: list[_Look] = []
        seen: set[str] = set()
        pixels = 0.0
        taken = self._looks.take(timeout_s=0 if self._cold else 0.5)
        self._see_to_views()
        while taken is not None:
            name, frame = taken
            seen.add(name)
            if self._is_worth(name, frame):
                with self._guarding(name):
                    if frame.still:
                        self._keep(name, self._analysts[name].rest(frame.at))
                    else:
                        look = self._planned(name, frame)
                        batch.append(look)
                        pixels += look.pixels
            taken = self._looks.take(timeout_s=0, but_of=seen) if pixels < self._most else None
        return batch

    def _fit(self, pixels: float, seconds: float) -> None:
        """Learn how much a batch may be from one of `pixels` that took `seconds`."""
        if seconds > 0 and pixels:
            self._most = min(0.8 * self._most + 0.2 * pixels * BATCH_S / seconds, MOST_PIXELS)

    def _warm(self) -> None:
        """While nobody waits: else cameras would wait for it later, one shape after the other."""
        if self._cold:
            try:
                if self._cold[0].warm():
                    self._load.restart()
                else:
                    self._cold.pop(0)
            except Exception as error:  # those whose looks it fails will be told of
                log.warning("model not made ready", fault=str(error))

    def _planned(self, name: str, frame: Frame) -> _Look:
        mosaic = self.mosaics[self._cameras[name].detect.model]
        image = frame.image(mosaic.detector.side)
        size = mosaic.size(image)
        plan = self._analysts[name].plan(frame, size, hurried=self._clock.now() - frame.at > BEHIND_S)
        return _Look(name, frame, image, plan, math.prod(size) * sum(region.area for region in plan.regions))

    def _is_worth(self, name: str, frame: Frame) -> bool:
        blinded = frame.at < self._blinded.get(name, float("-inf"))
        if not blinded and self._clock.now() - frame.at <= (CALM_STALE_S if frame.calm else STALE_S):
            return True
        with self._counting:
            self.dropped[name]["blind" if blinded else "stale"] += 1
        if not frame.still:
            self._analysts[name].missed()
        return False

    def _make(self, mosaic: Mosaic, looks: Sequence[_Look]) -> None:
        try:
            sights: Sequence[Sight | None] = mosaic.look([(look.image, look.plan.regions) for look in looks])
        except Exception:  # whose picture it is shows when each is looked at alone
            sights = [None] * len(looks)
        for look, sight in zip(looks, sights, strict=True):
            with self._guarding(look.camera):
                self._take_in(mosaic, look, sight or mosaic.look([(look.image, look.plan.regions)])[0])
                self.faults.pop(look.camera, None)
                if not look.frame.calm:
                    now = self._clock.now()
                    self._load.looked(now, now - look.frame.at)

    def _take_in(self, mosaic: Mosaic, look: _Look, sight: Sight) -> None:
        camera, analyst = self._cameras[look.camera], self._analysts[look.camera]
        drafts = analyst.look(look.frame, look.plan, sight)
        self._keep(look.camera, drafts)
        if drafts and camera.still.keep:
            people = partial(everybody, mosaic, look.image, look.plan, sight, analyst.tracks)
            self._keep_stills(camera, look.frame, people, drafts)

    def _weigh(self) -> None:
        now = self._clock.now()
        if not self._load.due(now):
            return
        counts = {
            name: Counts(analyst.counts.looks, self._looks.overwritten[name] + self.dropped[name]["stale"])
            for name, analyst in self._analysts.items()
        }
        change = self._load.step(now, counts)
        load = self._load.status
        if change == "began":
            made, wanted = round(load.made, 1), round(load.wanted, 1)
            log.warning("degraded", made=made, wanted=wanted, lag_p95_s=load.lag_p95, hint=TOO_MUCH)
        elif change == "ended":
            log.info("no longer degraded", made=round(load.made, 1), wanted=round(load.wanted, 1))
        self._tell(self._overload.step(now, load))

    def _tell(self, draft: Draft | None) -> None:
        """Of the edge itself; what is refused is counted by the outbox."""
        if draft is None:
            return
        try:
            self._outbox.append(of_edge(draft, self._cameras.values())).add_done_callback(self._told)
        except (OutboxError, ValueError) as error:
            self._say_lost("the edge", error)

    def _told(self, done: Future[EventRecord]) -> None:
        """In the outbox's thread, after the commit."""
        if (error := done.exception()) is not None:
            self._say_lost("the edge", error)

    def _model(self, look: _Look) -> str:
        return self._cameras[look.camera].detect.model

    def _see_to_views(self) -> None:
        now = self._clock.now()
        if now >= self._silences_due:
            if (stood := now - self._silences_due) > STOOD_S:
                for name in list(self._heard):
                    self._heard[name] += stood
            self._silences_due = now + SILENCES_S
            for name, silence in self._silences.items():
                self.note(name, silence.step(now, self._heard.get(name)))
        while self._notes:
            name, signal = self._notes.popleft()
            if signal.what == "blinded":
                self._blinded[name] = signal.at
            with self._guarding(name):
                self._keep(name, self._analysts[name].note(self._clock.now(), signal))

    @contextmanager
    def _guarding(self, name: str) -> Iterator[None]:
        """One camera's trouble must not end the analysis of all others."""
        try:
            yield
        except Exception as error:
            self.faults[name] = str(error) or type(error).__name__
            self._drop(name, "model fault", error)

    def _keep(self, name: str, drafts: list[Draft]) -> None:
        camera = self._cameras[name]
        for draft in drafts:
            try:
                kept = self._outbox.append(complete(draft, camera, camera.detect.model))
            except (OutboxError, ValueError) as error:
                self._drop(name, "event not kept", error)
            else:
                kept.add_done_callback(partial(self._kept, name))

    def _kept(self, name: str, done: Future[EventRecord]) -> None:
        """In the outbox's thread, after the commit."""
        if (error := done.exception()) is not None:
            self._drop(name, "event not kept", error)
        else:
            self.events[name] += 1

    def _drop(self, name: str, reason: str, error: BaseException) -> None:
        with self._counting:
            self.dropped[name][reason] += 1
        self._say_lost(name, error)

    def _say_lost(self, name: str, error: BaseException) -> None:
        with self._counting:
            line = self._digest.fault(f"{name} {type(error).__name__}", self._clock.now())
        if line is not None:
            hint = error.hint if isinstance(error, EdgeError) else ""
            trace = None if isinstance(error, OutboxError | BackendError) else error
            log.error("event or look lost", camera=name, fault=str(error), hint=hint, times=line.count, exc_info=trace)
