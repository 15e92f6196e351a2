"""PyAV, the client that the edge uses, against the virtual camera."""

import os
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import av
import numpy as np
import pytest

from tests.vedette.virtual_camera.clients import open_camera
from tests.waiting import wait_until
from vedette.virtual_camera import (
    Auth,
    ClipError,
    ClockSkew,
    FaultError,
    Freeze,
    Garbage,
    Kick,
    Loss,
    Mount,
    Mute,
    Noise,
    Refuse,
    Resolution,
    ServeError,
    Status,
    VirtualCamera,
    load_clip,
)
from vedette.virtual_camera.clip import is_parameter_set, split_annexb

PASSWORD = "p@ss: wörd/"


def take(container, count):
    """The next `count` packets."""
    packets = []
    for packet in container.demux(video=0):
        packets.append(packet)
        if len(packets) == count:
            break
    return packets


def pictures(path, count):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(video=0)]
    return [frames[i % len(frames)] for i in range(count)]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "bframes", "h265"])
def test_the_pictures_are_the_files_own_over_the_loop_and_rtps_wrap(clips, request, codec, transport):
    path = request.getfixturevalue("h265_clip") if codec == "h265" else clips[codec]
    mount = Mount("gate", path, start="first-play", timestamp=2**32 - 22_500)  # wraps after 0.25 s
    with VirtualCamera([mount]) as camera, open_camera(camera.url("gate"), transport) as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(frame)
            if len(frames) == 45:  # one and a half rounds
                break
    for ours, theirs in zip(frames, pictures(path, 45), strict=True):
        assert np.array_equal(ours.to_ndarray(), theirs)
    times = [frame.pts for frame in frames if frame.pts is not None]  # FFmpeg gives the first picture none
    assert len(times) >= 44
    assert {late - early for early, late in pairwise(times)} == {1800}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_packets_are_byte_identical(clips, transport):
    clip = load_clip(clips["h264"])
    mount = Mount("gate", clip, start="first-play")
    with VirtualCamera([mount]) as camera, open_camera(camera.url("gate"), transport) as container:
        packets = take(container, 30)
    for packet, unit in zip(packets, clip.units, strict=True):
        assert packet.is_keyframe == unit.key
        ours = [nal for nal in split_annexb(bytes(packet)) if not is_parameter_set("h264", nal)]
        assert ours == [nal for nal in unit.nals if not is_parameter_set("h264", nal)]


def test_two_viewers_see_the_same_moment(clips):
    with VirtualCamera([Mount("gate", clips["long"])]) as camera:
        url = camera.url("gate")
        with open_camera(url) as one, open_camera(url, "udp") as other:
            wait_until(lambda: camera.stats("gate").playing == 2)
            first = {bytes(packet): packet.pts for packet in take(one, 20)}
            shared = [packet for packet in take(other, 20) if bytes(packet) in first]
        assert len(shared) >= 10
        assert camera.stats("gate").connects == 2
        wait_until(lambda: camera.stats("gate").playing == 0)


def test_a_new_viewer_need_not_wait_for_the_next_key_frame(clips):
    with VirtualCamera([Mount("gate", clips["long"], offset=2.9)]) as camera:  # key frames 1 s apart
        wait_until(lambda: camera.stats("gate").packets > 60)
        begin = time.monotonic()
        with open_camera(camera.url("gate")) as container:
            next(container.decode(video=0))
        assert time.monotonic() - begin < 0.5


def test_the_clip_may_begin_with_the_first_viewer(clips):
    with VirtualCamera([Mount("gate", clips["long"], start="first-play", offset=2.0)]) as camera:
        with open_camera(camera.url("gate")) as container:
            frame = next(container.decode(video=0))
            started = camera.stats("gate").started
        assert started is not None
        assert time.time() - started < 5
        assert np.array_equal(frame.to_ndarray(), pictures(clips["long"], 51)[50])


