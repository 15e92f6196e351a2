"""Frames of all cameras on their way to the one detector.

Bound and policy: one frame a camera, the newest wins; what is overwritten is counted. One that needs no look does not
replace one that does, and goes first: it costs next to nothing. While there are more than can be looked at, each camera
gets its share by weight, what one does not use goes to the others, and who comes now and then does not queue behind
those who always wait (start-time fair queueing: Goyal, Vin, Cheng, IEEE/ACM Trans. Networking 5(5), 1997).
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from edge.types import Frame


class _Turn(NamedTuple):
    """Of a camera that waits for a look; the least goes first."""

    start: float  # looks that one of weight 1 would have had by then
    end: float  # of its last look; of equal starts, first who has had less than its share, and has just come
    number: int  # in order of first offer: a newer frame keeps the older one's place
    camera: str


class LookQueue:
    """`offer` from any camera's thread, `take` from the analysis thread."""

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        """`weights`: looks that a camera gets against others, 1 where it is not named."""
        self._weights = weights or {}
        self._waiting: dict[str, Frame] = {}
        self._since: dict[str, float] = {}  # of the oldest frame that its camera wanted a look for
        self._still: dict[str, Frame] = {}  # those that need no look
        self._turns: list[_Turn] = []  # of those that do; a heap
        self._numbers = count()
        self._ends: dict[str, float] = {}  # when the last look of a camera would be over
        self._now = 0.0  # the start of what was taken last
        self._changed = threading.Condition()
        self._closed = False
        self.overwritten: Counter[str] = Counter()  # by camera

    def offer(self, camera_id: str, frame: Frame) -> bool:
        """Whether it took the place of an older frame that wanted a look."""
        with self._changed:
            if self._closed:
                return False
            waiting = self._waiting.get(camera_id)
            if frame.still:
                if waiting is None:
                    self._still[camera_id] = frame
                    self._changed.notify()
                return False
            before = waiting or self._still.pop(camera_id, None)
            if before is not None and before.slept:
                frame = replace(frame, slept=True)
            if waiting is None:
                self._since[camera_id] = frame.at
                end = self._ends.get(camera_id, 0.0)
                heapq.heappush(self._turns, _Turn(max(self._now, end), end, next(self._numbers), camera_id))
            else:
                self.overwritten[camera_id] += 1
            self._waiting[camera_id] = frame
            self._changed.notify()
            return waiting is not None

    def miss(self, camera_id: str) -> None:
        """A look was due, and there is no picture to look at: that counts as overwritten, too."""
        with self._changed:
            self.overwritten[camera_id] += 1

    def take(self, timeout_s: float, but_of: Container[str] = ()) -> tuple[str, Frame] | None:
        """The frame whose turn it is, `but_of` those cameras; None after `timeout_s` or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._any(but_of), timeout_s)
            camera_id = next((each for each in self._still if each not in but_of), None)
            if camera_id is not None:
                return camera_id, self._still.pop(camera_id)
            turn = self._next(but_of)
            if turn is None:
                return None
            self._now = turn.start
            self._ends[turn.camera] = turn.start + 1 / self._weights.get(turn.camera, 1.0)
            del self._since[turn.camera]
            return turn.camera, self._waiting.pop(turn.camera)

    def lag(self, at: float) -> float:
        """Seconds at `at` since the camera that waits longest first asked."""
        with self._changed:
            return at - min(self._since.values(), default=at)

    def _any(self, but_of: Container[str]) -> bool:
        return any(each not in but_of for waiting in (self._still, self._waiting) for each in waiting)

    def _next(self, but_of: Container[str]) -> _Turn | None:
        passed = []
        turn = None
        while self._turns and turn is None:
            first = heapq.heappop(self._turns)
            if first.camera in but_of:
                passed.append(first)
            else:
                turn = first
        for each in passed:
            heapq.heappush(self._turns, each)
        return turn

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._since.clear()
            self._still.clear()
            self._turns.clear()
            self._changed.notify_all()
