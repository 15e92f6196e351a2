"""The laboratory's disk itself."""

from __future__ import annotations

import subprocess

from tests.faults.disk import Disk


def test_a_disk_works_again_though_another_namespace_still_holds_the_dead_one(disk: Disk) -> None:
    holds = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo holds; read end"]
    with subprocess.Popen(holds, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == "holds\n"
        disk.cut_power()
        disk.unmount()
        disk.mount()
        (disk.at / "file").write_text("alive")
        other.stdin.write("\n")
