"""Detections in, tracks out; one tracker a camera.

A look joins detections to tracks by likelihood (match.py). Strong detections are joined first; weak ones may then keep
a confirmed track alive, but never begin one (the idea of ByteTrack: Zhang et al., ECCV 2022, section 3). Everything is
in seconds, so a low or uneven rate of looks only widens the prediction.

A look may show only parts of the picture. What lay elsewhere was not missed: it is carried on, and what was at rest and
in place counts as seen.

States: tentative (new) -> confirmed (seen often and long enough) -> gone (unseen too long). A tentative track that
is missed is gone sooner. Numbers are given once, in order, and never given again. Time unseen is counted in looks,
each worth at most `look_s`: an object that stands still in a scene seldom looked at is not lost by one miss. It runs
slower while something seen covers the place: what is behind a bus has not left.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edge.track import match
from edge.track.motion import LONGEST_S, Motion, seen_once
from edge.types import WHOLE, Box, Detections, Step, Track

REST = 0.35  # an object that stays within this share of its size is at rest
REST_S = 2.0  # for at least this long
SMALLEST = 1e-4  # of the picture's side; a smaller box is none
PATH_STEPS = 48
PATH_S = 0.4  # between two steps of a path
LOOKED_AT = 0.9  # share of a box within one part that was shown: less of an object may well go unnoticed


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    strong: float = 0.3  # score from which a detection may begin a track
    confirm_looks: int = 2
    confirm_s: float = 0.15  # between the first and the confirming look
    inside: float = 0.7  # covered: this share of its box lies in another that is seen
    keep_s: float = 1.6  # a confirmed track lives on unseen for this long
    keep_rest: float = 0.1  # and for this share of the time that it has been at rest,
    keep_longest_s: float = 6.0  # up to this
    keep_tentative_s: float = 0.7
    look_s: float = 0.5  # a single look without it counts as unseen for at most this long
    part: float = 0.8  # of its size; a weak detection that is smaller shows a part of it,
    before: float = 0.3  # where so much of its place is another's
    hidden: float = 0.25  # while it is covered, time unseen runs by this factor
    gate: float = 12.0  # squared Mahalanobis distance beyond which two are never the same
    weak_gate: float = 4.0  # the same for a weak detection
    in_place: float = 0.5  # intersection over union from which a detection is where its track was expected
    shape: float = 0.45  # standard deviation of the logarithm of width and height between looks
    max_tracks: int = 200
    max_detections: int = 300  # of one look, the best
    max_labels: int = 8  # that one track may collect votes for


class Sought(NamedTuple):
    """Where an object should be."""

    box: Box
    spread: float  # standard deviation of its place, relative, of either axis; 0 where that need not be searched
    soon: Box  # holds it until `ahead_s` later, but for more than one standard deviation


class Outlook(NamedTuple):
    """Where objects should be: those that must be looked for, and those at rest that were in place of late."""

    sought: list[Sought]
    settled: list[Box]


@dataclass(slots=True)
class _Live:
    id: int
    motion: Motion
    box: Box
    first_at: float
    seen_at: float
    rest_at: Step  # where and since when it is at rest
    look: int  # the last that saw it
    looks: int = 1
    unseen_s: float = 0.0
    waited_s: float = 0.0  # since its place was last shown, at most `look_s`
    confirmed: bool = False
    votes: dict[str, float] = field(default_factory=dict)  # sum of scores by label
    path: list[Step] = field(default_factory=list)

    @property
    def label(self) -> str:
        return max(self.votes, key=self.votes.__getitem__)

    @property
    def score(self) -> float:
        return sum(self.votes.values()) / self.looks

    @property
    def rest_s(self) -> float:
        return self.seen_at - self.rest_at.at

    @property
    def settled(self) -> bool:
        """At rest, and seen when last looked at."""
        return self.confirmed and self.rest_s >= REST_S and not self.unseen_s

    @property
    def expected_box(self) -> Box:
        """The last box, moved to where the object should be now."""
        return _moved(self.box, self.motion)

    @property
    def speed(self) -> float:
        """In its own sizes a second."""
        return math.hypot(self.motion.vx, self.motion.vy) / self.motion.size


class Tracker:
    """`step` once a look. Not thread-safe: it belongs to its camera's pipeline.

    `dropped` counts what a cap kept out, by reason: "empty-box", "detections-cap", "tracks-cap", "labels-cap".
    """

    def __init__(self, class_names: Sequence[str], settings: TrackerSettings | None = None) -> None:
        self._names = class_names
        self._settings = settings or TrackerSettings()
        self._live: list[_Live] = []
        self._next_id = 1
        self._at = -math.inf
        self._look = 0  # counts
        self.dropped: Counter[str] = Counter()

    def outlook(self, at: float, ahead_s: float) -> Outlook:
        """Where to look at `at`, and where things may come until `ahead_s` later."""
        sought = []
        for track in self._live:
            if not track.settled:
                rests = track.rest_s >= REST_S
                motion = track.motion.predict(at, rests=rests)
                # Who moves and was missed may soon be anywhere, and shows as motion there.
                spread = 0.0 if track.unseen_s and not rests else math.sqrt(motion.p)
                later = motion.predict(at + ahead_s, rests=rests)
                box, last = _moved(track.box, motion), _moved(track.box, later)
                sought.append(Sought(box, spread, _around(box, last, math.sqrt(later.p))))
        return Outlook(sought, [track.box for track in self._live if track.settled])

    def step(
        self, at: float, detections: Detections, *, slept: bool = False, looked: Sequence[Box] = (WHOLE.box,)
    ) -> list[Track]:
        """Join one look's detections, at `at` seconds, and return every track alive after it.

        A track unseen in this look is still returned, with its last box and an earlier `at`. A look that comes with a
        slightly earlier time than the last counts as made at the same moment; with a far earlier one, it begins anew.
        `slept`: since the last look nothing moved for a while; that is why looks are far apart. `looked`: the parts of
        the picture that were shown.
        """
        if at < self._at - LONGEST_S:
            self.clear()
            self._at = at
        passed = max(0.0, at - self._at)
        at = self._at = max(at, self._at)
        self._look += 1
        seen = match.Seen.of(self._sound(detections), self._names)
        shown = []
        for track in self._live:
            motion = track.motion.predict(at, rests=track.rest_s >= REST_S, slept=slept)
            track.waited_s = min(track.waited_s + passed, self._settings.look_s)
            if _is_within(_moved(track.box, motion), looked):
                shown.append(track)
                track.unseen_s += track.waited_s
                track.motion = motion
            elif track.settled:
                track.motion = track.motion.stay(at)
                track.seen_at, track.look, track.waited_s = at, self._look, 0.0
            else:
                track.motion = motion
        expected = match.Expected.of([(track.motion, track.box, track.votes) for track in self._live])
        table = match.Table.of(seen, expected, self._settings.shape)
        # What is found where it was expected is settled first: in a crowd, one that was missed, whose place is less
        # certain, must not take its neighbour's detection.
        live = range(len(self._live))
        fresh = [t for t in live if self._is_fresh(self._live[t])]
        strong = [i for i in range(len(seen.x)) if seen.scores[i] >= self._settings.strong]
        weak = [i for i in range(len(seen.x)) if seen.scores[i] < self._settings.strong]
        in_place = self._settings.in_place
        strong = self._join(at, table, strong, fresh, self._settings.gate, in_place)
        resting = [t for t in self._unseen(fresh) if self._live[t].rest_s >= REST_S]
        weak = self._join(at, table, weak, resting, self._settings.weak_gate, in_place)
        strong = self._join(at, table, strong, self._unseen(live), self._settings.gate)
        self._join(at, table, weak, self._unseen(fresh), self._settings.weak_gate)
        for i in strong:
            self._begin(at, seen, i)
        self._settle(at, shown)
        return self._tracks()

    def rest(self, at: float) -> list[Track]:
        """Without a look: nothing has moved since the last. What that saw counts as seen; the others keep waiting."""
        at = self._at = max(at, self._at)
        for track in self._live:
            track.motion = track.motion.stay(at)
            if track.look == self._look:
                track.seen_at = at
        return self._tracks()

    def settled(self) -> bool:
        """Whether every confirmed object was seen when its place was last shown."""
        return all(not track.unseen_s for track in self._live if track.confirmed)

    def _tracks(self) -> list[Track]:
        return [
            Track(t.id, t.label, t.box, t.score, t.seen_at, t.first_at, t.confirmed, tuple(t.path)) for t in self._live
        ]

    def clear(self) -> None:
        """Forget every object, e.g. because the camera was blind. Numbers go on."""
        self._live.clear()

    def fastest(self) -> float:
        """The highest speed among the objects that were seen when their places were last shown, in their own sizes a
        second; infinite while one is new, because nothing is known of its speed."""
        seen = [track for track in self._live if not track.unseen_s]
        return max((track.speed if track.confirmed else math.inf for track in seen), default=0.0)

    def _sound(self, detections: Detections) -> Detections:
        """What lies in the picture and has an area, the best `max_detections` of it."""
        boxes = detections.boxes.clip(0, 1)
        detections = Detections(boxes, detections.scores, detections.classes)
        sound = (boxes[:, 2] - boxes[:, 0] > SMALLEST) & (boxes[:, 3] - boxes[:, 1] > SMALLEST)
        if empty := len(sound) - int(np.count_nonzero(sound)):
            self.dropped["empty-box"] += empty
            detections = detections.only(sound)
        if (over := len(detections) - self._settings.max_detections) > 0:
            self.dropped["detections-cap"] += over
            best = np.zeros(len(detections), np.bool_)
            best[np.argsort(-detections.scores, kind="stable")[: self._settings.max_detections]] = True
            detections = detections.only(best)
        return detections

    def _is_fresh(self, track: _Live) -> bool:
        """Whether it was there a look ago, or rests: a weak detection says too little to carry on anything else."""
        return track.confirmed and (track.unseen_s <= self._settings.look_s or track.rest_s > track.unseen_s)

    def _unseen(self, tracks: Sequence[int]) -> list[int]:
        return [t for t in tracks if self._live[t].look < self._look]

    def _join(
        self, at: float, table: match.Table, places: list[int], tracks: Sequence[int], gate: float, overlap: float = 0.0
    ) -> list[int]:
        """Returns the places that are left."""
        pairs = table.pairs(places, tracks, gate=gate, overlap=overlap)
        for i, t in pairs:
            self._see(self._live[t], at, table.seen, i)
        taken = {i for i, _ in pairs}
        return [i for i in places if i not in taken]

    def _see(self, track: _Live, at: float, seen: match.Seen, i: int) -> None:
        x, y, size = seen.centre(i)
        if self._is_part(track, seen, i):
            track.box = track.expected_box
            x, y, size = track.motion.x, track.motion.y, track.motion.size
        else:
            track.motion = track.motion.update(x, y, size)
            track.box = seen.box(i)
        track.seen_at = at
        track.look = self._look
        track.looks += 1
        track.unseen_s = track.waited_s = 0.0
        step = Step(at, x, track.box[3])
        if math.hypot(step.x - track.rest_at.x, step.y - track.rest_at.y) > REST * size:
            track.rest_at = step
        # The last step is always where it is now; it stays when it is far enough from the one before.
        if len(track.path) > 1 and track.path[-1].at - track.path[-2].at < PATH_S:
            track.path.pop()
        track.path.append(step)
        del track.path[:-PATH_STEPS]
        label = seen.labels[i]
        if label in track.votes or len(track.votes) < self._settings.max_labels:
            track.votes[label] = track.votes.get(label, 0.0) + float(seen.scores[i])
        else:
            self.dropped["labels-cap"] += 1

    def _is_part(self, track: _Live, seen: match.Seen, i: int) -> bool:
        """Whether only what shows of it behind another was seen: that tells that it is there, not how large it is.

        Not where it rests: he may have left with the next one before his chair, and what shows is the chair's.
        """
        strong, where = self._settings.strong, track.expected_box
        is_small = seen.scores[i] < strong and seen.sizes[i] < self._settings.part * track.motion.size
        return bool(is_small and track.rest_s < REST_S) and any(
            seen.scores[other] >= strong and _share(where, seen.box(other)) >= self._settings.before
            for other in range(len(seen.scores))
        )

    def _begin(self, at: float, seen: match.Seen, i: int) -> None:
        if len(self._live) >= self._settings.max_tracks:
            self.dropped["tracks-cap"] += 1
            return
        x, y, size = seen.centre(i)
        box = seen.box(i)
        step = Step(at, x, box[3])
        votes = {seen.labels[i]: float(seen.scores[i])}
        track = _Live(self._next_id, seen_once(at, x, y, size), box, at, at, step, self._look, votes=votes, path=[step])
        self._next_id += 1
        self._live.append(track)

    def _settle(self, at: float, shown: Sequence[_Live]) -> None:
        """Confirm the proven and let go of the gone. `shown`: those whose places were."""
        clear = [track for track in self._live if track.confirmed and track.look == self._look]
        for track in self._live:
            if track.look == self._look:
                proven = track.looks >= self._settings.confirm_looks
                track.confirmed |= proven and at - track.first_at >= self._settings.confirm_s
        for track in shown:
            if track.look < self._look and any(
                _share(track.expected_box, other.box) >= self._settings.inside for other in clear
            ):
                track.unseen_s -= (1 - self._settings.hidden) * track.waited_s
            track.waited_s = 0.0
        self._live = [track for track in self._live if not self._is_gone(track)]

    def _is_gone(self, track: _Live) -> bool:
        if not (0 <= track.motion.x <= 1 and 0 <= track.motion.y <= 1):
            return True  # it has left the picture
        if not track.confirmed:
            return track.unseen_s > self._settings.keep_tentative_s
        keep = self._settings.keep_s + self._settings.keep_rest * track.rest_s
        return track.unseen_s > min(keep, self._settings.keep_longest_s)


def _moved(box: Box, motion: Motion) -> Box:
    left, top, right, bottom = box
    dx, dy = motion.x - (left + right) / 2, motion.y - (top + bottom) / 2
    return left + dx, top + dy, right + dx, bottom + dy


def _around(box: Box, other: Box, more: float) -> Box:
    (left, top, right, bottom), (others_left, others_top, others_right, others_bottom) = box, other
    return (
        min(left, others_left) - more, min(top, others_top) - more,
        max(right, others_right) + more, max(bottom, others_bottom) + more,
    )  # fmt: skip


def _is_within(box: Box, parts: Sequence[Box]) -> bool:
    """Whether what of `box` is in the picture lies in one of the `parts`."""
    left, top, right, bottom = (min(max(0.0, value), 1.0) for value in box)
    if left >= right or top >= bottom:
        return True
    return any(_share((left, top, right, bottom), part) >= LOOKED_AT for part in parts)


def _share(box: Box, other: Box) -> float:
    """The share of `box` that lies in `other`."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((box[2] - box[0]) * (box[3] - box[1]))
