"""Pages as any client sees them: who is sent where, what may be kept, nothing inline."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.central.web.conftest import PASSWORD
from tests.central.web.seat import RunningCentral, record


@pytest.fixture
def client(central: RunningCentral) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=central.address, headers={"Origin": central.address}) as client:
        yield client


def sign_in(client: httpx.Client, name: str = "anna") -> None:
    assert client.post("/api/session", json={"name": name, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/login"),
        ("/?tier=1&kind=dwell", "/login?back=%2F%3Ftier%3D1%26kind%3Ddwell"),
        ("/password", "/login?back=%2Fpassword"),
    ],
)
def test_a_stranger_is_sent_to_sign_in_and_comes_back(client: httpx.Client, path: str, target: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, target)


def test_a_one_time_password_leads_to_a_new_one(client: httpx.Client, central: RunningCentral) -> None:
    central.add_user("new", PASSWORD, one_time=True)
    sign_in(client, "new")
    assert client.get("/").headers["location"] == "/password"
    assert client.get("/login").headers["location"] == "/password"
    assert client.get("/password").status_code == 200


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx", ""]
)
def test_no_way_back_leads_to_another_host(client: httpx.Client, back: str) -> None:
    for path in ("/language", "/login"):
        if path == "/login":
            sign_in(client)
        assert client.get(path, params={"back": back, "to": "en"}).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/", "/login", "/password"])
def test_pages_are_not_kept_and_hold_nothing_inline(client: httpx.Client, central: RunningCentral, path: str) -> None:
    central.post([record()])
    if path != "/login":
        sign_in(client)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    html = answer.text
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    assert re.findall(r"""(?:src|href|action)="(?!/|#)[^"]*\"""", html) == []  # nothing from other hosts
    for name in set(re.findall(r"/static/[^\"]+", html)):
        file = client.get(name)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        for other in re.findall(r'from "\./([^"]+)"', file.text):
            assert client.get(name.rpartition("/")[0] + "/" + other).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/0000/desk.css", "/static/{v}/pages.py", "/static/{v}/..%2fpages.py", "/static/{v}/nothing.js"]
)
def test_other_files_are_not_served(client: httpx.Client, path: str) -> None:
    version = re.search(r"/static/(\w+)/", client.get("/login").text)
    assert version is not None
    answer = client.get(path.format(v=version[1]))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"]


def test_the_first_page_is_there_without_any_script(client: httpx.Client, central: RunningCentral) -> None:
    central.post([record(camera_id=f"cam-{i:02}", opened_at=1_900_000_000_000 + i) for i in range(60)])
    sign_in(client)
    html = client.get("/", headers={"Accept-Language": "zh-CN"}).text
    assert html.count('id="e-') == 50
    assert html.index("cam-59 · 学校") < html.index("cam-10 · 学校")
    assert "cam-09 ·" not in html
    assert html.count("区域入侵</b>") == 50


def test_a_filter_in_the_address_holds_and_a_mistyped_one_is_dropped(
    client: httpx.Client, central: RunningCentral
) -> None:
    central.post([record(site="north"), record(site="south")])
    sign_in(client)
    html = client.get("/", params={"site": "north"}).text
    assert html.count('id="e-') == 1
    assert "<b>north</b>" in html
    assert client.get("/", params={"tier": "9"}).headers["location"] == "/"
    assert client.get("/", params={"someone": "elses"}).status_code == 200


def test_the_language_is_chosen_and_kept(client: httpx.Client) -> None:
    assert '<html lang="en"' in client.get("/login").text
    assert '<html lang="zh-CN"' in client.get("/login", headers={"Accept-Language": "zh"}).text
    answer = client.get("/language", params={"to": "zh-CN", "back": "/login?back=%2F%3Ftier%3D1"})
    assert answer.headers["location"] == "/login?back=%2F%3Ftier%3D1"
    assert '<html lang="zh-CN"' in client.get("/login", headers={"Accept-Language": "en"}).text
    client.get("/language", params={"to": "tlh"})
    assert '<html lang="zh-CN"' in client.get("/login").text
