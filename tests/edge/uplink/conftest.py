from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.edge.uplink.central import FakeCentral, running


@pytest.fixture
def central() -> Iterator[FakeCentral]:
    with running() as server:
        yield server
