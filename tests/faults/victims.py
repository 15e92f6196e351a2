"""Cameras that are hurt: what is done to each, and how it is healed.

`hurt` returns when the fault is in force, `heal` when the camera is back: sends, or listens again.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.e2e.line import Process
from tests.faults.site import LOOK_S, Clips, Watch, hurt_camera
from tests.waiting import wait_until
from vedette.virtual_camera import (
    Fault,
    Freeze,
    Garbage,
    Kick,
    Mount,
    Mute,
    Noise,
    Refuse,
    Resolution,
    Status,
    VirtualCamera,
    load_clip,
)

NOTICED_S, BACK_S = 5.0, 3.0  # what is promised at p99
OPEN_S = 5.0  # a request that is swallowed is waited for so long
GIVEN_UP_S = 30.0  # nothing may take longer
MOUNT = "gate"
FIRST_PACKETS = 5  # a third of a second


class CameraProcess(AbstractContextManager["CameraProcess"]):
    """`vedette camera serve` on a port that stays the same, each start with the next clip."""

    def __init__(self, root: Path, host: str, clips: Sequence[Path], prefix: Sequence[str] = ()) -> None:
        self._root, self._host, self._prefix = root, host, prefix
        self._clips = cycle(clips)
        self._starts = 0
        self._port = "0"
        self._process: Process | None = None
        self.url = ""

    def start(self) -> None:
        self._starts += 1
        process = Process(
            self._root / f"camera-{self._host}-{self._starts}.log",
            "camera", "serve", str(next(self._clips)), "--mount", MOUNT, "--host", self._host, "--port", self._port,
            prefix=self._prefix,
        )  # fmt: skip
        self._process = process
        self.url = process.said(r"(rtsp://\S+)")
        self._port = self.url.rpartition(":")[2].partition("/")[0]

    def kill(self) -> None:
        if self._process:
            self._process.end(signal.SIGKILL)
            self._process = None

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send(number)

    @property
    def port(self) -> int:
        return int(self._port)

    def __enter__(self) -> CameraProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass
class Victim:
    """One camera and the seconds that its faults took to be noticed, and then from being healed to being live."""

    name: str
    url: str
    hurt: Callable[[], object]
    heal: Callable[[], object]
    transport: str = "tcp"
    rate: float = 0.5
    camera: VirtualCamera | None = None  # where it is one of this process
    back_s: float = BACK_S  # promised
    sees: bool = False  # it goes on to send, and cannot see
    noticed: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)

    @property
    def file(self) -> str:
        return hurt_camera(self.name, self.url, transport=self.transport, rate=self.rate)

    def suffer(self, watch: Watch, chance: random.Random, longest_s: float) -> None:
        """Once: hurt in a seeded moment, left alone for a seeded while, healed."""
        watch.when(self.name, time.monotonic(), live=True, within=GIVEN_UP_S, sees=self.sees)
        watch.answers(round(chance.uniform(1.0, 3.0) / LOOK_S))
        began = time.monotonic()
        self.hurt()
        noticed = watch.when(self.name, began, live=False, within=GIVEN_UP_S, sees=self.sees)
        self.noticed.append(noticed - began)
        watch.answers(round(chance.uniform(0, longest_s) / LOOK_S))
        self.heal()
        healed = time.monotonic()
        back = watch.when(self.name, healed, live=True, within=GIVEN_UP_S, sees=self.sees)
        self.back.append(back - healed)


def one_of_each(root: Path, clips: Clips, open_until: ExitStack, only: Container[str] | None = None) -> list[Victim]:
    """A victim a fault, each at an address of its own on the loopback: the edge spares who shares one. `only` those."""
    hosts = (f"127.0.0.{number}" for number in range(2, 255))

    def virtual(name: str, faults: Sequence[Fault], **more: Any) -> Victim | None:
        if only is not None and name not in only:
            return None
        camera = open_until.enter_context(VirtualCamera([Mount(MOUNT, clips.plain)], host=next(hosts)))

        def hurt() -> None:
            for fault in faults:
                camera.fault(MOUNT, fault)

        return Victim(name, camera.url(MOUNT), hurt, partial(camera.clear, MOUNT), camera=camera, **more)

    def process(name: str, shows: Sequence[Path], stop: bool = False) -> Victim | None:
        if only is not None and name not in only:
            return None
        camera = open_until.enter_context(CameraProcess(root, next(hosts), shows))
        if stop:
            return Victim(name, camera.url, partial(camera.send, signal.SIGSTOP), partial(camera.send, signal.SIGCONT))
        return Victim(name, camera.url, camera.kill, camera.start)

    still = Resolution(load_clip(clips.still))
    victims = [
        virtual("camera-still", [still], rate=2, sees=True),
        virtual("camera-garbage", [Garbage(1)]),
        virtual("camera-noise", [Noise(1)]),
        virtual("camera-kicked", [Refuse()]),
        virtual("camera-reset", [Kick(reset=True), Refuse()]),
        virtual("camera-mute", [Freeze()]),
        virtual("camera-mute-udp", [Freeze()], transport="udp"),
        virtual("camera-reports-only", [Freeze(reports=True)]),
        virtual("camera-deaf", [Freeze(), Mute()], back_s=OPEN_S + BACK_S),
        virtual("camera-password", [Status(401), Kick()]),
        virtual("camera-size-live", [Resolution(load_clip(clips.large))], rate=2),
        process("camera-stopped", [clips.plain], stop=True),
        process("camera-killed", [clips.plain]),
        process("camera-other-codec", [clips.plain, clips.h265]),
        process("camera-other-size", [clips.plain, clips.large]),
    ]
    return [victim for victim in victims if victim]


def suffer_together(
    victims: Sequence[Victim], watch: Watch, seed: int, times: int, longest_s: float, in_time: Callable[[], bool]
) -> None:
    """Each at moments of its own."""

    def run(victim: Victim) -> None:
        chance = random.Random(f"{seed} {victim.name}")
        for _ in range(times):
            if in_time():
                victim.suffer(watch, chance, longest_s)

    together([partial(run, victim) for victim in victims])


def kick(victims: Sequence[Victim], seed: int, times: int, in_time: Callable[[], bool]) -> int:
    """Each as often as it comes, now in order, now by a reset, within the first packets."""
    done: list[str] = []

    def run(victim: Victim) -> None:
        camera, chance = victim.camera, random.Random(f"{seed} {victim.name}")
        assert camera
        while len(done) < times and in_time():
            wait_until(lambda: camera.stats(MOUNT).playing, GIVEN_UP_S)
            sent = camera.stats(MOUNT).packets + chance.randint(0, FIRST_PACKETS)
            wait_until(partial(has_sent, camera, sent), GIVEN_UP_S)
            camera.fault(MOUNT, Kick(reset=chance.random() < 0.5))
            wait_until(lambda: not camera.stats(MOUNT).playing, GIVEN_UP_S)
            done.append(victim.name)

    together([partial(run, victim) for victim in victims])
    return len(done)


def has_sent(camera: VirtualCamera, packets: int) -> bool:
    """Or has nobody to send to any more."""
    stats = camera.stats(MOUNT)
    return stats.packets >= packets or not stats.playing


def together(runs: Sequence[Callable[[], None]]) -> None:
    """Each in a thread. Raises AssertionError with all that went wrong."""
    errors: list[BaseException] = []

    def catching(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # told in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=catching, args=(run,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise AssertionError(errors) from errors[0]
