"""Questions to devices that are slow, hostile or want to know who asks."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.credentials import Credentials, Secret
from edge.errors import SourceError, SourceRefused, SourceTimeout
from edge.sources.soap import MAX_ANSWER, MAX_DEPTH, Device
from tests.edge.sources.devices import SOAP, Question, device, envelope, fault, http
from vedette.virtual_camera.auth import Auth, challenge, verify

CANARY = "p@ss&<w/rd"
LOGIN = Credentials("view&er", Secret(CANARY))
QUESTION = '<GetServices xmlns="urn:x"/>'
GOOD = envelope('<GetServicesResponse xmlns="urn:x"><Answer>42</Answer></GetServicesResponse>')


def ask(url, credentials=LOGIN, timeout_s=5.0, times=1, signed=True):
    async def work():
        async with Device(url, credentials, timeout_s, SystemClock()) as one:
            return [(await one.ask(QUESTION, signed=signed)).findtext("{*}Answer") for _ in range(times)]

    return asyncio.run(work())


def test_a_question_and_its_answer():
    with device(lambda _: http(200, GOOD)) as one:
        assert ask(one.url) == ["42"]
    (question,) = one.asked
    assert question.path == "/onvif/device_service"
    assert CANARY not in question.body + question.head


def test_the_token_is_what_the_standard_wants():
    with device(lambda _: http(200, GOOD)) as one:
        ask(one.url, times=2)
    nonces = set()
    for question in one.asked:
        user, digest, nonce, created = (
            re.search(rf"<\w:{name}[^>]*>([^<]+)<", question.body)[1]
            for name in ("Username", "Password", "Nonce", "Created")
        )
        assert user == "view&amp;er"
        made = hashlib.sha1(base64.b64decode(nonce) + created.encode() + CANARY.encode()).digest()
        assert digest == base64.b64encode(made).decode()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
        assert abs(datetime.fromisoformat(created) - datetime.now(UTC)).total_seconds() < 5
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize(("credentials", "signed"), [(None, True), (LOGIN, False)], ids=["nobody", "not asked to"])
def test_nothing_is_signed(credentials, signed):
    with device(lambda _: http(200, GOOD)) as one:
        ask(one.url, credentials, signed=signed)
    assert "UsernameToken" not in one.asked[0].body


def wants_digest(password):
    auth = Auth("digest", "view&er", password, "SHA-256")

    def answer(question: Question) -> bytes:
        if verify(auth, question.header("Authorization"), "POST", "n1"):
            return http(200, GOOD)
        return http(401, b"x" * 1000, f"WWW-Authenticate: {challenge(auth, 'n1')}", 'WWW-Authenticate: Basic realm="x"')

    return answer


def test_http_digest_where_the_camera_wants_it():
    with device(wants_digest(CANARY)) as one:
        assert ask(one.url, times=2) == ["42", "42"]
    assert len(one.asked) == 3  # the challenge is remembered


REFUSALS = {
    "wrong password": (wants_digest("other"), LOGIN),
    "wrong password, SOAP's way": (lambda _: fault("ter:NotAuthorized"), LOGIN),
    "in words only": (lambda _: fault("s:x", "The action requested requires authorization", 500), LOGIN),
    "nobody": (lambda _: fault("ter:NotAuthorized"), None),
    "403": (lambda _: http(403, b""), LOGIN),
    "would have it in the clear": (lambda _: http(401, b"", 'WWW-Authenticate: Basic realm="x"'), LOGIN),
}


@pytest.mark.parametrize(("answer", "credentials"), REFUSALS.values(), ids=REFUSALS)
def test_refused_credentials(answer, credentials):
    with device(answer) as one, pytest.raises(SourceRefused) as caught:
        ask(one.url, credentials)
    assert caught.value.code == "credentials"
    assert caught.value.hint
    assert CANARY not in str(caught.value)
    assert not any("Basic " in question.head for question in one.asked)


DEEP = f"<a>{'<b>' * MAX_DEPTH}{'</b>' * MAX_DEPTH}</a>"
BAD = {
    "no XML": b"hello",
    "nothing": b"",
    "a web page": b"<html><body><p>Log in</p></body></html>",
    "half of it": GOOD[:-20],
    "no body": f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(),
    "a document type": b"<!DOCTYPE a>" + GOOD,
    "entities": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]>' + GOOD,
    "a file": b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + GOOD,
    "a document type in UTF-16": ("<!DOCTYPE a>" + GOOD.decode()).encode("utf-16"),
    "too deep": envelope(DEEP),
    "deeper than any stack": b"<a>" * 200_000,
    "an encoding that nobody knows": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "packed, unasked": gzip.compress(GOOD),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_answers_that_are_none(body):
    with device(lambda _: http(200, body, "Content-Encoding: gzip")) as one, pytest.raises(SourceRefused) as caught:
        ask(one.url)
    assert caught.value.code == "not-onvif"
    assert caught.value.hint


def test_the_most_that_fits_takes_no_time():
    began = time.process_time()
    with device(lambda _: http(200, envelope("<a/>" * 250_000))) as one:
        ask(one.url)
    assert time.process_time() - began < 2


STATUSES = {
    "not there": (http(404, b""), "not-found"),
    "busy": (http(503, b"busy"), "busy"),
    "broken": (http(500, b""), "busy"),
    "its own no": (fault("ter:ActionNotSupported", "Optional action &#x202e; not\n implemented"), "fault"),
}


@pytest.mark.parametrize(("raw", "code"), STATUSES.values(), ids=STATUSES)
def test_the_camera_says_no(raw, code):
    with device(lambda _: raw) as one, pytest.raises(SourceRefused) as caught:
        ask(one.url)
    assert caught.value.code == code
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status):
    with (
        device(lambda _: http(200, GOOD)) as other,
        device(lambda _: http(status, b"", f"Location: {other.url}")) as one,
    ):
        with pytest.raises(SourceRefused, match="sends us to another address"):
            ask(one.url)
        assert other.asked == []


def dribble(scripted, first: bytes):
    yield first
    while not scripted.over.wait(0.02):
        yield b"x"


MUTE = {
    "accepts and is mute": lambda one: one.over.wait() and [b""],
    "head without end": lambda one: dribble(one, b"HTTP/1.1 200 OK\r\nX-Long: "),
    "body without end": lambda one: dribble(one, b"HTTP/1.1 200 OK\r\n\r\n"),
    "less than promised": lambda one: dribble(one, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
}


@pytest.mark.parametrize("answer", MUTE.values(), ids=MUTE)
def test_slow_devices_are_given_up_in_time(answer):
    with device(lambda _: answer(one)) as one:
        began = time.monotonic()
        with pytest.raises(SourceTimeout):
            ask(one.url, timeout_s=0.3)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("status", [200, 401])
def test_giant_answers_are_cut_off(status):
    def answer(_):
        yield f'HTTP/1.1 {status} x\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n'.encode()
        for _ in range(1000):
            yield b"x" * MAX_ANSWER

    with device(answer) as one, pytest.raises(SourceRefused, match="answers more than 1 MiB"):
        ask(one.url)
    assert one.sent < 100 * MAX_ANSWER  # what lay in buffers


BROKEN = {
    "closes at once": b"",
    "no HTTP": b"RTSP/1.0 400 Bad Request\r\n\r\n",
    "less than promised, and closes": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    "a challenge that makes no sense": http(401, b"", "WWW-Authenticate: Digest nothing"),
    "an algorithm of its own": http(401, b"", 'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=ROT13'),
    "only auth-int": http(401, b"", 'WWW-Authenticate: Digest realm="x", nonce="y", qop="auth-int"'),
    "a giant head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_broken_http_is_an_error_of_ours(raw):
    with device(lambda _: raw) as one, pytest.raises(SourceError) as caught:
        ask(one.url)
    assert caught.value.retryable
    assert "Error" not in str(caught.value)
    assert caught.value.hint
    assert CANARY not in str(caught.value)


def test_nobody_listens():
    with device(lambda _: b"") as one:
        pass
    with pytest.raises(SourceError, match="cannot be reached"):
        ask(one.url)


def test_a_device_leaves_no_thread_and_no_socket():
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    with device(lambda _: one.over.wait() and b"") as one, pytest.raises(SourceTimeout):
        ask(one.url, timeout_s=0.05)
    before = held()
    with device(lambda _: http(200, GOOD)) as one:
        for _ in range(10):
            ask(one.url)
    for _ in range(10):
        with pytest.raises(SourceError):
            ask(one.url)
    assert held() == before
