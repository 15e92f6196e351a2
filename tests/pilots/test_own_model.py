"""The way of a site's own model that docs/pilots.md describes, but for its training: the shipped weights stand in."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from edge.cli import app as edge_app
from edge.detect.card import load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from vedette.models.cli import app as models_app
from vedette.share import camera_configs_dir

FRAME = Path(__file__).parents[1] / "data" / "plaza-frame.jpg"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """yolov8n under another name, its class `mouse` (the thing on a desk) called `rodent`."""
    folder = tmp_path / "models"
    shutil.copytree(models_dir() / "yolov8n", folder / "site-kitchen")
    card = folder / "site-kitchen" / "card.yaml"
    text = card.read_text("utf-8").partition("measured:")[0]  # what was measured is another model's
    card.write_text(text.replace("id: yolov8n", "id: site-kitchen").replace(" mouse,", " rodent,"), "utf-8")
    return folder


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """The kitchen's example with that model and a rule about rodents."""
    file = tmp_path / "kitchen.yaml"
    text = (camera_configs_dir() / "kitchen.yaml").read_text("utf-8")
    rule = "rodent: {kind: intrusion, zone: kitchen, labels: [rodent]}"
    file.write_text(f"{text}  {rule}\ndetect: {{model: site-kitchen}}\n", "utf-8")
    return file


def test_verified_checked_and_run(models: Path, camera: Path) -> None:
    verified = CliRunner().invoke(models_app, ["verify", str(models / "site-kitchen")])
    assert verified.exit_code == 0, verified.output
    checked = CliRunner().invoke(edge_app, ["check", str(camera), "--models", str(models)])
    assert checked.exit_code == 0, checked.output
    assert "rodent (intrusion)" in checked.output
    with closing(OpenVinoDetector(load_card(models / "site-kitchen" / "card.yaml"), threads=1)) as detector:
        (seen,) = detector.detect([cv2.imread(str(FRAME))])
        assert detector.model_id == "site-kitchen"
        assert "rodent" in detector.class_names
        assert "person" in {detector.class_names[number] for number in seen.classes}


def test_a_label_that_the_model_lacks_is_told(camera: Path) -> None:
    text = camera.read_text("utf-8").replace("model: site-kitchen", "model: yolov8n")
    camera.write_text(text, "utf-8")
    checked = CliRunner().invoke(edge_app, ["check", str(camera)])
    assert checked.exit_code == 1
    assert "the model yolov8n knows no such label" in checked.output
    assert "rodent" in checked.output
