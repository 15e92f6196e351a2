"""kill -9 of central at exact system calls: before a commit is on the disk, and between commit and answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.faults.driver import Driver
from tests.faults.lab import Lab, Strace, calls_a_thread
from tests.faults.oracle import Verdict, report
from tests.waiting import wait_until

SEED = 2
COMMIT, ANSWER = "fdatasync", "sendto,sendmsg"
EVENTS = 200


def count_calls(lab: Lab) -> dict[str, int]:
    out = lab.root / "strace"
    task = lab.task(seed=SEED, count=EVENTS, lockstep=True)
    with Driver(task) as driver, Strace(lab.central.pid, f"{COMMIT},{ANSWER}", out=str(out)):
        assert driver.wait() == 0
    assert lab.judge(task).clean
    counts = calls_a_thread(out)
    found = {COMMIT: counts["fdatasync"], ANSWER: counts["sendto"] + counts["sendmsg"]}
    assert all(found.values()), found
    return found


def killed(lab: Lab, calls: str, when: int) -> Verdict | None:
    """The verdict on one point; None where the run ended before it."""
    task = lab.task(seed=SEED, count=EVENTS, lockstep=True)
    with Driver(task, halt=True) as driver:
        driver.go()
        assert driver.stands_at() == "open"
        with Strace(lab.central.pid, calls, f"signal=KILL:when={when}"):
            driver.go()
            wait_until(lambda: not lab.central.running or driver.wait(0) is not None, 30)
        died = not lab.central.running
        healed = time.monotonic()
        if died:
            lab.central.start()
        assert driver.wait() == 0
    verdict = lab.judge(task, healed)
    assert verdict.clean, (calls, when, verdict)
    return verdict if died else None


def test_killed_at_every_commit_and_answer(strace: None, lab: Lab, full: bool, in_time: Callable[[], bool]) -> None:
    points = [(calls, when) for calls, most in count_calls(lab).items() for when in range(1, most + 1)]
    random.Random(SEED).shuffle(points)
    total = Verdict()
    tried = 0
    for calls, when in points if full else points[:4]:
        if not in_time():
            break
        tried += 1
        if verdict := killed(lab, calls, when):
            total += verdict
    report("central-kill", SEED, total, tried=tried, points=len(points))
    assert total.n >= tried * 0.7
