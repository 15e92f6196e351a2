"""What every store must do. A module that tests one makes a class of this with an `opening` fixture."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.errors import StoreClosed
from central.store.base import DecisionRow, EventQuery, Missing, Position, Shown, Store, StoredEvent, UserRow
from contract.event import MAX_SEQ
from contract.heartbeat import Heartbeat, Lost, Numbers, Span
from contract.wire import Received
from tests.central.records import NOW, life, received, record, uuid7

Opening = Callable[[], Store]

ALL = EventQuery()
EVERY_GAP = Shown(late_by=NOW * 2, lost_since=0, forked_since=0)


def _span(first: int, last: int) -> Span:
    return Span(epoch=5, first=first, last=last)


def _beat(last: int, *, epoch: int = 5, waiting: int = 0, lost: Sequence[tuple[int, int]] = ()) -> Heartbeat:
    gone = [Lost(epoch=epoch, first=a, last=b, reason="damaged") for a, b in lost]
    return Heartbeat(edge_id="edge-1", epochs=[Numbers(epoch=epoch, last=last)], waiting=waiting, lost=gone)


async def everything(store: Store, query: EventQuery = ALL, limit: int = 7) -> list[StoredEvent]:
    """All pages of a query."""
    found: list[StoredEvent] = []
    before = None
    while page := await store.events(query, before, limit):
        found += page
        before = Position(page[-1].record.opened_at, page[-1].record.event_id)
    return found


class StoreSuite:
    """The two fixtures that raise are what each store's own test class has to give."""

    @pytest.fixture
    def opening(self) -> Opening:
        """Opens the same store every time; the one before it is closed first."""
        raise NotImplementedError

    @pytest.fixture
    def fresh(self) -> Callable[[], Store]:
        """Opens another, empty store every time."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, opening: Opening) -> Store:
        return opening()

    # --- put

    async def test_what_was_stored_is_a_duplicate_for_ever(self, opening: Opening) -> None:
        store = opening()
        batch = [received(1), received(2)]
        assert await store.put(batch, NOW) == ["stored", "stored"]
        assert await store.put(batch, NOW) == ["duplicate", "duplicate"]
        store.close()
        store = opening()
        assert await store.put([*batch, received(3)], NOW) == ["duplicate", "duplicate", "stored"]
        assert len(await everything(store)) == 3

    async def test_duplicate_within_a_batch(self, store: Store) -> None:
        one = received(1)
        assert await store.put([one, one], NOW) == ["stored", "duplicate"]

    async def test_central_epoch_is_the_stores_own(self, opening: Opening) -> None:
        store = opening()
        epoch = store.central_epoch
        store.close()
        assert opening().central_epoch == epoch > 0

    async def test_all_fields_come_back(self, store: Store) -> None:
        full = received(
            5, newer='{"speed":3}', closed_at=NOW + 9, state="closed", at=NOW + 9, count=4, clock_offset=-20
        )
        bare = received(6, zone=None, label=None, confidence=None, box=None, track=None)
        await store.put([full, bare], NOW + 77)
        for sent in (full, bare):
            stored = await store.event(sent.record.event_id)
            assert stored is not None
            assert stored.record == sent.record
            assert (stored.newer, stored.received_at, stored.decision) == (sent.newer, NOW + 77, None)

    async def test_an_event_of_another_edge_is_refused(self, store: Store) -> None:
        mine = received(1)
        await store.put([mine], NOW)
        theirs = received(1, edge_id="edge-2", event_id=mine.record.event_id, camera_id="theirs")
        good = received(2, edge_id="edge-2")
        assert await store.put([theirs, good], NOW) == ["conflict-event", "stored"]
        stored = await store.event(mine.record.event_id)
        assert stored is not None
        assert stored.record == mine.record

    async def test_a_cloned_edge_overwrites_nothing(self, store: Store) -> None:
        first = received(1)
        clone = received(1)  # the same edge, epoch and seq, another event
        await store.put([first], NOW)
        assert await store.put([clone], NOW) == ["conflict-seq"]
        assert [event.record for event in await everything(store)] == [first.record]

    async def test_a_refused_record_uses_up_nothing(self, store: Store) -> None:
        mine = received(1)
        await store.put([mine], NOW)
        change = await store.last_change()
        theirs = received(9, edge_id="edge-2", event_id=mine.record.event_id)
        await store.put([theirs], NOW)
        assert await store.last_change() == change
        assert await store.put([received(9, edge_id="edge-2")], NOW) == ["stored"]

    @pytest.mark.parametrize(
        "order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]], ids=["as-made", "backwards", "open-last", "closed-first"]
    )
    async def test_the_newest_record_makes_the_row(self, store: Store, order: list[int]) -> None:
        records = life(1)
        for place in order:
            assert await store.put([records[place]], NOW) == ["stored"]
        [event] = await everything(store)
        assert event.record == records[2].record

    async def test_a_newer_epoch_beats_a_higher_seq(self, store: Store) -> None:
        event_id = uuid7()
        old = received(900, event_id=event_id, epoch=1)
        new = received(1, event_id=event_id, epoch=2, camera_id="after")
        await store.put([new], NOW)
        await store.put([old], NOW)
        [event] = await everything(store)
        assert event.record.camera_id == "after"

    def test_order_and_repetition_do_not_matter(self, fresh: Callable[[], Store]) -> None:
        lives = [life(1 + 10 * n, edge_id=f"edge-{n % 2}", epoch=NOW) for n in range(4)]
        records = [entry for one in lives for entry in one]

        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.lists(st.sampled_from(records), min_size=1, max_size=9), max_size=9))
        def check(batches: list[list[Any]]) -> None:
            asyncio.run(deliver(batches))

        async def deliver(batches: list[list[Any]]) -> None:
            store = fresh()
            answers = [answer for batch in batches for answer in await store.put(batch, NOW)]
            sent = {entry.record.seq for batch in batches for entry in batch}
            assert answers.count("stored") == len(sent)
            expected = {
                one[0].record.event_id: max((e for e in one if e.record.seq in sent), key=lambda e: e.record.seq).record
                for one in lives
                if any(entry.record.seq in sent for entry in one)
            }
            assert {event.record.event_id: event.record for event in await everything(store)} == expected
            store.close()

        check()

    async def test_concurrent_batches_are_each_stored_once(self, store: Store) -> None:
        batches = [[received(n * 10 + k, edge_id=f"edge-{n}") for k in range(1, 6)] for n in range(40)]
        answers = await asyncio.gather(*(store.put(batch, NOW) for batch in batches + batches))
        flat = [answer for batch in answers for answer in batch]
        assert (flat.count("stored"), flat.count("duplicate")) == (200, 200)
        changes = [event.change for event in await everything(store, limit=50)]
        assert len(set(changes)) == 200 == await store.last_change()

    # --- reading

    async def test_pages_equal_a_plain_model(self, store: Store) -> None:
        """Random filters over random events, paged, against filtering and sorting a list."""
        chance = random.Random(4)
        events = await _sow(store, chance, 300)
        for _ in range(150):
            query = _random_query(chance)
            expected = [event for event in events if query.matches(event)]
            assert await everything(store, query, limit=chance.choice([1, 7, 50, 400])) == expected, query
            limit = chance.choice([1, 20, 400])
            assert await store.count(query, limit) == min(limit, len(expected)), query

    async def test_more_filter_values_than_index_scans(self, store: Store) -> None:
        events = await _sow(store, random.Random(5), 60)
        query = EventQuery(cameras=tuple(f"cam-{n}" for n in range(50)))
        assert await everything(store, query) == [event for event in events if query.matches(event)]

    async def test_changes_equal_a_plain_model(self, store: Store) -> None:
        chance = random.Random(6)
        events = sorted(await _sow(store, chance, 200), key=lambda event: event.change)
        for _ in range(60):
            query, after = _random_query(chance), chance.randrange(events[-1].change + 2)
            got: list[StoredEvent] = []
            at, more = after, True
            while more:
                page = await store.changes(query, at, 13)
                got += page.events
                at, more = page.change, page.more
            assert got == [event for event in events if event.change > after and query.matches(event)]
            assert at == await store.last_change()

    async def test_a_follower_of_changes_misses_nothing(self, store: Store) -> None:
        seen: dict[Any, int] = {}

        async def follow() -> None:
            at = 0
            while len(seen) < 150:
                page = await store.changes(ALL, at, 20)
                for event in page.events:
                    assert event.change > at
                    seen[event.record.event_id] = event.record.seq
                at = page.change
                await asyncio.sleep(0)

        async def write(edge: int) -> None:
            for n in range(30):
                await store.put(life(1 + 2 * n, "oc", edge_id=f"edge-{edge}"), NOW)

        async with asyncio.timeout(30):
            await asyncio.gather(follow(), *(write(edge) for edge in range(5)))
        assert {event.record.event_id for event in (await store.changes(ALL, 0, 1000)).events} == seen.keys()

    async def test_change_goes_on_after_reopening(self, opening: Opening) -> None:
        store = opening()
        await store.put([received(1), received(2)], NOW)
        store.close()
        store = opening()
        assert await store.last_change() == 2
        await store.put([received(3)], NOW)
        assert [event.change for event in (await store.changes(ALL, 2, 10)).events] == [3]

    async def test_facets_are_the_values_seen(self, store: Store) -> None:
        await store.put([received(1, tier=2, site="b"), received(2, site="a", kind="dwell")], NOW)
        facets = await store.facets()
        assert facets["tier"] == ["1", "2"]
        assert facets["site"] == ["a", "b"]
        assert facets["kind"] == ["dwell", "intrusion"]
        assert facets["camera"] == ["cam-1"]

    # --- review

    async def test_decisions_are_kept_and_can_be_taken_back(self, store: Store) -> None:
        [opened, closed] = life(1, "oc")
        await store.put([opened], NOW)
        event_id = opened.record.event_id
        rows = [DecisionRow("true", "li", NOW + 1, "seen"), DecisionRow(None, "wang", NOW + 2, "")]
        decided = await store.decide(event_id, rows[0])
        assert decided is not None
        assert (decided.decision, decided.change) == (rows[0], 2)
        await store.put([closed], NOW + 3)  # what comes later leaves the decision alone
        event = await store.event(event_id)
        assert event is not None
        assert (event.decision, event.record.state) == (rows[0], "closed")
        undone = await store.decide(event_id, rows[1])
        assert undone is not None
        assert (undone.decision, undone.change) == (None, 4)
        assert await store.decisions(event_id) == rows[::-1]

    async def test_nothing_to_decide_on(self, store: Store) -> None:
        assert await store.decide(uuid7(), DecisionRow("true", "li", NOW, "")) is None
        assert await store.event(uuid7()) is None
        assert await store.last_change() == 0

    async def test_listeners_hear_of_changes_after_they_can_be_read(self, store: Store) -> None:
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[None] = asyncio.Queue()

        def hear() -> None:
            loop.call_soon_threadsafe(heard.put_nowait, None)

        stop = store.listen(hear)
        one = received(1)
        for change in (
            lambda: store.put([one], NOW),
            lambda: store.decide(one.record.event_id, DecisionRow("test", "li", NOW, "")),
        ):
            await change()
            await asyncio.wait_for(heard.get(), 5)
        for silent in (
            lambda: store.put([one], NOW),  # a duplicate
            lambda: store.look(one.record.event_id, "li", NOW),
        ):
            await silent()
        stop()
        await store.put([received(2)], NOW)
        await store.put([received(3)], NOW)
        assert heard.empty()

    # --- edges, users, sessions

    async def test_edges(self, store: Store) -> None:
        assert await store.add_edge("edge-1", b"a" * 32, NOW)
        assert not await store.add_edge("edge-1", b"b" * 32, NOW)
        assert (await store.edge_of(b"a" * 32), await store.edge_of(b"b" * 32)) == ("edge-1", None)
        assert await store.add_edge("edge-1", b"b" * 32, NOW, replace=True)
        assert (await store.edge_of(b"a" * 32), await store.edge_of(b"b" * 32)) == (None, "edge-1")

    async def test_what_is_known_of_an_edge(self, store: Store) -> None:
        await store.add_edge("edge-1", b"a" * 32, NOW)
        [edge] = await store.edges()
        assert (edge.last_seen, edge.epoch, edge.last_seq, edge.records) == (None, None, None, 0)
        await store.put([received(7, epoch=5, clock_offset=12), received(3, epoch=5)], NOW + 1)
        await store.put([received(900, epoch=4)], NOW + 2)
        [edge] = await store.edges()
        assert (edge.last_seen, edge.epoch, edge.last_seq, edge.records) == (NOW + 2, 5, 7, 3)
        await store.put([received(1, epoch=6)], NOW + 3)
        [edge] = await store.edges()
        assert (edge.epoch, edge.last_seq) == (6, 1)

    # --- what is missing

    async def test_missing_numbers_open_and_close(self, opening: Opening) -> None:
        store = opening()
        await store.add_edge("edge-1", b"a" * 32, NOW)
        await store.put([received(n, epoch=5, at=NOW + n) for n in (1, 2, 6)], NOW)
        [line] = await store.missing(EVERY_GAP)
        assert line == Missing("edge-1", 3, 0, NOW + 2, NOW + 6, None, None)
        assert await store.beat(_beat(8, waiting=4), NOW + 10) == [_span(3, 5), _span(7, 8)]
        [edge] = await store.edges()
        assert (edge.last_seen, edge.waiting, edge.last_seq) == (NOW + 10, 4, 6)
        store.close()
        store = opening()
        assert await store.beat(_beat(8, lost=[(4, 4), (6, 7)]), NOW + 20) == [_span(3, 3), _span(5, 5), _span(8, 8)]
        [line] = await store.missing(EVERY_GAP)
        assert line == Missing("edge-1", 3, 2, NOW + 2, None, NOW + 20, None)
        listed = [(one.epoch, one.gap.first, one.gap.last, one.gap.reason) for one in await store.gaps("edge-1", 9)]
        assert listed == [(5, 3, 3, None), (5, 4, 4, "damaged"), (5, 5, 5, None), (5, 7, 7, "damaged"), (5, 8, 8, None)]
        assert len(await store.gaps("edge-1", 2)) == 2
        late = [received(n, epoch=5, at=NOW + n) for n in (3, 4, 5, 7, 8)]
        assert await store.put([*late, late[0]], NOW + 30) == [*["stored"] * 5, "duplicate"]
        assert await store.missing(EVERY_GAP) == []
        assert await store.gaps("edge-1", 9) == []

    async def test_a_number_that_was_refused_is_missing(self, store: Store) -> None:
        others = received(1, edge_id="edge-2")
        await store.put([others], NOW)
        stolen = received(2, event_id=others.record.event_id)
        assert await store.put([received(1), stolen, received(3)], NOW) == ["stored", "conflict-event", "stored"]
        assert [(one.gap.first, one.gap.last) for one in await store.gaps("edge-1", 9)] == [(2, 2)]

    async def test_which_gaps_are_shown(self, store: Store) -> None:
        await store.add_edge("edge-1", b"a" * 32, NOW)
        await store.beat(_beat(9, lost=[(1, 3)]), NOW)

        async def counts(**given: int) -> list[tuple[int, int]]:
            return [(one.late, one.lost) for one in await store.missing(replace(EVERY_GAP, **given))]

        assert await counts() == [(6, 3)]
        assert await counts(late_by=NOW - 1) == [(0, 3)]
        assert await counts(lost_since=NOW) == [(6, 0)]
        assert await counts(late_by=NOW - 1, lost_since=NOW) == []

    async def test_what_is_lost_is_shown_until_it_is_noted(self, store: Store) -> None:
        await store.add_edge("edge-1", b"a" * 32, NOW)
        await store.beat(_beat(9, lost=[(1, 3)]), NOW)
        assert not await store.note_gaps("edge-2", NOW, "li", NOW)
        assert await store.note_gaps("edge-1", NOW, "li", NOW + 5)
        [line] = await store.missing(EVERY_GAP)
        assert (line.late, line.lost) == (6, 0)
        await store.beat(_beat(9, lost=[(1, 3), (5, 9)]), NOW + 6)  # what was noted is not told again
        [line] = await store.missing(EVERY_GAP)
        assert (line.late, line.lost, line.lost_at) == (1, 5, NOW + 6)
        assert len(await store.gaps("edge-1", 9)) == 3

    async def test_absurd_numbers_can_be_summed(self, store: Store) -> None:
        for first in range(1, 2000, 16):
            epochs = [Numbers(epoch=epoch, last=MAX_SEQ) for epoch in range(first, first + 16)]
            await store.beat(Heartbeat(edge_id="edge-1", epochs=epochs, waiting=0), NOW)
        [line] = await store.missing(EVERY_GAP)
        assert line.late == 2**53

    @pytest.mark.parametrize(
        ("epochs", "forked"),
        [
            pytest.param([5, 5, 6, 6, 7], False, id="new epochs"),
            pytest.param([7, 6, 6, 8], False, id="a clock that went back"),
            pytest.param([5, 6, 5], True, id="two copies"),
            pytest.param([5, 7, 7, 5, 5], True, id="two copies that beat twice each"),
        ],
    )
    async def test_two_copies_under_one_name(self, store: Store, epochs: list[int], forked: bool) -> None:
        await store.add_edge("edge-1", b"a" * 32, NOW)
        for n, epoch in enumerate(epochs):
            await store.beat(_beat(0, epoch=epoch), NOW + n)
        lines = await store.missing(EVERY_GAP)
        assert [line.edge_id for line in lines if line.forked_at] == ["edge-1"] * forked
        assert await store.missing(replace(EVERY_GAP, forked_since=NOW + 9)) == []

    async def test_users_and_sessions(self, store: Store) -> None:
        assert not await store.has_users()
        li = UserRow("li", "hash-1", NOW)
        assert await store.add_user(li)
        assert not await store.add_user(UserRow("li", "other", None))
        assert await store.has_users()
        assert (await store.user("li"), await store.user("no")) == (li, None)
        await store.add_session(b"s", "li", NOW)
        await store.touch_session(b"s", NOW + 5)
        session = await store.session(b"s")
        assert session is not None
        assert (session.user, session.created_at, session.seen_at, session.one_time) == ("li", NOW, NOW + 5, True)
        assert await store.set_password(UserRow("li", "hash-2", None))
        assert await store.session(b"s") is None
        assert not await store.set_password(UserRow("no", "hash", None))

    async def test_sessions_end(self, store: Store) -> None:
        await store.add_user(UserRow("li", "hash", None))
        for token, created, seen in ((b"old", 10, 90), (b"idle", 60, 60), (b"good", 60, 90), (b"out", 60, 90)):
            await store.add_session(token, "li", created)
            await store.touch_session(token, seen)
        await store.drop_sessions(created_before=50, seen_before=80)
        await store.end_session(b"out")
        left = [token for token in (b"old", b"idle", b"good", b"out") if await store.session(token)]
        assert left == [b"good"]

    # --- the end

    async def test_close_twice_then_every_use_raises(self, store: Store) -> None:
        store.close()
        store.close()
        uses: list[Callable[[], Any]] = [
            lambda: store.put([received(1)], NOW),
            lambda: store.events(ALL, None, 1),
            lambda: store.count(ALL, 1),
            lambda: store.changes(ALL, 0, 1),
            lambda: store.event(uuid7()),
            lambda: store.decisions(uuid7()),
            lambda: store.decide(uuid7(), DecisionRow(None, "li", NOW, "")),
            lambda: store.look(uuid7(), "li", NOW),
            lambda: store.facets(),
            lambda: store.last_change(),
            lambda: store.beat(_beat(1), NOW),
            lambda: store.missing(EVERY_GAP),
            lambda: store.gaps("edge-1", 1),
            lambda: store.note_gaps("edge-1", NOW, "li", NOW),
            lambda: store.edges(),
            lambda: store.edge_of(b""),
            lambda: store.add_edge("e", b"", NOW),
            lambda: store.session(b""),
            lambda: store.user("li"),
        ]
        for use in uses:
            with pytest.raises(StoreClosed):
                await use()

    async def test_close_finishes_what_waits(self, opening: Opening) -> None:
        store = opening()
        waiting = [asyncio.create_task(store.put([received(n)], NOW)) for n in range(1, 30)]
        await asyncio.sleep(0)
        store.close()
        assert await asyncio.gather(*waiting) == [["stored"]] * 29
        assert len(await everything(opening())) == 29


async def _sow(store: Store, chance: random.Random, n: int) -> list[StoredEvent]:
    """`n` random events, some of them decided; returned newest first."""
    for seq in range(1, n + 1):
        closed = chance.random() < 0.7
        opened_at = NOW + chance.randrange(40) * 1000  # so that many share a moment
        made = record(
            seq,
            tier=chance.randint(1, 3),
            site=chance.choice("abc"),
            pilot=chance.choice(["school", "kitchen"]),
            camera_id=f"cam-{chance.randrange(8)}",
            rule=chance.choice(["r1", "r2", "r3"]),
            kind=chance.choice(["dwell", "intrusion"]),
            severity=chance.choice(["info", "warning", "alarm"]),
            opened_at=opened_at,
            at=opened_at,
            state="closed" if closed else chance.choice(["open", "update"]),
            closed_at=opened_at if closed else None,
        )
        await store.put([Received(made)], NOW)
        if chance.random() < 0.3:
            decision = chance.choice(["true", "false_alarm", "test", "duplicate", None])
            await store.decide(made.event_id, DecisionRow(decision, "li", NOW, ""))  # type: ignore[arg-type]
    events = (await store.changes(ALL, 0, 10_000)).events
    return sorted(events, key=lambda event: (event.record.opened_at, event.record.event_id.bytes), reverse=True)


def _random_query(chance: random.Random) -> EventQuery:
    def some(*values: Any) -> tuple[Any, ...]:
        return tuple(chance.sample(values, chance.randint(1, len(values)))) if chance.random() < 0.35 else ()

    return EventQuery(
        tiers=some(1, 2, 3),
        sites=some("a", "b", "none"),
        pilots=some("school", "kitchen"),
        cameras=some("cam-1", "cam-2", "cam-3"),
        rules=some("r1", "r2"),
        kinds=some("dwell", "intrusion", "none"),
        severities=some("info", "warning", "alarm"),
        states=some("open", "closed"),
        decisions=some(None, "true", "test", "duplicate", "false_alarm"),
        since=NOW + chance.randrange(40) * 1000 if chance.random() < 0.3 else None,
        until=NOW + chance.randrange(40) * 1000 if chance.random() < 0.3 else None,
    )
