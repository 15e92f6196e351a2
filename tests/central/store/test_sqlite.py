"""The SQLite store: the suite of all stores, and what is SQLite's own."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from central.errors import SearchTooLong, StoreBusy, StoreError, StoreFull, StoreUnsuited
from central.store import schema
from central.store.base import DecisionRow, EpochGap, EventQuery, Position, UserRow
from central.store.gaps import Gap
from central.store.sqlite import FILE, SqliteStore
from central.store.sqlite_feed import RECORD_COLUMNS, changes_sql, count_sql, page_sql, values_of
from contract.event import EventRecord
from tests.central.records import NOW, received, uuid7
from tests.small_disk import mounted
from tests.suites.store import StoreSuite, everything

pytestmark = pytest.mark.anyio


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Callable[[], SqliteStore]]:
    opened: list[SqliteStore] = []

    def open_again() -> SqliteStore:
        opened.append(SqliteStore(tmp_path, NOW))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


class TestSqlite(StoreSuite):
    @pytest.fixture
    def opening(self, opening: Callable[[], SqliteStore]) -> Callable[[], SqliteStore]:
        return opening

    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Callable[[], SqliteStore]:
        number = itertools.count()
        return lambda: SqliteStore(tmp_path / f"store-{next(number)}", NOW)


@pytest.fixture
def store(opening: Callable[[], SqliteStore]) -> SqliteStore:
    return opening()


@pytest.fixture
def bare(store: SqliteStore, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A look into the file from outside."""
    connection = sqlite3.connect(tmp_path / FILE)
    yield connection
    connection.close()


PARTS: dict[str, dict[str, Any]] = {
    "tier": {"tiers": (2,)},
    "site": {"sites": ("a", "b")},
    "pilot": {"pilots": ("p",)},
    "camera": {"cameras": ("c", "d")},
    "rule": {"rules": ("r",)},
    "kind": {"kinds": ("k",)},
    "severity": {"severities": ("alarm", "warning")},
    "open": {"states": ("open",)},
    "closed": {"states": ("closed",)},
    "decided": {"decisions": ("true", "test")},
    "undecided": {"decisions": (None,)},
    "span": {"since": 1, "until": 2},
}


