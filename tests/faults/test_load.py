"""Much at once: a burst, the end of an outage, and hundreds of edges that come back in the same moment."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from central import credentials
from central.store.sqlite import SqliteStore
from tests.faults.driver import Driver
from tests.faults.lab import Central, Lab, lines, now_ms, wait_for_lines
from tests.faults.oracle import Verdict, report, stored_at
from tests.faults.storm import StormyEdge, drain_all

SEED = 7
EVENTS = 10_000
EDGES = 974


def test_a_burst(lab: Lab) -> None:
    task = lab.task(seed=SEED, count=EVENTS, group=500)
    with Driver(task, halt=True) as driver:
        driver.go()
        assert driver.stands_at() == "open"
        begun = time.monotonic()
        driver.go()
        wait_for_lines(task.log, 2 * EVENTS)
        acked = time.monotonic() - begun
        assert driver.wait() == 0
    verdict = lab.judge(task, begun)
    report("burst", SEED, verdict, acked_s=round(acked, 2), per_s=round(EVENTS / verdict.recovered[0]))
    assert verdict.clean, verdict
    assert verdict.events == EVENTS


def test_an_outage(lab: Lab) -> None:
    task = lab.task(seed=SEED + 1, count=EVENTS, group=500)
    lab.central.kill()
    with Driver(task) as driver:
        wait_for_lines(task.log, 2 * EVENTS)
        lab.central.start()
        healed = time.monotonic()
        assert driver.wait() == 0
    assert lines(task.log) == 2 * EVENTS + 1
    verdict = lab.judge(task, healed)
    report("outage", SEED + 1, verdict, per_s=round(EVENTS / verdict.recovered[0]))
    assert verdict.clean, verdict


def test_a_storm(tmp_path: Path, full: bool) -> None:
    if not full:
        pytest.skip("only in the laboratory (--faults full)")
    data = tmp_path / "central"
    edges = [StormyEdge(name, token, seed, batches=5, size=10) for seed, (name, token) in enumerate(known(data, EDGES))]
    with Central(data) as central:
        begun = time.monotonic()
        seen = asyncio.run(drain_all(edges, central.url))
        took = time.monotonic() - begun
    total = Verdict(n=EDGES, recovered=(took,))
    for edge in edges:
        there = dict(stored_at(data, edge.edge_id))
        own = {key: str(event) for key, event in edge.events.items()}
        total += Verdict(
            events=len(own),
            lost=len(own.items() - there.items()),
            invented=len(there.items() - own.items()),
        )
    report("storm", SEED, total, **{"5xx": seen["5xx"], "broken": seen["broken"]})
    assert total.clean, total
    assert took < 120


def known(data: Path, count: int) -> list[tuple[str, str]]:
    """Edges and their tokens, made in a central that is not running yet."""
    store = SqliteStore(data, now_ms())
    try:
        return asyncio.run(_add(store, count))
    finally:
        store.close()


async def _add(store: SqliteStore, count: int) -> list[tuple[str, str]]:
    edges = [(name, credentials.edge_token(name)) for name in (f"edge-{number}" for number in range(count))]
    for name, token in edges:
        assert await store.add_edge(name, credentials.token_hash(token), now_ms())
    return edges
