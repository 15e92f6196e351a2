"""The RTSP dialogue by hand: states, bad input, slow and silent clients."""

import socket
import struct
from contextlib import ExitStack

import pytest

from tests.clips import make_clip
from tests.vedette.virtual_camera.clients import dialogue
from tests.waiting import wait_until
from vedette.virtual_camera import Auth, Freeze, Kick, Mount, VirtualCamera

TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


@pytest.fixture
def camera(clips):
    with VirtualCamera([Mount("gate", clips["h264"])]) as camera:
        yield camera


@pytest.fixture
def talk(camera):
    with dialogue(camera.port) as talk:
        yield talk


def test_a_whole_dialogue(talk, camera):
    status, headers, _ = talk.ask("OPTIONS", "gate")
    assert status == 200
    assert {"DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"} <= set(headers["public"].split(", "))
    status, headers, body = talk.ask("DESCRIBE", "gate", Accept="application/sdp")
    assert (status, headers["content-type"]) == (200, "application/sdp")
    assert headers["content-base"].endswith("/gate/")
    assert b"m=video 0 RTP/AVP 96" in body
    status, headers, _ = talk.ask("SETUP", "gate/trackID=0", Transport=TCP)
    session = headers["session"].partition(";")[0]
    assert (status, headers["session"]) == (200, f"{session};timeout=60")
    wait_until(lambda: camera.stats("gate").packets > 0)
    status, headers, _ = talk.ask("PLAY", "gate", Session=session)
    assert status == 200
    info = dict(part.partition("=")[::2] for part in headers["rtp-info"].split(";"))
    channel, report = talk.packet()
    assert (channel, report[1]) == (1, 200)
    channel, packet = talk.packet()
    assert channel == 0
    assert struct.unpack(">HI", packet[2:8]) == (int(info["seq"]), int(info["rtptime"]))
    for method in ("GET_PARAMETER", "SET_PARAMETER"):
        assert talk.ask(method, "gate", Session=session)[0] == 200
    assert talk.ask("TEARDOWN", "gate", Session=session)[0] == 200
    assert camera.stats("gate").playing == 0
    assert talk.ask("PLAY", "gate")[0] == 455


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("DESCRIBE", "yard", {}, 404, id="no such mount"),
        pytest.param("DESCRIBE", "", {}, 404, id="no path"),
        pytest.param("PLAY", "gate", {}, 455, id="play before setup"),
        pytest.param("SETUP", "gate/trackID=0", {}, 461, id="no transport"),
        pytest.param("SETUP", "gate/trackID=0", {"Transport": "RTP/AVP;multicast"}, 461, id="multicast"),
        pytest.param("PLAY", "gate", {"Session": "0"}, 454, id="another's session"),
        pytest.param("RECORD", "gate", {}, 405, id="record"),
        pytest.param("DESCRIBE", "gate", {"Require": "onvif-replay"}, 551, id="require"),
    ],
)
def test_requests_that_cannot_be_met(talk, method, path, headers, status):
    assert talk.ask(method, path, **headers)[0] == status
    assert talk.ask("OPTIONS", "gate")[0] == 200  # the connection lives on


def test_a_session_belongs_to_one_mount(clips):
    camera = VirtualCamera([Mount("gate", clips["h264"]), Mount("yard", clips["h264"])])
    with camera, dialogue(camera.port) as talk:
        assert talk.ask("DESCRIBE", "yard")[0] == 200
        _, headers, _ = talk.ask("SETUP", "gate/trackID=0", Transport=TCP)
        session = headers["session"].partition(";")[0]
        assert talk.ask("PLAY", "yard", Session=session)[0] == 455
        assert talk.ask("PLAY", "gate", Session=session)[0] == 200
        assert (camera.stats("gate").playing, camera.stats("yard").playing) == (1, 0)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="HTTP"),
        pytest.param(b"\x00" * 20000, 413, id="zeros"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999\r\n\r\n", 413, id="large body"),
    ],
)
def test_what_is_not_rtsp_is_answered_once_and_closed(camera, talk, data, status):
    talk.socket.sendall(data)
    assert talk.answer()[0] == status
    assert talk.at_end()
    with dialogue(camera.port) as other:
        assert other.ask("DESCRIBE", "gate")[0] == 200


