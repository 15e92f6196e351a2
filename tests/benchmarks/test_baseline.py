"""The baseline's plumbing; in place of Ultralytics a library of that name that reads and looks at nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.edge import baseline, cli, plain_loop
from benchmarks.edge.baseline import Looped
from benchmarks.edge.scenes import Scene
from benchmarks.edge.site import Shown
from edge.errors import BackendError, ChecksumError
from tests.clips import make_clip

CORES = ({min(os.sched_getaffinity(0))}, os.sched_getaffinity(0))
READS_ONLY = """
import cv2

__version__ = "0"

class settings:
    update = staticmethod(lambda **_: None)

class YOLO:
    def __init__(self, weights):
        assert weights.endswith("weights.pt")

    def track(self, url, *, vid_stride, **_):
        stream = cv2.VideoCapture(url)
        while True:
            for _ in range(vid_stride):
                if not stream.read()[0]:
                    return
            yield
"""


def interpreter(path: Path, runs: str) -> Path:
    """A program that may be named instead of Python."""
    path.write_text(f"#!/bin/sh\n{runs}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """An interpreter with the library of above; `lap` it has, too."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "ultralytics.py").write_text(READS_ONLY)
    (library / "torch.py").write_text("def set_num_threads(_): pass\n")
    (library / "lap.py").write_text("")
    runs = f"import sys, runpy; sys.path.insert(0, {str(library)!r}); sys.argv = sys.argv[2:]; "
    runs += 'runpy.run_path(sys.argv[0], run_name="__main__")'
    return interpreter(tmp_path / "python", f"exec {sys.executable} -c '{runs.replace(chr(39), chr(34))}' \"$@\"")


@pytest.fixture
def site(tmp_path: Path) -> list[Shown]:
    clip = make_clip(tmp_path / "clip.mp4", seconds=4, size=(160, 120))
    return [Shown(Scene("plaza", clip, 4.0, ()), number, 0.0) for number in range(2)]


def test_the_loop_on_real_streams(tmp_path: Path, stub: Path, site: list[Shown]) -> None:
    looped = baseline.loop(
        site, rate=12.0, seconds=1.5, cores=CORES, folder=tmp_path, python=stub, weights=tmp_path / "weights.pt"
    )
    assert (looped.cameras, looped.version) == (2, "0")
    assert looped.seconds >= 1.5
    assert looped.looks_per_s == pytest.approx(12.5, rel=0.4)  # one picture in two
    assert 0 < looped.looking_cpu_s <= looped.cpu_s


def test_a_loop_that_ends_says_why(tmp_path: Path, site: list[Shown]) -> None:
    broken = interpreter(tmp_path / "python", "echo no such stream >&2; exit 1")
    with pytest.raises(BackendError, match="no such stream"):
        baseline.loop(
            site[:1], rate=5, seconds=1, cores=CORES, folder=tmp_path, python=broken, weights=tmp_path / "w.pt"
        )


def test_names_what_an_interpreter_lacks() -> None:
    asked = subprocess.run(
        [sys.executable, "-I", baseline.PROGRAM, "--missing"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == [name for name in plain_loop.NEEDS if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        pytest.param("echo ultralytics lap", "does not have: ultralytics, lap", id="library missing"),
        pytest.param("echo broken >&2; exit 1", "does not have: broken", id="no Python"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_what_the_baseline_needs_is_asked_for_first(
    tmp_path: Path, runs: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python" if runs is None else interpreter(tmp_path / "python", runs)
    (tmp_path / "events.json").write_text("{}")  # asked for before anything else
    options = {"--baseline-python": python, "--cache": tmp_path / "scenes", "--footage": tmp_path}
    with pytest.raises(SystemExit):
        cli.busy(["--baseline", "ultralytics", *(str(each) for pair in options.items() for each in pair)])
    said = capsys.readouterr().err
    assert says in said
    assert "pip install 'vedette[ultralytics]'" in said
    assert not (tmp_path / "scenes").exists()  # nothing was begun


@pytest.mark.parametrize("data", [b"other weights", None], ids=["others", "none"])
def test_other_weights_are_not_loaded(tmp_path: Path, stub: Path, data: bytes | None) -> None:
    weights = tmp_path / "weights.pt"
    if data is not None:
        weights.write_bytes(data)
    with pytest.raises(ChecksumError) as caught:
        baseline.check(stub, weights)
    assert "--baseline-weights" in caught.value.hint


@pytest.mark.parametrize(
    ("looks", "at_5"),
    [
        pytest.param(1000, 400.0, id="as asked"),
        pytest.param(980, 400.0, id="as good as asked"),
        pytest.param(500, 400 + 300.0, id="half of them"),
        pytest.param(2000, 400 - 150.0, id="twice as many"),
    ],
)
def test_normalised_to_the_asked_looks(looks: int, at_5: float) -> None:
    looped = Looped(2, 100.0, 80.0, 60.0, looks, "8")  # 400 ms a camera second, 300 of them to look
    assert looped.raw_ms == 400
    assert looped.ms_at(5.0) == pytest.approx(at_5)


def test_figures() -> None:
    looped = Looped(cameras=4, seconds=10.0, cpu_s=10.0, looking_cpu_s=8.0, looks=100, version="8.4")
    ours = {"cpu_ms_per_camera_second": 45.0}
    assert json.loads(json.dumps(baseline.figures(looped, 5.0, ours))) == {
        "baseline": "ultralytics 8.4",
        "baseline_cameras": 4,
        "baseline_looks_per_s": 2.5,
        "baseline_looks_per_s_asked": 5.0,
        "baseline_core_used": 1.0,
        "baseline_cpu_ms_per_camera_second_raw": 250.0,
        "baseline_cpu_ms_per_camera_second": 450.0,
        "ratio": 10.0,
    }
