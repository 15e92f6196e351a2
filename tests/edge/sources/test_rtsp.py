"""The RTSP source against the virtual camera and against Debian's GStreamer server."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest

from contract.camera import Source
from edge.clock import SystemClock
from edge.credentials import Credentials, Secret
from edge.errors import EdgeError, SourceEnded, SourceError, SourceRefused, SourceTimeout
from edge.sources.decoder import Decoder
from edge.sources.rtsp import RtspSource, translate
from tests.clips import make_clip
from tests.edge.frames import pictures
from tests.waiting import wait_until
from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.clip import load_clip
from vedette.virtual_camera.faults import Freeze, Garbage, Kick, Mute, Resolution, Status
from vedette.virtual_camera.stream import Mount

QUICK = {"open_timeout_s": 2.0, "read_timeout_s": 1.0}
CANARY = "p@ss:w/rd"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=2, gop_s=0.5)


@pytest.fixture(scope="module")
def clip_265(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=2, gop_s=0.5, codec="h265")


def source(url: str, credentials: Credentials | None = None, **more) -> RtspSource:
    return RtspSource(Source(url=url, **(QUICK | more)), credentials, SystemClock())


def first(open_source: RtspSource, count: int = 5):
    found = pictures(open_source)
    try:
        return [next(found) for _ in range(count)]
    finally:
        open_source.close()


@pytest.mark.parametrize("transport", ["tcp", "udp", "auto"])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_pictures_come(request, transport, codec):
    path = request.getfixturevalue("clip" if codec == "h264" else "clip_265")
    with VirtualCamera([Mount("gate", path)]) as camera:
        seen = first(source(camera.url("gate"), transport=transport))
    assert seen[0].image().shape == (240, 320, 3)
    assert [p.at for p in seen] == sorted(p.at for p in seen)


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_credentials_of_any_letters(clip, scheme):
    with VirtualCamera([Mount("gate", clip)], auth=Auth(scheme, "viewer", CANARY)) as camera:
        assert first(source(camera.url("gate"), Credentials("viewer", Secret(CANARY))))


def test_wrong_credentials(clip):
    with (
        VirtualCamera([Mount("gate", clip)], auth=Auth("digest", "viewer", "right")) as camera,
        pytest.raises(SourceRefused) as caught,
    ):
        source(camera.url("gate"), Credentials("viewer", Secret(CANARY)))
    assert caught.value.code == "credentials"
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("status", "code"), [(404, "not-found"), (503, "busy"), (401, "credentials")])
def test_the_camera_says_no(clip, status, code):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        camera.fault("gate", Status(status))
        with pytest.raises(SourceRefused) as caught:
            source(camera.url("gate"))
    assert caught.value.code == code
    assert caught.value.hint


def test_a_mute_camera_is_given_up_in_time(clip):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        camera.fault("gate", Mute())
        with pytest.raises(SourceTimeout):
            source(camera.url("gate"))


def test_nobody_listens(clip):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        url = camera.url("gate")
    with pytest.raises(SourceRefused, match="nobody listens"):
        source(url)


def test_a_name_that_does_not_resolve():
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        source("rtsp://camera.invalid/gate")
    assert "name" in caught.value.hint


def test_a_frozen_stream_is_noticed(clip):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        one = source(camera.url("gate"))
        found = pictures(one)
        next(found)
        camera.fault("gate", Freeze())
        began = time.monotonic()
        with pytest.raises(SourceTimeout):
            for _ in found:
                pass
        assert time.monotonic() - began < 1.8, "FFmpeg gives one more packet after the timeout, and waits it out again"
        one.close()


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_of_garbage_no_picture_is_sound(request, codec):
    path = request.getfixturevalue("clip" if codec == "h264" else "clip_265")
    with VirtualCamera([Mount("gate", path)]) as camera:
        one = source(camera.url("gate"))
        packets, decoder = one.packets(), Decoder()
        assert any(picture.sound for _ in range(20) for picture in decoder.decode(next(packets)))
        camera.fault("gate", Garbage(seed=2))
        sent = camera.stats("gate").packets
        while camera.stats("gate").packets < sent + 20:
            list(decoder.decode(next(packets)))  # those from before
        assert not any(picture.sound for _ in range(60) for picture in decoder.decode(next(packets)))
        assert decoder.broken
        one.close()


def test_a_closed_connection_is_noticed(clip):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        one = source(camera.url("gate"))
        found = pictures(one)
        next(found)
        camera.fault("gate", Kick())
        with pytest.raises(SourceEnded):
            for _ in found:
                pass
        one.close()


def test_pictures_come_again_after_garbage(clip):
    with VirtualCamera([Mount("gate", clip)]) as camera:
        one = source(camera.url("gate"))
        found = pictures(one)
        next(found)
        camera.fault("gate", Garbage(seed=1))
        sent = camera.stats("gate").packets
        wait_until(lambda: camera.stats("gate").packets > sent + 20)
        camera.clear("gate")
        assert {next(found).image().shape for _ in range(60)} == {(240, 320, 3)}
        one.close()


def test_a_change_of_resolution_goes_through(clip, tmp_path):
    other = load_clip(make_clip(tmp_path / "other.mp4", seconds=2, gop_s=0.5, size=(640, 360)))
    with VirtualCamera([Mount("gate", clip)]) as camera:
        one = source(camera.url("gate"))
        found = pictures(one)
        next(found)
        camera.fault("gate", Resolution(other))
        assert any(next(found).image().shape == (360, 640, 3) for _ in range(100))
        one.close()


@pytest.fixture(scope="module")
def clip_out_of_order(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=2, gop_s=0.5, codec="h264", b_frames=2)


@pytest.mark.parametrize("order", ["clip", "clip_out_of_order"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_with_patience_packets_are_read_many_at_once_and_keep_their_distances(request, order, transport):
    """Not over UDP, which has little room for what waits."""
    with VirtualCamera([Mount("gate", request.getfixturevalue(order))]) as camera:
        one = source(camera.url("gate"), transport=transport)
        packets = one.packets()
        begin, unit = next(packets), float(one._stream.time_base)
        one.patience_s = 0.5
        late_read, off = [], []
        for packet in (next(packets) for _ in range(60)):
            due = begin.at + (packet.raw.pts - begin.raw.pts) * unit
            late_read.append(SystemClock().now() - due)
            off.append(abs(packet.at - due))
        one.close()
    assert (max(late_read) > 0.4) == (transport == "tcp")
    assert max(off) < 0.2


def test_who_reads_with_patience_does_not_fall_behind_where_another_keeps_python_busy(gst_camera, tmp_path):
    """Reads then seem to have to wait, though there is more."""
    url = gst_camera(make_clip(tmp_path / "clip.mp4", seconds=6, gop_s=0.5))
    stop = threading.Event()

    def busy() -> None:
        while not stop.wait(0.001):
            sum(range(300_000))

    other = threading.Thread(target=busy)
    one = source(url)
    packets = one.packets()
    begin, unit = next(packets), float(one._stream.time_base)
    one.patience_s = 0.5
    other.start()
    late = []
    try:
        for packet in (next(packets) for _ in range(100)):
            late.append(SystemClock().now() - begin.at - (packet.raw.pts - begin.raw.pts) * unit)
    finally:
        stop.set()
        other.join()
        one.close()
    assert min(late[-50:]) < 0.3, "all that came was read now and then"
    assert max(late) > 0.3, "else it read as they came"


def test_nothing_is_left_open(clip):
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with VirtualCamera([Mount("gate", clip)]) as camera:
        first(source(camera.url("gate")), 1)
        wait_until(lambda: camera.stats("gate").playing == 0)
        before, threads = descriptors(), threading.active_count()
        for _ in range(20):
            first(source(camera.url("gate")), 1)
        wait_until(lambda: camera.stats("gate").playing == 0)
        wait_until(lambda: descriptors() <= before)
    assert threading.active_count() <= threads


@pytest.mark.parametrize("user", [None, "viewer"], ids=["open", "digest"])
def test_a_camera_that_is_not_ours(gst_camera, clip, user):
    url = gst_camera(clip, user, "secret") if user else gst_camera(clip)
    plain = re.sub(r"//[^@/]*@", "//", url)
    assert urlsplit(plain).username is None
    credentials = Credentials(user, Secret("secret")) if user else None
    assert first(source(plain, credentials, open_timeout_s=5.0, read_timeout_s=5.0))


def av_errors() -> list[type[Exception]]:
    return sorted(
        (
            value
            for value in vars(av.error).values()
            if isinstance(value, type) and issubclass(value, av.error.FFmpegError)
        ),
        key=lambda kind: kind.__name__,
    )


@pytest.mark.parametrize("kind", [*av_errors(), OSError, ConnectionRefusedError, TimeoutError, ValueError])
def test_every_exception_of_the_library_has_one_of_ours(kind):
    error = kind(5, "something at rtsp://u:canary@h/", "rtsp://u:canary@h/") if issubclass(kind, OSError) else (
        kind("canary") if kind is ValueError else kind(5, "something at rtsp://u:canary@h/")
    )  # fmt: skip
    ours = translate(error, "rtsp://h/")
    assert isinstance(ours, SourceError)
    assert isinstance(ours, EdgeError)
    assert ours.retryable
    assert ours.hint
    assert "canary" not in str(ours)
