from __future__ import annotations

import io
import json

import pytest
import structlog

from edge.log import configure


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "nobody reads")


@pytest.fixture
def stream(monkeypatch):
    def use(stream):
        monkeypatch.setattr("sys.stderr", stream)
        configure()
        return stream

    return use


def test_lines_are_json_without_credentials(stream):
    out = stream(io.StringIO())
    structlog.get_logger().warning("camera lost", url="rtsp://u:canary@h/", password="canary")
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"]) == ("camera lost", "warning")
    assert "canary" not in out.getvalue()


def test_a_log_that_cannot_be_written_ends_no_thread(stream):
    stream(Broken())
    structlog.get_logger().error("nobody hears this")
    out = stream(io.StringIO())
    out.close()
    structlog.get_logger().error("nor this")
