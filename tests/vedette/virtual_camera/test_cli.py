"""`serve` as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner

from tests.vedette.virtual_camera.clients import open_camera
from vedette.camera import app

ROOT = Path(__file__).parents[3]


@contextmanager
def serve(*arguments):
    command = [sys.executable, "-c", "from vedette.camera import app; app()", "serve", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_and_ends_within_a_second(clips, number):
    with serve(str(clips["h264"]), str(clips["big"]), "--mount", "gate", "--port", "0") as process:
        urls = [process.stdout.readline().strip() for _ in range(2)]
        assert [url.rpartition("/")[2] for url in urls] == ["gate", "big"]
        with open_camera(urls[1]) as container:
            assert next(container.decode(video=0)).width == 640
            begin = time.monotonic()
            process.send_signal(number)
            assert process.wait(5) == 0
            assert time.monotonic() - begin < 1
        assert process.stdout.read() == ""


def test_copies_a_password_and_a_planned_fault(clips, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    options = ["--copies", "2", "--port", "0", "--user", "desk", "--password-file", str(secret)]
    with serve(str(clips["h264"]), *options, "--fault", "cam-002/503@0") as process:
        urls = [process.stdout.readline().strip() for _ in range(2)]
        assert [url.rpartition("/")[2] for url in urls] == ["cam-001", "cam-002"]
        assert "s3cret" not in "".join(urls)
        one, other = (url.replace("rtsp://", "rtsp://desk:s3cret@") for url in urls)
        with open_camera(one) as container:
            assert next(container.decode(video=0)).width == 320
        with pytest.raises(av.HTTPServerError):
            open_camera(other)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["none.mp4"], 1, "cannot be read", id="missing clip"),
        pytest.param(["CLIP", "--fault", "melt@1"], 1, "names: freeze", id="unknown fault"),
        pytest.param(["CLIP", "--fault", "yard/freeze@1", "--port", "0"], 1, "no mount is named yard", id="mount"),
        pytest.param(["CLIP", "--auth", "basic"], 2, "needs --user", id="basic without user"),
        pytest.param(["CLIP", "--user", "x"], 2, "needs --user", id="user without password"),
        pytest.param(["CLIP", "--auth", "none", "--user", "x"], 2, "none, but", id="none with user"),
        pytest.param(["CLIP", "--user", "x", "--password-file", "none"], 2, "cannot be read", id="password file"),
        pytest.param(["CLIP", "--mount", "a", "--mount", "b"], 2, "at most one a clip", id="mounts"),
        pytest.param(["CLIP", "--host", "192.0.2.1"], 1, "cannot listen", id="not our address"),
    ],
)
def test_mistakes_are_told_in_one_line(clips, arguments, code, message):
    filled = [str(clips["h264"]) if word == "CLIP" else word for word in arguments]
    result = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["serve", *filled])
    assert result.exit_code == code
    assert message in result.output
    assert "Traceback" not in result.output


def test_help_teaches_with_examples():
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["serve", "--help"])
    assert result.exit_code == 0
    assert "vedette camera serve gate.mp4" in result.output
    assert "clock-skew" in result.output
