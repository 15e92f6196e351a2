from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge import shelf, why
from edge.cli import app
from edge.ids import uuid7
from edge.shelf import Shelf
from tests.edge.drafts import CAMERA as GATE
from tests.edge.drafts import NOW, draft
from vedette.demo.run import CAMERA, CLIP

ROOT = Path(__file__).parents[2]


def run(*arguments: object):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_check_accepts_every_example():
    done = run("check", ROOT / "camera_configs", ROOT / "tests" / "footage")
    assert done.exit_code == 0, done.output
    assert done.output.count("ok  ") == 10


def test_check_names_every_problem_of_every_file(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("id: x y\n")
    done = run("check", tmp_path)
    assert done.exit_code == 1
    assert "a.yaml:1: id:" in done.output
    assert "b.yaml:1: tier: is missing" in done.output
    assert "hint:" in done.output


def test_check_takes_both_endings_and_leaves_out_what_editors_left(tmp_path):
    text = (ROOT / "camera_configs" / "minimal.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yml").write_text(text.replace("id: ", "id: b-", 1))
    for name in ("._a.yaml", ".#a.yaml", "a.yaml~", "notes.txt"):
        (tmp_path / name).write_text("no camera: [")
    done = run("check", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.count("ok  ") == 2


@pytest.mark.parametrize("path", ["none.yaml", "."], ids=["no such file", "empty folder"])
def test_check_of_nothing_says_so(tmp_path, path):
    done = run("check", tmp_path / path)
    assert done.exit_code == 1
    assert "hint:" in done.output
    assert "Traceback" not in done.output


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The demo's clip with every answer asked for: (the folder of the answers, what was said)."""
    folder = tmp_path_factory.mktemp("replayed")
    answers = ["--events", folder / "events.jsonl", "--explain", folder / "why.mp4", "--report", folder / "why.html"]
    done = run("replay", CLIP, "--camera", CAMERA, "--stats", *answers)
    assert done.exit_code == 0, done.output
    return folder, done


def test_replay_writes_one_line_an_event(replayed):
    folder, done = replayed
    out = folder / "events.jsonl"
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["rule"] for line in lines] == ["keep-off-lawn", "keep-off-lawn", "two-on-lawn", "lingering"]
    assert all(line["opened_at"] - lines[0]["opened_at"] >= 0 for line in lines)
    assert all(isinstance(line["clip_s"], float) for line in lines)
    assert "looks by the model" in done.output


def test_replay_explains_and_reports(replayed):
    folder, _ = replayed
    clip, page = folder / "why.mp4", folder / "why.html"
    with av.open(str(CLIP)) as before, av.open(str(clip)) as after:
        assert after.streams.video[0].codec_context.name == "h264"
        assert after.duration == pytest.approx(before.duration, abs=av.time_base / 5)
        counts = [sum(1 for packet in video.demux(video=0) if packet.size) for video in (before, after)]
        assert counts[0] == counts[1]
    text = page.read_text(encoding="utf-8")
    assert text.count('<figure class="card"') == text.count('src="data:image/jpeg') == 4
    assert sorted(file.name for file in folder.iterdir()) == ["events.jsonl", "why.html", "why.mp4"]


@pytest.mark.parametrize("option", ["--explain", "--report"])
def test_replay_says_before_its_work_that_its_answers_cannot_be_written(tmp_path, option):
    done = run("replay", CLIP, "--camera", CAMERA, option, tmp_path / "none" / "out")
    assert done.exit_code == 1
    assert "hint: give a file that can be written" in done.output
    assert "keep-off-lawn" not in done.output


@pytest.mark.parametrize("option", ["--explain", "--report", "--events"])
@pytest.mark.parametrize("other", ["clip.mp4", "link.mp4", "camera.yaml"])
def test_replay_does_not_write_over_what_it_reads(tmp_path, option, other):
    clip, camera = tmp_path / "clip.mp4", tmp_path / "camera.yaml"
    clip.write_bytes(CLIP.read_bytes())
    camera.write_bytes(CAMERA.read_bytes())
    (tmp_path / "link.mp4").symlink_to(clip)
    done = run("replay", clip, "--camera", camera, option, tmp_path / other)
    assert done.exit_code == 1
    assert "is read, it cannot be written as well" in done.output
    assert clip.read_bytes() == CLIP.read_bytes()
    assert camera.read_bytes() == CAMERA.read_bytes()


def test_replay_wants_a_file_for_each_answer(tmp_path):
    done = run("replay", CLIP, "--camera", CAMERA, "--explain", tmp_path / "a", "--report", tmp_path / "b" / ".." / "a")
    assert done.exit_code == 1
    assert "stands twice" in done.output


@pytest.mark.parametrize("start", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_replay_wants_a_start_that_can_be(start):
    done = run("replay", CLIP, "--camera", CAMERA, "--starts-at", start)
    assert done.exit_code == 1
    assert "no recording is of then" in done.output


@pytest.mark.parametrize("option", ["--explain", "--report"])
def test_replay_renames_nothing_over_a_device(tmp_path, option):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("replay", CLIP, "--camera", CAMERA, option, pipe)
    assert done.exit_code == 1
    assert "is no file" in done.output
    assert pipe.is_fifo()


def test_a_replay_that_fails_leaves_the_answers_of_before(tmp_path):
    bare = tmp_path / "bare.h264"
    with av.open(str(CLIP)) as clip, av.open(str(bare), "w", format="h264") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        packet = next(clip.demux(video=0))
        packet.stream = stream
        out.mux(packet)
    answers = [tmp_path / name for name in ("e.mp4", "r.html", "ev.jsonl")]
    for answer in answers:
        answer.write_text("of before")
    options = [each for pair in zip(("--explain", "--report", "--events"), answers, strict=True) for each in pair]
    assert run("replay", bare, "--camera", CAMERA, *options).exit_code == 1
    assert [answer.read_text() for answer in answers] == ["of before"] * 3
    assert len(list(tmp_path.iterdir())) == 4


def test_help_of_unblurred_says_for_whom_it_is():
    done = CliRunner().invoke(app, ["replay", "--help"], env={"COLUMNS": "200"})
    assert "Only for a recording that you may look at" in " ".join(done.output.replace("│", " ").split())


def test_unblurred_without_a_clip_to_show_is_said():
    done = run("replay", CLIP, "--camera", CAMERA, "--unblurred")
    assert done.exit_code == 1
    assert "give --explain too" in done.output


@pytest.fixture
def data(tmp_path) -> Path:
    """A data folder with stills of two days."""
    stills = Shelf(tmp_path / "stills", 1 << 20)
    stills.open()
    jpeg = cv2.imencode(".jpg", np.full((180, 320, 3), 90, np.uint8))[1].tobytes()
    for number, day in ((2, 1), (1, 0)):
        stills.keep(why.of(draft(number, at=NOW + day * 86_400_000), GATE, "m"), jpeg)
    return tmp_path


def test_stills_are_listed_by_time(data):
    done = run("stills", "--data", data)
    assert done.exit_code == 0, done.output
    first, second, total = done.output.splitlines()
    assert first.startswith(f"2026-11-18 11:06:40  {uuid7(NOW, 1)}  gate-1  keep-off  intrusion  ")
    assert second.startswith("2026-11-19")
    assert total.startswith("2 picture(s), 0.0 MiB")


def test_stills_of_a_folder_where_no_edge_has_run(tmp_path):
    done = run("stills", "--data", tmp_path)
    assert done.exit_code == 1
    assert "no edge has run here" in done.output


@pytest.mark.parametrize(
    ("option", "name", "endings"), [("--explain", "a.mkv", ".mp4"), ("--report", "a.txt", ".html or .htm")]
)
def test_replay_wants_names_that_say_what_is_in_the_file(tmp_path, option, name, endings):
    done = run("replay", CLIP, "--camera", CAMERA, option, tmp_path / name)
    assert done.exit_code == 1
    assert f"the name must end in {endings}" in done.output


def test_no_stills_at_all(tmp_path):
    (tmp_path / "outbox.db").touch()
    done = run("stills", "--data", tmp_path)
    assert (done.exit_code, done.output) == (0, "0 picture(s), 0.0 MiB\n")


def test_still_is_drawn_and_what_is_kept_is_not(data, tmp_path):
    kept = shelf.path_of(data / "stills", uuid7(NOW, 1))
    before = kept.read_bytes()
    done = run("still", uuid7(NOW, 1), "--data", data, "--out", tmp_path / "why.jpg")
    assert done.exit_code == 0, done.output
    assert "gate-1, 2026-11-18 11:06:40, keep-off: intrusion, person #3 @ lawn" in done.output
    drawn = cv2.imread(str(tmp_path / "why.jpg"))
    assert drawn.shape == (180, 320, 3)
    assert drawn.std() > 10
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    "event",
    [uuid7(NOW, 7), "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
    ids=["of that day", "of no event", "of a day beyond the calendar"],
)
def test_a_still_that_is_not_there(data, event):
    done = run("still", event, "--data", data)
    assert done.exit_code == 1
    assert "no picture of event" in done.output
    assert "hint:" in done.output


def test_a_still_that_cannot_be_written(data):
    done = run("still", uuid7(NOW, 1), "--data", data, "--out", data / "none" / "x.jpg")
    assert done.exit_code == 1
    assert "No such file" in done.output


@pytest.mark.parametrize("command", ["run", "replay"])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--backend", "ultralytics"], "this backend runs .pt files"),
        (["--device", "cuda"], "OpenVINO runs on no NVIDIA GPU"),
    ],
    ids=["ultralytics", "cuda"],
)
def test_backend_and_device_reach_the_model(tmp_path, monkeypatch, command, options, says):
    """Seen by what they refuse: the shipped model has no .pt, and the default backend no CUDA."""
    monkeypatch.setenv("VEDETTE_EDGE_TOKEN", "vde_bench." + "x" * 32)
    arguments = {
        "run": ["--configs", CAMERA, "--central", "http://127.0.0.1:9", "--data", tmp_path],
        "replay": [CLIP, "--camera", CAMERA],
    }
    done = run(command, *arguments[command], *options)
    assert done.exit_code == 1
    assert says in done.output
    assert "hint:" in done.output
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()), "what this process starts could not be ended"


