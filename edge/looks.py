"""Frames of all cameras on their way to the one detector.

Bound and policy: one frame a camera, the newest wins; what is overwritten is counted. One that needs no look does not
replace one that does. While there are more than can be looked at, each camera gets its share by weight, what one does
not use goes to the others, and who comes now and then does not queue behind those who always wait (start-time fair
queueing: Goyal, Vin, Cheng, IEEE/ACM Trans. Networking 5(5), 1997).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace

from edge.types import Frame


class LookQueue:
    """`offer` from any camera's thread, `take` from the analysis thread."""

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        """`weights`: looks that a camera gets against others, 1 where it is not named."""
        self._weights = weights or {}
        self._waiting: dict[str, Frame] = {}  # in order of first offer: a newer frame keeps the older one's place
        self._starts: dict[str, float] = {}  # of those; looks that one of weight 1 would have had by its turn
        self._ends: dict[str, float] = {}  # when the last look of a camera would be over, in the same
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
            if waiting is None:
                self._starts[camera_id] = max(self._now, self._ends.get(camera_id, 0.0))
            elif frame.still and not waiting.still:
                return False
            else:
                frame = replace(frame, slept=frame.slept or waiting.slept)
            overtakes = waiting is not None and not waiting.still
            if overtakes:
                self.overwritten[camera_id] += 1
            self._waiting[camera_id] = frame
            self._changed.notify()
            return overtakes

    def take(self, timeout_s: float, but_of: Container[str] = ()) -> tuple[str, Frame] | None:
        """The frame whose turn it is, `but_of` those cameras; None after `timeout_s` or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(each not in but_of for each in self._waiting), timeout_s)
            # Of those with equal starts, first who has had less than its share: it has just come.
            turn = lambda each: (self._starts[each], self._ends.get(each, 0.0))  # noqa: E731
            camera_id = min((each for each in self._waiting if each not in but_of), key=turn, default=None)
            if camera_id is None:
                return None
            frame = self._waiting.pop(camera_id)
            if not frame.still:
                self._now = self._starts[camera_id]
                self._ends[camera_id] = self._now + 1 / self._weights.get(camera_id, 1.0)
            return camera_id, frame

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
