"""Where the files that ship with Vedette lie: in a checkout beside the packages, in a wheel within."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def models_dir() -> Path:
    return _find("models")


def camera_configs_dir() -> Path:
    return _find("camera_configs")


def _find(name: str) -> Path:
    checkout = _HERE.parent
    # beside site-packages there may be any folder of that name: only a checkout also has this file
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return _HERE / "share" / name
