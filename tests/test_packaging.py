"""The wheel holds what runs: built, unpacked somewhere else, and asked for its models and pages."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("vedette-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.parametrize(
    "path",
    [
        "edge/models/yolov8n/card.yaml",
        "edge/models/yolov8n/yolov8n.onnx",
        "vedette/demo/plaza-lawn.mp4",
        "vedette/share/camera_configs/full.yaml",
        "central/web/templates/feed.html",
        "central/web/static/desk.js",
        "central/web/catalogue/zh-CN.json",
        "contract/event.py",
        "edge/pages/report.html",
        "edge/pages/report.zh-CN.json",
    ],
)
def test_the_wheel_holds(unpacked, path):
    assert (unpacked / path).is_file()


def test_the_wheel_holds_no_tests(unpacked):
    assert {each.name for each in unpacked.iterdir() if each.is_dir() and not each.name.endswith("dist-info")} == {
        "contract", "edge", "central", "vedette",
    }  # fmt: skip


def test_the_unpacked_wheel_finds_its_own_models(unpacked):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "vedette", "models", "verify"],
        cwd=unpacked.parent, env={"PYTHONPATH": str(unpacked), "PATH": ""}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "yolov8n" in done.stdout