def test_nothing_is_told_before_the_password(clips):
    camera = VirtualCamera([Mount("gate", clips["h264"])], auth=Auth("digest", "u", "p"))
    with camera, dialogue(camera.port) as talk:
        for path in ("gate", "yard"):
            status, headers, body = talk.ask("DESCRIBE", path)
            assert (status, body) == (401, b"")
            assert headers["www-authenticate"].startswith("Digest ")
        assert talk.ask("OPTIONS", "gate")[0] == 200
        assert talk.ask("SETUP", "gate/trackID=0", Transport=TCP)[0] == 401


def test_udp_packets_come_from_the_ports_that_setup_named(talk):
    with ExitStack() as stack:
        rtp, rtcp = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        for sock in (rtp, rtcp):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(5)
        ports = f"{rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
        _, headers, _ = talk.ask("SETUP", "gate/trackID=0", Transport=f"RTP/AVP;unicast;client_port={ports}")
        values = dict(part.partition("=")[::2] for part in headers["transport"].split(";"))
        talk.ask("PLAY", "gate", Session=headers["session"].partition(";")[0])
        first, second = (int(port) for port in values["server_port"].split("-"))
        assert (first % 2, second) == (0, first + 1)
        report, address = rtcp.recvfrom(2048)
        assert (report[1], address[1]) == (200, second)
        packet, address = rtp.recvfrom(2048)
        assert (packet[8:12].hex().upper(), address[1]) == (values["ssrc"], first)


def play(talk):
    _, headers, _ = talk.ask("SETUP", "gate/trackID=0", Transport=TCP)
    talk.ask("PLAY", "gate", Session=headers["session"].partition(";")[0])


def test_a_silent_client_is_dropped_after_the_session_timeout(clips):
    with VirtualCamera([Mount("gate", clips["h264"])], session_timeout=0.3) as camera:
        with dialogue(camera.port) as talk:
            play(talk)
            assert talk.at_end()
        assert camera.stats("gate").playing == 0


def test_a_client_that_does_not_read_loses_pictures_up_to_a_key_frame_and_holds_nobody_up(tmp_path):
    heavy = make_clip(tmp_path / "heavy.mp4", seconds=1, size=(640, 480), gop_s=0.2, options={"qp": "2"})
    camera = VirtualCamera([Mount("gate", heavy)], queue_bytes=20_000)
    with camera, dialogue(camera.port, receive_buffer=4096) as slow, dialogue(camera.port) as quick:
        play(slow)
        play(quick)
        while camera.stats("gate").dropped.get("slow-client", 0) < 5:
            quick.packet()
        assert camera.stats("gate").playing == 2
        key_frames = loose = 0
        fragments = {0x85: "key", 0x81: "other"}  # the first fragment of a slice: a key frame's, another's
        sequence = None
        while key_frames < 3:
            channel, packet = slow.packet()
            if channel == 1:
                continue
            gap = sequence is not None and int.from_bytes(packet[2:4], "big") != (sequence + 1) & 0xFFFF
            sequence = int.from_bytes(packet[2:4], "big")
            loose += gap and packet[12] & 31 != 7  # after a gap: the SPS before a key frame
            key_frames += packet[12] & 31 == 28 and fragments.get(packet[13]) == "key"
        assert loose == 0


def test_a_client_that_vanishes_is_forgotten(camera):
    with dialogue(camera.port) as talk:
        play(talk)
        wait_until(lambda: camera.stats("gate").playing == 1)
        talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset at close
    wait_until(lambda: camera.stats("gate").playing == 0)


def test_a_frozen_camera_still_answers(camera, talk):
    camera.fault("gate", Freeze())
    play(talk)
    assert talk.ask("GET_PARAMETER", "gate")[0] == 200
    camera.clear("gate")
    channel, report = talk.packet()  # nothing came before it
    assert (channel, report[1]) == (1, 200)
    assert talk.packet()[1][12] & 31 == 7  # the SPS before a key frame


def test_a_kick_does_not_wait_for_a_client_that_does_not_read(clips):
    camera = VirtualCamera([Mount("gate", clips["big"])])
    with camera, dialogue(camera.port, receive_buffer=4096) as talk:
        play(talk)
        wait_until(lambda: camera.stats("gate").packets > 800)  # more than the buffers between us hold
        camera.fault("gate", Kick())
        wait_until(lambda: camera.stats("gate").playing == 0, within=1)


def test_of_a_frozen_stream_the_reports_may_go_on(camera):
    with dialogue(camera.port) as talk:
        talk.ask("SETUP", "gate/trackID=0", Transport=TCP)
        assert talk.ask("PLAY", "gate")[0] == 200
        camera.fault("gate", Freeze(reports=True))
        wait_until(lambda: {talk.packet()[0] for _ in range(2)} == {1}, 10)  # one each two seconds
