"""Whose turn it is to read: of the cameras that sleep, one at a time.

Hundreds of threads that read at the same time take Python's lock from one another at every packet; on several cores
that costs more than reading does. Who holds the turn may hang in a dead connection, so nobody waits for it for long.
"""

from __future__ import annotations

import threading

LONGEST_S = 0.1


class Turn:
    """One camera's; belongs to its thread."""

    def __init__(self, lock: threading.Lock) -> None:
        """`lock`: shared by all that take turns."""
        self._lock = lock
        self._mine = False

    def take(self) -> None:
        """Wait for it, LONGEST_S at most."""
        if not self._mine:
            self._mine = self._lock.acquire(timeout=LONGEST_S)

    def give(self) -> None:
        """To others. Idempotent."""
        if self._mine:
            self._mine = False
            self._lock.release()
