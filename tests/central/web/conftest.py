"""Browser tests run against Debian's Chromium; where it is missing they are skipped, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.central.web.seat import RunningCentral

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PASSWORD = "a quiet night at the desk"  # of the tests' people


expect.set_options(timeout=10_000)  # ms; patience for a busy machine, no one waits for it on a quiet one


# Not for the session: while Playwright runs, no other test can run an event loop in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS, env={**os.environ})
        yield chromium
        chromium.close()


@pytest.fixture
def central(tmp_path: Path) -> Iterator[RunningCentral]:
    running = RunningCentral(tmp_path / "central")
    running.add_user("anna", PASSWORD)
    running.add_user("li", PASSWORD)
    yield running
    running.stop()


@dataclass
class Seat:
    """A browser of its own at the desk; `faults` is what its console said."""

    page: Page
    context: BrowserContext
    faults: list[str] = field(default_factory=list)


@pytest.fixture
def sit(browser: Browser, central: RunningCentral) -> Iterator[Callable[..., Seat]]:
    """Sign somebody in over the API and open the desk, live."""
    seats: list[Seat] = []

    def open_desk(user: str | None = "anna", path: str = "/", **options: Any) -> Seat:
        settings = {"viewport": {"width": 1280, "height": 720}, "locale": "en-GB", "timezone_id": "Asia/Shanghai"}
        context = browser.new_context(base_url=central.address, **(settings | options))
        context.set_default_timeout(10_000)
        page = context.new_page()
        seat = Seat(page, context)

        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                seat.faults.append(message.text)

        page.on("console", heard)
        page.on("pageerror", lambda error: seat.faults.append(str(error)))
        seats.append(seat)
        if user is not None:
            answer = context.request.post(
                "/api/session", data={"name": user, "password": PASSWORD}, headers={"Origin": central.address}
            )
            assert answer.ok, answer.text()
            page.goto(path)
            page.wait_for_selector("[data-connection=live]")
        return seat

    yield open_desk
    for seat in seats:
        seat.context.close()
    assert [fault for seat in seats for fault in seat.faults] == []
