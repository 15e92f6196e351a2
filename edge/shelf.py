"""The folder of stills: `YYYY-MM-DD/EVENT_ID.jpg` (undrawn, people hidden) and `.json` beside it (why.py).

Contract
  - The day is that of the event's opening, UTC, and stands in the event's id: an id leads to its files.
  - A picture is there whole or not at all, and never without its facts: both are written aside, then renamed, the
    picture last. Deleting goes the other way round. What a crash leaves between is removed at the next start.
  - The budget holds at every moment: room is made before a picture is written, the oldest events go first. They also go
    where the disk is full and the outbox needs room.
  - A picture goes when its camera's `still.days` are over; where the camera is no longer known, those of its time.
  - One owner; `read` and `listed` may be used beside it, by anybody.
"""

from __future__ import annotations

import os
import re
from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from edge.why import Why

DELETED = ("age", "budget", "disk-full", "damaged")  # why pictures go
_DAY_MS = 86_400_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MAX_FACTS = 256 << 10  # bytes
_BLOCK = 4096  # bytes that a file takes are whole blocks


class Entry(NamedTuple):
    opened_at: int  # UTC ms
    event_id: UUID
    camera_id: str
    days: float
    bytes: int


class Shelf:
    """Methods raise OSError and leave a shelf that still keeps its contract."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.entries: list[Entry] = []  # by time
        self.bytes = 0
        self.deleted: Counter[str] = Counter(dict.fromkeys(DELETED, 0))

    def open(self) -> None:
        """Make the folder, take stock, and clear away what a crash left."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.entries, self.bytes = [], 0
        for file in _files(self.folder):
            if file.suffix == ".part" or (file.suffix == ".json" and not file.with_suffix(".jpg").exists()):
                file.unlink(missing_ok=True)
            elif file.suffix == ".jpg":
                why = _facts(file)
                if why is None:
                    _remove(file)
                    self.deleted["damaged"] += 1
                else:
                    self._add(why, _taken(file.stat().st_size) + _taken(file.with_suffix(".json").stat().st_size))

    def keep(self, why: Why, jpeg: bytes) -> bool:
        """Store a picture; False where it alone is beyond the budget. One that is there already stays as it is."""
        file = path_of(self.folder, why.event_id)
        facts = msgspec.json.format(msgspec.json.encode(why), indent=1)
        size = _taken(len(jpeg)) + _taken(len(facts))
        if size > self.max_bytes:
            return False
        if file.exists():
            return True
        while self.bytes + size > self.max_bytes:
            self._delete(self.entries[0], "budget")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts = [(file.with_suffix(".json"), facts), (file, jpeg)]
        try:
            for target, content in parts:
                _write(_aside(target), content)
            for target, _ in parts:
                _aside(target).replace(target)
        except OSError:
            for target, _ in parts:
                with suppress(OSError):
                    _aside(target).unlink(missing_ok=True)
            raise
        self._add(why, size)
        return True

    def sweep(self, now_ms: int, days: Mapping[str, float]) -> None:
        """Delete what is too old. `days` by camera; 0 keeps nothing."""
        for entry in list(self.entries):
            if now_ms - entry.opened_at >= days.get(entry.camera_id, entry.days) * _DAY_MS:
                self._delete(entry, "age")

    def shed(self, wanted: int) -> int:
        """Free so many bytes of the disk, or as many as there are, for what matters more; returns how many."""
        before = self.bytes
        while self.entries and before - self.bytes < wanted:
            self._delete(self.entries[0], "disk-full")
        return before - self.bytes

    def _add(self, why: Why, size: int) -> None:
        insort(self.entries, Entry(why.opened_at, why.event_id, why.camera_id, why.days, size))
        self.bytes += size

    def _delete(self, entry: Entry, reason: str) -> None:
        _remove(path_of(self.folder, entry.event_id))
        self.entries.remove(entry)
        self.bytes -= entry.bytes
        self.deleted[reason] += 1


def path_of(folder: Path, event_id: UUID) -> Path:
    """Where an event's picture lies, if there is one. Raises ValueError for an id of no year up to 9999."""
    opened = datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
    return folder / f"{opened:%Y-%m-%d}" / f"{event_id}.jpg"


def read(folder: Path, event_id: UUID) -> tuple[bytes, Why] | None:
    """An event's picture and facts; None where there are none. Raises OSError."""
    try:
        file = path_of(folder, event_id)
        why = _facts(file)
        return None if why is None else (file.read_bytes(), why)
    except (FileNotFoundError, ValueError):
        return None


def listed(folder: Path) -> Iterator[tuple[Why, int]]:
    """Every picture's facts and its size in bytes, oldest day first. Raises OSError."""
    for file in _files(folder):
        if file.suffix == ".jpg" and (why := _facts(file)) is not None:
            with suppress(FileNotFoundError):  # deleted this very moment
                yield why, file.stat().st_size


def _files(folder: Path) -> list[Path]:
    days = sorted(each for each in folder.iterdir() if _DAY.fullmatch(each.name) and not each.is_symlink())
    files: list[Path] = []
    for day in days:
        with suppress(FileNotFoundError, NotADirectoryError):  # emptied and deleted this very moment; none of ours
            files += sorted(file for file in day.iterdir() if not file.is_dir())
    return files


def _facts(file: Path) -> Why | None:
    """None where they are missing or not those of this picture."""
    try:
        with file.with_suffix(".json").open("rb") as source:
            why = msgspec.json.decode(source.read(_MAX_FACTS), type=Why)
    except (FileNotFoundError, ValueError):
        return None
    return why if str(why.event_id) == file.stem else None


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_suffix(".json").unlink(missing_ok=True)
    with suppress(OSError):  # not empty yet
        file.parent.rmdir()


def _write(file: Path, content: bytes) -> None:
    """For the owner's eyes; on the disk when this returns, so that a rename cannot overtake the content."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:  # noqa: PTH123
        target.write(content)
        target.flush()
        os.fsync(target.fileno())


def _aside(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def _taken(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
