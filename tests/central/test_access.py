from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from central.access import FIRST_USER, WAITING
from central.errors import NotSignedIn, Slowed, Unavailable
from tests.central.harness import PASSWORD, Harness
from tests.central.records import NOW

pytestmark = pytest.mark.anyio


async def test_the_first_start_makes_one_user_once(harness: Harness) -> None:
    access = harness.central.access
    with capture_logs() as logs:
        first = await access.first_login()
    assert first is not None
    name, password = first
    assert (name, logs) == (FIRST_USER, [])
    assert await access.first_login() is None
    user = await harness.store.user(name)
    assert user is not None
    assert user.one_time_until == NOW + 24 * 3600 * 1000
    assert password not in user.password_hash
    assert (await access.login(name, password, "")).must_change_password


async def test_denials_are_logged_without_what_was_typed(harness: Harness) -> None:
    await harness.add_user()
    access = harness.central.access
    with capture_logs() as logs:
        for name, password in (("li", "s3cret"), ("s3cret", "x")):
            with pytest.raises(NotSignedIn):
                await access.login(name, password, "10.9.9.9")
        with pytest.raises(NotSignedIn):
            await access.edge("Bearer vde_s3cret", "10.9.9.8")
    assert "s3cret" not in str(logs)
    assert [(entry["event"], entry["address"]) for entry in logs] == [
        ("login refused", "10.9.9.9"),
        ("login refused", "10.9.9.9"),
        ("edge refused", "10.9.9.8"),
    ]


async def test_guesses_at_the_same_time_do_not_slip_through_together(harness: Harness) -> None:
    await harness.add_user()
    attempts = [harness.central.access.login("li", f"guess-{n}", "10.0.0.9") for n in range(30)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, NotSignedIn) for result in results) == 3


async def test_guessing_does_not_keep_out_who_has_logged_in_from_here_before(harness: Harness) -> None:
    await harness.add_user()
    access = harness.central.access
    await access.login("li", PASSWORD, "10.0.0.1")
    for n in range(40):
        with pytest.raises((NotSignedIn, Slowed)):
            await access.login("li", f"guess-{n}", "10.0.0.9")
    assert (await access.login("li", PASSWORD, "10.0.0.1")).user == "li"
    with pytest.raises(Slowed):
        await access.login("li", PASSWORD, "10.0.0.2")


async def test_logins_waiting_for_a_hash_are_bounded(harness: Harness) -> None:
    access = harness.central.access
    attempts = [access.login(f"user-{n}", PASSWORD, f"10.0.1.{n}") for n in range(WAITING * 3)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert refused
    assert all(result.retryable and "Retry-After" in result.headers for result in refused)
    await harness.add_user()
    assert (await access.login("li", PASSWORD, "10.0.2.1")).user == "li"
