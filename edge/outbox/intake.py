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
        self._items: deque[tuple[T, int]] = deque()  # with the records in each
        self._waiting = 0  # records
        self._taken = 0  # by the last take: in work until the next
        self._changed = threading.Condition()
        self._closed = False
        self.refused = 0

    def __len__(self) -> int:
        """What waits and what is in work: 0 means that all is done."""
        with self._changed:
            return self._waiting + self._taken

    def put(self, item: T, patience: float | None, records: int = 1) -> None:
        """Wait up to `patience` seconds for room; None ignores the bound (for work that makes room).

        An item of several records needs room for one: it may go past the bound by the rest.

        Raises OutboxFull, and OutboxError once closed.
        """
        with self._changed:
            if patience is not None:
                self._changed.wait_for(lambda: self._closed or self._waiting < self._size, patience)
            if self._closed:
                raise OutboxError("the outbox is closed", hint="stop the cameras before the outbox")
            if patience is not None and self._waiting >= self._size:
                self.refused += records
                raise OutboxFull(
                    f"{self._size} records already wait to be written",
                    hint="the disk is too slow for the rate of events, or stands still",
                )
            self._items.append((item, records))
            self._waiting += records
            self._changed.notify_all()

    def take(self, most: int, delay: float) -> list[T]:
        """Wait for one item, then up to `delay` seconds for more; then `most` records, or one item that has more.

        Empty only when closed and drained.
        """
        with self._changed:
            self._taken = 0
            self._changed.wait_for(lambda: self._closed or self._items)
            if delay and self._items and not self._closed:
                self._changed.wait_for(lambda: self._closed or self._waiting >= most, delay)
            taken: list[T] = []
            while self._items and (not taken or self._taken + self._items[0][1] <= most):
                item, records = self._items.popleft()
                taken.append(item)
                self._taken += records
            self._waiting -= self._taken
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
