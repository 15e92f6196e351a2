"""Ends connections whose request does not come in whole: by malice, or because the peer lost its power midway.

uvicorn waits for them without a limit, and each holds a file descriptor: some hundreds of them would shut out every
edge and desk. A feed is not meant: its request has come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Key: TypeAlias = tuple[int, int]  # a connection, and its newest request


class Patience:
    """`overdue` once a second or so. Times in seconds of a monotonic clock."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since: dict[Key, float] = {}

    def overdue(self, connections: Iterable[Any], now: float) -> list[Any]:
        """Those of uvicorn's connections that have owed the rest of a request for longer than `longest`."""
        owing = {(id(each), id(each.cycle)): each for each in connections if _owes(each)}
        self._since = {key: self._since.get(key, now) for key in owing}
        return [each for key, each in owing.items() if now - self._since[key] > self._longest]


def _owes(connection: Any) -> bool:
    """No request yet, the next one not begun (that has a shorter limit of uvicorn's own), or its body still coming."""
    cycle = connection.cycle
    return cycle is None or cycle.response_complete or cycle.more_body
