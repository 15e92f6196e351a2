from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from functools import partial
from pathlib import Path

import httpx
import pytest

from contract import wire
from contract.event import EventRecord
from edge.clock import SystemClock
from edge.errors import SettingsError, UplinkRefused, UplinkUnreachable
from edge.uplink.client import MAX_RETRY_AFTER, Client, unreachable
from tests.edge.records import draft
from tests.edge.uplink import central as fake
from tests.edge.uplink.central import Act, FakeCentral

TOKEN = "s3cr3t-t0k3n"


class StillClock:
    """A monotonic clock that moves a step a look, and a wall clock of its own."""

    def __init__(self, step: float = 0.0) -> None:
        self.at = 0.0
        self.step = step

    def now(self) -> float:
        self.at += self.step
        return self.at

    def utc_ms(self, at: float) -> int:
        return 1_600_000_000_000 + round(at * 1000)


def records(count: int) -> list[EventRecord]:
    return [draft()(edge_id="edge-1", epoch=1, seq=seq, clock_offset=None) for seq in range(1, count + 1)]


@contextmanager
def client(central: str, clock: StillClock | None = None, **settings: float) -> Iterator[Client]:
    with closing(Client(central, TOKEN, clock or StillClock(), **settings)) as opened:  # type: ignore[arg-type]
        yield opened


def test_sends_what_the_contract_says(central: FakeCentral) -> None:
    with client(central.url) as sender:
        answered = sender.send(records(3))
    assert [a.outcome for a in answered.answer.answers] == ["stored"] * 3
    (headers,) = central.headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert (headers["Content-Type"], headers["Content-Encoding"]) == (wire.MSGPACK, "zstd")
    assert answered.sent_bytes == int(headers["Content-Length"])


def test_offset_is_taken_at_half_the_round_trip(central: FakeCentral) -> None:
    central.now = 1_600_000_003_000
    clock = StillClock(step=0.5)
    with client(central.url, clock) as sender:
        answered = sender.send(records(1))
    assert answered.uncertain == clock.at * 500 - 250  # the first look was the start
    assert answered.offset == 3000 - round((0.5 + clock.at) / 2 * 1000)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 426])
def test_refusals_carry_their_status(central: FakeCentral, status: int) -> None:
    central.script.append(fake.status(status))
    with client(central.url) as sender, pytest.raises(UplinkRefused) as caught:
        sender.send(records(1))
    assert caught.value.status == status
    assert caught.value.hint
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (fake.status(500), "busy"),
        (fake.status(502), "busy"),
        (fake.status(503), "busy"),
        (fake.status(507), "busy"),
        (fake.status(408), "busy"),
        (fake.status(425), "busy"),
        (fake.status(429), "busy"),
        (fake.status(302, Location="http://127.0.0.1:1/"), "answer"),
        (fake.status(204), "answer"),
        (fake.garbage, "answer"),
        (fake.endless, "answer"),
        (fake.trickle, "answer"),
        (fake.cut, "broken"),
        (fake.swallow, "broken"),
        (fake.hang, "timeout"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_troubles_of_the_way(central: FakeCentral, act: Act, kind: str) -> None:
    central.script.append(act)
    with client(central.url, StillClock(step=0.01), read_timeout=0.3, deadline=0.2) as sender:
        with pytest.raises(UplinkUnreachable) as caught:
            sender.send(records(1))
        assert caught.value.kind == kind
        assert caught.value.hint
        assert caught.value.retryable


def test_nobody_there() -> None:
    with client("http://127.0.0.1:1") as sender, pytest.raises(UplinkUnreachable) as caught:
        sender.send(records(1))
    assert caught.value.kind == "connect"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999", MAX_RETRY_AFTER),
        (formatdate(1_600_000_030, usegmt=True), 30),
        (formatdate(1_500_000_000, usegmt=True), 0),
        ("soon", 0),
        ("-5", 0),
        ("", 0),
    ],
)
def test_retry_after(central: FakeCentral, header: str, seconds: float) -> None:
    central.script.append(fake.status(503, Retry_After=header))
    with client(central.url) as sender, pytest.raises(UplinkUnreachable) as caught:
        sender.send(records(1))
    assert caught.value.retry_after == seconds


def _subclasses(base: type[BaseException]) -> set[type[BaseException]]:
    return {base}.union(*(_subclasses(sub) for sub in base.__subclasses__()))


HTTPX = sorted(
    {e for _, e in inspect.getmembers(httpx, inspect.isclass) if issubclass(e, Exception)}
    | {
        e
        for base in (httpx.HTTPError, httpx.StreamError)
        for e in _subclasses(base)
        if e.__module__.startswith("httpx")
    },
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", HTTPX, ids=lambda e: e.__name__)
def test_every_exception_of_httpx_is_translated(
    error: type[Exception], central: FakeCentral, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = error.__new__(error)
    Exception.__init__(raised, "at http://user:hunter2@central/")

    def fail(*_: object, **__: object) -> None:
        raise raised

    with client(central.url) as sender:
        monkeypatch.setattr(httpx.Client, "stream", fail)
        with pytest.raises(UplinkUnreachable) as caught:
            sender.send(records(1))
    assert caught.value.kind in ("connect", "timeout", "broken", "request")
    assert "hunter2" not in str(caught.value)


def test_httpx_exceptions_were_found() -> None:
    assert len(HTTPX) > 25


def test_untrusted_certificate_has_a_hint() -> None:
    error = unreachable(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
    assert error.kind == "tls"


@pytest.mark.parametrize(
    "address",
    ["", "central", "ftp://central", "http://", "http://user:pw@central", "http://central/?x=1", "http://c:x"],
)
def test_bad_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Client(address, TOKEN, StillClock())
    assert "pw" not in str(caught.value)


def test_bad_ca_file_and_token_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    make = partial(Client, "https://central", clock=StillClock())
    for ca_file in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match=r"\.pem"):
            make(token=TOKEN, ca_file=ca_file)
    with pytest.raises(SettingsError) as caught:
        make(token="tökén")
    assert "tökén" not in str(caught.value)


def test_abort_ends_a_request_in_flight(central: FakeCentral) -> None:
    reached = threading.Event()

    def hang(handler: fake.Handler) -> None:
        reached.set()
        fake.hang(handler)

    central.script.append(hang)
    with client(central.url, read_timeout=60) as sender:
        caught: list[Exception] = []

        def send() -> None:
            try:
                sender.send(records(1))
            except UplinkUnreachable as error:
                caught.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        assert reached.wait(5)
        sender.abort()
        thread.join(5)
        assert not thread.is_alive()
        assert caught
        with pytest.raises(UplinkUnreachable):
            sender.send(records(1))


@pytest.mark.parametrize("address", ["http://desk.example.org", "http://10.0.0.5:8440", "http://[2001:db8::1]"])
def test_no_token_crosses_a_network_in_clear_unless_that_is_wanted(address):
    with pytest.raises(SettingsError, match="has no TLS") as caught:
        Client(address, "vde_e.x", SystemClock())
    assert "--plain-http" in caught.value.hint
    Client(address, "vde_e.x", SystemClock(), plain_http=True).close()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8440", "http://localhost", "http://[::1]:1", "https://desk.example.org"]
)
def test_this_machine_and_tls_need_no_word(address):
    Client(address, "vde_e.x", SystemClock()).close()