def test_many_mounts_share_a_port_and_a_clip(clips):
    mounts = [Mount(f"yard/cam-{i}", clips["h264"]) for i in range(8)] + [Mount("big", clips["big"])]
    with VirtualCamera(mounts) as camera:
        for name, width in (("yard/cam-0", 320), ("yard/cam-7", 320), ("big", 640)):
            with open_camera(camera.url(name)) as container:
                assert next(container.decode(video=0)).width == width


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ipv6(clips, transport):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    camera = VirtualCamera([Mount("gate", clips["h264"])], host="::1")
    with camera, open_camera(camera.url("gate"), transport) as container:
        assert take(container, 1)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_credentials(clips, scheme, transport):
    with VirtualCamera([Mount("gate", clips["h264"])], auth=Auth(scheme, "desk", PASSWORD)) as camera:
        assert "desk" not in camera.url("gate")
        with open_camera(camera.url("gate", credentials=True), transport) as container:
            assert len(take(container, 5)) == 5
        wrong = camera.url("gate").replace("rtsp://", "rtsp://desk:wrong@")
        for url in (camera.url("gate"), wrong):
            with pytest.raises(av.HTTPUnauthorizedError):
                open_camera(url, transport)


# What each fault looks like to PyAV (docs/virtual-camera.md has the same table).


@pytest.fixture
def camera(clips):
    with VirtualCamera([Mount("gate", clips["h264"]), Mount("yard", clips["h264"])]) as camera:
        yield camera


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(Status(401), av.HTTPUnauthorizedError, id="401"),
        pytest.param(Status(404), av.HTTPNotFoundError, id="404"),
        pytest.param(Status(503), av.HTTPServerError, id="503"),
        pytest.param(Mute(), av.InvalidDataError, id="mute"),
        pytest.param(Refuse(), av.error.ConnectionRefusedError, id="refuse"),
    ],
)
def test_faults_at_connect(camera, fault, error):
    camera.fault("gate", fault)
    with pytest.raises(error):
        open_camera(camera.url("gate"), open_s=0.5)
    camera.clear("gate")
    with open_camera(camera.url("gate")) as container:
        assert take(container, 1)


def test_a_fault_of_one_mount_leaves_the_others_alone(camera):
    camera.fault("gate", Status(503))
    with open_camera(camera.url("yard")) as container:
        assert take(container, 1)


def test_freeze_is_seen_as_a_read_timeout_and_thaws_on_a_key_frame(camera):
    with open_camera(camera.url("gate"), read=0.4) as container:
        camera.fault("gate", Freeze())
        with pytest.raises(av.error.ExitError):
            take(container, 100)
        assert camera.stats("gate").playing == 1
    camera.fault("gate", Freeze(), seconds=0.1)
    with open_camera(camera.url("gate")) as container:
        assert take(container, 1)[0].is_keyframe


def test_kick_ends_the_packets_without_an_error(camera):
    with open_camera(camera.url("gate")) as container, open_camera(camera.url("yard")) as other:
        take(container, 1)
        camera.fault("gate", Kick())
        assert len(take(container, 100)) < 100
        assert len(take(other, 20)) == 20
    with open_camera(camera.url("gate")) as container:
        assert take(container, 1)


