"""Camera -> edge -> outbox -> central -> desk, with real processes, and killed for real."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.line import Line, Process, health
from tests.waiting import wait_until
from vedette.demo.run import CLIP
from vedette.virtual_camera.auth import Auth
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.faults import Mute
from vedette.virtual_camera.stream import Mount

CANARY = "canary-Pa55"


def lawn(url: str, name: str = "plaza", credentials: str = "null") -> str:
    """The demo's lawn; with `any` object that crosses its edge as a second, frequent kind of event."""
    return f"""
id: {name}
tier: 1
pilot: school
site: demo-school
purpose: a test of the whole line
source: {{url: "{url}", credentials: {credentials}}}
zones: {{lawn: [[0, 0.50], [0.43, 0.645], [1, 0.92], [1, 1], [0, 1]]}}
rules:
  keep-off: {{kind: intrusion, zone: lawn}}
"""


@pytest.fixture
def line(tmp_path):
    with Line(tmp_path) as one:
        yield one


def start_clip_at(seconds: float) -> Mount:
    return Mount("plaza", CLIP, "first-play", seconds)


def test_from_motion_to_the_desk_and_a_clean_end(line):
    with VirtualCamera([start_clip_at(2)], auth=Auth("digest", "viewer", CANARY)) as camera:
        secrets = line.root / "credentials.yaml"
        secrets.write_text(f"plaza: {{username: viewer, password: {CANARY}}}")
        secrets.chmod(0o600)
        central = line.start_central()
        edge = line.start_edge(
            [lawn(camera.url("plaza"), credentials="plaza")], line.add_edge(), "--credentials", str(secrets)
        )
        desk = line.desk()
        _, event = next(desk.feed(60))
        assert (event["camera_id"], event["rule"], event["state"]) == ("plaza", "keep-off", "open")
        wait_until(lambda: health(edge)["outbox"]["pending"] == 0)
        assert health(edge)["status"] == "ok"

        began = time.monotonic()
        assert edge.end() == 0
        assert time.monotonic() - began < 5
        # What was open when the edge ended is closed, at central too.
        wait_until(lambda: {each["state"] for each in desk.events()} == {"closed"})
        desk.close()
        assert central.end() == 0
    for log in line.root.glob("*.log"):
        assert CANARY not in log.read_text(), log
    for file in line.root.rglob("*.db*"):
        assert CANARY.encode() not in file.read_bytes(), file


def test_no_event_is_lost_or_doubled_when_either_side_is_killed(line):
    with VirtualCamera([Mount("plaza", CLIP, "first-play", 2)]) as camera:
        cameras = [lawn(camera.url("plaza"), f"plaza-{i}") for i in range(2)]
        central = line.start_central()
        port = urlsplit(line.address).port
        token = line.add_edge()
        edge = line.start_edge(cameras, token)
        desk = line.desk()
        wait_until(desk.events, 40)
        central.end(signal.SIGKILL)

        wait_until(lambda: health(edge)["cameras"]["plaza-0"]["events"] >= 3, 60)
        wait_until(lambda: health(edge)["outbox"]["pending"] >= 1, 40)
        kept = health(edge)["outbox"]
        edge.end(signal.SIGKILL)

        line.start_central(port)
        edge = line.start_edge(cameras, token)
        wait_until(lambda: health(edge)["outbox"]["pending"] == 0, 40)
        assert kept["pending"] >= 1
        ids = Counter(event["event_id"] for event in desk.events())
        assert max(ids.values()) == 1
        with contextlib.closing(sqlite3.connect(line.root / "central" / "central.sqlite")) as db:
            stored = {seq for (seq,) in db.execute("SELECT seq FROM records WHERE epoch = ?", (kept["epoch"],))}
        assert set(range(1, kept["last_seq"] + 1)) <= stored, "a record that was committed is missing"
        # What the kill left open is closed, too.
        assert edge.end() == 0
        wait_until(lambda: {event["state"] for event in desk.events()} == {"closed"})
        desk.close()


def test_one_wrong_camera_file_harms_no_other(line):
    with VirtualCamera([start_clip_at(2)]) as camera:
        line.start_central()
        sound = lawn(camera.url("plaza"))
        nowhere = "rtsp://127.0.0.1:9/nothing"
        wrong = [
            lawn(nowhere, "no-zone").replace("zone: lawn", "zone: lwan"),
            lawn(nowhere, "no-secret", credentials="plaza"),
            lawn(nowhere, "no-label").replace("zone: lawn}", "zone: lawn, labels: [unicorn]}"),
            lawn(nowhere, "no-model").replace("zones:", "detect: {model: none-such}\nzones:"),
            "id: gate\n",
            "a: &a [*a]",
        ]
        edge = line.start_edge([wrong[0], sound, *wrong[1:]], line.add_edge())
        desk = line.desk()
        wait_until(desk.events, 60)
        found = health(edge)
        assert list(found["cameras"]) == ["plaza"]
        assert found["status"] == "degraded"
        for complaint in ("there is no zone", "no credentials named", "unicorn", "none-such", "is missing", "anchors"):
            assert any(complaint in why for why in found["why"]), (complaint, found["why"])
            assert complaint in edge.text()
        desk.close()
        assert edge.end() == 0


