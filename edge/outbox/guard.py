"""Two files beside the database: a lock against a second process, and ballast against a full disk."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path

from edge.errors import OutboxInUse

_LONGEST = 96  # bytes of a lock file


class Lock:
    """Holds `path` for this process; the kernel lets go when the process dies, however it dies.

    The file also remembers the last epoch, so that epochs rise even where the database is gone and the wall
    clock went back; and the last number given in it, so that a lost end of the database is noticed. A power cut may
    leave an older number there, never a higher one.
    """

    def __init__(self, path: Path) -> None:
        """Raises OutboxInUse, naming the holder, where another process (or outbox) holds the file."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        held = _read(self._fd)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise OutboxInUse(
                f"{path.parent} is in use by process {held.get('pid', 'unknown')}",
                hint="stop that process, or give this edge a data directory of its own",
            ) from error
        self.epoch, self.last = held.get("epoch", 0), held.get("last", 0)
        self.note(self.epoch, self.last)

    def note(self, epoch: int, last: int) -> None:
        """Write down who holds the file, the epoch, and the last number that was given in it."""
        self.epoch, self.last = epoch, last
        text = json.dumps({"pid": os.getpid(), "epoch": epoch, "last": last}).ljust(_LONGEST).encode()
        # Overwritten in place, never longer: this works on a full disk too.
        with suppress(OSError):
            os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        os.close(self._fd)


def _read(fd: int) -> dict[str, int]:
    try:
        held = json.loads(os.pread(fd, _LONGEST, 0))
        return {name: value for name, value in held.items() if type(value) is int}
    except (ValueError, AttributeError):
        return {}


class Ballast:
    """`size` bytes kept from everybody else, given back when deleting must go on although the disk is full.

    SQLite needs room even to delete. Without ballast an outbox that filled its disk could never be emptied.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.held = path.exists()

    def hold(self) -> None:
        """Take the space if it is there; `held` says whether it was."""
        if self.held:
            return
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
            self.held = True
        except OSError:
            self.release()

    def release(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.held = False
