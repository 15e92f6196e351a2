from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.gst_camera import gst_camera

__all__ = ["gst_camera"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "the fault laboratory, tests/faults")
    group.addoption(
        "--faults", choices=("quick", "full"), default="quick", help="a seeded sample, or all (make faults)"
    )
    group.addoption("--faults-seconds", type=float, default=600.0, help="the longest that one sweep may take")


@pytest.fixture(autouse=True)
def _logs_as_found() -> Iterator[None]:
    """A command run inside the test's process configures the logs for a stream that is gone afterwards."""
    found = structlog.get_config()
    yield
    structlog.configure(**found)
