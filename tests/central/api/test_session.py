from __future__ import annotations

import pytest

from central.access import ABSOLUTE, IDLE
from tests.central.harness import ORIGIN, PASSWORD, QUICK, Harness, error_of
from tests.central.records import NOW, uuid7

pytestmark = pytest.mark.anyio

LOGIN = {"name": "li", "password": PASSWORD}
NEW = "another long password"


async def test_log_in_and_out(harness: Harness) -> None:
    await harness.add_user()
    async with harness.client() as client:
        assert (await client.get("/api/session")).status_code == 401
        answer = await client.post("/api/session", json=LOGIN)
        assert answer.json() == {"user": {"name": "li"}, "must_change_password": False}
        assert (await client.get("/api/session")).json() == answer.json()
        old = dict(client.cookies)
        assert (await client.delete("/api/session")).status_code == 204
        assert not client.cookies
        assert (await client.get("/api/session", headers={"cookie": f"vedette={old['vedette']}"})).status_code == 401


@pytest.mark.parametrize("behind_proxy", [False, True], ids=["loopback", "https"])
async def test_the_cookie(tmp_path: object, behind_proxy: bool) -> None:
    with Harness(tmp_path, behind_proxy=behind_proxy) as harness:  # type: ignore[arg-type]
        await harness.add_user()
        async with harness.client() as client:
            answer = await client.post("/api/session", json=LOGIN)
        value, *attributes = answer.headers["set-cookie"].split("; ")
        name, _, token = value.partition("=")
        assert len(token) >= 43  # 256 bit
        expected = {"HttpOnly", "Path=/", "SameSite=strict"}
        assert set(attributes) == (expected | {"Secure"} if behind_proxy else expected)
        assert name == ("__Host-vedette" if behind_proxy else "vedette")
        assert ("strict-transport-security" in answer.headers) is behind_proxy


@pytest.mark.parametrize("login", [LOGIN | {"name": "nobody"}, LOGIN | {"password": "wrong"}], ids=["name", "password"])
async def test_wrong_name_and_wrong_password_look_alike(
    harness: Harness, login: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.add_user()
    checked: list[str] = []
    verify = type(QUICK).verify

    def counted(self: object, password_hash: str, password: str) -> bool:
        checked.append(password_hash.split("$")[3])
        return verify(self, password_hash, password)  # type: ignore[arg-type]

    monkeypatch.setattr(type(QUICK), "verify", counted)
    async with harness.client() as client:
        answer = await client.post("/api/session", json=login)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "wrong-login")
    assert error_of(answer)["message"] == "wrong name or password"
    assert "set-cookie" not in answer.headers
    assert checked == ["m=8,t=1,p=1"]  # one hash of the same cost, whether there is such a user or not


async def test_guessing_is_slowed_and_never_locked_out(harness: Harness) -> None:
    await harness.add_user()
    async with harness.client() as client:
        for _ in range(3):
            assert (await client.post("/api/session", json=LOGIN | {"password": "wrong"})).status_code == 401
        answer = await client.post("/api/session", json=LOGIN)
        assert (answer.status_code, error_of(answer)["code"]) == (429, "login-slowed")
        assert error_of(answer)["retryable"]
        harness.clock.forward(int(answer.headers["retry-after"]))
        assert (await client.post("/api/session", json=LOGIN)).status_code == 200


async def test_one_address_is_slowed_over_many_names(harness: Harness) -> None:
    await harness.add_user()
    async with harness.client("10.0.0.66") as client:
        for n in range(3):
            await client.post("/api/session", json={"name": f"user-{n}", "password": "guess"})
        assert (await client.post("/api/session", json=LOGIN)).status_code == 429
    async with harness.client("10.0.0.7") as client:
        assert (await client.post("/api/session", json=LOGIN)).status_code == 200


async def test_a_session_ends_when_nobody_uses_it(harness: Harness) -> None:
    client = await harness.signed_in()
    for _ in range(3):
        harness.clock.forward(IDLE / 1000 - 1)
        assert (await client.get("/api/session")).status_code == 200
    harness.clock.forward(IDLE / 1000)
    assert (await client.get("/api/session")).status_code == 401


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(harness: Harness) -> None:
    client = await harness.signed_in()
    harness.clock.forward(IDLE / 1000 - 1)
    assert (await client.get("/api/count")).status_code == 200
    harness.clock.forward(1)
    assert (await client.get("/api/count")).status_code == 401


