"""A whole edge in this process, with a real camera, model and outbox."""

from __future__ import annotations

import pytest

from contract import parse
from edge import app
from edge.app import Edge
from edge.cameras import CameraFiles
from edge.credentials import Secret
from edge.detect.shipped import models_dir
from edge.health import reasons
from edge.settings import Settings
from edge.token import Token
from tests.waiting import wait_until
from vedette.demo.run import CLIP
from vedette.virtual_camera.camera import VirtualCamera
from vedette.virtual_camera.stream import Mount


@pytest.fixture
def edge(tmp_path):
    with VirtualCamera([Mount("plaza", CLIP)]) as view:
        camera = parse.camera(
            f"""
id: plaza
tier: 1
pilot: school
site: s1
purpose: a test of the whole edge
source: {{url: "{view.url("plaza")}"}}
"""
        )
        settings = Settings(
            central="http://127.0.0.1:9", token=Token("edge-1", Secret("vde_x")), data=tmp_path, models=models_dir()
        )
        one = Edge(settings, CameraFiles({"plaza.yaml": camera}, ()))
        one.start()
        yield one
        one.close()


def test_a_camera_whose_pictures_the_model_fails_on_is_no_healthy_camera(edge):
    wait_until(lambda: edge.status().cameras["plaza"].state == "live")
    for detector in edge._detectors.values():
        detector.close()
    wait_until(lambda: edge.status().cameras["plaza"].state == "not looked at")
    assert "camera plaza is not looked at: yolov8n: the detector is closed" in reasons(edge.status())


def test_the_patience_of_all_parts_together_ends_the_edge_in_time():
    assert app.CAMERAS_END_S + app.ANALYSIS_ENDS_S + app.DRAIN_S + app.UPLINK_ENDS_S < 5
