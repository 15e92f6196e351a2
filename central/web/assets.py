"""Static files under an address that changes with their content, so that browsers may keep them for good."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from central.web.texts import languages, texts

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """By path below the version. Read once: a running central serves what it was started with."""
    found = {
        path.name: Asset(path.read_bytes(), TYPES[path.suffix])
        for path in sorted(FOLDER.iterdir())
        if path.suffix in TYPES
    }
    for language in languages():
        module = f"export default {json.dumps(dict(texts(language).entries), ensure_ascii=False)};\n"
        found[f"texts.{language}.js"] = Asset(module.encode(), TYPES[".js"])
    return found


@cache
def version() -> str:
    digest = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        digest.update(f"{name} {len(asset.body)} ".encode())
        digest.update(asset.body)
    return digest.hexdigest()[:16]


def url(name: str) -> str:
    """Raises KeyError where there is no such file: a broken link is found by the first test that renders it."""
    assets()[name]
    return f"/static/{version()}/{name}"
