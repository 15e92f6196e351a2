"""kill -9 of the edge at exact system calls of a run, while it commits, sends and settles."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.faults.driver import Driver
from tests.faults.lab import Lab, Strace, calls_a_thread
from tests.faults.oracle import Verdict, report

SEED = 1
CALLS = ("fdatasync", "pwrite64", "sendto")
EVENTS = 200


def count_calls(lab: Lab) -> dict[str, int]:
    """In a run that nothing happens to; a sweep to these covers every point, since runs differ by a few calls."""
    out = lab.root / "strace"
    task = lab.task(seed=SEED, count=EVENTS)
    with Driver(task, halt=True) as driver:
        driver.go()
        assert driver.stands_at() == "open"
        with Strace(driver.pid, ",".join(CALLS), out=str(out)):
            driver.go()
            assert driver.wait() == 0
    assert lab.judge(task).clean
    counts = calls_a_thread(out)
    assert all(counts[call] for call in CALLS), counts
    return {call: counts[call] for call in CALLS}


def killed(lab: Lab, call: str, when: int, *, opening: bool) -> Verdict | None:
    """The verdict on one point; None where the run ended before it."""
    task = lab.task(seed=SEED, count=EVENTS)
    with Driver(task, halt=True) as driver:
        if not opening:
            driver.go()
            assert driver.stands_at() == "open"
        with Strace(driver.pid, call, f"signal=KILL:when={when}"):
            driver.go()
            if opening:
                try:
                    driver.stands_at()
                    return None
                except EOFError:
                    pass
            status = driver.wait()
    if status == 0:
        assert lab.judge(task).clean
        return None
    assert status == -9
    drain, begun = lab.again(task)
    return lab.judge(drain, begun)


def test_killed_at_every_call(strace: None, lab: Lab, full: bool, in_time: Callable[[], bool]) -> None:
    points = [(call, when) for call, most in count_calls(lab).items() for when in range(1, most + 1)]
    chance = random.Random(SEED)
    chance.shuffle(points)
    total = Verdict()
    tried = 0
    for call, when in points if full else points[:12]:
        if not in_time():
            break
        tried += 1
        if verdict := killed(lab, call, when, opening=False):
            assert verdict.clean, (call, when, verdict)
            total += verdict
    report("edge-kill", SEED, total, tried=tried, points=len(points))
    assert total.n >= tried * 0.8


def test_killed_while_it_opens(strace: None, lab: Lab, full: bool) -> None:
    total = Verdict()
    for call in ("fdatasync", "pwrite64"):
        for when in range(1, 100) if full else (1, 4):
            verdict = killed(lab, call, when, opening=True)
            if verdict is None:
                break
            total += verdict
    assert total.clean, total
    report("edge-kill-opening", SEED, total)
    assert total.n >= 4
