"""What a device offers, read from what scripted devices say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.errors import SourceRefused
from edge.sources.offer import service_address, stream_address
from tests.edge.sources.devices import (
    MAIN,
    SUB,
    camera,
    device,
    fault,
    found,
    http,
    offered,
    profile1,
    profile2,
    told_time,
    with_clock,
)

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


SERVICES = {
    "path": ("http://10.0.0.9/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "query": ("http://10.0.0.9/m?a=1", "http://10.0.0.9/d", "http://cam/d", "http://cam/m?a=1"),
    "a port of its own": ("http://10.0.0.9:8000/m", "http://10.0.0.9/d", "http://cam/d", "http://cam:8000/m"),
    "the usual port, the device has another": ("http://c/m", "http://c:8000/d", "http://cam:8000/d", "http://cam:80/m"),
    "the largest port": ("http://10.0.0.9:65535/m", "http://10.0.0.9/d", "http://cam/d", "http://cam:65535/m"),
    "a forwarded port": ("http://10.0.0.9/m", "http://10.0.0.9:80/d", "http://cam:8001/d", "http://cam:8001/m"),
    "no word of the device's own": ("http://10.0.0.9:81/m", "http://cam:80/d", "http://cam:80/d", "http://cam:81/m"),
    "TLS": ("https://10.0.0.9:444/m", "https://10.0.0.9/d", "https://cam/d", "https://cam:444/m"),
    "never without TLS": ("http://10.0.0.9:8000/m", "https://10.0.0.9/d", "https://cam/d", "https://cam/m"),
    "TLS where nobody asked for it": ("https://10.0.0.9/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "IPv6": ("http://[fe80::1]:81/m", "http://[fe80::1]/d", "http://[2001:db8::1]/d", "http://[2001:db8::1]:81/m"),
    "a user": ("http://a:b@10.0.0.9:81/m", "http://10.0.0.9/d", "http://cam/d", "http://cam:81/m"),
    "blanks around it": ("\n http://10.0.0.9:81/m \n", " http://10.0.0.9/d", "http://cam/d", "http://cam:81/m"),
    "port 0": ("http://10.0.0.9:0/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "port too large": ("http://10.0.0.9:65536/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "port of letters": ("http://10.0.0.9:x/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "another scheme": ("ftp://10.0.0.9:21/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/m"),
    "no address": ("http://[::1/m", "http://10.0.0.9/d", "http://cam/d", "http://cam/d"),
}


@pytest.mark.parametrize(("answer", "own", "ours", "made"), SERVICES.values(), ids=SERVICES)
def test_address_of_a_service(answer, own, ours, made):
    assert service_address(answer, own, ours) == made


def test_media1_alone():
    with device(camera(media1=profile1(*MAIN) + profile1(*SUB))) as one:
        stream = found(one.url)
    assert stream.url == "rtsp://127.0.0.1:5544/sub?x=1"
    assert str(stream.profile) == "sub stream, 640x360, H264"


def test_services_are_asked_where_the_device_was_found():
    with device(camera(media1=profile1(*SUB))) as one:
        found(one.url)
    assert [question.path for question in one.asked][-2:] == ["/ver10/media"] * 2


@pytest.mark.parametrize("services", [None, fault("ter:ActionNotSupported")], ids=["services", "capabilities"])
def test_a_media_service_on_another_port(services):
    with device(camera(media1=profile1(*SUB))) as media:
        port = int(media.url.split(":")[2].partition("/")[0])
        usual = camera(media1=profile1(*SUB), services=services, media_at=f"http://10.1.2.3:{port}")
        with device(usual) as one:
            assert found(one.url).url == "rtsp://127.0.0.1:5544/sub?x=1"
    assert [question.action for question in media.asked] == ["GetProfiles", "GetStreamUri"]
    assert {question.path for question in one.asked} == {"/onvif/device_service"}


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
        assert offered(one.url).profiles[0].token == token


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


TIMES = {
    "an hour ahead": (timedelta(hours=1), 3600),
    "fifty years behind": (timedelta(days=-50 * 365), -50 * 365 * 86_400),
}


@pytest.mark.parametrize(("off", "ahead"), TIMES.values(), ids=TIMES)
def test_the_cameras_clock(off, ahead):
    with device(with_clock(told_time((datetime.now(UTC) + off).timetuple()[:6]))) as one:
        assert abs(offered(one.url).clock_ahead_s - ahead) < 10


@pytest.mark.parametrize(
    "at",
    [("", 1, 1, 0, 0, 0), (2026, 13, 1, 0, 0, 0), (2026, 2, 30, 0, 0, 0), (9999, 12, 31, 23, 59, 59),
     ("9" * 5000, 1, 1, 0, 0, 0), (2026, 1, 1, "x", 0, 0)],
    ids=["empty", "month", "day", "the last second", "digits", "letters"],
)  # fmt: skip
def test_a_clock_that_makes_no_sense_is_none(at):
    with device(with_clock(told_time(at))) as one:
        assert offered(one.url).clock_ahead_s is None


def test_local_time_alone_is_no_clock():
    with device(with_clock(told_time((2026, 1, 1, 0, 0, 0), "LocalDateTime"))) as one:
        assert offered(one.url).clock_ahead_s is None


def test_a_clock_that_only_users_may_ask():
    usual = camera(media1=profile1(*SUB))

    def answer(question):
        if question.action == "GetSystemDateAndTime" and "UsernameToken" not in question.body:
            return http(401, b"")
        return usual(question)

    with device(answer) as one:
        assert found(one.url).profile.token == "sub"
