"""A process to be hurt: `python -m tests.central.store.writer_child FOLDER COUNT`.

Stores COUNT batches of three records, one after the other; prints `ack FIRST_SEQ` for each that was answered as
stored, `again FIRST_SEQ` for each that was there already, `fail` for each that failed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from central.errors import StoreError
from central.store.sqlite import SqliteStore
from tests.central.records import NOW, received


async def main(folder: str, count: str) -> None:
    store = SqliteStore(Path(folder), NOW)
    print("ready", flush=True)
    for first in range(1, 3 * int(count), 3):
        batch = [received(seq, event_id=_event_id(seq)) for seq in range(first, first + 3)]
        try:
            outcomes = set(await store.put(batch, NOW))
            print("ack" if outcomes == {"stored"} else "again", first, flush=True)
        except StoreError:
            print("fail", first, flush=True)
    store.close()
    print("closed", flush=True)


def _event_id(seq: int) -> UUID:
    """The same in every run, as when an edge sends again."""
    return UUID(int=(NOW << 80) | (7 << 76) | (2 << 62) | seq)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
