"""RTSP 1.0 messages (RFC 2326): bytes in, requests out; answers to bytes. Pure, and bounded in every size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from vedette.virtual_camera.errors import RtspError

MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "RTSP Version not supported",
    551: "Option not supported",
}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case; of a repeated header the last counts
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path without its slashes at both ends; query and host do not matter here."""
        try:
            return unquote(urlsplit(self.url).path).strip("/")
        except ValueError:  # e.g. a broken IPv6 host
            return ""

    @property
    def cseq(self) -> str:
        return self.headers.get("cseq", "")


@dataclass(frozen=True, slots=True)
class Interleaved:
    channel: int
    data: bytes


class Parser:
    """Cuts a connection's bytes into requests and interleaved packets. After an RtspError it is of no use."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request | Interleaved]:
        """Raises RtspError on bytes that are not RTSP or exceed a limit."""
        self._buffer += data
        out: list[Request | Interleaved] = []
        while (message := self._next()) is not None:
            out.append(message)
        return out

    def _next(self) -> Request | Interleaved | None:
        buffer = self._buffer
        while buffer[:2] == b"\r\n":  # empty lines between messages are allowed
            del buffer[:2]
        if buffer[:1] == b"$":
            return self._packet()
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(buffer) >= MAX_HEAD:
                raise RtspError(413, f"no end of the header within {MAX_HEAD} bytes")
            return None
        request = parse_head(bytes(buffer[:end]))
        length = _content_length(request.headers)
        if len(buffer) < end + 4 + length:
            return None
        body = bytes(buffer[end + 4 : end + 4 + length])
        del buffer[: end + 4 + length]
        return Request(request.method, request.url, request.headers, body)

    def _packet(self) -> Interleaved | None:
        buffer = self._buffer
        end = 4 + int.from_bytes(buffer[2:4], "big")
        if len(buffer) < 4 or len(buffer) < end:
            return None
        packet = Interleaved(buffer[1], bytes(buffer[4:end]))
        del buffer[:end]
        return packet


def parse_head(head: bytes) -> Request:
    """The request line and headers, without the empty line that ends them."""
    try:
        first, *lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise RtspError(400, "the header is not text") from error
    words = first.split(" ")
    if len(words) != 3 or (not words[0].isalnum() and "_" not in words[0]):
        raise RtspError(400, "the first line is not METHOD URL RTSP/1.0")
    method, url, version = words
    if version != "RTSP/1.0":
        raise RtspError(505 if version.startswith("RTSP/") else 400, "only RTSP/1.0 is spoken here")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise RtspError(400, "a header line has no name")
        headers[name.strip().lower()] = value.strip()
    return Request(method, url, headers)


def _content_length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise RtspError(400, "Content-Length is no number")
    if len(text) > 9 or int(text) > MAX_BODY:
        raise RtspError(413, f"a body may have {MAX_BODY} bytes")
    return int(text)


def response(status: int, cseq: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    lines = [f"RTSP/1.0 {status} {_REASONS.get(status, 'Error')}"]
    if cseq:
        lines.append(f"CSeq: {cseq}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Transport:
    """How a client wants its packets: two channels of the connection, or two UDP ports."""

    tcp: bool
    rtp: int
    rtcp: int

    def __str__(self) -> str:
        if self.tcp:
            return f"RTP/AVP/TCP;unicast;interleaved={self.rtp}-{self.rtcp}"
        return f"RTP/AVP;unicast;client_port={self.rtp}-{self.rtcp}"


def parse_transport(header: str) -> Transport:
    """The first of the offered transports that is served. Raises RtspError 461 where there is none."""
    for offer in header.split(","):
        profile, *parameters = (part.strip() for part in offer.split(";"))
        values = dict(part.partition("=")[::2] for part in parameters)
        if profile.upper() == "RTP/AVP/TCP":
            pair = _pair(values.get("interleaved", "0-1"), 255)
            if pair:
                return Transport(True, *pair)
        elif profile.upper() in ("RTP/AVP", "RTP/AVP/UDP") and "multicast" not in values:
            pair = _pair(values.get("client_port", ""), 65535)
            if pair and pair[0] > 0:
                return Transport(False, *pair)
    raise RtspError(461, "served are RTP/AVP/TCP;interleaved and RTP/AVP;unicast;client_port")


def _pair(text: str, top: int) -> tuple[int, int] | None:
    low, dash, high = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in (low, high if dash else "0")):
        return None
    first, second = int(low), int(high) if dash else int(low) + 1
    return (first, second) if first != second and max(first, second) <= top else None
