"""Detections in, tracks out; one tracker a camera.

A look joins detections to tracks by likelihood: how well the place fits the predicted one, how well the shape fits
the last one. Strong detections are joined first; weak ones may then keep a confirmed track alive, but never begin
one (the idea of ByteTrack: Zhang et al., ECCV 2022, section 3). Everything is in seconds, so a low or uneven rate of
looks only widens the prediction.

States: tentative (new) -> confirmed (seen often and long enough) -> gone (unseen too long). A tentative track that
is missed is gone sooner. Numbers are given once, in order, and never given again. Time unseen is counted in looks,
each worth at most `look_s`: an object that stands still in a scene seldom looked at is not lost by one miss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.track.motion import Motion, seen_once
from edge.types import Box, Detections, Track

VEHICLES = frozenset({"car", "truck", "bus", "motorcycle", "train"})


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    strong: float = 0.3  # score from which a detection may begin a track
    confirm_looks: int = 2
    confirm_s: float = 0.15  # between the first and the confirming look
    keep_s: float = 1.6  # a confirmed track lives on unseen for this long
    keep_tentative_s: float = 0.7
    look_s: float = 0.5  # a single look without it counts as unseen for at most this long
    gate: float = 12.0  # squared Mahalanobis distance beyond which two are never the same
    weak_gate: float = 4.0  # the same for a weak detection
    shape: float = 0.45  # standard deviation of the logarithm of width and height between looks
    max_tracks: int = 200


@dataclass(slots=True)
class _Live:
    id: int
    motion: Motion
    box: Box
    first_at: float
    seen_at: float
    looks: int = 1
    unseen_s: float = 0.0
    confirmed: bool = False
    votes: dict[str, float] = field(default_factory=dict)  # sum of scores by label

    @property
    def label(self) -> str:
        return max(self.votes, key=self.votes.__getitem__)

    @property
    def score(self) -> float:
        return sum(self.votes.values()) / self.looks


class Tracker:
    """`step` once a look. Not thread-safe: it belongs to its camera's pipeline."""

    def __init__(self, class_names: Sequence[str], settings: TrackerSettings | None = None) -> None:
        self._names = class_names
        self._settings = settings or TrackerSettings()
        self._live: list[_Live] = []
        self._next_id = 1
        self.dropped = 0  # detections that began no track because the cap was reached

    def step(self, at: float, detections: Detections) -> list[Track]:
        """Join one look's detections, at `at` seconds, and return every track alive after it.

        A track unseen in this look is still returned, with its last box and an earlier `at`.
        """
        for track in self._live:
            track.unseen_s += min(max(0.0, at - track.motion.at), self._settings.look_s)
            track.motion = track.motion.predict(at)
        strong = detections.scores >= self._settings.strong
        places = list(range(len(detections)))
        left, unseen = self._join(
            at, detections, [i for i in places if strong[i]], list(self._live), self._settings.gate
        )
        weak = [i for i in places if not strong[i]]
        # A weak detection says little, so it may only carry on what was there a look ago, where it was expected.
        fresh = [track for track in unseen if track.confirmed and track.unseen_s <= self._settings.look_s]
        self._join(at, detections, weak, fresh, self._settings.weak_gate)
        for i in left:
            self._begin(at, detections, i)
        self._live = [track for track in self._live if not self._is_gone(track)]
        return [Track(t.id, t.label, t.box, t.score, t.seen_at, t.first_at, t.confirmed) for t in self._live]

    def clear(self) -> None:
        """Forget every object, e.g. because the camera was blind. Numbers go on."""
        self._live.clear()

    def _join(
        self, at: float, detections: Detections, places: list[int], tracks: list[_Live], gate: float
    ) -> tuple[list[int], list[_Live]]:
        """Join greedily, likeliest pair first; returns the detections and the tracks that are left."""
        pairs = []
        for i in places:
            x, y, width, height = _centred(detections.boxes[i])
            label = self._names[detections.classes[i]]
            for track in tracks:
                distance, spread = track.motion.surprise(x, y)
                if distance > gate:
                    continue
                _, _, w, h = _centred(track.box)
                shape = (math.log(width / w) ** 2 + math.log(height / h) ** 2) / self._settings.shape**2
                cost = distance + spread + shape + (0.0 if _alike(label, track.label) else 4.0)
                if distance + shape <= 2 * gate:
                    pairs.append((cost, i, track.id, track))
        taken: set[int] = set()
        joined: set[int] = set()
        for _, i, _, track in sorted(pairs, key=lambda pair: pair[:3]):
            if i not in taken and track.id not in joined:
                taken.add(i)
                joined.add(track.id)
                self._see(track, at, detections, i)
        return [i for i in places if i not in taken], [t for t in tracks if t.id not in joined]

    def _see(self, track: _Live, at: float, detections: Detections, i: int) -> None:
        x, y, width, height = _centred(detections.boxes[i])
        track.motion = track.motion.update(x, y, math.sqrt(width * height))
        track.box = _box(detections, i)
        track.seen_at = at
        track.looks += 1
        track.unseen_s = 0.0
        label = self._names[detections.classes[i]]
        track.votes[label] = track.votes.get(label, 0.0) + float(detections.scores[i])
        track.confirmed = track.confirmed or (
            track.looks >= self._settings.confirm_looks and at - track.first_at >= self._settings.confirm_s
        )

    def _begin(self, at: float, detections: Detections, i: int) -> None:
        if len(self._live) >= self._settings.max_tracks:
            self.dropped += 1
            return
        x, y, width, height = _centred(detections.boxes[i])
        motion = seen_once(at, x, y, math.sqrt(width * height))
        votes = {self._names[detections.classes[i]]: float(detections.scores[i])}
        track = _Live(self._next_id, motion, _box(detections, i), at, at, votes=votes)
        self._next_id += 1
        self._live.append(track)

    def _is_gone(self, track: _Live) -> bool:
        if not (0 <= track.motion.x <= 1 and 0 <= track.motion.y <= 1):
            return True  # it has left the picture
        return track.unseen_s > (self._settings.keep_s if track.confirmed else self._settings.keep_tentative_s)


def _centred(box: Sequence[float] | np.ndarray) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in box)
    return (left + right) / 2, (top + bottom) / 2, max(right - left, 1e-4), max(bottom - top, 1e-4)


def _box(detections: Detections, i: int) -> Box:
    left, top, right, bottom = (float(value) for value in np.clip(detections.boxes[i], 0.0, 1.0))
    return left, top, right, bottom


def _alike(a: str, b: str) -> bool:
    return a == b or (a in VEHICLES and b in VEHICLES)
