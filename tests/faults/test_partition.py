"""Edge and central cannot reach each other, in one direction or in both, and then they can."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.driver import Driver
from tests.faults.lab import Central, Lab, add_edge, wait_for_lines
from tests.faults.namespace import RULES, Namespace
from tests.faults.oracle import Verdict, report

SEED = 5


@pytest.mark.parametrize("rule", RULES)
def test_the_edge_goes_on_and_catches_up(tmp_path: Path, namespace: Namespace, full: bool, rule: str) -> None:
    data = tmp_path / "central"
    token = add_edge(data, "edge-1")
    total = Verdict()
    with Central(data, prefix=namespace.prefix) as central:
        lab = Lab(tmp_path, central, token)
        for seed in range(SEED, SEED + (10 if full else 1)):
            task = lab.task(seed=seed, count=500, patience=0.5)
            with Driver(task, prepare=namespace.enter) as driver:
                wait_for_lines(task.log, 10 * (seed - SEED + 1))
                namespace.hurt(rule, central.port)
                wait_for_lines(task.log, 1000)  # an offer and an acknowledgement each, whatever the way is like
                ended = driver.wait(1.0)
                assert ended is None or rule == "third"  # which is slow, and not shut
                namespace.heal()
                healed = time.monotonic()
                assert driver.wait() == 0
            verdict = lab.judge(task, healed)
            assert verdict.clean, (rule, seed, verdict)
            total += verdict
    report(f"partition-{rule}", SEED, total)
