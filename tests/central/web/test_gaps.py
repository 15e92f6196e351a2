"""What is missing, above the list, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from central.app import utc_ms
from edge.clock import SystemClock
from edge.errors import OutboxFull
from edge.outbox import Outbox
from edge.outbox.writer import Limits
from edge.uplink import Uplink
from edge.uplink.client import Client
from tests.central.web.conftest import Seat
from tests.central.web.seat import EDGE, RunningCentral, record, uuid7

Sit = Callable[..., Seat]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE_MINUTES = 9 * 60_000


def at_midnight() -> int:
    """Today in the browser's zone, so that no date stands beside the time."""
    now = datetime.now(SHANGHAI)
    return int(now.replace(hour=0, minute=2, second=0, microsecond=0).timestamp() * 1000)


def lines(page: Page) -> Any:
    return page.locator("#gaps li span")


def ask(page: Page) -> None:
    """Now, rather than in ten seconds: the browser was off the network and is back."""
    with page.expect_response(re.compile("/api/gaps")):
        page.evaluate("for (const way of ['offline', 'online']) window.dispatchEvent(new Event(way))")


def test_nothing_missing_nothing_shown(central: RunningCentral, sit: Sit) -> None:
    central.post([record(seq=1, epoch=3), record(seq=2, epoch=3)])
    page = sit().page
    with page.expect_response(re.compile("/api/gaps")):  # it does ask
        page.reload()
    expect(page.locator("#gaps")).to_be_hidden()
    top = page.locator("#scroll").bounding_box()
    strip = page.locator(".strip").bounding_box()
    assert top is not None
    assert strip is not None
    assert top["y"] == strip["y"] + strip["height"]


def test_a_line_opens_counts_and_closes(central: RunningCentral, sit: Sit) -> None:
    made = at_midnight()
    central.missed("edge-412", 39, came=[(1, made), (39, made + NINE_MINUTES)])
    page = sit().page
    expect(lines(page)).to_have_text("edge-412: 00:02-00:11, 37 late, 0 lost")
    expect(page.locator("#gaps button")).to_have_count(0)
    central.missed("edge-412", 40, came=[(n, made) for n in range(2, 30)])
    ask(page)
    expect(lines(page)).to_have_text("edge-412: since 00:02, 10 late, 0 lost")
    central.missed("edge-412", 40, came=[(n, made) for n in [*range(30, 39), 40]])
    ask(page)
    expect(page.locator("#gaps")).to_be_hidden()


def test_it_is_asked_by_itself(central: RunningCentral, sit: Sit) -> None:
    page = sit().page
    expect(page.locator("#gaps")).to_be_hidden()
    central.missed("edge-412", 5)
    expect(lines(page)).to_have_text("edge-412: 5 late, 0 lost", timeout=20_000)


def test_lost_is_shown_until_somebody_notes_it(central: RunningCentral, sit: Sit) -> None:
    made = at_midnight()
    central.missed("edge-412", 9, came=[(1, made), (9, made)], lost=(2, 5))
    anna, li = sit().page, sit("li").page
    expect(lines(anna)).to_have_text("edge-412: 00:02-00:02, 3 late, 4 lost")
    expect(lines(li)).to_have_text("edge-412: 00:02-00:02, 3 late, 4 lost")
    anna.get_by_role("button", name="Noted").click()
    expect(lines(anna)).to_have_text("edge-412: 00:02-00:02, 3 late, 0 lost")
    expect(anna.locator("#notice")).to_have_text("Noted: what edge-412 lost is kept with your name.")
    central.missed("edge-412", 9, came=[(n, made) for n in (6, 7, 8)])
    ask(li)
    expect(li.locator("#gaps")).to_be_hidden()  # noted for all


def test_a_real_edge_tells_what_it_let_go_of_for_an_alarm(central: RunningCentral, sit: Sit, tmp_path: Path) -> None:
    """Its outbox was full while central was away."""
    clock = SystemClock()
    with Outbox(tmp_path / "outbox.db", EDGE, now_ms=utc_ms, limits=Limits(max_bytes=300_000)) as outbox:
        for severity, count, fits in (("info", 800, False), ("alarm", 100, True)):
            made = [outbox.append(partial(record, severity=severity, event_id=uuid7(n))) for n in range(count)]
            refused = [each.exception(10) for each in made if each.exception(10)]
            assert {type(each) for each in refused} == (set() if fits else {OutboxFull})
        lost = outbox.status().sacrificed
        assert lost
        uplink = Uplink(outbox, Client(central.address, central.token, clock), clock)
        uplink.start()
        try:
            page = sit().page
            expect(lines(page)).to_have_text(re.compile(f"^edge-1: .*, 0 late, {lost} lost$"), timeout=20_000)
            assert outbox.status().pending == 0
        finally:
            uplink.stop()


def test_five_lines_and_how_many_more(central: RunningCentral, sit: Sit) -> None:
    for n in range(7):
        central.missed(f"edge-{n}", 3)
    page = sit().page
    expect(lines(page)).to_have_text([*(f"edge-{n}: 3 late, 0 lost" for n in range(5)), "and 2 more edges"])


def test_two_copies_are_told_in_chinese(central: RunningCentral, sit: Sit) -> None:
    for epoch in (7, 8, 7):
        central.missed("edge-412", 0, epoch=epoch, ago=0)
    central.missed("edge-9", 2, lost=(1, 1))
    page = sit(locale="zh-CN").page
    expect(lines(page)).to_have_text(["edge-412：有两份副本以此名称发送", "edge-9：迟到 1 条，丢失 1 条"])
    expect(page.get_by_role("button", name="已知悉")).to_be_visible()


def test_what_is_looked_at_stays_in_its_place(central: RunningCentral, sit: Sit) -> None:
    now = int(time.time() * 1000)
    central.post([record(camera_id=f"cam-{n}", opened_at=now - 1000 * n) for n in range(1, 60)])
    page = sit().page
    page.locator("#scroll").evaluate("scroll => { scroll.scrollTop = 700; }")
    place = page.locator(".row").nth(20).bounding_box()
    central.missed("edge-412", 5)
    ask(page)
    expect(page.locator("#gaps")).to_be_visible()
    after = page.locator(".row").nth(20).bounding_box()
    assert place is not None
    assert after is not None
    assert abs(after["y"] - place["y"]) < 1  # a browser scrolls by whole pixels of the screen


def test_signed_out_nothing_is_shown(central: RunningCentral, sit: Sit) -> None:
    central.missed("edge-412", 5)
    seat = sit()
    expect(lines(seat.page)).to_have_count(1)
    seat.context.clear_cookies()
    seat.page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(seat.page.locator("[data-connection=out]")).to_be_visible()
    expect(seat.page.locator("#gaps")).to_be_hidden()
    seat.faults = [fault for fault in seat.faults if "401" not in fault]
