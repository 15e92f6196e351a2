"""Live events, fanned out to desks.

Contract
- The store says that something changed; one pump reads what, once for all desks, in the order of the changes. Nobody
  polls. The pump runs while there are desks.
- A desk has a queue of `bound` events. Full-policy: the event is not queued, the desk is marked as lagging, and the
  missed are counted. A lagging desk is told of the gap, and reads on from the store: it loses nothing but time.
- A desk is subscribed before it reads the store, and then skips what it has read: nothing is lost or doubled between.
- `close` ends every desk's stream, so that a server can stop while desks are connected.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from central.errors import StoreClosed, StoreError, Unavailable
from central.store.base import EventQuery, EventStore, StoredEvent

log = structlog.get_logger(__name__)

PAGE = 500  # events read at a time
RETRY = 1.0  # s, after the store failed to be read

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Hello:
    start: int  # the stream goes on from here
    change: int  # the store's last


@dataclass(frozen=True, slots=True)
class Live(Generic[F]):
    """An event that is new or has changed; `frame` is made once for all desks."""

    change: int
    event: StoredEvent
    frame: F


@dataclass(frozen=True, slots=True)
class Gap:
    missed: int | None  # None: not known
    after: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing happened for a while."""


class Desk(Generic[F]):
    def __init__(self, query: EventQuery, bound: int) -> None:
        self._query = query.unreviewed()
        self._bound = bound
        self._queue: deque[Live[F]] = deque()
        self._wake = asyncio.Event()
        self.missed = 0
        self.closed = False

    def wants(self, event: StoredEvent) -> bool:
        return self._query.matches(event)

    def offer(self, live: Live[F]) -> None:
        # Once one is missed the rest is too, until the desk reads on from the store: order is kept.
        if self.missed or len(self._queue) >= self._bound:
            self.missed += 1
        else:
            self._queue.append(live)
        self._wake.set()

    def end(self) -> None:
        self.closed = True
        self._wake.set()

    async def wait(self, timeout: float) -> bool:
        """False: nothing came within `timeout` seconds."""
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return False
        return True

    def take(self) -> list[Live[F]]:
        self._wake.clear()
        taken = list(self._queue)
        self._queue.clear()
        return taken


class Feed(Generic[F]):
    """`encode` makes an event's frame."""

    def __init__(
        self, store: EventStore, encode: Callable[[StoredEvent], F], *, bound: int, max_desks: int, keep_alive: float
    ) -> None:
        self._store = store
        self._encode = encode
        self._bound = bound
        self._max_desks = max_desks
        self._keep_alive = keep_alive
        self._desks: set[Desk[F]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._closed = False

    @property
    def desks(self) -> int:
        return len(self._desks)

    def close(self) -> None:
        """To be called in the event loop's thread."""
        self._closed = True
        for desk in self._desks:
            desk.end()
        self._stop_pump()

    async def join(self, query: EventQuery) -> Desk[F]:
        """A desk that gets every event from now on. Raises Unavailable."""
        if self._closed or len(self._desks) >= self._max_desks:
            raise Unavailable("no more desks can be connected now", code="desks-full", retry_after=15)
        desk: Desk[F] = Desk(query, self._bound)
        self._desks.add(desk)
        if self._pump is None or self._pump.done():
            self._ready = asyncio.Event()
            self._pump = asyncio.create_task(self._run(self._ready), name="feed")
        try:
            await self._ready.wait()
        except BaseException:
            self.leave(desk)
            raise
        return desk

    def leave(self, desk: Desk[F]) -> None:
        self._desks.discard(desk)
        if not self._desks:
            self._stop_pump()

    async def stream(
        self, desk: Desk[F], query: EventQuery, after: int | None
    ) -> AsyncIterator[Hello | Live[F] | Gap | Silence]:
        """What a desk is sent, from `after` (None: from now on) until the feed closes. Raises StoreError."""
        head = await self._store.last_change()
        if after is not None and after > head:
            # The desk has seen more than this store holds: it was restored from a backup.
            yield Hello(head, head)
            yield Gap(None, head)
            after = head
        else:
            after = head if after is None else after
            yield Hello(after, head)
        behind = after < head
        while not desk.closed:
            if behind:
                page = await self._store.changes(query.unreviewed(), after, PAGE)
                for event in page.events:
                    yield Live(event.change, event, self._encode(event))
                after, behind = page.change, page.more
                continue
            if not await desk.wait(self._keep_alive):
                yield Silence()
                continue
            for live in desk.take():
                if live.change > after:
                    yield live
                    after = live.change
            if desk.missed:
                yield Gap(desk.missed, after)
                desk.missed = 0
                behind = True

    def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
            self._ready.set()

    async def _run(self, ready: asyncio.Event) -> None:
        """The pump."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:  # in a thread of the store's
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(changed.set)

        stop_listening = self._store.listen(wake)
        at: int | None = None
        try:
            while True:
                changed.clear()
                try:
                    at = await self._read_on(at)
                except StoreClosed:
                    return
                except StoreError as error:
                    log.warning("feed cannot read the store", error=str(error), again_in_s=RETRY)
                    await asyncio.sleep(RETRY)
                    continue
                except Exception:
                    # A desk that is sent away shows that it is stale; one that hears nothing would look live.
                    log.exception("feed failed, every desk is sent away")
                    for desk in [*self._desks]:
                        desk.end()
                    ready.set()
                    return
                ready.set()
                await changed.wait()
        finally:
            stop_listening()

    async def _read_on(self, at: int | None) -> int:
        """Offer every change after `at` (None: none yet) to the desks; returns the last one read."""
        if at is None:
            return await self._store.last_change()
        while True:
            page = await self._store.changes(EventQuery(), at, PAGE)
            for event in page.events:
                if desks := [desk for desk in self._desks if desk.wants(event)]:
                    live = Live(event.change, event, self._encode(event))
                    for desk in desks:
                        desk.offer(live)
            at = page.change
            if not page.more:
                return at
