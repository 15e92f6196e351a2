"""One camera's way from picture to event, in two halves that share nothing but frames, track boxes and what the Watcher
says of the camera's sight.

    Watcher  (the camera's own thread): rate, pixels, masks, view, gate -> the frames worth a look
    Analyst  (the analysis thread):     which parts of the frame to look at; detections -> tracks -> rules -> drafts

A replay runs the same two halves on a clip, one after the other.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import numpy as np

from contract.camera import Camera
from edge import blur, mask, regions
from edge.detect.mosaic import Mosaic, Sight
from edge.gate import MotionGate, small_size
from edge.pace import Pace
from edge.reach import AHEAD_S, ALL_S, Reach, everywhere
from edge.regions import Plan
from edge.rules.base import RuleState
from edge.rules.engine import Draft, RuleEngine
from edge.sleep import GLANCE_S, STEADY_S, Sleep
from edge.sources.base import Packet, Picture
from edge.sources.decoder import Decoder
from edge.track.tracker import Tracker, TrackerSettings
from edge.types import WHOLE, Box, Frame, Image, Track
from edge.view import CameraView, ViewEvents, ViewSignal

WHOLE_S = 3.0  # at least so often the whole picture: for what never moved, and what the gate took for noise
LATEST_WHOLE_S = 12.0  # where looks wait: it would take the time of several, which may open an event
LEAST_RATE = 2.5  # looks a second; with fewer things go too far between two looks for parts to be sure of them
# asked for; the camera's rate is below LEAST_RATE; the gate knows nothing, or found the scene asleep; so long since the
# last look, or whole one; parts would be dearer
WHY_WHOLE = ("asked", "seldom", "unknown", "slept", "late", "due", "much")
LATE_S = 1.0  # after so long nobody knows where anything is: the tracker's belief ends there


@dataclass(slots=True)
class WatcherCounts:
    packets: int = 0
    passed: int = 0  # of those, over: reading was behind
    pictures: int = 0  # decoded, and not passed over
    gated: int = 0  # looked at by the gate
    still: int = 0  # of those, found too quiet for a look
    blind: int = 0  # of those, not passed on because the camera could not see
    looks: int = 0  # passed on


TICK_S = 1.0  # asleep, rules are told so often that nothing has moved
UNSETTLED_S = 2.0  # between looks where nothing moves, while somebody is missed in his place
HIDES_S = 5.0  # and while what never rests may hide somebody
NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


class Watcher:
    """Decides which pictures are worth a look by the model. Belongs to one thread.

    `tell` takes what is to be said of the camera's sight, in order; while it is blind no frame is passed on.
    """

    def __init__(self, camera: Camera, pace: Pace, tell: Callable[[list[ViewSignal]], None]) -> None:
        self._camera = camera
        self.pace = pace
        self._tell = tell
        self.view = CameraView(camera.view, tuple(camera.masks.values()))
        self._fresh = False
        self._gate = MotionGate(threshold=camera.gate.threshold, min_area=camera.gate.min_area)
        self._awake_until = float("-inf")
        self._last_look = self._gated = self._told = float("-inf")
        self._slept = False  # since then
        self.passing = False  # packets, up to the next key frame: reading was behind
        self.sleep = Sleep(camera.gate.stay_awake_s, allowed=camera.gate.sleep)
        self.counts = WatcherCounts()

    def pictures(self, packet: Packet, decoder: Decoder) -> Iterator[Picture]:
        """Those that can be looked at now, decoded as they are asked for. While the camera sleeps, packets wait in the
        decoder."""
        self.counts.packets += 1
        self.passing = packet.hurried or (self.passing and not packet.key)
        if self.passing:
            self.counts.passed += 1
            decoder.forget()
            self.sleep.passed(packet.at)
            return
        glance_s = GLANCE_S if self.pace.settled else 0.0
        if self.sleep.packet(packet.at, packet.size, key=packet.key, glance_s=glance_s):
            yield from decoder.decode(packet)
        else:  # they had to be decoded, but the last shows what any of them would
            yield from deque(decoder.keep(packet), maxlen=1)

    def wants(self, at: float) -> bool:
        """Whether a look is due of what was passed over."""
        return self.passing and self.sleep.state == "awake" and self.pace.due(at)

    def rest(self, at: float) -> Frame | None:
        """For a packet that gave no picture: asleep, that time goes on."""
        if self.sleep.state != "asleep" or not self._slept or at < self._told + TICK_S:
            return None
        self._told = at
        return Frame(at, lambda _most: NO_PIXELS, slept=True, still=True)

    def consider(self, picture: Picture) -> Frame | None:
        """The picture as a frame, masks painted, if it deserves a look; as one that needs none (`still`) where nothing
        has moved; None where it is passed over, or the camera is blind.

        Pixels are made when the pace says that a look is due: small and grey ones for gate and view, and those of the
        frame not before somebody takes them.
        """
        self.counts.pictures += 1
        self._fresh |= picture.fresh
        at = picture.at
        if self.sleep.state == "steady" and self._gated < at < self._gated + STEADY_S:
            return None
        if not self.pace.due(at):
            return None
        self._gated = self._told = at
        masks = self._camera.masks.values()
        small, sample = picture.grey(*small_size(*picture.size)), picture.sample()
        mask.paint(small, masks)
        mask.paint(sample, masks)
        self.counts.gated += 1
        if signals := self.view.step(at, sample, small, self._fresh):
            self._tell(signals)
        self._fresh = False
        if self.view.blind:
            self.counts.blind += 1
            self.sleep.saw(at, motion=False)
            return None
        moves = self._gate.step(at, small, self.pace.resting) > 0
        self.sleep.saw(at, motion=moves)
        if moves:
            self._awake_until = at + self._camera.gate.stay_awake_s
        quiet = at > self._awake_until
        # The first that is quiet shows where everything came to rest; from then on, nothing moves unseen.
        if quiet and self._slept and at - self._last_look < self._quiet_s:
            self.counts.still += 1
            return Frame(at, lambda _most: NO_PIXELS, slept=True, still=True)
        slept, self._slept = self._slept or quiet, quiet
        self._last_look = at
        self.pace.spend()
        self.counts.looks += 1
        return Frame(at, partial(self._render, picture), slept, calm=quiet, moving=self._gate.moving)

    @property
    def _quiet_s(self) -> float:
        longest = self._camera.gate.quiet_look_s
        if not self.pace.settled:
            longest = min(longest, UNSETTLED_S)
        return min(longest, HIDES_S) if self._gate.hides else longest

    def _render(self, picture: Picture, most: int) -> Image:
        image = picture.image(most)
        mask.paint(image, self._camera.masks.values())
        return image

    def is_awake(self, at: float) -> bool:
        """Whether there was motion of late."""
        return at <= self._awake_until


@dataclass(slots=True)
class LookCounts:
    looks: int = 0
    whole: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(WHY_WHOLE, 0)))  # of those, by reason
    shown: float = 0.0  # the model, in pictures


class Analyst:
    """Says where to look in one camera's frames, and turns what was seen into event drafts. Belongs to one thread at a
    time."""

    def __init__(
        self,
        camera: Camera,
        pace: Pace,
        class_names: Sequence[str],
        strong: float,
        utc_ms: Callable[[float], int],
        new_id: Callable[[int], UUID],
        *,
        whole: bool = False,
    ) -> None:
        """`whole`: every look is at the whole picture."""
        self._weakest = 0.0
        if camera.detect.min_confidence is not None:
            strong = self._weakest = camera.detect.min_confidence
        self._pace = pace
        self._tracker = Tracker(class_names, TrackerSettings(strong=strong))
        self._engine = RuleEngine(camera, utc_ms, new_id)
        self._view = ViewEvents(camera.view.severity, utc_ms, new_id)
        self.tracks: Sequence[Track] = ()
        self._last = 0.0
        self._always_whole = "asked" if whole else "seldom" if camera.detect.rate < LEAST_RATE else ""
        self._reach = Reach(camera)
        self._whole_at = self._all_at = self._planned_at = -math.inf
        self._cut: Sequence[Box] = ()
        self.counts = LookCounts()

    def plan(self, frame: Frame, size: tuple[float, float], *, hurried: bool = False) -> Plan:
        """What the model is to be shown of `frame`, whose `size` (width, height; pixels) is that in which the model is
        shown the whole. `hurried`: what can wait should."""
        why, self._planned_at = self._why_whole(frame, LATEST_WHOLE_S if hurried else WHOLE_S), frame.at
        parts = None
        if not why:
            assert frame.moving is not None
            of_all = frame.calm or frame.at - self._all_at >= ALL_S
            if of_all:
                self._all_at = frame.at
            outlook = self._tracker.outlook(frame.at, AHEAD_S)
            parts = regions.plan(frame.moving, outlook, size, self._cut, everywhere if of_all else self._reach.holds)
        if parts is not None:
            return Plan(parts)
        self._whole_at = self._all_at = frame.at
        return Plan((WHOLE,), why or "much")

    def look(self, frame: Frame, plan: Plan, sight: Sight) -> list[Draft]:
        """Take in what the model saw in what was planned for `frame`."""
        self.counts.looks += 1
        self.counts.shown += sum(region.area for region in plan.regions)
        if plan.why_whole:
            self.counts.whole[plan.why_whole] += 1
        detections = sight.detections
        if self._weakest:
            detections = detections.only(np.asarray(detections.scores >= self._weakest))
        self._last, self._cut = frame.at, sight.cut
        looked = [region.box for region in plan.regions]
        self.tracks = self._tracker.step(frame.at, detections, slept=frame.slept, looked=looked)
        self._follow(settled=self._tracker.settled())
        return self._engine.step(frame.at, self.tracks)

    def missed(self) -> None:
        """A look that was due came to nothing: where things are is not known, even should nothing move any more."""
        self._follow(settled=False)

    def _follow(self, *, settled: bool) -> None:
        boxes = [track.box for track in self.tracks if track.confirmed]
        self._pace.follow(self._tracker.fastest(), boxes, settled=settled)

    def rest(self, at: float) -> list[Draft]:
        """Nothing has moved since the last look: objects are where they were, and for the rules time goes on."""
        self._last = at
        self.tracks = self._tracker.rest(at)
        return self._engine.step(at, self.tracks)

    def _why_whole(self, frame: Frame, due_s: float) -> str:
        if self._always_whole:
            return self._always_whole
        if frame.moving is None:
            return "unknown"
        if frame.slept:
            return "slept"
        if not 0 <= frame.at - self._planned_at <= LATE_S:
            return "late"
        return "due" if frame.at - self._whole_at >= due_s else ""

    def dropped(self) -> dict[str, int]:
        """What caps kept out so far, by reason; may be called from any thread."""
        swallowed = sum(self._engine.swallowed.values())
        return {**self._tracker.dropped, **({"storm": swallowed} if swallowed else {})}

    def note(self, at: float, signal: ViewSignal) -> list[Draft]:
        """Take in, at `at`, what is said of the camera's sight."""
        return self.blind() if signal.what == "blinded" else self._view.step(at, signal)

    def end(self, at: float) -> list[Draft]:
        """The edge stops: close everything."""
        return self.blind() + self._view.close(at)

    def states(self) -> list[RuleState]:
        """Every rule as it stands after the last look."""
        return self._engine.states(self._last)

    def blind(self) -> list[Draft]:
        """Forget every object and close what the rules have open."""
        self._tracker.clear()
        self._planned_at = -math.inf
        self._cut = ()
        self.tracks = ()
        return self._engine.clear(self._last)


def everybody(mosaic: Mosaic, image: Image, plan: Plan, sight: Sight, tracks: Sequence[Track]) -> list[Box]:
    """Boxes of everybody in the whole of a picture, for those who hide them: where the look was at parts, the whole is
    looked at now. Raises BackendError."""
    names = mosaic.detector.class_names
    found = blur.people(sight.detections, names, tracks)
    return found if plan.why_whole else found + blur.people(mosaic.whole(image), names)
