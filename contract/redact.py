"""Take credentials out of whatever may be shown, stored or logged."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "***"
MAX_DEPTH = 8  # of nested structures; what lies deeper is shown as text

# user:password@ in any URL, also where the password holds @, / or # of its own: everything up to the last @ of the
# host's part, or of the whole where what follows the first colon is no port. Bounded, so that it takes no time.
_USERINFO = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://)"
    r"(?:[^\s/?#\"<>]{0,256}@|[^\s/?#\"<>@:]{0,256}:(?!\d{1,5}(?:[/?#]|$))[^\s\"<>]{0,256}@)",
    re.IGNORECASE,
)
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?"
_WORDS = r"passwords?|passwd|passphrase|pwd|secrets?|tokens?|api[_-]?keys?|private[_-]?keys?|credentials?"
_ASSIGNMENT = re.compile(
    rf"(?P<name>(?<![a-z])(?:{_WORDS}|pass(?==)|psw(?==))['\"]?\s*[=:]\s*)(?:{_QUOTED}|[^\s&'\",;}}]+)", re.IGNORECASE
)
_HEADER = re.compile(
    rf"(?P<name>\b(?:authorization|cookie)['\"]?\s*[=:](?!\s*\*\*\*)\s*)(?:{_QUOTED}|[^\r\n]+)", re.IGNORECASE
)
# Elsewhere these are ordinary words ("basic set-up", "digest refused"): only what looks like a credential is hidden.
_SCHEME = re.compile(
    r"(?P<name>\b(?i:bearer\s+)(?=\S*[\d=_])|\b(?i:basic\s+)(?=\S*(?:[\d=+/]|[a-z][A-Z]))|\b(?i:digest\s+)(?=\w+=))"
    r"(?:(?<=\s)[^\s'\",]{6,}(?:,\s*\w+=[^\s,]+)*)"
)
_SECRET_NAME = re.compile(rf"{_WORDS}|authorization|cookie", re.IGNORECASE)


def secret_name(name: str) -> bool:
    """Whether what stands under this name is hidden whole."""
    return _SECRET_NAME.search(name) is not None


def url(text: str) -> str:
    """`text` with the user information of every URL in it replaced."""
    return _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)


def text(message: str) -> str:
    """`message` without URL credentials, `password=...` assignments and Authorization values."""
    message = url(message)
    for pattern in (_HEADER, _SCHEME, _ASSIGNMENT):
        message = pattern.sub(rf"\g<name>{HIDDEN}", message)
    return message


def value(item: Any, depth: int = 0) -> Any:
    """The same for a nested structure: what stands under a telling key is hidden whole, texts are cleaned.

    Anything but plain data becomes text here: a renderer would call its repr, which may show a credential.
    """
    match item:
        case None | bool() | int() | float():
            return item
        case str():
            return text(item)
        case bytes() | bytearray():
            return text(item.decode(errors="replace"))
        case BaseException():
            return text(f"{type(item).__name__}: {item}")
        case Mapping() if depth < MAX_DEPTH:
            return {key: HIDDEN if secret_name(str(key)) else value(entry, depth + 1) for key, entry in item.items()}
        case list() | tuple() if depth < MAX_DEPTH:
            return [value(entry, depth + 1) for entry in item]
        case _:
            return text(repr(item))


def log_processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the last thing that touches an event before it is rendered."""
    for key, entry in event.items():
        event[key] = HIDDEN if secret_name(key) else value(entry)
    return event
