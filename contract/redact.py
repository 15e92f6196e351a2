"""Take credentials out of whatever may be shown, stored or logged."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "***"

# user:password@ in any URL, also where the password holds an @ of its own: everything up to the last @ before
# the path, the query or white space.
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"<>]*@", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<name>\b(?:password|passwd|pwd|secret|token|api[_-]?key|credential)s?['\"]?\s*[=:]\s*['\"]?)"
    r"(?P<value>[^\s&'\",;]+)",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"(?P<name>\b(?:basic|bearer|digest)\s+)(?P<value>[^\s'\"][^\r\n'\"]*)", re.IGNORECASE)
_SECRET_KEY = re.compile(r"password|passwd|secret|token|api_?key|credential|authorization|cookie", re.IGNORECASE)


def url(text: str) -> str:
    """`text` with the user information of every URL in it replaced."""
    return _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)


def text(message: str) -> str:
    """`message` without URL credentials, `password=...` assignments and Authorization values."""
    message = url(message)
    message = _AUTHORIZATION.sub(rf"\g<name>{HIDDEN}", message)
    return _ASSIGNMENT.sub(rf"\g<name>{HIDDEN}", message)


def value(item: Any) -> Any:
    """The same for a nested structure: what stands under a telling key is hidden whole, texts are cleaned."""
    match item:
        case str():
            return text(item)
        case Mapping():
            return {key: HIDDEN if _SECRET_KEY.search(str(key)) else value(entry) for key, entry in item.items()}
        case list() | tuple():
            return type(item)(value(entry) for entry in item) if type(item) in (list, tuple) else list(map(value, item))
        case BaseException():
            return text(str(item))
        case _:
            return item


def log_processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the last thing that touches an event before it is rendered."""
    for key, entry in event.items():
        event[key] = HIDDEN if _SECRET_KEY.search(key) else value(entry)
    return event
