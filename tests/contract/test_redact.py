from __future__ import annotations

import io
import json
import time
from pathlib import PurePosixPath
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from contract import redact


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("rtsp://user:pass@host/x", "rtsp://***@host/x"),
        ("rtsp://user:p@ss@host/", "rtsp://***@host/"),
        ("rtsp://user@host:554/x", "rtsp://***@host:554/x"),
        ("rtsp://:pass@host", "rtsp://***@host"),
        ("rtsp://user:p%40ss@host/x?a=b", "rtsp://***@host/x?a=b"),
        ("rtsp://user:pa/ss@host/x", "rtsp://***@host/x"),
        ("rtsp://user:pa#ss@host/x", "rtsp://***@host/x"),
        ("rtsp://user:pa?ss@host/x", "rtsp://***@host/x"),
        ("rtsp://user:p'ss@host/x", "rtsp://***@host/x"),
        ("rtsp://user:pass@[2001:db8::1]/x", "rtsp://***@[2001:db8::1]/x"),
        ("RTSPS://User:Pass@Host/x", "RTSPS://***@Host/x"),
        ("no route to rtsp://a:b@c/d, nor to http://e:f@g/h.", "no route to rtsp://***@c/d, nor to http://***@g/h."),
        ('{"url": "rtsp://a:b@c/d"}', '{"url": "rtsp://***@c/d"}'),
        ("rtsp://192.0.2.1/x?user=admin&password=geheim&stream=1", "rtsp://192.0.2.1/x?user=admin&password=***&stream=1"),
        ("rtsp://192.0.2.1/x?user=admin&pass=geheim", "rtsp://192.0.2.1/x?user=admin&pass=***"),
        ("/user=admin_psw=geheim_ch=1", "/user=admin_psw=***"),
        ("/user=admin_password=geheim", "/user=admin_password=***"),
        ("password=geheim", "password=***"),
        ("password: geheim, user: x", "password: ***, user: x"),
        ("PASSWD = geheim", "PASSWD = ***"),
        ("Passphrase: geheim", "Passphrase: ***"),
        ('{"password": "my long secret", "user": "x"}', '{"password": ***, "user": "x"}'),
        (r'{"password": "with \" a quote"}', '{"password": ***}'),
        ("{'pwd': 'geheim'}", "{'pwd': ***}"),
        ("access_token=abc123&x=1", "access_token=***&x=1"),
        ("api-key: abc", "api-key: ***"),
        ("private_key=abc", "private_key=***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("authorization: Basic dXNlcjpwYXNz\r\nHost: x", "authorization: ***\r\nHost: x"),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', '{"Authorization": ***}'),
        ('Authorization: Digest username="u", response="1f"', "Authorization: ***"),
        ("sent Bearer vdt_1234567890", "sent Bearer ***"),
        ("tried Basic dXNlcjpwYXNz, refused", "tried Basic ***, refused"),
        ("Cookie: session=abc; lang=zh", "Cookie: ***"),
        ("Set-Cookie: session=abc; HttpOnly", "Set-Cookie: ***"),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_hidden(message: str, shown: str) -> None:
    assert redact.text(message) == shown
    assert redact.text(shown) == shown, "a second pass changes nothing"


@pytest.mark.parametrize(
    "message",
    [
        "2026-11-21T21:30:00Z camera gate-1 opened after 0.9 s",
        "mail ops@example.org about rtsp://192.0.2.1/x",
        "rtsp://192.0.2.1:554/user@stream",
        "http://127.0.0.1:8600/api/events?since=1&mail=a@b.c",
        "token refused",
        "wrong password for gate-1",
        "basic set-up done, digest authentication asked",
        "Basic authentication is off",
        "bearer of bad news",
        "the credentials file is missing",
        "tokenizer: fast",
        "x@y and a@b",
        "12:30:45 ratio 3:4 key=value",
        "no credentials named 'gate-cameras'",
        "see https://example.org/@user",
    ],
    ids=lambda text: text[:40],
)
def test_ordinary_text_stays(message: str) -> None:
    assert redact.text(message) == message


@given(st.text(max_size=300))
def test_text_without_telling_words_stays(message: str) -> None:
    telling = ("://", "passw", "passphrase", "pwd", "secret", "token", "key", "credential", "auth", "cookie",
               "bearer", "basic", "digest")  # fmt: skip
    if not any(word in message.lower() for word in telling):
        assert redact.text(message) == message


@given(
    st.text("abcXYZ019!$%^*()_+~.@:", min_size=4, max_size=20),
    st.sampled_from(["rtsp", "https", "rtsps"]),
    st.sampled_from(["camera.example", "192.0.2.1:554", "[2001:db8::1]"]),
)
def test_no_password_of_a_url_is_shown(password: str, scheme: str, host: str) -> None:
    secret = f"<{password}>".replace("<", "Q").replace(">", "Q")
    assert redact.text(f"cannot open {scheme}://admin:{secret}@{host}/x") == f"cannot open {scheme}://***@{host}/x"


class Chatty:
    def __repr__(self) -> str:
        return "Chatty('rtsp://a:geheim@c')"


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ({"password": "x", "user": "y"}, {"password": "***", "user": "y"}),
        ({"headers": {"Authorization": "Bearer x"}}, {"headers": {"Authorization": "***"}}),
        ({"api_key": {"deep": [1]}}, {"api_key": "***"}),
        ([{"url": "rtsp://a:b@c"}, ("rtsp://a:b@c",)], [{"url": "rtsp://***@c"}, ["rtsp://***@c"]]),
        (b"password=geheim", "password=***"),
        (b"\xff", "\ufffd"),
        (ValueError("rtsp://a:b@c failed"), "ValueError: rtsp://***@c failed"),
        (Chatty(), "Chatty('rtsp://***@c')"),
        ({Chatty()}, "{Chatty('rtsp://***@c')}"),
        ([[Chatty()]], [["Chatty('rtsp://***@c')"]]),
        (PurePosixPath("var/lib"), "PurePosixPath('var/lib')"),
        ({1: "x"}, {1: "x"}),
    ],
    ids=lambda item: repr(item)[:40],
)
def test_values(item: Any, shown: Any) -> None:
    assert redact.value(item) == shown


