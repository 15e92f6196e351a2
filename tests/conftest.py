from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.gst_camera import gst_camera

__all__ = ["gst_camera"]


@pytest.fixture(autouse=True)
def _logs_as_found() -> Iterator[None]:
    """A command run inside the test's process configures the logs for a stream that is gone afterwards."""
    found = structlog.get_config()
    yield
    structlog.configure(**found)
