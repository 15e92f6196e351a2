"""Can everybody read and use it: languages, hostile names, labels, contrast."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from central import kinds
from tests.central.web.conftest import Seat
from tests.central.web.seat import RunningCentral, record

Sit = Callable[..., Seat]

WORDS = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const at = walker.currentNode.parentElement;
        if (!at.closest("kbd, noscript, script, template, .segments")) found.push(walker.currentNode.data);
    }
    for (const name of ["title", "aria-label", "placeholder"]) {
        for (const node of document.querySelectorAll(`[${name}]`)) found.push(node.getAttribute(name));
    }
    return found.map((text) => text.trim()).filter(Boolean);
}"""

# Accessible names of everything that can be operated, and ids that are used twice.
FAULTS = """() => {
    const faults = [];
    const name = (node) => (node.labels?.[0]?.textContent ?? "") + (node.getAttribute("aria-label") ?? "") +
        (node.tagName === "BUTTON" || node.tagName === "A" || node.tagName === "SUMMARY" ? node.textContent : "");
    for (const node of document.querySelectorAll("button, a, summary, select, input:not([type=hidden])")) {
        if (node.getAttribute("aria-hidden") === "true" || name(node).trim()) continue;
        faults.push(`no name: ${node.outerHTML}`);
    }
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    faults.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `twice: ${id}`));
    for (const node of document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls]")) {
        for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
            const id = node.getAttribute(attribute);
            if (id && !document.getElementById(id)) faults.push(`${attribute} leads nowhere: ${id}`);
        }
    }
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    if (!document.documentElement.lang) faults.push("no language");
    return faults;
}"""

# Every element that shows text of its own, with its colour and the first opaque background behind it.
COLOURS = """() => {
    const pairs = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("svg")) continue;
        let behind = node;
        while (behind && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor)) {
            behind = behind.parentElement;
        }
        const ground = behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)";
        pairs.set(`${getComputedStyle(node).color} on ${ground}`, walker.currentNode.data.trim());
    }
    return [...pairs];
}"""


