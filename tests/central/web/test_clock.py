"""Times of an edge whose clock is wrong, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.central.web.conftest import Seat
from tests.central.web.seat import RunningCentral, record

Sit = Callable[..., Seat]
NOW = int(time.time() * 1000)
DESK = ZoneInfo("Asia/Shanghai")


def utc(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M:%S}.{millis % 1000:03} UTC"


def local(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, DESK):%H:%M:%S}"


@pytest.mark.parametrize(
    ("locale", "offset", "said"),
    [
        ("en-GB", 90_000, "The edge's clock, 1:30 behind, said {}"),
        ("en-GB", -3_600_000, "The edge's clock, 1:00:00 ahead, said {}"),
        ("zh-CN", 90_000, "边缘设备时钟慢 1:30，其记录时间为 {}"),
    ],
    ids=["behind", "ahead", "Chinese"],
)
@pytest.mark.parametrize("live", [True, False], ids=["live", "first page"])
def test_the_right_time_is_shown_and_the_edges_own_in_the_tooltip(
    central: RunningCentral, sit: Sit, locale: str, offset: int, said: str, live: bool
) -> None:
    wrong = record(opened_at=NOW - 60_000 - offset, camera_id="wrong", clock_offset=offset)
    right = record(opened_at=NOW - 50_000, camera_id="right", clock_offset=-900)
    if not live:
        central.post([wrong, right])
    page = sit(locale=locale).page
    if live:
        central.post([wrong, right])
    shown = page.locator(f"#e-{wrong.event_id} time")
    expect(shown).to_have_text(local(NOW - 60_000))
    own = said.format(utc(wrong.opened_at))
    assert shown.get_attribute("title") == f"{utc(NOW - 60_000)}\n{own}"
    mark = "node => getComputedStyle(node, '::after').content"
    assert shown.evaluate(mark) == '"±"'
    expect(page.locator(f"#e-{wrong.event_id} .duration")).to_have_text("0:00")

    other = page.locator(f"#e-{right.event_id} time")
    expect(other).to_have_text(local(right.opened_at))
    assert other.get_attribute("title") == utc(right.opened_at)
    assert other.evaluate(mark) == "none"

    page.locator(f"#e-{wrong.event_id}").click()
    fields = page.locator("#d-fields")
    expect(fields).to_contain_text(utc(NOW - 60_000))
    expect(fields).to_contain_text(own)
    page.locator(f"#e-{right.event_id}").click()
    expect(fields).to_contain_text(utc(right.opened_at))
    expect(fields).not_to_contain_text(own)
