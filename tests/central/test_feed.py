"""The fan-out on a real store, without HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from central.errors import StoreError, Unavailable
from central.feed import Feed, Gap, Hello, Live, Silence
from central.store.base import DecisionRow, EventQuery, StoredEvent
from central.store.sqlite import SqliteStore
from tests.central.records import NOW, life, received

pytestmark = pytest.mark.anyio

ALL = EventQuery()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path, NOW)
    yield opened
    opened.close()


def feed_of(store: SqliteStore, **settings: Any) -> Feed[int]:
    return Feed(store, lambda event: event.change, **({"bound": 8, "max_desks": 4, "keep_alive": 5.0} | settings))


async def take(stream: AsyncIterator[Any], n: int) -> list[Any]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(n)]


async def test_a_desk_gets_what_comes_from_now_on(store: SqliteStore) -> None:
    await store.put([received(1)], NOW)
    feed = feed_of(store)
    desk = await feed.join(ALL)
    stream = feed.stream(desk, ALL, None)
    assert await take(stream, 1) == [Hello(1, 1)]
    second = received(2)
    await store.put([second], NOW)
    [live] = await take(stream, 1)
    assert (live.change, live.event.record, live.frame) == (2, second.record, 2)
    await store.decide(second.record.event_id, DecisionRow("test", "li", NOW, ""))
    [live] = await take(stream, 1)
    assert (live.change, live.event.decision.decision) == (3, "test")
    feed.close()


async def test_a_desk_goes_on_where_it_was(store: SqliteStore) -> None:
    await store.put([received(n) for n in range(1, 6)], NOW)
    feed = feed_of(store)
    desk = await feed.join(ALL)
    stream = feed.stream(desk, ALL, 2)
    hello, *events = await take(stream, 4)
    assert hello == Hello(2, 5)
    assert [live.change for live in events] == [3, 4, 5]
    feed.close()


async def test_what_comes_while_the_store_is_read_is_neither_lost_nor_doubled(store: SqliteStore) -> None:
    await store.put([received(n) for n in range(1, 4)], NOW)
    feed = feed_of(store, bound=100)
    desk = await feed.join(ALL)
    await store.put([received(n) for n in range(4, 7)], NOW)  # subscribed, and not yet read
    stream = feed.stream(desk, ALL, 0)
    changes = [live.change for live in (await take(stream, 7))[1:]]
    await store.put([received(7)], NOW)
    changes += [live.change for live in await take(stream, 1)]
    assert changes == [1, 2, 3, 4, 5, 6, 7]
    feed.close()


async def test_a_store_restored_from_a_backup_is_told(store: SqliteStore) -> None:
    await store.put([received(1)], NOW)
    feed = feed_of(store)
    desk = await feed.join(ALL)
    stream = feed.stream(desk, ALL, 500)
    assert await take(stream, 2) == [Hello(1, 1), Gap(None, 1)]
    await store.put([received(2)], NOW)
    assert [live.change for live in await take(stream, 1)] == [2]
    feed.close()


async def test_each_desk_has_its_own_filter(store: SqliteStore) -> None:
    feed = feed_of(store)
    queries = [EventQuery(tiers=(1,)), EventQuery(sites=("b",)), EventQuery(states=("open",))]
    streams = [feed.stream(await feed.join(query), query, None) for query in queries]
    for stream in streams:
        await take(stream, 1)
    await store.put([received(1, tier=2, site="b"), received(2, tier=1), *life(3, "oc", tier=3)], NOW)
    assert [live.change for live in await take(streams[0], 1)] == [2]
    assert [live.change for live in await take(streams[1], 1)] == [1]
    # What an event becomes is no reason to keep it from a desk: the desk has to take it off its list.
    assert [live.change for live in await take(streams[2], 3)] == [1, 2, 4]
    feed.close()


async def test_a_slow_desk_is_told_of_the_gap_and_reads_on(store: SqliteStore) -> None:
    feed = feed_of(store, bound=5)
    slow, quick = await feed.join(ALL), await feed.join(ALL)
    slow_stream, quick_stream = feed.stream(slow, ALL, None), feed.stream(quick, ALL, None)
    await take(slow_stream, 1)
    await take(quick_stream, 1)
    for n in range(1, 13):
        await store.put([received(n)], NOW)
        assert [live.change for live in await take(quick_stream, 1)] == [n]
    first = await take(slow_stream, 5)
    assert [live.change for live in first] == [1, 2, 3, 4, 5]
    [gap] = await take(slow_stream, 1)
    assert gap == Gap(7, 5)
    assert [live.change for live in await take(slow_stream, 7)] == list(range(6, 13))
    await store.put([received(13)], NOW)
    assert [live.change for live in await take(slow_stream, 1)] == [13]
    feed.close()


async def test_desks_of_any_speed_see_every_event_in_order(store: SqliteStore) -> None:
    """Random speeds, queues that overflow, desks that reconnect: each sees every event's last state."""
    chance = random.Random(3)
    feed = feed_of(store, bound=4, max_desks=20)
    done = asyncio.Event()

    async def desk(pause: float) -> dict[Any, str]:
        seen: dict[Any, str] = {}
        at = 0
        while True:
            seat = await feed.join(ALL)
            async for item in feed.stream(seat, ALL, at):
                if isinstance(item, Live):
                    assert item.change > at
                    at = item.change
                    seen[item.event.record.event_id] = item.event.record.state
                    if chance.random() < pause:
                        await asyncio.sleep(0.002)
                if chance.random() < 0.05:
                    break  # the connection is lost
                if done.is_set() and at == 120:
                    feed.leave(seat)
                    return seen
            feed.leave(seat)

    async with asyncio.timeout(60):
        desks = [asyncio.create_task(desk(pause)) for pause in (0.0, 0.2, 0.9)]
        for n in range(60):
            await store.put(life(1 + 2 * n, "oc")[:1], NOW)
        events = (await store.changes(ALL, 0, 100)).events
        for event in events:
            await store.decide(event.record.event_id, DecisionRow("true", "li", NOW, ""))
        done.set()
        for seen in await asyncio.gather(*desks):
            assert len(seen) == 60
    assert feed.desks == 0


