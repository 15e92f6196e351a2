"""Who may connect now: recorders drop streams when all their cameras are asked for at once.

Contract
--------
- At most `at_once` connects to one host begin at a time; other hosts are no concern of theirs.
- Connects begin `spaced_s` apart, whatever the host, and `SLOW_S` while the edge does not keep up with the cameras it
  has: one costs most in its first seconds. Questions beforehand (ONVIF) do not count: they cost next to nothing.
- A connect that hangs for longer than `hold_s` no longer counts, so mute cameras do not use up a recorder's places.
- Of those who wait, whoever failed least often in a row goes first: a camera that was kicked does not queue behind
  dozens that have been dead for days.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.clock import Clock

SLOW_S = 1.0
_LOOK_S = 0.2  # how often who waits looks whether a connect has become old, or the edge stops


@dataclass(order=True, slots=True)
class _Waiter:
    failures: int
    number: int  # order of arrival
    connects: bool = field(compare=False)
    turn: threading.Event = field(default_factory=threading.Event, compare=False)
    gone: bool = field(default=False, compare=False)


class Pacer:
    """One for all cameras of an edge; from any thread."""

    def __init__(
        self,
        clock: Clock,
        keeps_up: Callable[[], bool] = lambda: True,
        *,
        at_once: int = 4,
        hold_s: float = 0.5,
        spaced_s: float = 0.1,
    ) -> None:
        self._clock = clock
        self._keeps_up = keeps_up
        self._granted = -math.inf
        self._at_once = at_once
        self._hold_s = hold_s
        self._spaced_s = spaced_s
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[str, list[_Waiter]] = defaultdict(list)  # heaps, by host
        self._begun: dict[str, dict[int, float]] = defaultdict(dict)  # connects that count: when they began

    @contextmanager
    def turn(self, host: str, failures: int, stop: threading.Event, *, connects: bool = True) -> Iterator[bool]:
        """Waits for a turn to connect, or only to ask, and holds it; False where `stop` was set meanwhile."""
        me = _Waiter(failures, next(self._numbers), connects)
        with self._lock:
            heapq.heappush(self._waiting[host], me)
        try:
            self._grant(host)
            while not me.turn.wait(_LOOK_S) and not stop.is_set():
                self._grant(host)
            yield not stop.is_set()
        finally:
            with self._lock:
                me.gone = True
                self._begun[host].pop(me.number, None)
            self._grant(host)

    def _grant(self, host: str) -> None:
        with self._lock:
            now = self._clock.now()
            begun = {number: at for number, at in self._begun[host].items() if now - at < self._hold_s}
            waiting = self._waiting[host]
            while waiting and (waiting[0].gone or len(begun) < self._at_once):
                first = waiting[0]
                counts = first.connects and not first.gone
                if counts and now < self._granted + (self._spaced_s if self._keeps_up() else SLOW_S):
                    break
                heapq.heappop(waiting)
                if counts:
                    self._granted = now
                if not first.gone:
                    begun[first.number] = now
                    first.turn.set()
            self._begun[host] = begun
