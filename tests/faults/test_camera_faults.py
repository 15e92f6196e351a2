"""Cameras that die in every way beside a healthy one, and 1,000 connects that come to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from tests.faults.oracle import Verdict, p99, report
from tests.faults.site import GAP_S, STATES, Clips, Site
from tests.faults.victims import (
    BACK_S,
    GIVEN_UP_S,
    MOUNT,
    NOTICED_S,
    CameraProcess,
    Victim,
    kick,
    one_of_each,
    suffer_together,
)
from tests.waiting import wait_until

SEED = 10
APART = ("camera-password", "camera-size-live")  # have tests of their own
QUICK = (*APART, "camera-kicked", "camera-mute", "camera-noise", "camera-killed")
GROWTH_MB = 64.0  # of the edge, once it is warm


@dataclass(frozen=True)
class Hospital:
    victims: list[Victim]
    site: Site
    neighbour_began: float  # UTC seconds
    full: bool

    def of(self, name: str) -> Victim:
        return next(victim for victim in self.victims if victim.name == name)

    def neighbour(self, test: str) -> None:
        """What became of the healthy camera: reported, and judged. Times are, in the laboratory: a test run has other
        work to do, and an edge that cannot look as often as it should may well see less."""
        found = self.site.beside(self.neighbour_began)
        counts = Verdict(n=1, events=found.events, lost=found.lost)
        report(test, SEED, counts, gap_max=round(found.gap_s, 3), looks=found.looks, dropped=found.dropped)
        assert found.not_live == 0, found
        assert found.looks > 0, found
        if self.full or not found.dropped:
            assert found.lost == 0, found
        assert not self.full or found.gap_s < GAP_S, found


@pytest.fixture(scope="module")
def hospital(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    full = request.config.getoption("--faults") == "full"
    root = tmp_path_factory.mktemp("hospital")
    clips = Clips.make(root)
    with ExitStack() as cameras:
        victims = one_of_each(root, clips, cameras, None if full else QUICK)
        neighbour = cameras.enter_context(CameraProcess(root, "127.0.0.1", [clips.neighbour]))
        began = time.time()
        with Site(root, [victim.file for victim in victims], neighbour.url) as site:
            yield Hospital(victims, site, began, full)
        assert site.status == 0, site.edge.text()
        assert "Traceback" not in site.edge.text()


def test_every_fault(hospital: Hospital, full: bool, in_time: Callable[[], bool]) -> None:
    victims = [victim for victim in hospital.victims if victim.name not in APART]
    suffer_together(victims, hospital.site.watch, SEED, 100 if full else 1, 8.0 if full else 1.0, in_time)
    for victim in victims:
        noticed = p99(victim.noticed) or 0.0
        report(
            victim.name, SEED, Verdict(n=len(victim.back), recovered=tuple(victim.back)), noticed_p99=round(noticed, 3)
        )
    late = {
        victim.name: (victim.noticed, victim.back)
        for victim in victims
        if (p99(victim.noticed) or 0) > NOTICED_S or (p99(victim.back) or 0) > victim.back_s
    }
    assert not full or not late, late
    hospital.neighbour("camera-neighbour")


def test_a_password_that_is_wrong_for_a_while(hospital: Hospital, full: bool) -> None:
    """Refused once the edge asks again at once; refused twice, it leaves the camera alone for a minute."""
    victim, watch = hospital.of("camera-password"), hospital.site.watch
    for test, refusals, times in [("camera-password", 1, 10 if full else 1)] + [("camera-password-twice", 2, 3)] * full:
        noticed, back, in_time_for_two = [], [], False
        for _ in range(times):
            before = refused(victim)
            began = time.monotonic()
            victim.hurt()
            noticed.append(watch.when(victim.name, began, live=False, within=GIVEN_UP_S) - began)
            wait_until(partial(has_refused, victim, before + refusals), GIVEN_UP_S)
            victim.heal()
            healed = time.monotonic()
            back.append(watch.when(victim.name, healed, live=True, within=90) - healed)
            assert refused(victim) - before in (refusals, 2)  # once, and a second time before it could be healed
            in_time_for_two |= refused(victim) - before == 2
        report(test, SEED, Verdict(n=times, recovered=tuple(back)), noticed_p99=round(p99(noticed) or 0, 3))
        assert not full or max(noticed) < NOTICED_S
        assert not full or max(back) < (65 if in_time_for_two else BACK_S)


def knocks(victim: Victim) -> int:
    """Connections so far that asked for the camera's stream."""
    assert victim.camera
    return victim.camera.stats(MOUNT).connects


def refused(victim: Victim) -> int:
    assert victim.camera
    return victim.camera.stats(MOUNT).refused


def has_refused(victim: Victim, times: int) -> bool:
    return refused(victim) >= times


def test_another_resolution_in_the_running_session(hospital: Hospital, full: bool) -> None:
    victim, watch = hospital.of("camera-size-live"), hospital.site.watch
    began = time.monotonic()
    connects = knocks(victim)
    for _ in range(20 if full else 2):
        for change in (victim.hurt, victim.heal):
            looks = watch.seen[-1].cameras[victim.name]["looks"]
            change()
            wait_until(lambda looks=looks: watch.seen[-1].cameras[victim.name]["looks"] > looks + 2, GIVEN_UP_S)
    seen = [each.cameras[victim.name] for each in watch.seen if each.at > began]
    gap = max(each["last_frame_age"] for each in seen)
    changes = 40 if full else 4
    report(victim.name, SEED, Verdict(n=changes), gap_max=round(gap, 3), connects=knocks(victim) - connects)
    assert all(each["state"] in STATES for each in seen)
    assert not full or gap < GAP_S


def test_connects_that_come_to_nothing(hospital: Hospital, full: bool, in_time: Callable[[], bool]) -> None:
    victims = [victim for victim in hospital.victims if victim.camera]
    site = hospital.site
    cycles = kick(victims, SEED, 200 if full else 10, in_time)  # until it is warm
    site.wait_until_live()
    before = site.holds()
    began = time.monotonic()
    cycles += kick(victims, SEED + 1, 800 if full else 20, in_time)
    took = time.monotonic() - began
    site.wait_until_live()
    after = site.holds()
    report("camera-connects", SEED, Verdict(n=cycles), seconds=round(took, 1), before=[*before], after=[*after])
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads
    assert after.rss_mb <= before.rss_mb + GROWTH_MB
    hospital.neighbour("camera-neighbour-of-connects")
