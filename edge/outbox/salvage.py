"""Bring the records of damaged files back into the running outbox, to be sent as any others.

The edge does it by itself, in a thread of its own: after a start, and when a file is put aside while it runs. A file
that was read to its end and whose records are all committed is marked as salvaged; where some are of a newer schema, as
such a one: it is done again at each start, until a version that can read them does. Where the outbox is full, or the
disk can be neither read nor written, it is tried again with growing waits, and at the next start: what is pending by
then stays, and what central has by then is a duplicate to it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from contract.event import EventRecord
from edge.errors import OutboxError, OutboxFull
from edge.outbox import aside
from edge.outbox.aside import Aside
from edge.outbox.store import Outbox
from edge.retry import Backoff

log = structlog.get_logger(__name__)

CHUNK = 500  # records a commit
ROOM_S = 10.0  # between two looks whether a full outbox has room again
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 600.0  # after another fault: reading a large file again and again costs a weak edge


@dataclass(slots=True)
class Salvaged:
    records: int = 0  # that the outbox did not have
    epochs: set[int] = field(default_factory=set)
    files: int = 0
    deleted: int = 0  # older salvaged files
    newer: int = 0  # files with records of a newer schema too: not done


def bring_back(
    found: Aside,
    edge_id: str,
    take: Callable[[list[EventRecord]], None],
    unread: Callable[[], object] = lambda: None,
) -> Iterator[int]:
    """Hand this edge's records to `take`, each once and a chunk at a time; yields the bytes read so far. `unread` is
    called for those of a newer schema.

    What `take` raises ends it. Raises OSError.
    """
    known: dict[int, set[int]] = {}  # by epoch, the numbers
    chunk: list[EventRecord] = []
    for done, records in aside.records(found, unread):
        for record in records:
            numbers = known.setdefault(record.epoch, set())
            if record.edge_id != edge_id or record.seq in numbers:
                continue
            numbers.add(record.seq)
            chunk.append(record)
            if len(chunk) == CHUNK:
                take(chunk)
                chunk = []
        yield done
    if chunk:
        take(chunk)


def salvage(
    outbox: Outbox,
    told: Callable[[int], None] = lambda _: None,
    ending: Callable[[], bool] = lambda: False,
    patience: Callable[[], bool] = lambda: False,
) -> Salvaged:
    """All files that wait, oldest first; `told` is called with the bytes read of all. A file of which `ending` was true
    before its end stays as it is. Where the outbox is full, `patience` waits and says whether to try again.

    Raises OutboxError, OSError.
    """
    result = Salvaged()
    before = 0

    def take(records: list[EventRecord]) -> None:
        while True:
            try:
                result.records += outbox.restore(records).result()
                break
            except OutboxFull:
                if not patience():
                    raise
        result.epochs.update(record.epoch for record in records)

    for found in aside.damaged(outbox.path):
        size = found.size
        unread: list[None] = []
        for done in bring_back(found, outbox.edge_id, take, partial(unread.append, None)):
            told(before + done)
            if ending():
                return result
        if unread:
            aside.mark_newer(outbox.path, found)
            result.newer += 1
        else:
            result.deleted += aside.mark_salvaged(outbox.path, found)
            result.files += 1
        before += size
    return result


class Salvage:
    """Start it after what stood was closed; stop it before the outbox is closed."""

    def __init__(self, outbox: Outbox, *, chance: Callable[[], float] = random.random) -> None:
        self._outbox = outbox
        self._chance = chance
        self._backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._wake = threading.Event()
        self._wake.set()  # what waits from before
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="salvage", daemon=True)
        outbox.on_aside(self._wake.set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends within a commit and the reading of a MiB. Idempotent."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending.is_set():
                return
            try:
                done = salvage(self._outbox, ending=self._ending.is_set, patience=self._room)
            except (OutboxError, OSError) as error:
                if self._ending.is_set():
                    return
                hint = getattr(error, "hint", "check the disk")
                wait = self._backoff.next(self._chance())
                log.error("outbox not salvaged yet", error=str(error), retry_s=round(wait, 1), hint=hint)
                self._ending.wait(wait)
                self._wake.set()
                continue
            self._backoff.reset()
            if done.newer:
                hint = "start the newer version again, it brings the others back"
                log.error("outbox salvaged but for records of a newer version", files=done.newer, hint=hint)
            if done.files:
                log.warning(
                    "outbox salvaged",
                    records=done.records,
                    epochs=sorted(done.epochs),
                    files=done.files,
                    older_files_deleted=done.deleted,
                )

    def _room(self) -> bool:
        """Central takes records meanwhile."""
        return not self._ending.wait(ROOM_S)