def test_replay_of_what_is_no_video_says_so(tmp_path):
    text = tmp_path / "clip.mp4"
    text.write_text("no video")
    done = run("replay", text, "--camera", CAMERA)
    assert done.exit_code == 1
    assert "hint:" in done.output


def test_replay_of_a_bare_stream_says_that_it_has_no_times(tmp_path):
    bare = tmp_path / "clip.h264"
    with av.open(str(CLIP)) as clip, av.open(str(bare), "w", format="h264") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    done = run("replay", bare, "--camera", CAMERA)
    assert done.exit_code == 1
    assert "no picture in it has a time" in done.output
    assert "hint:" in done.output


@pytest.mark.parametrize("events", ["none/events.jsonl", "."], ids=["no such folder", "a folder"])
def test_replay_says_before_its_work_that_events_cannot_be_written(tmp_path, events):
    done = run("replay", CLIP, "--camera", CAMERA, "--events", tmp_path / events)
    assert done.exit_code == 1
    assert "hint: give a file that can be written" in done.output
    assert "keep-off-lawn" not in done.output


def test_replay_tells_of_a_full_disk():
    done = run("replay", CLIP, "--camera", CAMERA, "--events", "/dev/full")
    assert done.exit_code == 1
    assert "/dev/full: No space left on device" in done.output


def test_run_without_a_token_says_how_to_get_one(tmp_path):
    # As a process: the command takes the process's signals for itself.
    environment = {key: value for key, value in os.environ.items() if key != "VEDETTE_EDGE_TOKEN"}
    command = [sys.executable, "-m", "vedette", "edge", "run", "--configs", CAMERA, "--central", "http://127.0.0.1:9"]
    done = subprocess.run(
        [*command, "--data", tmp_path], env=environment, capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert done.returncode == 1
    assert "vedette central add-edge" in done.stderr


@pytest.mark.parametrize(
    "command", ["run", "check", "replay", "outbox status", "outbox check", "outbox salvage", "still", "stills"]
)
def test_help_teaches_with_an_example(command):
    done = run(*command.split(), "--help")
    assert f"vedette edge {command}" in done.output
