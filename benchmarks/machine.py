"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cpu() -> str:
    """The processor's model, as it names itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor() or "unknown processor"


def described() -> str:
    return f"{platform.machine()}, {cpu()}, {os.cpu_count()} cores"
