"""How much an event matters, counts that stay out of the way, and what is no happening, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.central.web.conftest import Seat
from tests.central.web.seat import RunningCentral, record, uuid7

Sit = Callable[..., Seat]
NOW = int(time.time() * 1000)
BARE: dict[str, Any] = {"label": None, "count": None, "confidence": None, "box": None, "track": None}


def flow(**given: Any) -> Any:
    over = {"opened_at": NOW - 300_000, "closed_at": NOW}
    return record(**(BARE | {"kind": "flow", "severity": "info", "label": "car", "count": 12} | over | given))


def kinds(page: Page) -> Any:
    return page.locator(".row .c-what b")


def test_info_stays_out_until_it_is_asked_for(central: RunningCentral, sit: Sit) -> None:
    central.post([record(), flow(), flow(label=None, count=0)])
    page = sit().page
    expect(kinds(page)).to_have_text(["Zone entered"])
    expect(page.locator("#info")).to_contain_text("2 info records left out")
    central.post([flow(camera_id="live"), record(kind="dwell")])  # the flow does not come, the dwell does
    expect(kinds(page)).to_have_text(["Stayed too long", "Zone entered"])
    page.keyboard.press("i")
    expect(page.locator(".row")).to_have_count(5)
    expect(page.locator("#info")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/\?severity=alarm&severity=warning&severity=info$"))
    page.reload()  # the address keeps it
    expect(page.locator(".row")).to_have_count(5)
    central.post([flow(camera_id="shown")])
    expect(page.locator(".row")).to_have_count(6)
    page.locator("#chips button", has_text="With info").click()
    expect(page.locator(".row")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("#info")).to_contain_text("4 info records left out")
    page.locator("#info").click()
    expect(page.locator(".row")).to_have_count(6)


@pytest.mark.parametrize("query", ["kind=flow", "rule=count", "severity=info"])
def test_asking_for_what_is_info_shows_it(central: RunningCentral, sit: Sit, query: str) -> None:
    central.post([record(), flow(rule="count")])
    page = sit(path=f"/?{query}").page
    expect(kinds(page)).to_have_text(["Flow count"])
    central.post([flow(rule="count", camera_id="live")])
    expect(kinds(page)).to_have_text(["Flow count", "Flow count"])
    expect(page.locator("#info")).to_be_hidden()


def test_the_count_of_what_is_left_out_follows_the_filter(central: RunningCentral, sit: Sit) -> None:
    central.post([record(site="north"), flow(site="north"), flow(site="south"), flow(site="south")])
    page = sit().page
    expect(page.locator("#info")).to_contain_text("3 info records left out")
    page.keyboard.press("/")
    page.keyboard.type("site north")
    expect(page.locator("#choices [role=option]").first).to_contain_text("north")
    page.keyboard.press("Enter")
    expect(page.locator("#info")).to_contain_text("1 info record left out")


def test_only_alarms(central: RunningCentral, sit: Sit) -> None:
    central.post([record(), record(kind="dwell", severity="alarm"), flow()])
    page = sit().page
    page.keyboard.press("/")
    page.keyboard.type("severity al")
    page.keyboard.press("Enter")
    expect(kinds(page)).to_have_text(["Stayed too long"])
    expect(page.locator("#chips")).to_have_text(re.compile("^Severity: Alarm"))
    expect(page.locator("#info")).to_be_hidden()


def test_an_alarm_stands_out_until_it_is_decided(central: RunningCentral, sit: Sit) -> None:
    central.post([record(camera_id="quiet", opened_at=NOW - 9000), record(camera_id="loud", severity="alarm")])
    page = sit().page
    loud, quiet = page.locator("[data-severity=alarm]").first, page.locator("[data-severity=warning]").first
    paint = "(row) => getComputedStyle(row).backgroundColor"
    expect(loud.locator("[data-alarm]")).to_have_attribute("data-alarm", "Alarm")
    expect(quiet.locator("[data-alarm]")).to_have_count(0)
    assert loud.evaluate(paint) != quiet.evaluate(paint)
    shapes = [row.locator(".c-severity use").get_attribute("href") for row in (loud, quiet)]
    assert shapes == ["#i-alarm", "#i-warning"]
    expect(loud.locator(".c-severity")).to_have_accessible_name("Alarm")

    page.keyboard.press("j")
    expect(page.locator("#d-severity")).to_have_text("Alarm")
    expect(page.locator("#d-fields")).to_contain_text("SeverityAlarm")
    central.post([record(severity="alarm", camera_id="waits")])
    expect(page.locator("#new[data-alarm]")).to_contain_text("1 new event · 1 alarm")
    page.keyboard.press("t")
    expect(loud.locator(".decided")).to_have_text(re.compile("^anna "))
    expect(page.locator("#d-severity")).to_have_text("Warning")  # the next one
    assert loud.evaluate(paint) == "rgba(0, 0, 0, 0)"
    expect(loud.locator("[data-alarm]")).to_have_count(1)


def test_a_storm_grows_in_its_row(central: RunningCentral, sit: Sit) -> None:
    event_id = uuid7(NOW)

    def storm(state: str, count: int) -> None:
        over = {"event_id": event_id, "opened_at": NOW, "kind": "storm", "state": state}
        end = NOW + 60_000 if state == "closed" else None
        central.post([record(**(BARE | over | {"count": count, "closed_at": end, "at": NOW + 60_000}))])

    central.post([record(opened_at=NOW - 1000)])
    storm("open", 1)
    page = sit().page
    row = page.locator(".row[data-sort=storm]")
    expect(row.locator(".c-what")).to_have_text(re.compile("Too many to list.*1 event of after-hours · yard"))
    page.keyboard.press("j")
    for state, count in (("update", 40), ("update", 143), ("closed", 150)):
        storm(state, count)
        expect(row.locator(".c-what small")).to_have_text(f"{count} events of after-hours · yard")
        expect(page.locator("#d-about")).to_have_text(f"{count} events of after-hours · yard")
    expect(row.locator(".c-state b")).to_have_text("Closed")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator("#new")).to_be_hidden()


def test_a_camera_fault_is_marked_as_no_happening(central: RunningCentral, sit: Sit) -> None:
    central.post([record(kind="covered", rule="view", zone=None, **BARE), record(opened_at=NOW - 9000)])
    page = sit().page
    fault, happening = page.locator(".row").nth(0), page.locator(".row").nth(1)
    expect(fault.locator(".c-what")).to_have_text(re.compile("Camera covered.*Camera fault"))
    expect(fault.locator(".sort")).to_be_visible()
    expect(happening.locator(".sort")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("#d-about")).to_be_visible()
    expect(page.locator("#d-advice")).to_be_hidden()
    expect(page.locator("#d-figure")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "what", "looks", "worse", "state", "advice"),
    [
        (
            "en-GB",
            "Edge overloaded",
            "37 of 60 looks a second",
            "20 of 60 looks a second",
            "Closed",
            "Tell whoever runs it",
        ),
        ("zh-CN", "前端设备过载", "每秒检测 37 次，应为 60 次", "每秒检测 20 次，应为 60 次", "已结束", "通知运维人员"),
    ],
    ids=["en", "zh-CN"],
)
def test_an_overloaded_edge_says_so_and_when_it_was_over(
    central: RunningCentral,
    sit: Sit,
    locale: str,
    what: str,
    looks: str,
    worse: str,
    state: str,
    advice: str,
) -> None:
    event_id = uuid7(NOW)
    about = BARE | {"event_id": event_id, "opened_at": NOW, "kind": "degraded", "rule": "load", "zone": None}
    about |= {"camera_id": "edge-1", "of": 60}
    page = sit(locale=locale).page
    central.post([record(**about | {"state": "open", "count": 37})])
    row = page.locator(".row")
    expect(row.locator(".c-what b")).to_have_text(what)
    expect(row.locator(".c-what small")).to_have_text(looks)
    expect(row.locator(".c-where small")).to_have_text(re.compile("^edge-1 · "))
    expect(row.locator(".sort use")).to_have_attribute("href", "#i-edge")
    expect(row.locator(".c-object")).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator("#d-about")).to_have_text(looks)
    expect(page.locator("#d-advice")).to_contain_text(advice)
    expect(page.locator("#d-figure")).to_be_hidden()  # it happened in no picture
    fields = page.locator("#d-fields")
    expect(fields).to_contain_text("37 / 60")
    assert fields.locator("dd", has_text="edge-1").count() == 1  # the edge, and no camera of that name
    central.post([record(**about | {"count": 20, "closed_at": NOW + 60_000, "at": NOW + 60_000})])
    expect(row.locator(".c-what small")).to_have_text(worse)
    expect(page.locator("#d-about")).to_have_text(worse)
    expect(row.locator(".c-state b")).to_have_text(state)
    page.reload()  # as the server writes it
    expect(row.locator(".c-what small")).to_have_text(worse)


def test_a_desk_that_nobody_is_at_does_not_count_itself_alive(central: RunningCentral, sit: Sit) -> None:
    """Counting goes on by itself and asks only what keeps no session alive."""
    seat = sit(None)
    page = seat.page
    central.post([record(), flow()])
    answer = seat.context.request.post(
        "/api/session",
        data={"name": "anna", "password": "a quiet night at the desk"},
        headers={"Origin": central.address},
    )
    assert answer.ok
    page.clock.install()
    page.goto("/")
    expect(page.locator("#info")).to_contain_text("1 info record left out")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("?")[0].rpartition("/api/")[2]))
    central.post([flow()])
    page.clock.fast_forward("00:31")
    expect(page.locator("#info")).to_contain_text("2 info records left out")
    assert set(asked) <= {"count", "gaps", "health", "feed"}
