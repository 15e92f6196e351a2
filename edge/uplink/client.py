"""One request to central: a batch or a heartbeat out, an answer back. Every outcome is an answer or an UplinkError."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx

from contract import heartbeat, redact, wire
from contract.errors import WireError
from contract.event import EventRecord
from contract.heartbeat import Heartbeat, HeartbeatAnswer
from edge.clock import Clock
from edge.errors import SettingsError, UplinkError, UplinkRefused, UplinkUnreachable
from edge.uplink.cap import Cap

PATH = "/api/ingest"
MAX_ANSWER = 1 << 20  # bytes; 1000 refusals with a sentence each stay below
T = TypeVar("T", wire.BatchAnswer, HeartbeatAnswer)

HEAD = 400  # bytes of a request before its body, about
MAX_RETRY_AFTER = 600.0  # seconds; a longer wish is not obeyed

_LATER = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    answer: T
    sent_bytes: int
    offset: int  # ms, central's clock minus the edge's, right to within `uncertain`
    uncertain: int  # ms, half the round trip


class Client:
    """Keeps one connection. `send` belongs to one thread; `abort` may come from any.

    The server's certificate is always verified. Redirects are not followed: a token is for one address.
    """

    def __init__(
        self,
        central: str,
        token: str,
        clock: Clock,
        *,
        ca_file: Path | None = None,
        plain_http: bool = False,
        connect_timeout: float = 3.0,
        read_timeout: float = 10.0,
        deadline: float = 30.0,
        cap: Cap | None = None,
    ) -> None:
        """`central` is http(s)://host[:port][/prefix]; times in seconds, `deadline` for a whole answer. `cap` is told
        of all that goes out, also of what fails; to wait for it is the caller's.

        Without TLS a central must be on this machine, unless `plain_http`.

        Raises SettingsError.
        """
        self._central = _checked(central, plain_http)
        self._clock = clock
        self._deadline = deadline
        self._cap = cap
        self._socket: socket.socket | None = None
        self._aborted = False
        try:
            headers = httpx.Headers({"Authorization": f"Bearer {token}"}, encoding="ascii")
            verify = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        except UnicodeEncodeError:
            raise SettingsError("the token holds more than ASCII", hint="copy it again from central") from None
        except OSError as error:
            raise SettingsError(f"{ca_file}: {error}", hint="name a PEM file with central's CA") from error
        self._http = httpx.Client(
            headers=headers,
            verify=verify,
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            limits=httpx.Limits(max_connections=1),
            follow_redirects=False,
            trust_env=False,  # no proxy or CA that somebody left in the environment
        )

    def send(self, records: Sequence[EventRecord]) -> Answered[wire.BatchAnswer]:
        """Raises UplinkRefused, UplinkUnreachable."""
        headers = {"Content-Type": wire.MSGPACK, "Content-Encoding": wire.ZSTD, "Accept": wire.MSGPACK}
        return self._post(PATH, wire.encode(records), headers, wire.decode_answer)

    def beat(self, beat: Heartbeat) -> Answered[HeartbeatAnswer]:
        """Raises UplinkRefused, UplinkUnreachable."""
        headers = {"Content-Type": wire.JSON, "Accept": wire.JSON}
        return self._post(
            heartbeat.PATH, heartbeat.encode(beat), headers, lambda body, _: heartbeat.decode_answer(body)
        )

    def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], decode: Callable[[bytes, str], T]
    ) -> Answered[T]:
        url, headers = self._central + path, {**headers, "Accept-Encoding": "identity"}
        begun = self._clock.now()
        if self._cap:
            self._cap.spend(HEAD + len(body), begun)
        try:
            request = self._http.stream(
                "POST", url, content=body, headers=headers, extensions={"trace": self._note_socket}
            )
            with request as response:
                plain = self._read(response, begun)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as error:
            raise unreachable(error) from error
        ended = self._clock.now()
        if response.status_code != 200:
            raise _refusal(response, self._clock.utc_ms(ended))
        try:
            answer = decode(plain, response.headers.get("Content-Type", ""))
        except WireError as error:
            raise UplinkUnreachable(
                "what answers is not central", kind="answer", hint="check central's address; a portal may be between"
            ) from error
        offset = answer.now - self._clock.utc_ms((begun + ended) / 2)
        return Answered(answer, len(body), offset, round((ended - begun) * 500))

    def abort(self) -> None:
        """End a request in flight, and any later one, with UplinkUnreachable."""
        self._aborted = True
        self._shut()

    def close(self) -> None:
        """Idempotent."""
        self._http.close()
        self._socket = None

    def _read(self, response: httpx.Response, begun: float) -> bytes:
        """Read timeouts bound the gap between two bytes; this bounds the whole."""
        plain = bytearray()
        for chunk in response.iter_raw():
            plain += chunk
            if len(plain) > MAX_ANSWER or self._clock.now() - begun > self._deadline:
                raise UplinkUnreachable("central's answer has no end", kind="answer", hint="check central's address")
        return bytes(plain)

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._aborted:
                self._shut()

    def _shut(self) -> None:
        """Wakes whoever reads or writes there, which a close would not."""
        if self._socket is not None:
            with suppress(OSError):  # it may be closed already
                self._socket.shutdown(socket.SHUT_RDWR)


def unreachable(error: Exception) -> UplinkUnreachable:
    """The edge's own error for one of httpx's. `kind` is a word for counters, the message one for people."""
    text = redact.text(str(error)) or type(error).__name__
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return UplinkUnreachable(f"no connection: {text}", kind="connect", hint="is central up, and the way to it?")
        case httpx.TimeoutException():
            return UplinkUnreachable(f"no answer in time: {text}", kind="timeout", hint="central or the line is slow")
        case httpx.ConnectError() if "CERTIFICATE" in text.upper():
            return UplinkUnreachable(
                f"central's certificate: {text}", kind="tls", hint="check the CA file and the clock"
            )
        case httpx.ConnectError() | httpx.ProxyError():
            return UplinkUnreachable(f"no connection: {text}", kind="connect", hint="is central up, and the way to it?")
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return UplinkUnreachable(f"the connection broke: {text}", kind="broken", hint="the line is unsteady")
        case _:
            return UplinkUnreachable(f"no request possible: {text}", kind="request", hint="check central's address")


def _refusal(response: httpx.Response, now_ms: int) -> UplinkError:
    status = response.status_code
    retry_after = _retry_after(response.headers.get("Retry-After", ""), now_ms)
    if status >= 500 or status in _LATER:
        return UplinkUnreachable(
            f"central answered {status}", kind="busy", hint="central has trouble; look there", retry_after=retry_after
        )
    match status:
        case 401:
            hint = "give this edge another one: `vedette central add-edge --replace` prints it"
        case 403:
            hint = "it was made for an edge of another name: is this the data folder of another edge?"
        case 400 | 413 | 415 | 422:
            hint = "edge and central may be of different versions"
        case _ if status < 400:
            return UplinkUnreachable(
                f"central's address answered {status}",
                kind="answer",
                hint="check central's address; a portal may answer",
            )
        case _:
            hint = "check central's address"
    return UplinkRefused(f"central answered {status}", status=status, hint=hint)


def _retry_after(value: str, now_ms: int) -> float:
    """Seconds; 0 where the header is missing or makes no sense."""
    try:
        seconds = float(value) if value.strip().isdigit() else _seconds_until(value, now_ms)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str, now_ms: int) -> float:
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_ms / 1000


def _checked(central: str, plain_http: bool) -> str:
    hint = "write http(s)://host[:port]"
    try:
        url = httpx.URL(central)
    except httpx.InvalidURL as error:
        raise SettingsError(f"central's address cannot be read: {error}", hint=hint) from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise SettingsError(f"{redact.url(central)!r} is no address for central", hint=hint)
    if url.scheme == "http" and not plain_http and not _is_here(url.host):
        raise SettingsError(
            f"{central!r} has no TLS: the token would cross the network in clear",
            hint="give central a certificate and write https://; or accept it with --plain-http",
        )
    return central.rstrip("/")


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
