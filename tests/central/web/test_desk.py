"""The desk in a real browser, against a real central."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.central.web.conftest import PASSWORD, Seat
from tests.central.web.seat import ONE_TIME, RunningCentral, record, uuid7

Sit = Callable[..., Seat]
NOW = int(time.time() * 1000)


def some(n: int, **given: Any) -> list[Any]:
    """`n` events, cam-0 the newest."""
    return [record(camera_id=f"cam-{i}", opened_at=NOW - 1000 - 1000 * i, **given) for i in range(n)]


def row(page: Page, camera: str) -> Any:
    return page.locator(".row", has=page.locator(".c-where small", has_text=re.compile(rf"^{camera} ")))


def selected(page: Page) -> Any:
    return page.locator(".row[aria-selected=true] .c-where small")


def press(page: Page, key: str) -> None:
    """A decision key, when the desk takes one."""
    expect(page.locator("#details")).not_to_have_attribute("data-settling", "yes")
    page.keyboard.press(key)


def test_first_login_and_own_password(central: RunningCentral, sit: Sit) -> None:
    central.post(some(1))
    central.add_user("new", ONE_TIME, one_time=True)
    seat = sit(None)
    page = seat.page
    page.goto("/?tier=1")
    expect(page).to_have_url(re.compile("/login"))
    page.keyboard.type("new")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_have_text("Name or password is wrong.")
    expect(page.locator("#password")).to_be_focused()
    page.locator("#password").fill(ONE_TIME)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/password"))
    rules = page.locator("#rules li[data-rule]")
    expect(rules).to_have_count(3)  # stated before anything is typed
    page.locator("#old").fill(ONE_TIME)
    page.locator("#new").fill("short")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/password"))
    expect(page.locator("#rules .met")).to_have_count(1)
    page.locator("#new").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    expect(page.locator("#rules .met")).to_have_count(3)
    page.keyboard.press("Enter")
    expect(page.locator("[data-connection=live]")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/\?tier=1$"))
    expect(page.locator(".row")).to_have_count(1)
    seat.faults = [fault for fault in seat.faults if "401" not in fault]  # the wrong password


def test_an_event_appears_and_closes_while_one_looks(
    central: RunningCentral, sit: Sit, record_property: Callable[[str, object], None]
) -> None:
    page = sit().page
    expect(page.locator("#older-text")).to_have_text("No events yet. New ones appear here by themselves.")
    event_id = uuid7(NOW)
    took: list[int] = []
    for i in range(3):
        given = {"event_id": event_id, "opened_at": NOW} if i == 0 else {}
        start = time.perf_counter()
        central.post([record(state="open", camera_id=f"live-{i}", **given)])
        row(page, f"live-{i}").wait_for()
        took.append(round((time.perf_counter() - start) * 1000))
    record_property("ms_from_post_to_row", took)
    print(f"\nfrom POST to the row on the screen: {took} ms")
    expect(row(page, "live-0").locator(".c-state b")).to_have_text("Open")
    central.post(
        [record(event_id=event_id, opened_at=NOW, camera_id="live-0", closed_at=NOW + 65_000, at=NOW + 65_000)]
    )
    expect(row(page, "live-0").locator(".c-state b")).to_have_text("Closed")
    expect(row(page, "live-0").locator(".duration")).to_have_text("1:05")
    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator("#older-text")).to_have_text("No older events")


def test_a_night_by_keyboard_alone(central: RunningCentral, sit: Sit) -> None:
    central.post(some(5))
    page = sit().page
    page.keyboard.press("t")  # nothing selected: nothing decided
    expect(selected(page)).to_have_text("cam-0 · School")
    expect(page.locator("#todo-count")).to_have_text("5")
    for key, camera, following, words in [
        ("t", "cam-0", "cam-1", "True"),
        ("2", "cam-1", "cam-2", "False alarm"),
        ("X", "cam-2", "cam-3", "Test"),
    ]:
        press(page, key)
        expect(row(page, camera).locator(".c-decision b")).to_have_text(words)
        expect(row(page, camera).locator(".decided")).to_have_text(re.compile(r"^anna \d\d:\d\d$"))
        expect(selected(page)).to_have_text(f"{following} · School")
    expect(page.locator("#todo-count")).to_have_text("2")

    page.keyboard.press("u")
    expect(row(page, "cam-2").locator(".c-decision b")).to_have_text("To decide")
    expect(selected(page)).to_have_text("cam-2 · School")
    expect(page.locator("#notice")).to_contain_text("Taken back")

    page.keyboard.press("n")
    page.keyboard.type("the usual dog, 4 x tonight")
    page.keyboard.press("Enter")
    expect(page.locator("#list")).to_be_focused()
    press(page, "d")
    expect(row(page, "cam-2").locator(".c-decision b")).to_have_text("Duplicate")
    page.keyboard.press("k")
    expect(selected(page)).to_have_text("cam-2 · School")
    page.keyboard.press("Enter")
    expect(page.locator("#details-title")).to_be_focused()
    history = page.locator("#d-history li")
    expect(history).to_have_count(3)
    expect(history.nth(0)).to_contain_text("Duplicate · anna")
    expect(history.nth(0)).to_contain_text("the usual dog, 4 x tonight")
    expect(history.nth(1)).to_contain_text("Taken back · anna")
    press(page, "0")
    expect(row(page, "cam-2").locator(".c-decision b")).to_have_text("To decide")

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("f")  # no command while the help is open
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".row[aria-selected=true]")).to_have_count(0)


def test_the_list_holds_still_while_one_works(central: RunningCentral, sit: Sit) -> None:
    central.post(some(30))
    page = sit().page
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    before = page.locator(".row[aria-selected=true]").bounding_box()
    central.post([record(camera_id="fresh-1")])
    central.post([record(camera_id="fresh-2", opened_at=NOW - 1500, at=NOW - 200_000 + 199_000)])
    expect(page.locator("#new-text")).to_contain_text("2 new events")
    expect(page.locator(".row")).to_have_count(30)
    assert page.locator(".row[aria-selected=true]").bounding_box() == before
    page.keyboard.press("Home")
    expect(page.locator(".row")).to_have_count(32)
    expect(page.locator("#new")).to_be_hidden()
    central.post([record(camera_id="fresh-3")])  # nothing in hand now: it flows in
    row(page, "fresh-3").wait_for()
    page.locator(".row").nth(4).hover()
    central.post([record(camera_id="fresh-4")])
    expect(page.locator("#new-text")).to_contain_text("1 new event")
    page.mouse.move(5, 5)
    row(page, "fresh-4").wait_for()


def test_when_the_list_is_done_the_waiting_come_in(central: RunningCentral, sit: Sit) -> None:
    central.post(some(1))
    page = sit().page
    page.keyboard.press("j")
    central.post([record(camera_id="waiting-1")])
    expect(page.locator("#new-text")).to_contain_text("1 new event")
    press(page, "f")
    expect(selected(page)).to_have_text("waiting-1 · School")


def test_filter_by_typing_and_by_button(central: RunningCentral, sit: Sit) -> None:
    central.post([*some(3), record(camera_id="stove-1", pilot="kitchen", tier=3, kind="absence", state="open")])
    page = sit().page
    page.keyboard.press("/")
    page.keyboard.type("unatt")
    expect(page.locator("#choices [role=option]")).to_have_text(["Post unattended"])
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?kind=absence$"))
    central.post([record(camera_id="other")])  # does not fit, does not come
    central.post([record(camera_id="stove-2", kind="absence")])
    row(page, "stove-2").wait_for()
    expect(page.locator(".row")).to_have_count(2)
    page.keyboard.press("Escape")
    page.locator("#chips button").click()
    expect(page.locator(".row")).to_have_count(6)
    page.locator("#open-now").click()
    expect(page.locator(".row")).to_have_count(1)
    page.reload()  # the address keeps it
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#open-now")).to_have_attribute("aria-pressed", "true")
    page.locator("#open-now").click()
    page.locator("#list").focus()
    page.keyboard.press("q")
    expect(page).to_have_url(re.compile(r"/\?decision=none$"))
    page.locator("#range").select_option("1")
    expect(page).to_have_url(re.compile(r"since=\d+$"))
    expect(page.locator("#chips li")).to_have_count(3)


@pytest.mark.parametrize(
    ("typed", "keys", "chosen"),
    [
        ("severity", ["Enter"], "alarm"),
        ("severity", ["ArrowDown", "Enter"], "warning"),
        ("severity", ["ArrowDown", "ArrowUp", "Enter"], "alarm"),
        ("", ["ArrowDown", "Enter"], "1"),  # the first there is, a tier
    ],
    ids=["the first hit", "the next", "back to the first", "nothing typed"],
)
def test_a_choice_by_keyboard_is_the_one_marked_and_closes_the_menu(
    central: RunningCentral, sit: Sit, typed: str, keys: list[str], chosen: str
) -> None:
    central.post(some(1))
    page = sit().page
    page.keyboard.press("/")
    page.keyboard.type(typed)
    for key in keys:
        page.keyboard.press(key)
    field = "severity" if typed else "tier"
    expect(page).to_have_url(re.compile(rf"/\?{field}={chosen}$"))
    expect(page.locator("#choices")).to_be_hidden()
    expect(page.locator(".row")).to_have_count(0 if chosen == "alarm" else 1)
    page.keyboard.press("/")  # the next choice
    expect(page.locator("#choices")).to_be_visible()
    expect(page.locator("#filter")).to_have_value("")


def test_late_events_are_not_buried(central: RunningCentral, sit: Sit) -> None:
    central.post(some(60))
    page = sit().page
    long_ago = NOW - 7_200_000
    central.post([record(camera_id="late", opened_at=long_ago, at=long_ago + 800)])
    expect(page.locator("#deep")).to_have_text("1 late event further down")
    page.locator("#deep").click()
    expect(page.locator(".row")).to_have_count(1)
    expect(row(page, "late").locator(".late")).to_have_text(re.compile(r"late 2:0\d:\d\d"))


def test_a_quiet_desk_is_warned_before_it_is_signed_out(central: RunningCentral, sit: Sit) -> None:
    seat = sit(None)
    page = seat.page
    answer = seat.context.request.post(
        "/api/session", data={"name": "anna", "password": PASSWORD}, headers={"Origin": central.address}
    )
    assert answer.ok
    page.clock.install()
    page.goto("/")
    page.clock.fast_forward("29:00")
    expect(page.locator("#notice")).to_contain_text("Press any key to stay signed in")
    with page.expect_response("**/api/session"):
        page.keyboard.press("Shift")
    expect(page.locator("#notice")).to_have_text("You stay signed in.")


def test_two_seats(central: RunningCentral, sit: Sit) -> None:
    central.post(some(2))
    anna, li = sit("anna").page, sit("li").page
    li.keyboard.press("j")
    press(li, "t")
    expect(row(anna, "cam-0").locator(".c-decision b")).to_have_text("True")
    expect(row(anna, "cam-0").locator(".decided")).to_have_text(re.compile("^li "))

    anna.keyboard.press("j")  # what somebody else decided takes a second press
    press(anna, "f")
    expect(anna.locator("#notice")).to_contain_text("li decided “True”")
    expect(row(anna, "cam-0").locator(".c-decision b")).to_have_text("True")
    press(anna, "f")
    expect(row(anna, "cam-0").locator(".c-decision b")).to_have_text("False alarm")
    expect(row(li, "cam-0").locator(".decided")).to_have_text(re.compile("^anna "))
    expect(li.locator("#notice")).to_contain_text("anna changed “True” to “False alarm”")
    li.keyboard.press("u")  # it is not li's any more
    expect(li.locator("#notice")).to_have_text("Nothing to undo")
    expect(row(li, "cam-0").locator(".c-decision b")).to_have_text("False alarm")


def test_a_decision_that_crosses_another_is_told(central: RunningCentral, sit: Sit) -> None:
    central.post(some(2))
    anna, li = sit("anna").page, sit("li").page
    held: list[Any] = []
    anna.route("**/decision", lambda route: held.append(route))  # on its way
    anna.keyboard.press("j")
    press(anna, "f")
    expect(row(anna, "cam-0").locator(".decided")).to_have_text("saving…")
    li.keyboard.press("j")
    press(li, "t")
    expect(row(li, "cam-0").locator(".decided")).to_have_text(re.compile("^li "))
    held[0].continue_()
    expect(anna.locator("#notice")).to_contain_text("li had just decided “True”")
    expect(row(li, "cam-0").locator(".decided")).to_have_text(re.compile("^anna "))


def test_a_refused_decision_is_rolled_back(central: RunningCentral, sit: Sit) -> None:
    central.post(some(2))
    seat = sit()
    page = seat.page
    page.route("**/decision", lambda route: route.fulfill(status=503, json={"error": {"code": "disk-full"}}))
    page.keyboard.press("j")
    press(page, "t")
    expect(page.locator("#notice")).to_contain_text("Not saved: Zone entered, no3-middle-school cam-0")
    expect(row(page, "cam-0").locator(".c-decision b")).to_have_text("To decide")
    expect(row(page, "cam-0").locator(".decided")).to_have_text("not saved")
    page.locator("#notice button").click()
    expect(selected(page)).to_have_text("cam-0 · School")
    page.unroute("**/decision")
    page.route("**/decision", lambda route: (route.fetch(), route.abort()))  # stored, but the answer is lost
    press(page, "f")
    expect(row(page, "cam-0").locator(".c-decision b")).to_have_text("False alarm")
    expect(row(page, "cam-0").locator(".decided")).to_have_text(re.compile("^anna "))
    page.unroute("**/decision")
    page.keyboard.press("Home")
    page.keyboard.press("j")
    press(page, "t")
    expect(row(page, "cam-0").locator(".c-decision b")).to_have_text("True")
    expect(row(page, "cam-0").locator(".decided")).to_have_text(re.compile("^anna "))
    seat.faults = [fault for fault in seat.faults if "503" not in fault and "ERR_FAILED" not in fault]


def test_central_restarts(central: RunningCentral, sit: Sit) -> None:
    central.post(some(1))
    seat = sit()
    page = seat.page
    central.stop()
    expect(page.locator("#connection")).to_have_text(re.compile(r"^Not live · reconnecting since \d\d:\d\d:\d\d$"))
    expect(page.locator("#stale")).to_be_visible()
    page.keyboard.press("j")
    press(page, "t")
    expect(page.locator("#notice")).to_contain_text("the decision was not taken")
    page.keyboard.press("Escape")
    central.start()
    central.post([record(camera_id="while-away")])
    expect(page.locator("#connection")).to_have_text("Live", timeout=15_000)
    row(page, "while-away").wait_for()
    expect(row(page, "cam-0").locator(".c-decision b")).to_have_text("To decide")
    central.post([record(camera_id="afterwards")])
    row(page, "afterwards").wait_for()
    seat.faults = [fault for fault in seat.faults if "ERR_" not in fault]


def test_a_mute_central_is_noticed(central: RunningCentral, sit: Sit) -> None:
    """No error ever comes from a cut cable: only the pulse tells."""
    seat = sit()
    seat.page.route("**/api/*", lambda route: None)
    expect(seat.page.locator("#connection")).to_contain_text("Not live")


def test_an_ended_session_says_so(central: RunningCentral, sit: Sit) -> None:
    central.post(some(1))
    seat = sit(path="/?tier=1")
    central.end_sessions("anna", PASSWORD)
    seat.page.keyboard.press("j")  # looks at the event, and is told
    expect(seat.page.locator("#connection")).to_contain_text("Signed out")
    link = seat.page.locator("#connection a")
    expect(link).to_have_attribute("href", "/login?lapsed=1&back=%2F%3Ftier%3D1")
    seat.faults = [fault for fault in seat.faults if "401" not in fault]


def test_a_gap_is_told_and_the_list_read_again(central: RunningCentral, sit: Sit) -> None:
    central.post(some(3))
    frames = f'event: hello\ndata: {{"change": 3, "now": {NOW}}}\n\nevent: gap\ndata: {{"missed": 12, "after": 3}}\n\n'
    seat = sit(None)
    page = seat.page
    answer = seat.context.request.post(
        "/api/session", data={"name": "anna", "password": PASSWORD}, headers={"Origin": central.address}
    )
    assert answer.ok
    page.route("**/api/feed**", lambda route: route.fulfill(body=frames, content_type="text/event-stream"))
    with page.expect_response(re.compile("/api/events\\?")):
        page.goto("/")
    expect(page.locator("#standing")).to_have_text("12 updates were missed, list reloaded")
    expect(page.locator(".row")).to_have_count(3)
    page.keyboard.press("j")
    chosen = page.locator(".row[aria-selected=true]")
    expect(chosen).to_have_count(1)
    with page.expect_response(re.compile("/api/events\\?")):
        pass  # the stream ends and begins again with a gap
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(chosen).to_have_count(1)


def test_older_events_load_and_the_page_stays_bounded(central: RunningCentral, sit: Sit) -> None:
    central.post(some(700))
    page = sit().page
    expect(page.locator(".row")).to_have_count(50)
    for _ in range(9):
        n = page.locator(".row").count()
        page.locator("#older").scroll_into_view_if_needed()
        expect(page.locator(".row")).not_to_have_count(n)
        if row(page, "cam-420").count():
            break
    assert page.locator(".row").count() <= 400
    expect(row(page, "cam-420")).to_have_count(1)
    expect(row(page, "cam-0")).to_have_count(0)  # the newest have left the page, not the store
    page.keyboard.press("Home")
    expect(row(page, "cam-0")).to_have_count(1)


def test_ten_thousand_events(central: RunningCentral, sit: Sit, record_property: Callable[[str, object], None]) -> None:
    page = sit().page
    events = [record(camera_id=f"c-{i}", opened_at=NOW + i) for i in range(10_000)]
    start = time.perf_counter()
    for i in range(0, len(events), 200):
        central.post(events[i : i + 200])
    posted = time.perf_counter()
    row(page, "c-9999").wait_for(timeout=30_000)
    shown = time.perf_counter()
    rows = page.locator(".row").count()
    nodes = page.evaluate("document.querySelectorAll('*').length")
    step = page.evaluate(
        """async () => {
            const start = performance.now();
            const list = document.getElementById("list");
            for (let i = 0; i < 50; i += 1) {
                list.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
                await new Promise(requestAnimationFrame);
            }
            return (performance.now() - start) / 50;
        }"""
    )
    heap = page.evaluate("Math.round((performance.memory?.usedJSHeapSize ?? 0) / 1e6)")
    figures = {
        "stored_s": round(posted - start, 2), "on_screen_after_s": round(shown - posted, 2), "rows": rows,
        "nodes": nodes, "ms_a_step": round(step, 1), "heap_mb": heap,
    }  # fmt: skip
    record_property("ten_thousand", figures)
    print(f"\n10,000 events: {figures}")
    assert rows <= 400
    assert nodes < 13_000
    assert step < 100
