"""A disk whose power can be cut: an ext4 image, shut down without letting it flush anything."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from tests.waiting import wait_until

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class Disk:
    def __init__(self, image: Path, at: Path) -> None:
        """Raises OSError, CalledProcessError where this machine makes no such disk."""
        self.image, self.at = image, at
        with image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-qF", image], check=True, capture_output=True)
        at.mkdir()

    def mount(self) -> None:
        """On a loop device of its own. A mount namespace that somebody has made meanwhile still holds the disk that was
        cut off, and `mount -o loop` would take that one's device again, and with it the dead file system."""
        find = ["losetup", "--find", "--show", self.image]
        device = subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip()
        try:
            subprocess.run(["mount", device, self.at], check=True, capture_output=True)
        finally:
            subprocess.run(["losetup", "--detach", device], check=True, capture_output=True)  # once nobody uses it

    def cut_power(self) -> None:
        directory = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def unmount(self) -> None:
        """A disk that is still busy must not be mounted a second time over itself."""
        command = ["umount", self.at]
        wait_until(
            lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0 or not self.at.is_mount(),
            20,
        )
