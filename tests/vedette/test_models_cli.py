from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.detect import shipped
from edge.detect.card import load_card
from edge.detect.shipped import models_dir
from vedette import share
from vedette.models.cli import app

ROOT = Path(__file__).parents[2]
PT = ROOT.parent / "shared" / "weights" / "yolov8n.pt"
CARD = models_dir() / "yolov8n" / "card.yaml"


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder of models with a copy of ours in it."""
    shutil.copytree(CARD.parent, tmp_path / "yolov8n")
    return tmp_path


@pytest.mark.parametrize("folder", [None, models_dir(), CARD.parent], ids=["default", "models", "one model"])
def test_verify_ours(folder: Path | None) -> None:
    result = run("verify", *([folder] if folder else []))
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("yolov8n", "fp16", "6.4 MB", "ok", "AGPL-3.0"))


def test_verify_sees_one_flipped_bit(copy: Path) -> None:
    weights = copy / "yolov8n" / "yolov8n.onnx"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    result = run("verify", copy)
    assert result.exit_code == 1
    assert "wrong" in result.stdout
    assert "the card says" in result.stderr
    assert "hint: " in result.stderr


def test_verify_goes_on_after_a_refused_card(copy: Path) -> None:
    shutil.copytree(copy / "yolov8n", copy / "a-bad-one")
    card = copy / "a-bad-one" / "card.yaml"
    card.write_text(card.read_text("utf-8").replace("[person,", "[face,"), "utf-8")
    result = run("verify", copy)
    assert result.exit_code == 1
    assert "card refused" in result.stdout
    assert "ok" in result.stdout
    assert "'face' names a face" in result.stderr


@pytest.mark.parametrize("command", ["verify", "list"])
def test_a_look_at_nothing_is_not_green(command: str, tmp_path: Path) -> None:
    result = run(command, tmp_path)
    assert result.exit_code == 1
    assert "no card.yaml" in result.stderr


def test_list() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "80" in result.stdout


def test_export_names_a_missing_file(tmp_path: Path) -> None:
    result = run("export", tmp_path / "none.pt", "--out", tmp_path)
    assert result.exit_code == 1
    assert "no such file" in result.stderr


def test_export_compares_before_it_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)  # would fail, were it asked
    pt = tmp_path / "w.pt"
    pt.write_bytes(b"a pickle that nobody should open")
    result = run("export", pt, "--out", tmp_path / "out", "--sha256", "0" * 64)
    assert result.exit_code == 1
    assert f"SHA-256 is {hashlib.sha256(pt.read_bytes()).hexdigest()}" in result.stderr
    assert not (tmp_path / "out").exists()


def test_export_names_the_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    (tmp_path / "w.pt").write_bytes(b"")
    result = run("export", tmp_path / "w.pt", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install 'vedette[ultralytics]'" in result.stderr


needs_export = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="ultralytics is not installed"
)


@needs_export
@pytest.mark.skipif(not PT.is_file(), reason="the upstream's yolov8n.pt is not here")
@pytest.mark.filterwarnings("default")  # the exporter's own
def test_export_again_gives_the_same_bytes(tmp_path: Path) -> None:
    card = load_card(CARD)
    made = []
    for name in ("one", "two"):
        result = run("export", PT, "--out", tmp_path / name, "--sha256", card.source.sha256)
        assert result.exit_code == 0, result.output
        made.append((tmp_path / name / "yolov8n.onnx").read_bytes())
    assert made[0] == made[1]
    assert len(made[0]) < 8_000_000
    for trace in (str(tmp_path).encode(), str(Path.home()).encode(), b"ultralytics"):
        assert trace not in made[0]


@needs_export
@pytest.mark.filterwarnings("default")
def test_export_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"no weights at all")
    result = run("export", tmp_path / "w.pt", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "export failed" in result.stderr
    assert not (tmp_path / "out").exists()


def test_share_in_a_checkout_and_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped.models_dir() == ROOT / "models"
    assert share.camera_configs_dir() == ROOT / "camera_configs"
    monkeypatch.setattr(shipped, "_EDGE", tmp_path / "edge")
    monkeypatch.setattr(share, "_HERE", tmp_path / "vedette")
    (tmp_path / "models").mkdir()  # somebody else's, beside site-packages
    assert shipped.models_dir() == tmp_path / "edge" / "models"
    assert share.camera_configs_dir() == tmp_path / "vedette" / "share" / "camera_configs"
