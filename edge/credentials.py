"""Camera credentials: named in camera files, kept in a file of their own that only the edge's user may read.

gate-cameras:
  username: viewer
  password: ...
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from edge.errors import SettingsError


class Secret:
    """A text that prints as ***."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: Secret


def load(path: Path) -> dict[str, Credentials]:
    """Read a credentials file. Raises SettingsError; its message never shows a value."""
    try:
        content = yaml.safe_load(private_text(path))
    except yaml.YAMLError:
        raise SettingsError(f"{path}: not YAML", hint="want NAME: {username: ..., password: ...}") from None
    if not isinstance(content, Mapping):
        raise SettingsError(f"{path}: want names with username and password", hint="see docs/camera-config.md")
    return {str(name): _entry(path, str(name), entry) for name, entry in content.items()}


def private_text(path: Path) -> str:
    """A file that only its owner may read. Raises SettingsError."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{path}: others may read it", hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="give the file's right path") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text", hint="is this the right file?") from None


def _entry(path: Path, name: str, entry: object) -> Credentials:
    match entry:
        case {"username": str(username), "password": str(password), **rest} if not rest:
            return Credentials(username, Secret(password))
    raise SettingsError(
        f"{path}: {name}: want username and password, both texts", hint='put a password of digits in quotes: "1234"'
    )
