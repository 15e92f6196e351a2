"""A central that is killed around the commit of a batch: DYING says `before` or `after`."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from central import server
from central.cli import app
from central.settings import Settings
from central.store.base import Outcome
from central.store.sqlite import SqliteStore
from contract.wire import Received


class DyingStore(SqliteStore):
    async def put(self, records: Sequence[Received], received_at: int) -> list[Outcome]:
        if os.environ["DYING"] == "after":
            await super().put(records, received_at)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("outlived SIGKILL")


def open_dying(settings: Settings, now: int) -> SqliteStore:
    return DyingStore(settings.data, now)


setattr(server, "open_store", open_dying)  # noqa: B010 it is not exported for others to use
app()
