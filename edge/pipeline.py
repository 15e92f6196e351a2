"""One camera's way from picture to event, in two halves that share nothing but frames and track boxes.

    Watcher  (the camera's own thread): rate, pixels, masks, gate -> the frames worth a look
    Analyst  (the analysis thread):     detections -> tracks -> rules -> drafts

A replay runs the same two halves on a clip, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from contract.camera import Camera
from edge import mask
from edge.gate import MotionGate
from edge.pace import Pace
from edge.rules.engine import Draft, RuleEngine
from edge.sources.base import Picture
from edge.track.tracker import Tracker, TrackerSettings
from edge.types import Detections, Frame, Track


@dataclass(slots=True)
class WatcherCounts:
    pictures: int = 0  # decoded
    gated: int = 0  # looked at by the gate
    asleep: int = 0  # of those, found too quiet for a look
    looks: int = 0  # passed on


class Watcher:
    """Decides which pictures are worth a look by the model. Belongs to one thread."""

    def __init__(self, camera: Camera, pace: Pace) -> None:
        self._camera = camera
        self._pace = pace
        self._gate = MotionGate(threshold=camera.gate.threshold, min_area=camera.gate.min_area)
        self._awake_until = float("-inf")
        self._last_look = float("-inf")
        self.counts = WatcherCounts()

    def consider(self, picture: Picture) -> Frame | None:
        """The picture as a frame, masks painted, if it deserves a look; else None.

        Pixels are made at most `detect.rate` times a second.
        """
        self.counts.pictures += 1
        at = picture.at
        if not self._pace.due(at):
            return None
        image = picture.image()
        mask.paint(image, self._camera.masks.values())
        self.counts.gated += 1
        if self._gate.step(at, image) > 0:
            self._awake_until = at + self._camera.gate.stay_awake_s
        if at > self._awake_until and at - self._last_look < self._camera.gate.quiet_look_s:
            self.counts.asleep += 1
            return None
        self._last_look = at
        self._pace.spend()
        self.counts.looks += 1
        return Frame(at, image)


class Analyst:
    """Turns one camera's detections into event drafts. Belongs to one thread at a time."""

    def __init__(
        self,
        camera: Camera,
        pace: Pace,
        class_names: Sequence[str],
        strong: float,
        utc_ms: Callable[[float], int],
        new_id: Callable[[int], UUID],
    ) -> None:
        self._weakest = 0.0
        if camera.detect.min_confidence is not None:
            strong = self._weakest = camera.detect.min_confidence
        self._pace = pace
        self._tracker = Tracker(class_names, TrackerSettings(strong=strong))
        self._engine = RuleEngine(camera, utc_ms, new_id)
        self.tracks: Sequence[Track] = ()
        self._last = 0.0

    def look(self, at: float, detections: Detections) -> list[Draft]:
        """Take in what the model saw in the frame of `at`."""
        if self._weakest:
            detections = detections.only(np.asarray(detections.scores >= self._weakest))
        self._last = at
        self.tracks = self._tracker.step(at, detections)
        self._pace.follow(self._tracker.fastest())
        return self._engine.step(at, self.tracks)

    def blind(self) -> list[Draft]:
        """Forget every object and close what is open: the stream is gone, or the edge stops."""
        self._tracker.clear()
        self.tracks = ()
        return self._engine.clear(self._last)
