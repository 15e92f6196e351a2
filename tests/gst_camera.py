"""A camera that is not ours: the fixture around gst_rtsp.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

DEBIAN_PYTHON = Path("/usr/bin/python3")
_CHECK = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
GstCamera = Callable[..., str]  # (clip, user=None, password=None) -> URL, with the credentials in it


@pytest.fixture
def gst_camera() -> Iterator[GstCamera]:
    """Serves clips by Debian's GStreamer RTSP server until the test ends; skips where it is missing."""
    if not DEBIAN_PYTHON.exists() or subprocess.run([DEBIAN_PYTHON, "-c", _CHECK], capture_output=True).returncode:
        pytest.skip("Debian's GStreamer RTSP server is not installed")
    with ExitStack() as stack:

        def serve(clip: Path, user: str | None = None, password: str | None = None) -> str:
            command = [str(DEBIAN_PYTHON), str(Path(__file__).with_name("gst_rtsp.py")), str(clip)]
            if user and password:
                command += ["--user", user, "--password", password]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("rtsp://"), "the GStreamer server did not start"
            if user and password:
                url = url.replace("rtsp://", f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@")
            return url

        yield serve
