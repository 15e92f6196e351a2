"""Frames of all cameras on their way to the one detector.

Bound and policy: one frame a camera, the newest wins; what is overwritten is counted. The camera that has waited
longest goes first, so that none starves.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from edge.types import Frame


class LookQueue:
    """`offer` from any camera's thread, `take` from the analysis thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, Frame] = {}  # in order of first offer: a newer frame keeps the older one's place
        self._changed = threading.Condition()
        self._closed = False
        self.overwritten: Counter[str] = Counter()  # by camera

    def offer(self, camera_id: str, frame: Frame) -> None:
        with self._changed:
            if self._closed:
                return
            if (older := self._waiting.get(camera_id)) is not None:
                self.overwritten[camera_id] += 1
                frame = replace(frame, slept=frame.slept or older.slept)
            self._waiting[camera_id] = frame
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[str, Frame] | None:
        """The frame that has waited longest; None after `timeout_s` or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            if not self._waiting:
                return None
            camera_id = next(iter(self._waiting))
            return camera_id, self._waiting.pop(camera_id)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