def test_every_page_is_read_off_an_index(bare: sqlite3.Connection) -> None:
    """All combinations of filters, with and without a cursor: index searches merged in order, nothing sorted."""
    for size in range(len(PARTS) + 1):
        for names in itertools.combinations(PARTS, size):
            query = EventQuery(**{key: value for name in names for key, value in PARTS[name].items()})
            for before in (None, Position(NOW, uuid7())):
                sql, params = page_sql(query, before, 51)
                steps = [row[3] for row in bare.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
                searches = [step for step in steps if "events" in step]
                assert searches, (names, steps)
                assert all(step.startswith("SEARCH events USING INDEX events_") for step in searches), (names, steps)
                assert all("(tier=?" in step for step in searches), (names, steps)
                assert not any("TEMP B-TREE" in step or "SCAN" in step for step in steps), (names, steps)
                if before or "span" in names:
                    assert all("opened_at" in step for step in searches), (names, steps)


@pytest.mark.parametrize(
    ("names", "index"),
    [
        ((), "events_tier"),
        (("camera", "site"), "events_camera"),
        (("site",), "events_site"),
        (("kind",), "events_kind"),
        (("severity",), "events_severity"),
        (("severity", "rule"), "events_severity"),
        (("severity", "site"), "events_site"),
        (("open", "site"), "events_open"),
        (("decided",), "events_decided"),
        (("undecided", "site"), "events_site"),
        (("rule", "pilot"), "events_tier"),
    ],
    ids=str,
)
def test_which_index(bare: sqlite3.Connection, names: tuple[str, ...], index: str) -> None:
    query = EventQuery(**{key: value for name in names for key, value in PARTS[name].items()})
    sql, params = page_sql(query, None, 1)
    plan = str(bare.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall())
    assert f"INDEX {index} (" in plan


def test_what_is_left_out_is_counted_off_an_index_alone(bare: sqlite3.Connection) -> None:
    sql, params = count_sql(EventQuery(severities=("info",), since=1), 1001)
    steps = [row[3] for row in bare.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
    searches = [step for step in steps if "events" in step]
    assert len(searches) == 3
    index = "SEARCH events USING COVERING INDEX events_severity (tier=? AND severity=? AND opened_at>?)"
    assert searches == [index] * 3, steps


def test_changes_are_read_off_their_index(bare: sqlite3.Connection) -> None:
    query = EventQuery(**{key: value for part in PARTS.values() for key, value in part.items()})
    sql, params = changes_sql(query, 5, 10)
    plan = [row[3] for row in bare.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert plan == ["SEARCH events USING INDEX events_change (change>?)"]


def test_the_table_has_the_contracts_fields_and_no_others(bare: sqlite3.Connection) -> None:
    """A closed list: nothing that tells who can be stored, because there is no column for it."""
    columns = {row[1] for row in bare.execute("PRAGMA table_info(events)")}
    own = {"id", "newer", "received_at", "change", "decision", "decision_by", "decision_at", "decision_note"}
    assert columns == set(EventRecord.__struct_fields__) | own
    tables = {row[0] for row in bare.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {
        "events",
        "records",
        "decisions",
        "looks",
        "facets",
        "edges",
        "users",
        "sessions",
        "meta",
        "epochs",
        "gaps",
        "gap_notes",
        "_sqlite_migrations",
    }


def test_durability_settings(store: SqliteStore, bare: sqlite3.Connection) -> None:
    assert bare.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


async def test_looks_are_kept(store: SqliteStore, bare: sqlite3.Connection) -> None:
    one = received(1)
    await store.put([one], NOW)
    await store.look(one.record.event_id, "li", NOW + 5)
    rows = bare.execute('SELECT event_id, "by", at FROM looks').fetchall()
    assert rows == [(one.record.event_id.bytes, "li", NOW + 5)]


async def test_readers_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(Exception, match="readonly"):
        await store._read(lambda db: db.execute("DELETE FROM events"))


async def test_one_process_a_store(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StoreBusy, match="another process"):
        SqliteStore(tmp_path, NOW)
    store.close()
    SqliteStore(tmp_path, NOW).close()


async def test_a_failing_job_leaves_its_group_alone(store: SqliteStore) -> None:
    gate = threading.Event()
    held = asyncio.create_task(store._write(lambda *_: gate.wait(10)))

    def fail(db: sqlite3.Connection, events: object) -> None:
        events.put([received(77, edge_id="lost", site="lost")], NOW)  # type: ignore[attr-defined]
        raise RuntimeError("halfway")

    jobs = [store.put([received(1)], NOW), store._write(fail), store.put([received(2), received(3)], NOW)]
    tasks = [asyncio.create_task(job) for job in jobs]
    while store._jobs.qsize() < 3:
        await asyncio.sleep(0)
    gate.set()
    assert await held
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == ["stored"]
    assert isinstance(results[1], RuntimeError)
    assert results[2] == ["stored", "stored"]
    assert sorted(event.change for event in await everything(store)) == [1, 2, 3]
    assert (await store.facets())["site"] == ["north-gate"]
    await store.put([received(77, site="lost")], NOW)  # what memory held of the lost job is gone too
    assert (await store.facets())["site"] == ["lost", "north-gate"]


async def test_more_than_may_wait_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, NOW, write_queue=2)
    gate, begun = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        begun.set()
        gate.wait(10)

    try:
        held = asyncio.create_task(store._write(hold))
        await asyncio.sleep(0)
        assert await asyncio.to_thread(begun.wait, 10)
        waiting = [asyncio.create_task(store.put([received(n)], NOW)) for n in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(StoreBusy) as refused:
            await store.put([received(3)], NOW)
        assert refused.value.retryable
        gate.set()
        await held
        assert await asyncio.gather(*waiting) == [["stored"], ["stored"]]
        assert len(await everything(store)) == 2
    finally:
        gate.set()
        store.close()


async def test_a_caller_that_left_does_not_disturb_the_next(store: SqliteStore) -> None:
    gate = threading.Event()
    held = asyncio.create_task(store._write(lambda *_: gate.wait(10)))
    left = asyncio.create_task(store.put([received(1)], NOW))
    stays = asyncio.create_task(store.put([received(2)], NOW))
    while store._jobs.qsize() < 2:
        await asyncio.sleep(0)
    left.cancel()
    await asyncio.sleep(0)
    gate.set()
    await held
    assert await stays == ["stored"]


async def test_a_search_that_takes_too_long_is_ended(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.store.sqlite.READ_TIME", 0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(SearchTooLong):
        await store._read(lambda db: db.execute(endless).fetchone())
    assert await store.last_change() == 0


async def test_a_full_disk_loses_nothing_answered(store: SqliteStore) -> None:
    await store._write(lambda db, _: db.execute("PRAGMA max_page_count = 60").fetchone())
    stored = 0

    async def fill() -> None:
        nonlocal stored
        for batch in range(1000):
            await store.put([received(batch * 20 + n) for n in range(1, 21)], NOW)
            stored += 20

    with pytest.raises(StoreFull) as full:
        await fill()
    assert full.value.retryable
    assert "Retry-After" in full.value.headers
    assert 0 < stored == len(await everything(store, limit=200))
    assert await store.last_change() == stored
    await store._write(lambda db, _: db.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await store.put([received(99_999)], NOW) == ["stored"]
    assert await store.last_change() == stored + 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "disk", 16)


async def test_on_a_disk_that_is_nearly_full_people_can_still_work(small: Path) -> None:
    store = SqliteStore(small, NOW)
    try:
        await store.add_user(UserRow("mei", "hash", None))
        assert await store.put([received(1)], NOW) == ["stored"]
        disk = os.statvfs(small)
        (small / "film").write_bytes(bytes(disk.f_bavail * disk.f_frsize - (700 << 10)))
        with pytest.raises(StoreFull):
            await store.put([received(2)], NOW)
        await store.add_session(b"token", "mei", NOW)
        [event] = await everything(store, limit=10)
        assert await store.decide(event.record.event_id, DecisionRow("true", "mei", NOW, "seen")) is not None
        assert await store.session(b"token") is not None
        (small / "film").unlink()
        assert await store.put([received(2)], NOW) == ["stored"]
    finally:
        store.close()


async def test_a_broken_connection_is_replaced(store: SqliteStore) -> None:
    """As after an I/O error: the jobs at hand fail, the file is opened anew, work goes on."""
    await store.put([received(1)], NOW)
    store._db.close()
    with pytest.raises(Exception, match="the store failed"):
        await store.put([received(2)], NOW)
    assert await store.put([received(2)], NOW) == ["stored"]
    assert await store.last_change() == 2


async def test_a_store_that_vanished_is_not_replaced_by_an_empty_one(store: SqliteStore, tmp_path: Path) -> None:
    for file in tmp_path.glob(f"{FILE}*"):
        file.unlink()
    store._db.close()
    for _ in range(2):
        with pytest.raises(StoreError):
            await store.put([received(1)], NOW)
    assert not (tmp_path / FILE).exists()


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path, NOW).close()
    db = Database(sqlite3.connect(tmp_path / FILE))
    db.table("_sqlite_migrations").insert({"migration_set": "central", "name": "from_the_future", "applied_at": "x"})
    db.conn.commit()
    db.conn.close()
    with pytest.raises(StoreUnsuited, match="from_the_future"):
        SqliteStore(tmp_path, NOW)


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"certainly no database" * 500)
    with pytest.raises(StoreUnsuited):
        SqliteStore(tmp_path, NOW)
    assert (tmp_path / FILE).read_bytes().startswith(b"certainly")


def test_migrations_are_recorded(bare: sqlite3.Connection) -> None:
    sql = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'central' ORDER BY rowid"
    names = [row[0] for row in bare.execute(sql)]
    assert names == [migration.name for migration in schema.migrations.pending(Database(memory=True))]


@pytest.mark.parametrize(
    ("migration", "lacks"), [("severity", {"severity", "of"}), ("out_of", {"of"})], ids=["severity", "of"]
)
async def test_a_store_of_before_is_brought_up_to_date(tmp_path: Path, migration: str, lacks: set[str]) -> None:
    old = Database(sqlite3.connect(tmp_path / FILE))
    schema.migrations.apply(old, stop_before=migration)
    old.table("meta").insert_all([{"name": "central_epoch", "value": NOW}, {"name": "change", "value": 1}])
    columns = dict(zip(RECORD_COLUMNS, values_of(received(1).record), strict=True))
    kept = {name: value for name, value in columns.items() if name not in lacks}
    old.table("events").insert(kept | {"received_at": NOW, "change": 1})
    old.conn.commit()
    old.conn.close()
    store = SqliteStore(tmp_path, NOW)
    try:
        await store.put([received(2, severity="info", count=3, of=5)], NOW)
        found = await everything(store, EventQuery(severities=("warning",)))
        assert [(event.record.seq, event.record.of) for event in found] == [(1, None)]
        assert {event.record.of for event in await everything(store)} == {None, 5}
    finally:
        store.close()


async def test_gaps_of_a_store_of_before_are_found_once(tmp_path: Path) -> None:
    old = Database(sqlite3.connect(tmp_path / FILE))
    schema.migrations.apply(old, stop_before="gaps")
    old.table("meta").insert_all([{"name": "central_epoch", "value": NOW}, {"name": "change", "value": 4}])
    for change, (epoch, seq) in enumerate([(1, 1), (1, 2), (1, 6), (2, 3)], start=1):
        given = received(seq, epoch=epoch, at=NOW + seq).record
        columns = dict(zip(RECORD_COLUMNS, values_of(given), strict=True))
        event = old.table("events").insert(columns | {"received_at": NOW + 100 + seq, "change": change}).last_pk
        old.execute("INSERT INTO records VALUES (?, ?, ?, ?)", ("edge-1", epoch, seq, event))
    old.conn.commit()
    old.conn.close()
    store = SqliteStore(tmp_path, NOW)
    try:
        assert await store.gaps("edge-1", 9) == [
            EpochGap(1, Gap(3, 5, NOW, NOW + 6, NOW + 106)),
            EpochGap(2, Gap(1, 2, None, NOW + 3, NOW + 103)),
        ]
        await store.put([received(n, epoch=1) for n in (3, 4, 5, 7)] + [received(n, epoch=2) for n in (1, 2, 4)], NOW)
        assert await store.gaps("edge-1", 9) == []
    finally:
        store.close()


def test_fifty_times_open_and_close_leaks_nothing(tmp_path: Path) -> None:
    def once() -> None:
        store = SqliteStore(tmp_path, NOW)
        asyncio.run(store.last_change())
        store.close()

    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    once()
    before = held()
    for _ in range(50):
        once()
    assert held() == before


async def test_nobody_else_may_read_the_store_whoever_opened_it_first(tmp_path: Path) -> None:
    before = os.umask(0o022)  # the umask is the process's: `add-edge` may make the store before `serve` runs
    try:
        store = SqliteStore(tmp_path, NOW)
        await store.put([received(1)], NOW)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob(f"{FILE}*")}
        store.close()
    finally:
        os.umask(before)
    assert modes == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