def test_a_structure_that_holds_itself_ends() -> None:
    ring: list[Any] = ["rtsp://a:geheim@c"]
    ring.append(ring)
    assert "geheim" not in str(redact.value(ring))


@pytest.mark.parametrize(
    "message",
    ["a://" * 50_000, "a." * 100_000, "rtsp://" + "x" * 200_000, "password" * 30_000, 'password="' + "\\" * 200_000,
     "Basic " * 40_000, "rtsp://a:" + "b" * 200_000, "digest a=" + "b,c=" * 50_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_text_takes_no_time(message: str) -> None:
    began = time.process_time()
    redact.text(message)
    assert time.process_time() - began < 2


def test_nothing_secret_leaves_the_log() -> None:
    """A whole structlog line, with what a careless caller may put in it."""
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.format_exc_info, redact.log_processor, structlog.processors.JSONRenderer()],
    ).bind(camera="gate-1")
    try:
        raise ConnectionError("rtsp://admin:geheim@192.0.2.1/x refused")
    except ConnectionError as error:
        log.warning(
            "cannot open rtsp://admin:geheim@192.0.2.1/x",
            exc_info=True,
            error=error,
            password="geheim",
            request={"headers": {"authorization": "Bearer geheim", "host": "192.0.2.1"}},
            body=b'{"password": "geheim"}',
            source=Chatty(),
            tries=3,
        )
    line = out.getvalue()
    assert "geheim" not in line
    shown = json.loads(line)
    assert (shown["camera"], shown["tries"], shown["password"]) == ("gate-1", 3, "***")
    assert shown["request"] == {"headers": {"authorization": "***", "host": "192.0.2.1"}}
    assert "ConnectionError: rtsp://***@192.0.2.1/x refused" in shown["exception"]
