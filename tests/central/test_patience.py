"""Peers that begin a request and never end it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from central.patience import Patience


def connection(**cycle: bool) -> Any:
    return SimpleNamespace(cycle=SimpleNamespace(**cycle) if cycle else None)


@pytest.mark.parametrize(
    ("peer", "late"),
    [
        pytest.param(connection(), True, id="headers never end"),
        pytest.param(connection(response_complete=False, more_body=True), True, id="body never ends"),
        pytest.param(connection(response_complete=True, more_body=False), True, id="second request never ends"),
        pytest.param(connection(response_complete=False, more_body=False), False, id="a feed"),
    ],
)
def test_who_owes_the_rest_of_a_request(peer: Any, late: bool) -> None:
    patience = Patience(30)
    assert patience.overdue([peer], 100) == []
    assert patience.overdue([peer], 129) == []
    assert patience.overdue([peer], 131) == ([peer] if late else [])


def test_a_new_request_has_all_the_time_again() -> None:
    patience, peer = Patience(30), connection()
    patience.overdue([peer], 0)
    peer.cycle = SimpleNamespace(response_complete=False, more_body=True)
    assert patience.overdue([peer], 29) == []
    assert patience.overdue([peer], 58) == []
    assert patience.overdue([], 60) == []
    assert patience.overdue([peer], 61) == []
