"""A whole edge in this process, with a real camera, model and outbox."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from contract import parse
from edge import app
from edge.app import Edge
from edge.cameras import CameraFiles
from edge.credentials import Secret
from edge.detect.shipped import models_dir
from edge.health import reasons, to_json, to_prometheus
from edge.outbox import Outbox
from edge.settings import Settings
from edge.token import Token
from tests.edge.records import draft
from tests.edge.view.pictures import encoded, shots
from tests.waiting import wait_until
from vedette.demo.run import CLIP
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.faults import Freeze, Kick, Mute
from vedette.virtual_camera.stream import Mount


@pytest.fixture
def virtual(tmp_path):
    """A camera that shows the plaza, and one whose sensor is frozen."""
    picture = shots(CLIP, 0.0)[0].image
    frozen = encoded([picture] * 40, tmp_path / "frozen.mp4", g="5", qp="28")
    with VirtualCamera([Mount("plaza", CLIP), Mount("frozen", frozen)], onvif_port=0) as camera:
        yield camera


@contextmanager
def edge_of(folder, sources):
    """A running edge; `sources` by camera."""
    cameras = {
        name: parse.camera(
            f"""
id: {name}
tier: 1
pilot: school
site: s1
purpose: a test of the whole edge
source: {source}
view: {{offline: {{for_s: 3, recover_s: 0.5}}, frozen: {{for_s: 4, recover_s: 1}}}}
zones: {{all: [[0, 0], [1, 0], [1, 1], [0, 1]]}}
rules: {{anybody: {{kind: intrusion, zone: all}}}}
"""
        )
        for name, source in sources.items()
    }
    settings = Settings(
        central="http://127.0.0.1:9",
        token=Token("edge-1", Secret("vde_x")),
        data=folder / "data",
        models=models_dir(),
    )
    one = Edge(settings, CameraFiles({f"{name}.yaml": camera for name, camera in cameras.items()}, ()))
    one.start()
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def edge(tmp_path, virtual):
    with edge_of(tmp_path, {name: f'{{url: "{virtual.url(name)}"}}' for name in ("plaza", "frozen")}) as one:
        yield one


def told(edge, camera="plaza"):
    records = [record for record in edge._outbox.pending(100) if record.camera_id == camera]
    return [(record.rule, record.kind, record.state) for record in records if record.rule == "view"]


OFFLINE = [("view", "offline", "open"), ("view", "offline", "closed")]


@pytest.mark.parametrize("fault", [Freeze(), Mute()], ids=["sends no more", "answers no more"])
def test_a_camera_that_is_away_is_told_of_while_its_thread_still_waits(edge, virtual, fault):
    wait_until(lambda: edge.status().cameras["plaza"].state == "live", within=15)
    connects = edge._supervisors["plaza"].status.connects
    virtual.fault("plaza", fault)
    if isinstance(fault, Mute):
        virtual.fault("plaza", Kick())  # who plays already, plays on
    wait_until(lambda: told(edge) == OFFLINE[:1], within=10)
    assert edge._supervisors["plaza"].status.connects == connects
    virtual.clear("plaza")
    wait_until(lambda: told(edge) == OFFLINE, within=20)


def test_records_of_a_damaged_outbox_come_back_after_a_start(tmp_path, virtual):
    data = tmp_path / "data"
    data.mkdir()
    with Outbox(data / "outbox.db", "edge-1", now_ms=lambda: 1_700_000_000_000) as before:
        for future in [before.append(draft(state="closed", closed_at=1_700_000_000_000)) for _ in range(20)]:
            future.result(5)
    content = (data / "outbox.db").read_bytes()
    (data / "outbox.db").write_bytes(bytes(100) + content[100:])
    with edge_of(tmp_path, {"plaza": f'{{url: "{virtual.url("plaza")}"}}'}) as edge:
        wait_until(lambda: edge.status().outbox.salvaged == 20)
        wait_until(lambda: edge.status().outbox.quarantined == 0)


def test_a_frozen_sensor_blinds_is_told_and_shown(edge):
    wait_until(lambda: ("view", "frozen", "open") in told(edge, "frozen"), within=20)
    status = edge.status()
    assert status.cameras["frozen"].state == "blind"
    assert status.cameras["frozen"].view == ("frozen",)
    assert "camera frozen is blind: the picture is frozen" in reasons(status)
    assert 'vedette_camera_view_fault{camera="frozen",kind="frozen"} 1' in to_prometheus(status)


def test_a_camera_over_onvif_goes_live_and_says_what_was_chosen(tmp_path, virtual):
    with edge_of(tmp_path, {"asked": f'{{kind: onvif, url: "{virtual.onvif}"}}'}) as edge:
        wait_until(lambda: edge.status().cameras["asked"].state == "live", within=15)
        assert edge.status().cameras["asked"].stream == "plaza, 768x576, H264"
        assert b'"stream":"plaza, 768x576, H264"' in to_json(edge.status())
        assert virtual.stats("plaza").playing == 1


def test_cameras_of_one_recorder_each_watch_their_own(tmp_path):
    recorded = [Mount("ch1/main", CLIP), Mount("ch2/main", CLIP)]
    with VirtualCamera(recorded, onvif_port=0) as recorder:
        sources = {name: f'{{kind: onvif, url: "{recorder.onvif}", camera: {name}}}' for name in ("ch1", "ch2")}
        with edge_of(tmp_path, sources | {"any": f'{{kind: onvif, url: "{recorder.onvif}"}}'}) as edge:
            wait_until(lambda: [edge.status().cameras[name].state for name in sources] == ["live"] * 2, within=20)
            wait_until(lambda: edge.status().cameras["any"].state == "waiting")
            status = edge.status().cameras
            assert [status[name].stream for name in sources] == [f"{name}/main, 768x576, H264" for name in sources]
            assert abs(status["ch1"].clock_ahead) < 10
            assert [recorder.stats(mount.name).playing for mount in recorded] == [1, 1]
            assert "has 2 cameras" in status["any"].why
            assert '"ch1", "ch2"' in status["any"].hint


def test_sight_that_is_lost_while_health_is_asked_is_no_trouble(edge):
    wait_until(lambda: edge.status().cameras["plaza"].state == "live", within=15)

    class Failing:
        """A view whose fault comes between two questions."""

        def __init__(self) -> None:
            self.said = iter([()])

        @property
        def faults(self):
            return next(self.said, ("moved", "dark"))

        @property
        def blind(self):
            return any(kind != "moved" for kind in self.faults)

    watcher = edge._supervisors["plaza"].watcher
    sound, watcher.view = watcher.view, Failing()
    try:
        edge.status()
        assert edge.status().cameras["plaza"].why == "the picture is dark"
    finally:
        watcher.view = sound


def test_a_camera_whose_pictures_the_model_fails_on_is_no_healthy_camera(edge):
    wait_until(lambda: edge.status().cameras["plaza"].state == "live")
    for detector in edge._detectors.values():
        detector.close()
    # The look in hand while it is closed may say so in other words.
    wait_until(lambda: "camera plaza is not looked at: yolov8n: the detector is closed" in reasons(edge.status()))


def test_events_of_a_real_camera_leave_stills(edge, tmp_path):
    wait_until(lambda: edge.status().stills.written >= 2, within=20)
    status = edge.status().stills
    assert sum(status.dropped.values()) == 0
    assert len(list((tmp_path / "data" / "stills").rglob("*.jpg"))) >= 2
    assert status.max_bytes == 512 << 20


def test_the_patience_of_all_parts_together_ends_the_edge_in_time():
    assert app.CAMERAS_END_S + app.ANALYSIS_ENDS_S + 2 * app.STILLS_END_S + app.DRAIN_S + app.UPLINK_ENDS_S < 5
