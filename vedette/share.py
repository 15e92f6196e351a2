"""Where the example cameras that ship with Vedette lie: in a checkout beside the packages, in a wheel within."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def camera_configs_dir() -> Path:
    """As `edge.detect.shipped.models_dir`."""
    checkout = _HERE.parent
    beside = (checkout / "pyproject.toml").is_file()
    return (checkout if beside else _HERE / "share") / "camera_configs"