async def test_silence_is_told_after_a_while(store: SqliteStore) -> None:
    feed = feed_of(store, keep_alive=0.05)
    desk = await feed.join(ALL)
    assert (await take(feed.stream(desk, ALL, None), 2))[1] == Silence()
    feed.close()


async def test_no_more_desks_than_allowed(store: SqliteStore) -> None:
    feed = feed_of(store, max_desks=2)
    first, _ = await feed.join(ALL), await feed.join(ALL)
    with pytest.raises(Unavailable):
        await feed.join(ALL)
    feed.leave(first)
    await feed.join(ALL)
    feed.close()


async def test_close_ends_all_streams(store: SqliteStore) -> None:
    feed = feed_of(store)
    desks = [await feed.join(ALL) for _ in range(3)]
    reading = [asyncio.create_task(_drain(feed.stream(desk, ALL, None))) for desk in desks]
    await asyncio.sleep(0)
    feed.close()
    async with asyncio.timeout(5):
        await asyncio.gather(*reading)
    with pytest.raises(Unavailable):
        await feed.join(ALL)


async def test_the_pump_rests_without_desks(store: SqliteStore) -> None:
    feed = feed_of(store)
    feed.leave(await feed.join(ALL))
    await _until(lambda: store._listeners == [])
    encoded: list[StoredEvent] = []
    feed = Feed(store, encoded.append, bound=1, max_desks=1, keep_alive=1.0)  # type: ignore[arg-type]
    await store.put([received(1)], NOW)
    assert encoded == []


async def test_a_store_that_fails_for_a_while_costs_no_event(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.feed.RETRY", 0.01)
    feed = feed_of(store)
    desk = await feed.join(ALL)
    stream = feed.stream(desk, ALL, None)
    await take(stream, 1)
    whole = store.changes
    failures = iter([True, True])

    async def failing(*args: Any) -> Any:
        if next(failures, False):
            raise StoreError("for a while")
        return await whole(*args)

    monkeypatch.setattr(store, "changes", failing)
    await store.put([received(1)], NOW)
    # The desk itself is up to date; only the pump reads, fails, and tries again.
    desk_events = await take(stream, 1)
    assert [live.change for live in desk_events] == [1]
    assert next(failures, None) is None
    feed.close()


async def _drain(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
