"""A camera that vanishes without a word: in a network of their own, packets to and from it are dropped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.faults.namespace import Namespace
from tests.faults.oracle import Verdict, p99, report
from tests.faults.site import Site, neighbour_clip
from tests.faults.victims import BACK_S, NOTICED_S, CameraProcess, Victim, suffer_together

SEED = 11


def test_half_open(namespace: Namespace, tmp_path: Path, full: bool, in_time: Callable[[], bool]) -> None:
    if not full:
        pytest.skip("only in the laboratory (--faults full): it takes half a minute")
    shown = make_clip(tmp_path / "plain.mp4", 4, 15), neighbour_clip(tmp_path / "neighbour.mp4")
    camera = CameraProcess(tmp_path, "127.0.0.2", shown[:1], namespace.prefix)
    neighbour = CameraProcess(tmp_path, "127.0.0.1", shown[1:], namespace.prefix)
    with camera, neighbour:
        began = time.time()
        victim = Victim("camera-half-open", camera.url, partial(namespace.hurt, "both", camera.port), namespace.heal)
        with Site(tmp_path, [victim.file], neighbour.url, prefix=namespace.prefix, enter=namespace.enter) as site:
            suffer_together([victim], site.watch, SEED, 100, 8.0, in_time)
            beside = site.beside(began)
    noticed = p99(victim.noticed) or 0.0
    report(victim.name, SEED, Verdict(n=len(victim.back), recovered=tuple(victim.back)), noticed_p99=round(noticed, 3))
    report(
        "camera-neighbour-of-half-open", SEED, Verdict(n=1, events=beside.events, lost=beside.lost),
        gap_max=round(beside.gap_s, 3), looks=beside.looks, dropped=beside.dropped,
    )  # fmt: skip
    assert beside.not_live == 0, beside
    assert beside.looks > 0, beside
    assert beside.lost == 0, beside
    assert noticed < NOTICED_S
    assert max(victim.back) < BACK_S
    assert site.status in (0, -signal.SIGTERM), site.edge.text()
