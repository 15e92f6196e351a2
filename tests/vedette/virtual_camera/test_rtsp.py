from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.virtual_camera.errors import RtspError
from vedette.virtual_camera.rtsp import (
    MAX_BODY,
    MAX_HEAD,
    Interleaved,
    Parser,
    Request,
    parse_transport,
    response,
)

ASK = b"DESCRIBE rtsp://h:1/yard/gate%201/?x=1 RTSP/1.0\r\nCSeq: 3\r\nAccept:application/sdp\r\n\r\n"
WITH_BODY = b"SET_PARAMETER rtsp://h/gate RTSP/1.0\r\ncseq: 4\r\nContent-Length: 5\r\n\r\nab\r\nc"
PACKET = b"$\x01\x00\x03abc"


def test_a_request_is_read():
    (request,) = Parser().feed(ASK)
    assert isinstance(request, Request)
    assert (request.method, request.path, request.cseq) == ("DESCRIBE", "yard/gate 1", "3")
    assert request.headers["accept"] == "application/sdp"


@given(st.lists(st.integers(1, 40), max_size=30))
def test_cuts_between_reads_change_nothing(sizes):
    data = ASK + PACKET + b"\r\n\r\n" + WITH_BODY + PACKET
    parser, messages, at = Parser(), [], 0
    for size in [*sizes, len(data)]:
        messages += parser.feed(data[at : at + size])
        at += size
    assert [type(m) for m in messages] == [Request, Interleaved, Request, Interleaved]
    assert messages[1] == messages[3] == Interleaved(1, b"abc")
    assert messages[2].body == b"ab\r\nc"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, id="TLS hello"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="HTTP"),
        pytest.param(b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505, id="RTSP 2.0"),
        pytest.param(b"OPTIONS\r\n\r\n", 400, id="one word"),
        pytest.param(b"OP%TIONS * RTSP/1.0\r\n\r\n", 400, id="method with signs"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n", 400, id="header without name"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nA: \xff\r\n\r\n", 400, id="not text"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param("OPTIONS * RTSP/1.0\r\nContent-Length: ٣\r\n\r\n".encode(), 400, id="Arabic digits"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nContent-Length: 65537\r\n\r\n", 413, id="body too large"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413, id="huge length"),
        pytest.param(b"A" * MAX_HEAD, 413, id="endless first line"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 9999, 413, id="endless headers"),
    ],
)
def test_what_is_not_rtsp_gets_a_status(data, status):
    with pytest.raises(RtspError) as caught:
        Parser().feed(data)
    assert caught.value.status == status


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([ASK, PACKET, b"\r\n", b"$"])), max_size=20))
def test_any_bytes_give_messages_or_an_rtsp_error_and_the_buffer_stays_bounded(chunks):
    parser = Parser()
    with suppress(RtspError):
        for chunk in chunks:
            parser.feed(chunk)
            assert len(parser._buffer) <= MAX_HEAD + MAX_BODY + 65540


@given(st.text(max_size=50))
def test_any_url_has_a_path(url):
    assert isinstance(Request("OPTIONS", url, {}).path, str)


@pytest.mark.parametrize(
    ("header", "tcp", "ports"),
    [
        pytest.param("RTP/AVP/TCP;unicast;interleaved=2-3", True, (2, 3), id="tcp"),
        pytest.param("RTP/AVP/TCP;unicast", True, (0, 1), id="tcp, channels left to us"),
        pytest.param("RTP/AVP;unicast;client_port=5000-5001", False, (5000, 5001), id="udp"),
        pytest.param("RTP/AVP/UDP;unicast;client_port=5000", False, (5000, 5001), id="udp, one port"),
        pytest.param("RTP/AVP;multicast,RTP/AVP/TCP;interleaved=0-1", True, (0, 1), id="second offer"),
    ],
)
def test_transports_served(header, tcp, ports):
    transport = parse_transport(header)
    assert (transport.tcp, transport.rtp, transport.rtcp) == (tcp, *ports)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="none"),
        pytest.param("RTP/AVP;multicast", id="multicast"),
        pytest.param("RTP/SAVP;unicast;client_port=5000-5001", id="secure"),
        pytest.param("RTP/AVP;unicast", id="no ports"),
        pytest.param("RTP/AVP;unicast;client_port=0-1", id="port 0"),
        pytest.param("RTP/AVP;unicast;client_port=65535", id="no port after the last"),
        pytest.param("RTP/AVP;unicast;client_port=5-5", id="same port twice"),
        pytest.param("RTP/AVP/TCP;interleaved=255-256", id="channel too high"),
        pytest.param("RTP/AVP/TCP;interleaved=a-b", id="channels no numbers"),
    ],
)
def test_transports_refused(header):
    with pytest.raises(RtspError) as caught:
        parse_transport(header)
    assert caught.value.status == 461


@given(st.text(max_size=80))
def test_any_transport_header_is_answered(header):
    with suppress(RtspError):
        parse_transport(header)


def test_response():
    assert response(200, "7", {"Session": "a"}, b"xy") == (
        b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nSession: a\r\nContent-Length: 2\r\n\r\nxy"
    )
    assert response(400) == b"RTSP/1.0 400 Bad Request\r\n\r\n"