def test_one_bad_camera_harms_no_other(line):
    with VirtualCamera([start_clip_at(2), Mount("mute", CLIP)]) as camera:
        camera.fault("mute", Mute())
        line.start_central()
        nowhere = "rtsp://127.0.0.1:9/nothing"
        edge = line.start_edge(
            [lawn(camera.url("plaza")), lawn(camera.url("mute"), "mute"), lawn(nowhere, "nowhere")], line.add_edge()
        )
        desk = line.desk()
        wait_until(desk.events, 60)
        assert {event["camera_id"] for event in desk.events()} == {"plaza"}
        wait_until(lambda: health(edge)["cameras"]["mute"]["state"] == "waiting", 20)
        found = health(edge)
        assert found["status"] == "degraded"
        assert found["cameras"]["plaza"]["state"] == "live"
        assert any("camera nowhere" in why and "nobody listens" in why for why in found["why"])
        desk.close()
        began = time.monotonic()
        assert edge.end() == 0
        assert time.monotonic() - began < 5, "a camera that hangs held up the end"


def test_a_wrong_token_is_said_and_nothing_is_lost(line):
    with VirtualCamera([start_clip_at(2)]) as camera:
        line.start_central()
        token = line.add_edge()
        edge = line.start_edge([lawn(camera.url("plaza"))], "vde_edge-1." + "0" * 43)
        wait_until(lambda: health(edge)["uplink"]["state"] == "token refused", 60)
        wait_until(lambda: health(edge)["outbox"]["pending"] >= 1, 60)
        assert edge.end() == 0
        assert "token" in edge.text()
        edge = line.start_edge([lawn(camera.url("plaza"))], token)
        desk = line.desk()
        wait_until(desk.events, 30)
        desk.close()


def test_the_edge_runs_on_a_camera_that_is_not_ours(line, gst_camera):
    line.start_central()
    edge = line.start_edge([lawn(gst_camera(CLIP))], line.add_edge())
    desk = line.desk()
    wait_until(desk.events, 60)
    assert desk.events()[0]["rule"] == "keep-off"
    assert health(edge)["cameras"]["plaza"]["state"] == "live"
    desk.close()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id: gate\n", "tier: is missing"),
        (lawn("rtsp://u:canary@192.0.2.1/"), "user and password must not stand in the address"),
        (lawn("rtsp://192.0.2.1/").replace("zone: lawn", "zone: lwan"), "there is no zone 'lwan'"),
        (lawn("rtsp://192.0.2.1/").replace("zone: lawn}", "zone: lawn, labels: [unicorn]}"), "knows no such label"),
        (lawn("rtsp://192.0.2.1/", credentials="plaza"), "no credentials named 'plaza'"),
    ],
    ids=["missing key", "inline credentials", "missing zone", "label the model lacks", "missing credentials"],
)
def test_a_wrong_config_stops_the_start_and_says_why(line, text, complaint):
    line.address = "http://127.0.0.1:9"
    edge = line.start_edge([text], "vde_edge-1." + "0" * 43)
    wait_until(lambda: edge.status is not None, 30)
    assert edge.status == 1
    assert complaint in edge.text()
    assert "canary" not in edge.text()
    assert "Traceback" not in edge.text()


@pytest.mark.parametrize("address", ["http://edge:canary@127.0.0.1:9", "http://[::1", "127.0.0.1:9"])
def test_a_wrong_address_of_central_stops_the_start_and_shows_no_password(line, address):
    line.address = address
    edge = line.start_edge([lawn("rtsp://192.0.2.1/")], "vde_edge-1." + "0" * 43)
    wait_until(lambda: edge.status is not None, 30)
    assert edge.status == 1
    assert "http(s)://host[:port]" in edge.text()
    assert "canary" not in edge.text()
    assert "Traceback" not in edge.text()


@pytest.mark.parametrize("end", ["by itself", "by SIGTERM"])
def test_nothing_of_the_demo_stays_behind(tmp_path, end):
    demo = Process(tmp_path / "demo.log", "demo", "--check", env={"TMPDIR": str(tmp_path)})
    if end == "by itself":
        assert float(demo.said(r"first event after ([0-9.]+) s", 90)) < 60
        assert demo.wait(20) == 0
    else:
        wait_until(lambda: any("edge run" in command for command in running(tmp_path)), 30)
        assert demo.end(within=20) == 0
    assert running(tmp_path) == []
    assert list(tmp_path.glob("vedette-demo-*")) == []


def running(folder: Path) -> list[str]:
    """Commands that name the folder."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            text = command.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in text:
                found.append(text)
    return found