def contrast(pair: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted(map(luminance, pair.split(" on ")), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def fill(central: RunningCentral) -> None:
    central.post(
        [
            record(kind=kind, tier=tier, label=label, state=state, zone=zone, box=box, camera_id=f"1-{i}", **numbers)
            for i, (kind, tier, label, state, zone, box) in enumerate(
                [
                    ("intrusion", 1, "person", "open", "2", (0.4, 0.3, 0.5, 0.8)),
                    ("line_crossing", 2, "truck", "closed", None, (0.0, 0.0, 0.1, 0.1)),
                    ("offline", 3, None, "open", None, None),
                    ("dwell", 1, "suitcase", "closed", "3", (0.9, 0.9, 1.0, 1.0)),
                    ("absence", 2, "person", "open", "4", None),
                    ("congestion", 3, "car", "closed", "5", None),
                ]
            )
        ]
    )


def fill_with_all(central: RunningCentral) -> None:
    """Faults of every kind and severity, an overloaded edge, storms, counts; the newest an alarm."""
    bare: dict[str, Any] = {"label": None, "count": None, "confidence": None, "box": None, "track": None}
    mine = numbers | bare | {"zone": "2", "camera_id": "1"}
    now = int(time.time() * 1000)
    over = {"opened_at": now - 301_000, "closed_at": now - 1000}
    faults = zip(sorted(kinds.CAMERA_HEALTH), itertools.cycle(["warning", "info", "alarm"]), strict=False)
    central.post(
        [
            *(record(**mine | {"kind": kind, "severity": severity}) for kind, severity in faults),
            record(**mine | {"kind": "degraded", "count": 37, "of": 60, "camera_id": "edge-1"}),
            *(record(**mine | {"kind": "storm", "count": n}) for n in (1, 143)),
            *(
                record(**mine | over | {"kind": "flow", "severity": "info", "label": label, "count": n})
                for label, n in (("car", 12), ("bus", 1), (None, 0))
            ),
            record(**mine | {"severity": "alarm"}),
        ]
    )


ALL = "/?severity=info&severity=warning&severity=alarm"


numbers: dict[str, Any] = {"site": "42", "rule": "7", "model": "8", "edge_id": "edge-1"}


def every_state(page: Page) -> None:
    """Four decided, one selected, and all of it stored."""
    for key in "jtfxd":
        expect(page.locator("#details")).not_to_have_attribute("data-settling", "yes")
        page.keyboard.press(key)
    expect(page.locator(".decided").filter(has_text=re.compile("anna"))).to_have_count(4)
    expect(page.locator("#d-history li.hint")).to_have_count(1)


@pytest.mark.parametrize("path", ["/login", "/password", "/", ALL])
def test_a_chinese_page_is_chinese(central: RunningCentral, sit: Sit, path: str) -> None:
    (fill_with_all if path == ALL else fill)(central)
    user = None if path == "/login" else "anna"
    seat = sit(user, path if path == ALL else "/", locale="zh-CN")
    page = seat.page
    if path in ("/", ALL):
        every_state(page)
        page.keyboard.press("/")
        expect(page.locator("#choices [role=option]").nth(16)).to_be_attached()
    else:
        page.goto(path)
    ours = re.compile(r"Vedette|anna|edge-1|UTC|Asia/Shanghai|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|JavaScript")
    untranslated = [text for text in page.evaluate(WORDS) if re.search("[A-Za-z]", ours.sub("", text))]
    assert untranslated == []


def test_the_language_is_switched_in_place(central: RunningCentral, sit: Sit) -> None:
    fill(central)
    page = sit(path="/?tier=1").page
    expect(page.locator(".row")).to_have_count(2)
    page.locator(".segments button[lang=zh-CN]").click()
    expect(page.locator(".c-what b", has_text="滞留超时")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/\?tier=1$"))
    page.goto("/password")
    expect(page.locator("h1")).to_have_text("设置密码")


@pytest.mark.parametrize("path", ["/", ALL])
def test_server_and_browser_write_the_same_rows(central: RunningCentral, sit: Sit, path: str) -> None:
    fill(central)
    fill_with_all(central)
    seat = sit(path=path)
    every_state(seat.page)
    still = ".row > div:not(.c-state), .row .c-state b"
    drawn = """rows => rows.map((row) => [row.dataset.severity, row.dataset.sort, row.dataset.tier,
        ...[...row.querySelectorAll("use")].map((use) => use.getAttribute("href"))])"""
    written = seat.page.locator(still).all_text_contents()
    marks = seat.page.locator(".row").evaluate_all(drawn)
    plain = seat.context.browser.new_context(  # type: ignore[union-attr]
        base_url=central.address, storage_state=seat.context.storage_state(), java_script_enabled=False, locale="en-GB"
    )
    page = plain.new_page()
    page.goto(path)
    tidy = [re.sub(r"\s+", "", text) for text in page.locator(still).all_text_contents()]
    assert tidy == [re.sub(r"\s+", "", text) for text in written]
    assert page.locator(".row").evaluate_all(drawn) == marks
    plain.close()


def test_hostile_names_are_text(central: RunningCentral, sit: Sit) -> None:
    """The contract lets no < or > into an event; everything else must come out as it went in."""
    label = '"><img src=x onerror=alert(1)>'.translate({60: "‹", 62: "›"}) + "'&amp;{{7*7}}${1}"
    name = "a.-_onerror.alert.1"
    central.post([record(label=label, model=label, camera_id=name, site=name, rule=name, kind=name, zone=name)])
    seat = sit()
    page = seat.page
    page.on("dialog", lambda dialog: seat.faults.append("a dialog"))
    expect(page.locator(".c-object b")).to_have_text(label)
    page.keyboard.press("j")
    expect(page.locator("#details-title")).to_have_text(name)
    expect(page.locator("#d-box-text")).to_have_text(label)
    page.keyboard.press("n")
    page.keyboard.type("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    page.keyboard.press("t")
    expect(page.locator(".decided")).to_have_text(re.compile("^anna "))
    page.reload()
    page.wait_for_selector("[data-connection=live]")
    page.keyboard.press("j")
    expect(page.locator("#d-history q")).to_have_text("<img src=x onerror=alert(1)>")
    page.keyboard.press("/")
    page.keyboard.type(name)
    expect(page.locator("#choices [role=option]").first).to_have_text(name)
    assert page.locator("img").count() == 0


def test_a_newer_kind_is_marked(central: RunningCentral, sit: Sit) -> None:
    central.post([record(kind="smoke_plume")])
    page = sit().page
    expect(page.locator(".c-what b")).to_have_text("smoke_plume")
    expect(page.locator(".row .newer")).to_have_text("newer")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_names_and_contrast(central: RunningCentral, sit: Sit, scheme: str) -> None:
    fill(central)
    fill_with_all(central)
    central.post([record(opened_at=1_700_000_000_000, at=1_700_000_001_000, closed_at=1_700_000_000_500)])  # late
    seat = sit(color_scheme=scheme)
    page = seat.page
    every_state(page)
    central.post([record(), record(severity="alarm")])
    expect(page.locator("#new[data-alarm]")).to_be_visible()
    expect(page.locator("#info")).to_be_visible()
    checks = [page.evaluate(COLOURS)]
    page.keyboard.press("i")
    expect(page.locator(".row[data-severity=info]").first).to_be_visible()
    checks.append(page.evaluate(COLOURS))
    page.keyboard.press("j")
    expect(page.locator("#d-severity")).to_be_visible()
    checks.append(page.evaluate(COLOURS))
    assert page.evaluate(FAULTS) == []
    page.keyboard.press("/")
    expect(page.locator("#choices [role=option]").nth(16)).to_be_visible()
    checks.append(page.evaluate(COLOURS))
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    checks.append(page.evaluate(COLOURS))
    page.keyboard.press("Escape")
    for path in ("/password",):
        page.goto(path)
        checks.append(page.evaluate(COLOURS))
        assert page.evaluate(FAULTS) == []
    pairs = {pair: text for check in checks for pair, text in check}
    poor = {pair: (round(contrast(pair), 2), text) for pair, text in pairs.items() if contrast(pair) < 4.5}
    print(f"\n{scheme}: {len(pairs)} pairs, lowest {min(map(contrast, pairs)):.2f}:1")
    assert poor == {}
    assert len(pairs) > 15


def test_the_focus_is_seen(central: RunningCentral, sit: Sit) -> None:
    fill(central)
    page = sit().page
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const node = document.activeElement, style = getComputedStyle(node);
                const name = node.id || node.textContent.trim() || node.tagName;
                return [name, style.outlineStyle, parseFloat(style.outlineWidth)];
            }"""
        )
        if at[0].startswith("Skip") and "list" in seen:
            break  # once around, at the page itself
        seen.add(at[0])
        assert at[0] == "list" or (at[1] != "none" and at[2] >= 2), at  # the list shows it on its row
    assert {"filter", "todo", "open-now", "range", "theme", "help-open", "list"} <= seen
