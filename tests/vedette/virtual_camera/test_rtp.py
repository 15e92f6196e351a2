import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.virtual_camera import load_clip, rtp


def reassemble(codec: str, payloads: list[bytes]) -> list[bytes]:
    """A depacketiser after the RFCs' own words, independent of the packetiser."""
    nals, parts = [], []
    for payload in payloads:
        if codec == "h264" and payload[0] & 31 == 28:
            head, flags, body = bytes([payload[0] & 0xE0 | payload[1] & 31]), payload[1], payload[2:]
        elif codec == "h265" and payload[0] >> 1 & 63 == 49:
            head = bytes([payload[0] & 0x81 | (payload[2] & 63) << 1, payload[1]])
            flags, body = payload[2], payload[3:]
        else:
            assert not parts, "a fragment was not ended"
            nals.append(payload)
            continue
        assert bool(flags & 0x80) == (not parts), "start bit"
        assert not (flags & 0x80 and flags & 0x40), "a NAL in one fragment is forbidden"
        parts.append(body)
        if flags & 0x40:
            nals.append(head + b"".join(parts))
            parts = []
    assert not parts, "a fragment was not ended"
    return nals


H264_CASES = [
    pytest.param(b"\x65" + b"a" * 9, 10, [b"\x65" + b"a" * 9], id="fits exactly"),
    pytest.param(b"\x65" + b"abcdefghij", 10, [b"\x7c\x85abcdefgh", b"\x7c\x45ij"], id="two fragments"),
    pytest.param(b"\x41" + b"abcdefgh" * 2, 10, [b"\x5c\x81abcdefgh", b"\x5c\x41abcdefgh"], id="no empty tail"),
]
H265_CASES = [
    pytest.param(b"\x26\x01" + b"a" * 8, 10, [b"\x26\x01" + b"a" * 8], id="fits exactly"),
    pytest.param(b"\x26\x01abcdefghi", 10, [b"\x62\x01\x93abcdefg", b"\x62\x01\x53hi"], id="two fragments"),
]


@pytest.mark.parametrize(("nal", "size", "want"), H264_CASES)
def test_h264_payloads(nal, size, want):
    assert rtp.payloads("h264", [nal], size) == want


@pytest.mark.parametrize(("nal", "size", "want"), H265_CASES)
def test_h265_payloads(nal, size, want):
    assert rtp.payloads("h265", [nal], size) == want


@given(
    st.sampled_from([("h264", 1, bytes([0x65])), ("h265", 2, bytes([0x26, 1]))]),
    st.lists(st.binary(max_size=300), max_size=5),
    st.integers(4, 120),
)
def test_any_nal_comes_back_whole(kind, bodies, size):
    codec, _, head = kind
    nals = [head + body for body in bodies]
    payloads = rtp.payloads(codec, nals, size)
    assert reassemble(codec, payloads) == nals
    assert all(len(payload) <= size for payload in payloads)


@pytest.mark.parametrize("size", [4, 100, 1400, 60000])
def test_a_real_clip_comes_back_whole(clips, h265_clip, size):
    for path in (clips["h264"], h265_clip):
        clip = load_clip(path)
        for unit in clip.units:
            assert reassemble(clip.codec, rtp.payloads(clip.codec, unit.nals, size)) == list(unit.nals)


def test_packet_header():
    packet = rtp.packet(b"xyz", sequence=65537, timestamp=2**32 + 7, ssrc=0x01020304, marker=True)
    assert packet == b"\x80\xe0\x00\x01" + b"\x00\x00\x00\x07" + b"\x01\x02\x03\x04" + b"xyz"


def test_sender_report_maps_wall_clock_to_rtp_clock():
    report = rtp.sender_report(ssrc=9, wall=1.5, timestamp=2**32 + 3, packets=4, octets=5, name="gate")
    kind, words, ssrc, ntp, fraction, timestamp, packets, octets = struct.unpack(">xBHIIIIII", report[:28])
    assert (kind, words, ssrc) == (200, 6, 9)
    assert (ntp, fraction) == (2_208_988_801, 2**31)
    assert (timestamp, packets, octets) == (3, 4, 5)
    assert len(report) % 4 == 0
    assert b"\x01\x04gate\x00" in report[28:]
