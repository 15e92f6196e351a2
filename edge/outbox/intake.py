"""The bounded queue before the outbox's writer. Full-policy: wait, then refuse the newcomer."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from edge.errors import OutboxError, OutboxFull

T = TypeVar("T")


class Intake(Generic[T]):
    """Many threads put, one takes. What was put before `close` is still taken."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._taken = 0  # by the last take: in work until the next
        self._changed = threading.Condition()
        self._closed = False
        self.refused = 0

    def __len__(self) -> int:
        """What waits and what is in work: 0 means that all is done."""
        with self._changed:
            return len(self._items) + self._taken

    def put(self, item: T, patience: float | None) -> None:
        """Wait up to `patience` seconds for room; None ignores the bound (for work that makes room).

        Raises OutboxFull, and OutboxError once closed.
        """
        with self._changed:
            if patience is not None:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._size, patience)
            if self._closed:
                raise OutboxError("the outbox is closed", hint="stop the cameras before the outbox")
            if patience is not None and len(self._items) >= self._size:
                self.refused += 1
                raise OutboxFull(
                    f"{self._size} records already wait to be written",
                    hint="the disk is too slow for the rate of events, or stands still",
                )
            self._items.append(item)
            self._changed.notify_all()

    def take(self, most: int, delay: float) -> list[T]:
        """Wait for one item, then up to `delay` seconds for more. Empty only when closed and drained."""
        with self._changed:
            self._taken = 0
            self._changed.wait_for(lambda: self._closed or self._items)
            if self._items and not self._closed:
                self._changed.wait_for(lambda: self._closed or len(self._items) >= most, delay)
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._taken = len(taken)
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
