from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disk import Disk
from tests.faults.lab import Central, Lab, add_edge
from tests.faults.namespace import Namespace
from tests.small_disk import mounted


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this is the laboratory (`make faults`) and not the quick part of it (`make test`)."""
    return bool(request.config.getoption("--faults") == "full")


@pytest.fixture
def in_time(request: pytest.FixtureRequest) -> Callable[[], bool]:
    """Whether a sweep may go on."""
    end = time.monotonic() + float(request.config.getoption("--faults-seconds"))
    return lambda: time.monotonic() < end


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("lab")
    data = root / "central"
    token = add_edge(data, "edge-1")
    with Central(data) as central:
        yield Lab(root, central, token)


@pytest.fixture
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if os.geteuid() != 0:
        pytest.skip("not root, so other processes cannot be watched")
    trial = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, check=False)
    if trial.returncode != 0:
        pytest.skip("ptrace is not allowed here")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("not root, so no disk whose power can be cut")
    try:
        disk = Disk(tmp_path / "image", tmp_path / "disk")
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount an ext4 image: {error}")
    yield disk
    disk.unmount()


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "small", mib=8)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    if os.geteuid() != 0:
        pytest.skip("not root, so no network namespace")
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    namespace = Namespace(f"vedette-{os.getpid()}")
    try:
        namespace.make()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace: {error.stderr}")
    yield namespace
    namespace.remove()
