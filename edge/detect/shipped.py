"""Where the models that ship with Vedette lie: in a checkout beside the packages, in a wheel within."""

from __future__ import annotations

from pathlib import Path

_EDGE = Path(__file__).resolve().parents[1]


def models_dir() -> Path:
    """Beside site-packages there may be any folder of that name: only a checkout also has pyproject.toml."""
    checkout = _EDGE.parent
    return checkout / "models" if (checkout / "pyproject.toml").is_file() else _EDGE / "models"
