"""Page texts: one catalogue a language, all with the same keys. A language is added by adding its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "catalogue"
FALLBACK = "en"

FAMILIES = ("kind", "pilot", "label")
"""Open sets: an id without a name in the catalogue is shown as it is."""


@dataclass(frozen=True, slots=True)
class Texts:
    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`. Raises KeyError: a missing text is a fault of ours, found by the tests."""
        return self.entries[key].format_map(values) if values else self.entries[key]

    def plural(self, key: str, n: int, **values: object) -> str:
        """The text for `n` of something. English's two forms: a language with one says the same in both."""
        return self(f"{key}.{'one' if n == 1 else 'other'}", n=n, **values)

    def name(self, family: str, raw: str) -> str:
        return self.entries.get(f"{family}.{raw}", raw)


@cache
def languages() -> Mapping[str, str]:
    """Language tags and how each calls itself, the fallback first."""
    tags = sorted((path.stem for path in FOLDER.glob("*.json")), key=lambda tag: (tag != FALLBACK, tag))
    return {tag: texts(tag)("language.name") for tag in tags}


@cache
def texts(language: str) -> Texts:
    return Texts(language, json.loads((FOLDER / f"{language}.json").read_text("utf-8")))


def choose(cookie: str | None, accept: str | None) -> str:
    """The cookie's language, else the best of Accept-Language (RFC 9110, 12.5.4), else English."""
    if cookie in languages():
        return str(cookie)
    wanted: list[tuple[float, str]] = []
    for part in (accept or "").split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            wanted.append((quality, tag.lower()))
    for _, tag in sorted(wanted, key=lambda pair: -pair[0]):
        for known in languages():
            # "zh", "zh-Hans" and "zh-TW" are better served by zh-CN than by English.
            if tag.split("-")[0] == known.lower().split("-")[0]:
                return known
    return FALLBACK
