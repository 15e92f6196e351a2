from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner

from edge.cli import app
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


def test_replay_writes_one_line_an_event(tmp_path):
    out = tmp_path / "events.jsonl"
    done = run("replay", CLIP, "--camera", CAMERA, "--events", out, "--stats")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["rule"] for line in lines] == ["keep-off-lawn", "keep-off-lawn", "two-on-lawn", "lingering"]
    assert all(line["opened_at"] - lines[0]["opened_at"] >= 0 for line in lines)
    assert all(isinstance(line["clip_s"], float) for line in lines)
    assert "looks by the model" in done.output


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


@pytest.mark.parametrize("command", ["run", "check", "replay", "outbox"])
def test_help_teaches_with_an_example(command):
    done = run(command, "--help")
    assert f"vedette edge {command}" in done.output