def test_a_reset_is_seen_as_such(camera):
    with socket.create_connection(("127.0.0.1", camera.port), 5) as client:
        client.sendall(f"DESCRIBE {camera.url('gate')} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert client.recv(65536).startswith(b"RTSP/1.0 200")
        camera.fault("gate", Kick(reset=True))
        with pytest.raises(ConnectionResetError):
            client.recv(65536)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_of_noise_nothing_is_a_packet(camera, transport):
    with open_camera(camera.url("gate"), transport, read=0.4) as container:
        take(container, 1)
        camera.fault("gate", Noise())
        with suppress(av.error.FFmpegError):  # at the read timeout; or noise that reads like an end
            assert len(take(container, 1000)) < 1000
    camera.clear("gate")
    with open_camera(camera.url("gate"), transport) as container:
        assert take(container, 1)


def test_refuse_also_ends_what_plays(camera):
    with open_camera(camera.url("gate")) as container:
        take(container, 1)
        camera.fault("gate", Refuse(), seconds=0.2)
        assert len(take(container, 100)) < 100

    def back() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", camera.port), 1):
                return True
        except ConnectionRefusedError:
            return False

    assert not back()
    wait_until(back)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_garbage_is_an_error_per_packet_while_packets_go_on(camera, transport):
    seen = Counter()
    with open_camera(camera.url("gate"), transport) as container:
        for packet in container.demux(video=0):
            try:
                seen["pictures"] += len(packet.decode())
            except av.InvalidDataError:
                seen["errors"] += 1
            if seen["pictures"] > 5 and "began" not in seen:
                seen["began"] = 1
                camera.fault("gate", Garbage(seed=1))
            if seen["errors"] == 10 and "before" not in seen:
                camera.clear("gate", Garbage)
                seen["before"] = seen["pictures"]
            if seen["before"] and seen["pictures"] >= seen["before"] + 10:  # it recovers
                break


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_loss_leaves_out_every_nth_packet(camera, transport):
    camera.fault("gate", Loss(3))
    before = camera.stats("gate").packets
    with open_camera(camera.url("gate"), transport) as container:
        assert len(take(container, 25)) == 25
    stats = camera.stats("gate")
    assert stats.dropped["loss"] == pytest.approx((stats.packets - before) / 2, abs=2)


def test_a_change_of_resolution_arrives_in_the_running_session(camera, clips):
    widths = []
    with open_camera(camera.url("gate")) as container:
        for frame in container.decode(video=0):
            if frame.width not in widths[-1:]:
                widths.append(frame.width)
                if widths == [320]:
                    camera.fault("gate", Resolution(load_clip(clips["big"])))
                elif widths == [320, 640]:
                    camera.clear("gate")
                else:
                    break
    assert widths == [320, 640, 320]


@pytest.mark.parametrize("skew", [0.0, -3600.0, 86400.0])
def test_clock_skew_shows_in_the_wall_clock_of_the_packets(camera, skew):
    camera.fault("gate", ClockSkew(skew))
    with open_camera(camera.url("gate")) as container:
        packet = take(container, 5)[-1]
    clock = packet.get_sidedata("prft")  # AVProducerReferenceTime: UTC in microseconds first
    assert int.from_bytes(bytes(clock)[:8], "little") / 1e6 - time.time() == pytest.approx(skew, abs=5)


def test_another_codec_cannot_replace_a_running_one(camera, h265_clip):
    with pytest.raises(FaultError, match="h265"):
        camera.fault("gate", Resolution(load_clip(h265_clip)))


def test_misuse_says_what_is_wrong(clips, tmp_path):
    with pytest.raises(ServeError, match="two mounts are named gate"):
        VirtualCamera([Mount("gate", clips["h264"]), Mount("gate", clips["big"])])
    with pytest.raises(ServeError, match="cannot be a mount's name"):
        VirtualCamera([Mount("/gate/", clips["h264"])])
    with pytest.raises(ClipError, match="cannot be read"):
        VirtualCamera([Mount("gate", tmp_path / "none.mp4")])
    camera = VirtualCamera([Mount("gate", clips["h264"])])
    with pytest.raises(ServeError, match="does not run"):
        camera.fault("gate", Freeze())
    with camera:
        with pytest.raises(ServeError, match="no mount is named yard"):
            camera.fault("yard", Freeze())
        taken = rf"cannot listen on 127.0.0.1, port {camera.port}: Address already in use$"
        with pytest.raises(ServeError, match=taken) as caught, VirtualCamera([], port=camera.port):
            pass
        assert "port 0" in caught.value.hint
        with pytest.raises(ServeError, match=taken) as caught, VirtualCamera([], onvif_port=camera.port):
            pass
        assert "port 0" in caught.value.hint


def test_stop_leaves_no_thread_and_no_descriptor(clips):
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before: list[int] = []
    for _ in range(4):
        with VirtualCamera([Mount("gate", clips["h264"])]) as camera:
            containers = [open_camera(camera.url("gate"), transport) for transport in ("tcp", "udp")]
            wait_until(lambda camera=camera: camera.stats("gate").playing == 2)
        for container in containers:
            container.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "virtual-camera"]
        before.append(open_files())
    assert before[-1] == before[1]