async def test_a_session_ends_after_half_a_day(harness: Harness) -> None:
    client = await harness.signed_in()
    for _ in range(ABSOLUTE // IDLE + 1):
        harness.clock.forward(IDLE / 1000 - 30)
        last = await client.get("/api/session")
    assert last.status_code == 401


async def test_a_one_time_password_only_lets_one_change_it(harness: Harness) -> None:
    await harness.add_user(one_time_until=NOW + 1000)
    client = await harness.signed_in()
    assert (await client.get("/api/session")).json()["must_change_password"] is True
    for method, path in (
        ("GET", "/api/events"),
        ("GET", f"/api/events/{uuid7()}"),
        ("POST", f"/api/events/{uuid7()}/decision"),
        ("GET", "/api/count"),
        ("GET", "/api/changes?after=0"),
        ("GET", "/api/feed"),
        ("GET", "/api/facets"),
        ("GET", "/api/edges"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, error_of(answer)["code"]) == (403, "must-change-password"), path
    before = client.cookies["vedette"]
    answer = await client.put("/api/session/password", json={"old": PASSWORD, "new": NEW})
    assert answer.status_code == 204
    assert client.cookies["vedette"] != before
    assert (await client.get("/api/session")).json()["must_change_password"] is False
    assert (await client.get("/api/events")).status_code == 200


async def test_a_one_time_password_is_void_after_its_time(harness: Harness) -> None:
    await harness.add_user(one_time_until=NOW + 1000)
    harness.clock.forward(1)
    async with harness.client() as client:
        answer = await client.post("/api/session", json=LOGIN)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "one-time-void")


async def test_a_new_password_ends_the_other_sessions(harness: Harness) -> None:
    here, there = await harness.signed_in(), await harness.signed_in()
    assert (await here.put("/api/session/password", json={"old": PASSWORD, "new": NEW})).status_code == 204
    assert (await there.get("/api/session")).status_code == 401
    assert (await here.get("/api/session")).status_code == 200
    async with harness.client() as client:
        assert (await client.post("/api/session", json=LOGIN)).status_code == 401
        assert (await client.post("/api/session", json=LOGIN | {"password": NEW})).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        (PASSWORD, "eleven char", 400, "weak-password"),
        (PASSWORD, PASSWORD, 400, "same-password"),
        ("wrong", NEW, 403, "wrong-password"),
        (PASSWORD, "x" * 257, 422, "invalid"),
    ],
)
async def test_passwords_that_are_not_taken(harness: Harness, old: str, new: str, status: int, code: str) -> None:
    client = await harness.signed_in()
    answer = await client.put("/api/session/password", json={"old": old, "new": new})
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert (await client.get("/api/session")).status_code == 200


async def test_an_invalid_login_does_not_echo_the_password(harness: Harness) -> None:
    async with harness.client() as client:
        answer = await client.post("/api/session", json={"name": "li", "password": ["s3cret"], "extra": "s3cret"})
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 204),
        ({"sec-fetch-site": "same-origin", "origin": ORIGIN}, 204),
        ({"origin": ORIGIN}, 204),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": f"{ORIGIN}:81"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": ORIGIN}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({}, 403),
    ],
    ids=str,
)
async def test_only_our_own_pages_may_change_things(harness: Harness, headers: dict[str, str], status: int) -> None:
    client = await harness.signed_in()
    del client.headers["origin"]
    answer = await client.delete("/api/session", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert error_of(answer)["code"] == "cross-site"
        assert (await client.get("/api/session", headers=headers)).status_code == 200


async def test_another_sites_page_cannot_log_in(harness: Harness) -> None:
    await harness.add_user()
    async with harness.client() as client:
        answer = await client.post("/api/session", json=LOGIN, headers={"origin": "http://evil.example"})
        assert answer.status_code == 403
        del client.headers["origin"]  # a script, with no cookie to ride on
        assert (await client.post("/api/session", json=LOGIN)).status_code == 200
