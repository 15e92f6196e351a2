"""The way between edge and central: answers swallowed, requests replayed, slow bytes, connections half closed."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx
import pytest

from tests.faults import proxy
from tests.faults.driver import Driver
from tests.faults.lab import Lab
from tests.faults.oracle import Verdict, report
from tests.faults.proxy import Proxy, Step

SEED = 4
PATIENCE = 0.5  # s, of the edge


def through(lab: Lab, script: list[Step], seed: int, *, late: bool = False) -> Verdict:
    """A run of 60 events behind `script`, all of which comes to pass. `late`: then every request once more."""
    task = lab.task(seed=seed, count=60, lockstep=True, patience=PATIENCE)
    with Proxy(task.central, script) as way:
        with Driver(lab.through(task, way.url)) as driver:
            assert driver.wait() == 0
        assert sum(way.done.values()) >= len(script)
        if late:
            replay(lab, way.requests)
    verdict = lab.judge(task)
    assert verdict.clean, (script, verdict)
    return verdict


def replay(lab: Lab, requests: list[bytes]) -> None:
    for request in requests:
        head, _, body = request.partition(proxy.HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        answer = httpx.post(f"{lab.central.url}{first.split()[1]}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("swallowed-answers", proxy.SWALLOW),
        ("replayed-requests", proxy.REPLAY),
        ("stale-answers", proxy.STALE),
        ("half-closed", proxy.HALF_CLOSE),
        ("trickling-answers", proxy.TRICKLE),
        ("late-answers", proxy.DELAY),
        ("no-answer", proxy.SILENCE),
    ],
)
def test_every_other_request(lab: Lab, full: bool, name: str, step: Step) -> None:
    total = Verdict()
    for seed in range(10 if full else 1):
        total += through(lab, [proxy.PASS, step] * (10 if full else 3), seed, late=step is proxy.SWALLOW)
    report(name, 0, total)


def test_cut_at_a_byte(lab: Lab, full: bool, in_time: Callable[[], bool]) -> None:
    chance = random.Random(SEED)
    total = Verdict()
    for seed in range(100 if full else 2):
        if not in_time():
            break
        script = [chance.choice((proxy.cut_request, proxy.cut_answer))(chance.randrange(600)) for _ in range(10)]
        total += through(lab, script, seed)
    report("cut-at-a-byte", SEED, total)
