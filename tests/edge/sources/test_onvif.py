"""Which stream a camera is watched by, and how it is found: scripted devices, and the virtual camera for all of it."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from structlog.testing import capture_logs

from contract import parse
from contract.camera import Source
from edge import supervisor as supervising
from edge.clock import SystemClock
from edge.credentials import Credentials, Secret
from edge.errors import SourceError, SourceRefused, SourceTimeout
from edge.pace import Pace
from edge.pacing import Pacer
from edge.sources.onvif import Onvif, Profile, choose, find, stream_address, survey
from edge.sources.rtsp import RtspSource
from edge.supervisor import Supervisor
from tests.clips import make_clip
from tests.edge.sources.devices import camera, device, envelope, fault, http, profile1, profile2
from tests.waiting import wait_until
from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.faults import ClockSkew
from vedette.virtual_camera.stream import Mount

CLOCK = SystemClock()
CANARY = "p@ss&<w/rd"
LOGIN = Credentials("viewer", Secret(CANARY))
AUTH = Auth("digest", "viewer", CANARY)


def source(url, **more):
    return Source(kind="onvif", url=url, **({"open_timeout_s": 3.0} | more))


def found(url, credentials=LOGIN, **more):
    return find(source(url, **more), credentials, CLOCK)


# --- choosing

SIZES = {
    "usual": ([(1920, 1080), (640, 360), (320, 180)], (640, 360), (1920, 1080)),
    "sub a little larger": ([(2560, 1440), (704, 576), (352, 288)], (704, 576), (2560, 1440)),
    "all too small": ([(320, 240), (352, 288)], (352, 288), (352, 288)),
    "upright": ([(1080, 1920), (360, 640)], (360, 640), (1080, 1920)),
    "one": ([(1280, 720)], (1280, 720), (1280, 720)),
    "just too small": ([(1280, 720), (639, 480)], (1280, 720), (1280, 720)),
    "in any order": ([(640, 480), (640, 360), (3840, 2160), (1280, 720)], (640, 360), (3840, 2160)),
}


@pytest.mark.parametrize(("sizes", "sub", "main"), SIZES.values(), ids=SIZES)
def test_choice(sizes, sub, main):
    profiles = [Profile(f"p{place}", "", "H264", *size) for place, size in enumerate(sizes)]
    assert [(each.width, each.height) for each in (choose(profiles, "sub"), choose(profiles, "main"))] == [sub, main]


def test_of_equal_ones_the_first_is_chosen():
    profiles = [Profile(token, "", "H264", 640, 360) for token in "abc"]
    assert choose(profiles, "sub").token == choose(profiles, "main").token == "a"


ADDRESSES = {
    "its old address": ("rtsp://10.0.0.9:8554/a/b?c=1&d=2", "http://cam:8000/x", "rtsp://cam:8554/a/b?c=1&d=2"),
    "no port": ("rtsp://10.0.0.9/a", "http://cam:8000/x", "rtsp://cam/a"),
    "TLS": ("rtsps://10.0.0.9:322/a", "https://cam/x", "rtsps://cam:322/a"),
    "with a user": ("rtsp://admin:pw@10.0.0.9/a", "http://cam/x", "rtsp://cam/a"),
    "IPv6": ("rtsp://10.0.0.9:554/a", "http://[2001:db8::1]:80/x", "rtsp://[2001:db8::1]:554/a"),
    "blanks around it": ("\n rtsp://10.0.0.9/a \n", "http://cam/x", "rtsp://cam/a"),
    "scheme in capitals": ("RTSP://10.0.0.9/a", "http://cam/x", "rtsp://cam/a"),
}


@pytest.mark.parametrize(("answer", "ours", "made"), ADDRESSES.values(), ids=ADDRESSES)
def test_address(answer, ours, made):
    assert stream_address(answer, ours) == made


@pytest.mark.parametrize(
    "answer",
    ["", "http://10.0.0.9/a", "file:///etc/passwd", "rtsp://h/a b", "rtsp://h/a\r\nX: y", "rtsp://[::1/a", "rtsp://h:x/",
     "rtsp://h:99999/", "rtsp://h/" + "a" * 3000, "rtsp://h/ä", "concat:rtsp://h/|file:///x"],
)  # fmt: skip
def test_no_address(answer):
    with pytest.raises(SourceRefused) as caught:
        stream_address(answer, "http://cam/")
    assert caught.value.code == "not-onvif"
    assert len(str(caught.value)) < 200


# --- finding, in devices that say what they are told to

MAIN, SUB = ("main", "H264", 1920, 1080), ("sub", "H264", 640, 360)


def test_media1_alone():
    with device(camera(media1=profile1(*MAIN) + profile1(*SUB))) as one:
        stream = found(one.url)
    assert stream.url == "rtsp://127.0.0.1:5544/sub?x=1"
    assert str(stream.profile) == "sub stream, 640x360, H264"


def test_services_are_asked_where_the_device_was_found():
    with device(camera(media1=profile1(*SUB))) as one:
        found(one.url)
    assert [question.path for question in one.asked][-2:] == ["/ver10/media"] * 2


def test_a_host_alone_means_the_usual_path():
    with device(camera(media1=profile1(*SUB))) as one:
        for path in ("", "/"):
            found(one.url.removesuffix("/onvif/device_service") + path)
    assert {question.path for question in one.asked} == {"/onvif/device_service", "/ver10/media"}


@pytest.mark.parametrize(("stream", "token"), [(None, "sub"), ("sub", "sub"), ("main", "main")])
def test_the_files_wish_holds(stream, token):
    with device(camera(media2=profile2(*MAIN) + profile2(*SUB))) as one:
        assert found(one.url, stream=stream).profile.token == token


OFFERS = {
    "Media2 before Media1": ({"media1": profile1(*MAIN), "media2": profile2(*SUB)}, "sub"),
    "H.265 in Media2": ({"media1": profile1(*MAIN), "media2": profile2("hevc", "H265", 640, 360)}, "hevc"),
    "Media2 is broken": ({"media1": profile1(*MAIN), "media2": fault("ter:Action", status=500)}, "main"),
    "Media2 is empty": ({"media1": profile1(*MAIN), "media2": ""}, "main"),
    "JPEG left out": ({"media1": profile1("jpeg", "JPEG", 640, 360) + profile1(*MAIN)}, "main"),
    "MPEG-4 left out": ({"media2": profile2("old", "MPV4-ES", 640, 360) + profile2(*MAIN)}, "main"),
    "sound left out": ({"media1": '<Profiles token="a"><Name>a</Name></Profiles>' + profile1(*MAIN)}, "main"),
    "no size": ({"media1": profile1("x", "H264", 0, 0) + profile1(*MAIN)}, "main"),
    "a size that is none": ({"media2": profile2("x", "H264", -640, 360) + profile2(*MAIN)}, "main"),
    "digits without end": ({"media1": profile1("x", "H264", "0" * 5000 + "1", 360) + profile1(*MAIN)}, "main"),
    "one without a sensor": ({"media1": profile1(*SUB) + profile1(*MAIN, "v1")}, "main"),
    "a token of any letters": ({"media1": profile1("a&amp;&quot;b", "H264", 640, 360)}, 'a&"b'),
}


@pytest.mark.parametrize(("offer", "token"), OFFERS.values(), ids=OFFERS)
def test_offers(offer, token):
    with device(camera(**offer)) as one:
        assert found(one.url).profile.token == token


def test_a_camera_from_before_get_services():
    with device(camera(media1=profile1(*SUB), services=fault("ter:ActionNotSupported"))) as one:
        assert found(one.url).profile.token == "sub"
    assert one.asked[-1].path == "/old_media"


NOTHING = {
    "no video": ({"media1": profile1("jpeg", "JPEG", 640, 360)}, "no-video"),
    "no profile": ({"media2": ""}, "no-video"),
    "no media service": ({}, "no-video"),
    "garbage for profiles": ({"media1": http(200, b"\x00\xff garbage")}, "not-onvif"),
    "busy": ({"media1": http(503, b"")}, "busy"),
    "refuses profiles": ({"media1": fault("ter:OperationProhibited")}, "fault"),
    "not this user": ({"media2": fault("ter:NotAuthorized"), "media1": profile1(*SUB)}, "credentials"),
    "no stream's address": ({"media1": profile1(*SUB), "uri": "http://10.1.2.3/x"}, "not-onvif"),
}


@pytest.mark.parametrize(("offer", "code"), NOTHING.values(), ids=NOTHING)
def test_nothing_to_watch(offer, code):
    with device(camera(**offer)) as one, pytest.raises(SourceRefused) as caught:
        found(one.url)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_wrong_password_is_tried_once():
    """Cameras lock out those who go on knocking."""
    refuses = fault("ter:NotAuthorized")
    with device(camera(media2=refuses, media1=refuses)) as one, pytest.raises(SourceRefused):
        found(one.url)
    assert [question.action for question in one.asked].count("GetProfiles") == 1


RECORDER = "".join(profile1(f"{name}{place}", "H264", *size, f"channel{place}")
                   for place in (1, 2) for name, size in (("main", (1920, 1080)), ("sub", (640, 360))))  # fmt: skip


def test_a_recorder_is_refused_and_shown():
    with device(camera(media1=RECORDER)) as one:
        with pytest.raises(SourceRefused, match="has 2 cameras") as caught:
            found(one.url)
        assert "vedette camera streams" in caught.value.hint
        streams = survey(source(one.url), LOGIN, CLOCK).streams
    assert [(each.profile.sensor, each.url) for each in streams[:2]] == [
        ("channel1", "rtsp://127.0.0.1:5544/main1?x=1"),
        ("channel1", "rtsp://127.0.0.1:5544/sub1?x=1"),
    ]


def told_time(at, tag="UTCDateTime"):
    numbers = dict(zip(("Year", "Month", "Day", "Hour", "Minute", "Second"), at, strict=True))
    words = {name: f"<{name}>{value}</{name}>" for name, value in numbers.items()}
    date = words["Year"] + words["Month"] + words["Day"]
    time = words["Hour"] + words["Minute"] + words["Second"]
    return http(200, envelope(f"<R><{tag}><Time>{time}</Time><Date>{date}</Date></{tag}></R>"))


def with_clock(raw):
    usual = camera(media1=profile1(*SUB))
    return lambda question: raw if question.action == "GetSystemDateAndTime" else usual(question)


TIMES = {
    "an hour ahead": (timedelta(hours=1), "UTCDateTime", 3600),
    "fifty years behind": (timedelta(days=-50 * 365), "UTCDateTime", -50 * 365 * 86_400),
    "local time only": (timedelta(hours=8), "LocalDateTime", 0),
}


@pytest.mark.parametrize(("off", "tag", "ahead"), TIMES.values(), ids=TIMES)
def test_the_cameras_clock(off, tag, ahead):
    with device(with_clock(told_time((datetime.now(UTC) + off).timetuple()[:6], tag))) as one:
        assert abs(survey(source(one.url), LOGIN, CLOCK).clock_ahead_s - ahead) < 10


@pytest.mark.parametrize(
    "at",
    [("", 1, 1, 0, 0, 0), (2026, 13, 1, 0, 0, 0), (2026, 2, 30, 0, 0, 0), (9999, 12, 31, 23, 59, 59),
     ("9" * 5000, 1, 1, 0, 0, 0), (2026, 1, 1, "x", 0, 0)],
    ids=["empty", "month", "day", "the last second", "digits", "letters"],
)  # fmt: skip
def test_a_clock_that_makes_no_sense_is_taken_for_right(at):
    with device(with_clock(told_time(at))) as one:
        assert survey(source(one.url), LOGIN, CLOCK).clock_ahead_s == 0


def test_a_clock_that_only_users_may_ask():
    usual = camera(media1=profile1(*SUB))

    def answer(question):
        if question.action == "GetSystemDateAndTime" and "UsernameToken" not in question.body:
            return http(401, b"")
        return usual(question)

    with device(answer) as one:
        assert found(one.url).profile.token == "sub"


def test_a_mute_device_is_given_up_in_time():
    with device(lambda _: one.over.wait() and b"") as one, pytest.raises(SourceTimeout):
        found(one.url, open_timeout_s=0.3)


# --- the virtual camera: a device and its streams


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {
        "main": make_clip(folder / "main.mp4", seconds=1, gop_s=0.5, size=(1280, 720)),
        "sub": make_clip(folder / "sub.mp4", seconds=1, gop_s=0.5, size=(640, 360)),
        "h265": make_clip(folder / "h265.mp4", seconds=1, gop_s=0.5, size=(640, 368), codec="h265"),
    }


def mounts(clips, *names):
    return [Mount(name, clips[name]) for name in names]


@pytest.mark.parametrize("skew_s", [0, 3600, -20 * 365 * 86_400], ids=["right", "ahead", "years behind"])
def test_a_camera_with_a_strict_clock(clips, skew_s):
    with VirtualCamera(mounts(clips, "main", "sub"), auth=AUTH, onvif_port=0) as one:
        one.fault("main", ClockSkew(skew_s))
        assert found(one.onvif).url == one.url("sub")
        assert found(one.onvif, stream="main").url == one.url("main")


def test_wrong_password(clips):
    with (
        VirtualCamera(mounts(clips, "sub"), auth=Auth("digest", "viewer", "right"), onvif_port=0) as one,
        pytest.raises(SourceRefused) as caught,
    ):
        found(one.onvif)
    assert caught.value.code == "credentials"
    assert CANARY not in str(caught.value)


def test_h265_is_found_in_media2(clips):
    with VirtualCamera(mounts(clips, "main", "h265"), onvif_port=0) as one:
        assert found(one.onvif, None).profile.codec == "H265"


def test_a_camera_that_names_another_host(clips):
    with VirtualCamera(mounts(clips, "sub"), host="0.0.0.0", onvif_port=0) as one:
        assert one.url("sub") == f"rtsp://0.0.0.0:{one.port}/sub"
        stream = found(one.onvif.replace("0.0.0.0", "127.0.0.1"), None)
        assert stream.url == f"rtsp://127.0.0.1:{one.port}/sub"


# --- connecting


class Opens:
    """Stands for RTSP: what it was given, and what it does about it."""

    def __init__(self):
        self.urls, self.fault = [], None

    def __call__(self, config):
        self.urls.append(config.url)
        if self.fault:
            raise self.fault
        return self


def watched(url, **more):
    settings = {"kind": "onvif", "url": url, "credentials": "gate", "open_timeout_s": 3} | more
    return parse.camera(
        "id: gate\ntier: 1\npilot: school\nsite: s1\npurpose: a test of ONVIF\n" + f"source: {json.dumps(settings)}\n"
    )


def test_the_address_is_kept_until_a_connect_with_it_fails():
    opens = Opens()
    with device(camera(media1=profile1(*SUB), uri="rtsp://10.1.2.3/{token}?password=geheim1")) as one:
        connect = Onvif(watched(one.url), LOGIN, CLOCK, opens)
        with capture_logs() as logs:
            assert connect.chosen == ""
            connect()
            asked = len(one.asked)
            connect()
            assert len(one.asked) == asked
            opens.fault = SourceRefused("no such path", code="not-found")
            with pytest.raises(SourceRefused, match="no such path"):
                connect()
            opens.fault = None
            connect()
            assert len(one.asked) == 2 * asked
    assert len(opens.urls) == 4
    assert connect.chosen == "sub stream, 640x360, H264"
    assert [line["event"] for line in logs] == ["stream chosen"]
    assert "geheim1" not in str(logs)
    assert CANARY not in str(logs)


@pytest.mark.parametrize("rest", ["x?password=geheim1", "x?auth=geheim1", "user:geheim1/x"])
def test_rtsp_does_not_show_a_password_that_onvif_found(rest):
    config = Source(url="rtsp://127.0.0.1:9/x").model_copy(update={"url": f"rtsp://127.0.0.1:9/{rest}"})
    with pytest.raises(SourceError, match=r"^http://127\.0\.0\.1: ") as caught:
        RtspSource(config, None, CLOCK, shown="http://127.0.0.1")
    assert "geheim1" not in str(caught.value)


@contextmanager
def supervised(camera_, credentials=LOGIN):
    connect = Onvif(camera_, credentials, CLOCK, partial(RtspSource, credentials=credentials, clock=CLOCK))
    frames, said, heard = [], [], []
    one = Supervisor(camera_, Pace(5), connect, frames.append, said.extend, heard.append, Pacer(CLOCK), CLOCK)
    one.start()
    try:
        yield one, connect
    finally:
        one.stop()
        assert one.join(10)


def test_a_supervisor_goes_live_and_again_after_the_camera_was_reset(clips, monkeypatch):
    monkeypatch.setattr(supervising, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(supervising, "LONGEST_WAIT_S", 0.1)
    with ExitStack() as running:
        before = VirtualCamera(mounts(clips, "main", "sub"), auth=AUTH, onvif_port=0)
        first = running.enter_context(ExitStack())
        first.enter_context(before)
        one, connect = running.enter_context(supervised(watched(before.onvif)))
        wait_until(lambda: one.status.state == "live", within=10)
        assert connect.chosen == "sub, 640x360, H264"
        ports = {"port": before.port, "onvif_port": int(before.onvif.rpartition(":")[2])}
        first.close()
        wait_until(lambda: one.status.state != "live", within=10)
        renamed = [Mount("elsewhere", clips["sub"])]
        after = running.enter_context(VirtualCamera(renamed, auth=AUTH, **ports))
        wait_until(lambda: one.status.state == "live", within=10)
        assert connect.chosen == "elsewhere, 640x360, H264"
        assert after.stats("elsewhere").playing == 1


def test_a_supervisor_waits_long_after_two_wrong_passwords(clips, monkeypatch):
    monkeypatch.setattr(supervising, "FIRST_WAIT_S", 0.05)
    right = Auth("digest", "viewer", "right")
    with (
        VirtualCamera(mounts(clips, "sub"), auth=right, onvif_port=0) as virtual,
        supervised(watched(virtual.onvif)) as (one, _),
    ):
        wait_until(lambda: one.status.faults["credentials"] == 2)
        wait_until(lambda: one.status.state == "waiting")
        assert one.status.connects == 0
        assert CANARY not in one.status.last_fault + one.status.hint
