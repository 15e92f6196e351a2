"""The ONVIF device, asked as clients ask it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import UTC, datetime, timedelta

import av
import httpx
import pytest

from tests.waiting import wait_until
from vedette.virtual_camera import Auth, ClockSkew, Mount, VirtualCamera
from vedette.virtual_camera.onvif import DEVICE, MAX_BODY, MEDIA1, MEDIA2

PASSWORD = "s3cret & more"
ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>{body}</s:Body></s:Envelope>'


def token(password=PASSWORD, user="viewer", at=None, nonce=None):
    nonce = os.urandom(16) if nonce is None else nonce
    created = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    wsu = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
    return (
        f'<s:Header><w:Security xmlns:w="{wsse}" xmlns:u="{wsu}"><w:UsernameToken><w:Username>{user}</w:Username>'
        f"<w:Password>{digest}</w:Password><w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>"
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security></s:Header>"
    )


def ask(camera, namespace, action, header="", inner=""):
    body = ENVELOPE.format(header=header, body=f'<{action} xmlns="{namespace}">{inner}</{action}>')
    return httpx.post(f"{camera.onvif}/onvif/device_service", content=body, timeout=10)


@pytest.fixture
def camera(clips):
    mounts = [Mount("main", clips["h264"]), Mount("sub", clips["long"])]
    with VirtualCamera(mounts, auth=Auth("digest", "viewer", PASSWORD), onvif_port=0) as running:
        yield running


def test_the_clock_is_told_to_everybody(camera):
    answer = ask(camera, DEVICE, "GetSystemDateAndTime")
    assert answer.status_code == 200
    assert f"<tt:Year>{datetime.now(UTC).year}</tt:Year>" in answer.text


ROWS = {
    "no token": "",
    "wrong password": token("wrong"),
    "wrong user": token(user="admin"),
    "too old": token(at=datetime.now(UTC) - timedelta(seconds=60)),
    "too new": token(at=datetime.now(UTC) + timedelta(seconds=60)),
    "no nonce": token(nonce=b""),
}


@pytest.mark.parametrize("header", ROWS.values(), ids=ROWS)
def test_everything_else_needs_a_token(camera, header):
    answer = ask(camera, DEVICE, "GetDeviceInformation", header)
    assert answer.status_code == 400
    assert "ter:NotAuthorized" in answer.text
    assert PASSWORD not in answer.text


def test_a_nonce_is_good_once(camera):
    header = token()
    assert ask(camera, DEVICE, "GetDeviceInformation", header).status_code == 200
    assert ask(camera, DEVICE, "GetDeviceInformation", header).status_code == 400


@pytest.mark.parametrize("media", [MEDIA1, MEDIA2], ids=["Media1", "Media2"])
def test_profiles_lead_to_a_stream(camera, media):
    profiles = ask(camera, media, "GetProfiles", token()).text
    assert re.findall(r'Profiles token="(\w+)"', profiles) == ["main", "sub"]
    answer = ask(camera, media, "GetStreamUri", token(), "<ProfileToken>sub</ProfileToken>").text
    uri = re.search(r"Uri>(rtsp://[^<]+)<", answer)[1]
    assert uri == camera.url("sub")
    with av.open(camera.url("sub", credentials=True), timeout=(5, 5)) as stream:
        assert next(stream.decode(video=0)).width == 320
    wait_until(lambda: camera.stats("sub").playing == 0)


@pytest.mark.parametrize("media", [MEDIA1, MEDIA2], ids=["Media1", "Media2"])
def test_a_mounts_folder_is_the_camera_that_it_shows(clips, media):
    names = ("ch1/main", "ch1/sub", "ch2/main", "alone")
    with VirtualCamera([Mount(name, clips["h264"]) for name in names], onvif_port=0) as recorder:
        profiles = ask(recorder, media, "GetProfiles").text
    assert re.findall(r"SourceToken>([^<]+)</", profiles) == ["ch1", "ch1", "ch2", "VideoSource_1"]


def test_a_device_with_a_wrong_clock_wants_its_own_time(camera):
    camera.fault("main", ClockSkew(3600))
    assert ask(camera, DEVICE, "GetDeviceInformation", token()).status_code == 400
    late = datetime.now(UTC) + timedelta(hours=1)
    assert ask(camera, DEVICE, "GetDeviceInformation", token(at=late)).status_code == 200


def test_services_and_capabilities_name_where_they_are(camera):
    services = ask(camera, DEVICE, "GetServices", token(), "<IncludeCapability>false</IncludeCapability>").text
    assert all(f"<tds:Namespace>{each}</tds:Namespace>" in services for each in (DEVICE, MEDIA1, MEDIA2))
    assert f"{camera.onvif}/onvif/media_service" in ask(camera, DEVICE, "GetCapabilities", token()).text


BAD = {
    "no XML": b"hello",
    "an entity bomb": b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
    "no body": b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>',
    "too large": b"<a>" + b" " * MAX_BODY + b"</a>",
    "nothing": b"",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_bad_requests_are_refused_and_the_device_goes_on(camera, body):
    assert httpx.post(f"{camera.onvif}/onvif/device_service", content=body, timeout=10).status_code == 400
    assert ask(camera, DEVICE, "GetSystemDateAndTime").status_code == 200


def test_unknown_actions_and_profiles_are_told(camera):
    assert "ActionNotSupported" in ask(camera, DEVICE, "SystemReboot", token()).text
    assert "InvalidArgVal" in ask(camera, MEDIA1, "GetStreamUri", token(), "<ProfileToken>x</ProfileToken>").text
