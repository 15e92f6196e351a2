"""A disk in memory that is full soon."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mounted(at: Path, mib: int) -> Iterator[Path]:
    """For a fixture to yield from."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "vedette-test", str(at)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("cannot mount a small disk (not root, or not allowed)")
    yield at
    subprocess.run(["umount", str(at)], check=True)
