"""RTP (RFC 3550) and its payloads for H.264 (RFC 6184, mode 1) and H.265 (RFC 7798). Pure.

A NAL that fits goes alone; a larger one goes in fragments (FU-A, FU). Nothing is aggregated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from vedette.virtual_camera.clip import Codec

PAYLOAD_TYPE = 96
MAX_PAYLOAD = 1400  # bytes: fits an Ethernet frame with room for tunnels
_FU_A = 28
_FU = 49
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_HEADER = Struct(">BBHII")
_REPORT = Struct(">BBHIIIIII")


def payloads(codec: Codec, nals: Iterable[bytes], size: int = MAX_PAYLOAD) -> list[bytes]:
    """RTP payloads of one access unit, each of at most `size` bytes (>= 4)."""
    fragment = _fragment_h264 if codec == "h264" else _fragment_h265
    out: list[bytes] = []
    for nal in nals:
        if len(nal) <= size:
            out.append(nal)
        else:
            out.extend(fragment(nal, size))
    return out


def _fragment_h264(nal: bytes, size: int) -> Iterator[bytes]:
    indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
    for flags, part in _parts(nal, 1, size - 2):
        yield bytes((indicator, flags | kind)) + part


def _fragment_h265(nal: bytes, size: int) -> Iterator[bytes]:
    first, kind = nal[0] & 0x81 | _FU << 1, nal[0] >> 1 & 0x3F
    for flags, part in _parts(nal, 2, size - 3):
        yield bytes((first, nal[1], flags | kind)) + part


def _parts(nal: bytes, header: int, step: int) -> Iterator[tuple[int, bytes]]:
    """(start and end bits, bytes) of a NAL without its header."""
    for at in range(header, len(nal), step):
        start, end = at == header, at + step >= len(nal)
        yield start << 7 | end << 6, nal[at : at + step]


def packet(payload: bytes, *, sequence: int, timestamp: int, ssrc: int, marker: bool) -> bytes:
    """`marker` is set on the last packet of an access unit."""
    head = _HEADER.pack(0x80, marker << 7 | PAYLOAD_TYPE, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
    return head + payload


def sender_report(*, ssrc: int, wall: float, timestamp: int, packets: int, octets: int, name: str) -> bytes:
    """RTCP SR and SDES: at `wall` (UTC, seconds since 1970) the RTP clock showed `timestamp`."""
    whole, part = divmod(wall + _NTP_EPOCH, 1)
    report = _REPORT.pack(
        0x80,
        200,
        6,
        ssrc,
        int(whole) & 0xFFFFFFFF,
        int(part * 2**32),
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    cname = name.encode()[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes((1, len(cname))) + cname + b"\x00"
    chunk += bytes(-len(chunk) % 4)
    return report + bytes((0x81, 202)) + (len(chunk) // 4).to_bytes(2, "big") + chunk


def interleaved(channel: int, data: bytes) -> bytes:
    """A packet inside the RTSP connection (RFC 2326, 10.12)."""
    return bytes((0x24, channel)) + len(data).to_bytes(2, "big") + data
