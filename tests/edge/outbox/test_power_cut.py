"""A power cut, made by shutting an ext4 file system down without letting it flush anything."""

from __future__ import annotations

import fcntl
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.outbox.test_crash import Diary, check, command

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class Disk:
    def __init__(self, image: Path, at: Path) -> None:
        self.image, self.at = image, at
        with image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-qF", image], check=True, capture_output=True)
        at.mkdir()

    def mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self.image, self.at], check=True, capture_output=True)

    def cut_power(self) -> None:
        directory = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def unmount(self) -> None:
        subprocess.run(["umount", self.at], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        if os.geteuid() != 0:
            pytest.skip("not root, so no disk whose power can be cut")
        disk = Disk(tmp_path / "image", tmp_path / "disk")
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount an ext4 image: {error}")
    yield disk
    disk.unmount()


@pytest.mark.parametrize("seed", range(3))
def test_power_cut_loses_nothing_acknowledged(disk: Disk, seed: int) -> None:
    path = disk.at / "outbox.db"
    diary = Diary()
    for life in range(2):
        child = subprocess.Popen(
            command(path, 100_000, 3), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert child.stdout is not None
        with child.stdout:
            for _ in range(random.Random(seed * 10 + life).randrange(2, 400)):
                diary.read(child.stdout.readline())
            disk.cut_power()
            child.kill()
            for line in child.stdout:
                if line.endswith("\n"):
                    diary.read(line)
        child.wait(10)
        disk.unmount()
        disk.mount()
    check(path, diary, lives=2)
