"""Which stream a camera is watched by, and how it is found: scripted devices, and the virtual camera for all of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from structlog.testing import capture_logs

from contract import parse
from contract.camera import Source
from edge import supervisor as supervising
from edge.errors import SourceError, SourceRefused, SourceTimeout
from edge.pace import Pace
from edge.pacing import Pacer
from edge.sources.offer import Profile
from edge.sources.onvif import Catalogue, Onvif, choose, survey
from edge.sources.rtsp import RtspSource
from edge.supervisor import Supervisor
from tests.clips import make_clip
from tests.edge.sources.devices import (
    CANARY,
    CLOCK,
    LOGIN,
    MAIN,
    RECORDER,
    SUB,
    camera,
    device,
    fault,
    found,
    instead,
    profile1,
    profile2,
    source,
)
from tests.waiting import wait_until
from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.faults import ClockSkew
from vedette.virtual_camera.stream import Mount

AUTH = Auth("digest", "viewer", CANARY)


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


# --- finding, in devices that say what they are told to


def test_a_host_alone_means_the_usual_path():
    with device(camera(media1=profile1(*SUB))) as one:
        for path in ("", "/"):
            found(one.url.removesuffix("/onvif/device_service") + path)
    assert {question.path for question in one.asked} == {"/onvif/device_service", "/ver10/media"}


@pytest.mark.parametrize(("stream", "token"), [(None, "sub"), ("sub", "sub"), ("main", "main")])
def test_the_files_wish_holds(stream, token):
    with device(camera(media2=profile2(*MAIN) + profile2(*SUB))) as one:
        assert found(one.url, stream=stream).profile.token == token


def test_a_mute_device_is_given_up_in_time():
    with device(lambda _: one.over.wait() and b"") as one, pytest.raises(SourceTimeout):
        found(one.url, open_timeout_s=0.3)


def test_one_camera_needs_no_name_and_may_have_one():
    with device(camera(media1=profile1(*MAIN, "v 1") + profile1(*SUB, "v 1"))) as one:
        assert found(one.url).profile == found(one.url, camera="v 1").profile


@pytest.mark.parametrize(("stream", "token"), [(None, "sub2"), ("main", "main2")])
def test_of_a_recorder_the_named_camera_is_taken(stream, token):
    with device(camera(media1=RECORDER)) as one:
        assert found(one.url, camera="channel2", stream=stream).url == f"rtsp://127.0.0.1:5544/{token}?x=1"


MANY = "".join(profile1(f"p{place}", "H264", 640, 360, f"v{place}") for place in range(100))
UNCLEAR = {
    "none named": (RECORDER, None, "has 2 cameras", 'camera: below source:, one of "channel1", "channel2";'),
    "an unknown one": (RECORDER, "channel3", "has no camera 'channel3'", 'there are: "channel1", "channel2"'),
    "a part of one": (RECORDER, "channel", "has no camera 'channel'", 'there are: "channel1", "channel2"'),
    "other letters": (RECORDER, "Channel1", "has no camera 'Channel1'", 'there are: "channel1", "channel2"'),
    "its place": (RECORDER, "1", "has no camera '1'", 'there are: "channel1", "channel2"'),
    "a stream": (RECORDER, "sub1", "has no camera 'sub1'", 'there are: "channel1", "channel2"'),
    "one camera of another name": (profile1(*SUB, "v1"), "v2", "has no camera 'v2'", 'there are: "v1"'),
    "one camera without a name": (profile1(*SUB), "v1", "has no camera 'v1'", "leave source.camera out"),
    "more than can be said": (MANY, None, "has 100 cameras", '"v63" and 36 more;'),
    "what a terminal obeys": (
        RECORDER + profile1("x", "H264", 64, 36, "a\u202e&#x9b;b"),
        "y",
        "has no",
        'there are: "channel1", "channel2"',
    ),
}


@pytest.mark.parametrize(("offer", "name", "says", "hint"), UNCLEAR.values(), ids=UNCLEAR)
def test_which_camera_is_never_guessed(offer, name, says, hint):
    with device(camera(media1=offer)) as one, pytest.raises(SourceRefused, match=says) as caught:
        found(one.url, camera=name)
    assert hint in caught.value.hint
    assert [question.action for question in one.asked].count("GetStreamUri") == 0


def test_a_refused_stream_hides_no_other():
    usual = camera(media1=RECORDER)
    with device(instead(fault("ter:InvalidArgVal", "no signal"), usual, "GetStreamUri", "main1")) as one:
        streams = survey(source(one.url), LOGIN, CLOCK).streams
    assert [(each.profile.camera, each.url, each.refused) for each in streams] == [
        ("channel1", "", "the camera says: s:Sender ter:InvalidArgVal no signal"),
        ("channel1", "rtsp://127.0.0.1:5544/sub1?x=1", ""),
        ("channel2", "rtsp://127.0.0.1:5544/main2?x=1", ""),
        ("channel2", "rtsp://127.0.0.1:5544/sub2?x=1", ""),
    ]


REFUSED = {
    "all of them": (fault("ter:InvalidArgVal"), "fault", 4),
    "the password": (fault("ter:NotAuthorized"), "credentials", 1),
}


@pytest.mark.parametrize(("answer", "code", "times"), REFUSED.values(), ids=REFUSED)
def test_nothing_to_survey(answer, code, times):
    with (
        device(instead(answer, camera(media1=RECORDER), "GetStreamUri")) as one,
        pytest.raises(SourceRefused) as caught,
    ):
        survey(source(one.url), LOGIN, CLOCK)
    assert caught.value.code == code
    assert [question.action for question in one.asked].count("GetStreamUri") == times


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


RECORDED = {"ch1/main": "main", "ch1/sub": "sub", "ch2/main": "h265"}


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ({"camera": "ch1"}, "ch1/sub"),
        ({"camera": "ch1", "stream": "main"}, "ch1/main"),
        ({"camera": "ch2"}, "ch2/main"),  # H.265
    ],
    ids=str,
)
def test_cameras_of_a_recorder(clips, wish, name):
    recorded = [Mount(name, clips[clip]) for name, clip in RECORDED.items()]
    with VirtualCamera(recorded, auth=AUTH, onvif_port=0) as one:
        assert found(one.onvif, **wish).url == one.url(name)


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


def connects(*cameras, credentials=LOGIN, open_stream):
    """As the edge does it for cameras of one device."""
    catalogue = Catalogue(cameras[0].source, credentials, CLOCK)
    return [Onvif(each, credentials, CLOCK, catalogue, open_stream) for each in cameras]


def test_the_address_is_kept_until_a_connect_with_it_fails():
    opens = Opens()
    with device(camera(media1=profile1(*SUB), uri="rtsp://10.1.2.3/{token}?password=geheim1")) as one:
        (connect,) = connects(watched(one.url), open_stream=opens)
        with capture_logs() as logs:
            assert connect.chosen == ""
            connect.prepare()
            connect()
            asked = len(one.asked)
            connect.prepare()
            connect()
            assert len(one.asked) == asked
            opens.fault = SourceRefused("no such path", code="not-found")
            with pytest.raises(SourceRefused, match="no such path"):
                connect()
            opens.fault = None
            connect.prepare()
            connect()
            assert len(one.asked) == 2 * asked
    assert len(opens.urls) == 4
    assert connect.chosen == "sub stream, 640x360, H264"
    assert [line["event"] for line in logs] == ["stream chosen"]
    assert "geheim1" not in str(logs)
    assert CANARY not in str(logs)


BIG = 32
CHANNELS = "".join(profile1(f"p{place}", "H264", 640, 360, f"v{place}") for place in range(BIG))


def at_once(work, tasks):
    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(work, tasks))


def test_a_recorder_is_asked_once_for_all_its_cameras():
    opens, barrier = Opens(), threading.Barrier(BIG)

    def connect(each):
        barrier.wait()
        each.prepare()
        return each()

    with device(camera(media1=CHANNELS)) as one:
        cameras = connects(*(watched(one.url, camera=f"v{place}") for place in range(BIG)), open_stream=opens)
        at_once(connect, cameras)
        asked = Counter(question.action for question in one.asked)
    assert asked == {"GetSystemDateAndTime": 1, "GetServices": 1, "GetProfiles": 1, "GetStreamUri": BIG}
    assert set(opens.urls) == {f"rtsp://127.0.0.1:5544/p{place}?x=1" for place in range(BIG)}


def test_a_wrong_password_is_tried_once_for_all_cameras():
    def fails(each):
        with pytest.raises(SourceRefused) as caught:
            each.prepare()
        return caught.value.code

    with device(instead(fault("ter:NotAuthorized"), camera(media1=CHANNELS), "GetServices")) as one:
        cameras = connects(*(watched(one.url, camera=f"v{place}") for place in range(BIG)), open_stream=Opens())
        assert at_once(fails, cameras) == ["credentials"] * BIG
        assert [question.action for question in one.asked].count("GetServices") == 1
        assert at_once(fails, cameras) == ["credentials"] * BIG
        assert [question.action for question in one.asked].count("GetServices") == 2


def test_who_failed_since_gets_a_new_answer_and_the_others_share_it():
    opens = Opens()
    with device(camera(media1=CHANNELS)) as one:
        first, second, third = connects(
            *(watched(one.url, camera=f"v{place}") for place in range(3)), open_stream=opens
        )
        for each in (first, second):
            each.prepare()
            each()
        opens.fault = SourceRefused("no such path", code="not-found")
        for each in (first, second):
            with pytest.raises(SourceRefused):
                each()
        for each in (first, second, third):
            each.prepare()
        assert [question.action for question in one.asked].count("GetProfiles") == 2


@pytest.mark.parametrize("rest", ["x?password=geheim1", "x?auth=geheim1", "user:geheim1/x"])
def test_rtsp_does_not_show_a_password_that_onvif_found(rest):
    config = Source(url="rtsp://127.0.0.1:9/x").model_copy(update={"url": f"rtsp://127.0.0.1:9/{rest}"})
    with pytest.raises(SourceError, match=r"^http://127\.0\.0\.1: ") as caught:
        RtspSource(config, None, CLOCK, shown="http://127.0.0.1")
    assert "geheim1" not in str(caught.value)


@contextmanager
def supervised(camera_, credentials=LOGIN):
    open_stream = partial(RtspSource, credentials=credentials, clock=CLOCK)
    (connect,) = connects(camera_, credentials=credentials, open_stream=open_stream)
    frames, said, heard = [], [], []
    pacer = Pacer(CLOCK, spaced_s=0)
    more = (lambda: None, pacer, CLOCK, connect.prepare)
    one = Supervisor(camera_, Pace(5), connect, frames.append, said.extend, heard.append, *more)
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
