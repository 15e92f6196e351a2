"""A camera over ONVIF: its device is asked where the streams are, one is chosen, and RTSP does the rest.

Contract
--------
- The address that was found is kept, and the device is asked again only after a connect with it has failed: a camera
  that was reset may have other paths.
- However many cameras of a device are watched, one at a time asks what it offers, and all that wait take that answer,
  be it an error: a wrong password that is refused there is tried no oftener for 32 cameras than for one. Each then
  asks for the address of its own stream.
- Of a device with several cameras (a recorder) the file says which is meant; none is ever guessed.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import structlog

from contract.camera import Camera
from contract.camera import Source as SourceConfig
from edge.clock import Clock
from edge.credentials import Credentials
from edge.errors import SourceError, SourceRefused
from edge.sources.base import Source
from edge.sources.offer import Offer, Profile, ask, ask_address
from edge.sources.soap import Device

log = structlog.get_logger(__name__)

Choice: TypeAlias = Literal["sub", "main"]

SHOWN_PX = 640  # the longer side of what the model is shown; a smaller picture would lose what is far away
NAMED = 64  # cameras of a recorder that an error names
DEVICE_PATH = "/onvif/device_service"


@dataclass(frozen=True, slots=True)
class Stream:
    profile: Profile
    url: str  # rtsp:// or rtsps://, host and user as in the camera's file; may hold a password in its query
    refused: str = ""  # why there is no url


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a device offers."""

    streams: tuple[Stream, ...]  # in the device's order
    clock_ahead_s: float | None  # of ours; None where it does not say


class Catalogue:
    """What one device offers, for all its cameras. From any thread."""

    def __init__(self, config: SourceConfig, credentials: Credentials | None, clock: Clock) -> None:
        """Of `config` only what is the same for all its cameras is used: address and time limit."""
        self._config = config
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()  # held while the device is asked
        self._asked = -math.inf
        self._answer: Offer | SourceError

    def offer(self, since: float) -> Offer:
        """As asked at `since` (seconds, pipeline clock) or later. Takes a few questions, each at most
        `open_timeout_s`, and as long again where somebody else's must be waited for.

        Raises SourceRefused, SourceTimeout, SourceError, all who wait for it the same.
        """
        with self._lock:
            if self._asked < since or self._asked == -math.inf:
                asked = self._clock.now()
                try:
                    self._answer = asyncio.run(self._ask())
                except SourceError as error:
                    self._answer = error
                self._asked = asked
            if isinstance(self._answer, SourceError):
                raise self._answer.with_traceback(None)  # else it grows with each camera
            return self._answer

    async def _ask(self) -> Offer:
        async with _device(self._config, self._credentials, self._clock) as device:
            return await ask(device)


class Onvif:
    """Connects one camera: `prepare`, then call it to get an open stream. Not thread-safe; `chosen` and `clock_ahead_s`
    may be read from any thread."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        clock: Clock,
        catalogue: Catalogue,
        open_stream: Callable[[SourceConfig], Source],
    ) -> None:
        self._camera = camera
        self._credentials = credentials
        self._clock = clock
        self._catalogue = catalogue
        self._open = open_stream
        self._offer: Offer | None = None  # what `prepare` found, until a connect fails
        self._found: Stream | None = None
        self._failed = -math.inf  # when, last
        self.chosen = ""  # the profile, for people
        self.clock_ahead_s: float | None = None  # the device's clock minus ours, when it was last asked

    def prepare(self) -> None:
        """Know what the device offers. Raises as `Catalogue.offer` does."""
        if self._found is not None:
            return
        try:
            self._offer = self._catalogue.offer(self._failed)
        except SourceError:
            self._failed = self._clock.now()
            raise
        self.clock_ahead_s = self._offer.clock_ahead_s

    def __call__(self) -> Source:
        """Raises SourceRefused, SourceTimeout, SourceError."""
        config = self._camera.source
        try:
            if self._found is None:
                assert self._offer is not None, "prepare comes first"
                self._found = find(self._offer, config, self._credentials, self._clock)
                if self.chosen != str(self._found.profile):
                    self.chosen = str(self._found.profile)
                    # not the address: it may hold a password
                    log.info("stream chosen", camera=self._camera.id, profile=self.chosen)
            rtsp = {"kind": "rtsp", "url": self._found.url, "camera": None, "stream": None}
            return self._open(config.model_copy(update=rtsp))
        except SourceError:
            self._offer, self._found, self._failed = None, None, self._clock.now()
            raise


def find(offer: Offer, config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Stream:
    """The stream that `config` wants; one question. Raises SourceRefused, SourceTimeout, SourceError."""
    profile = choose(_of_camera(offer.profiles, config), config.stream or "sub")

    async def work() -> Stream:
        async with _device(config, credentials, clock) as device:
            return Stream(profile, await ask_address(device, offer, profile))

    return asyncio.run(work())


def survey(config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Survey:
    """Every stream there is; one that the device refuses says why. Raises as `find` does, and SourceRefused where it
    refuses all, or the password for the first: nobody is locked out for a look."""

    async def work() -> Survey:
        async with _device(config, credentials, clock) as device:
            offer = await ask(device)
            streams: list[Stream] = []
            for profile in offer.profiles:
                try:
                    streams.append(Stream(profile, await ask_address(device, offer, profile)))
                except SourceRefused as error:
                    given = any(stream.url for stream in streams)
                    if not given and (error.code == "credentials" or profile is offer.profiles[-1]):
                        raise
                    streams.append(Stream(profile, "", str(error).removeprefix(f"{device.url}: ")))
            return Survey(tuple(streams), offer.clock_ahead_s)

    return asyncio.run(work())


def choose(profiles: Sequence[Profile], choice: Choice) -> Profile:
    """`main`: the largest. `sub`: the smallest that the model need not see enlarged, else the largest. Of equal ones
    the first. `profiles` are not empty."""

    def size(profile: Profile) -> int:
        return profile.width * profile.height

    enough = [profile for profile in profiles if max(profile.width, profile.height) >= SHOWN_PX]
    if choice == "sub" and enough:
        return min(enough, key=size)
    return max(profiles, key=size)


def _of_camera(profiles: Sequence[Profile], config: SourceConfig) -> list[Profile]:
    """Those of the camera that is meant. Raises SourceRefused where the file does not say, or there is none such."""
    cameras = dict.fromkeys(profile.camera for profile in profiles)
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in list(cameras)[:NAMED])
    names += f" and {len(cameras) - NAMED} more" if len(cameras) > NAMED else ""
    if config.camera is None and len(cameras) > 1:
        raise SourceRefused(
            f"{config.url}: has {len(cameras)} cameras, and the file does not say which one is meant",
            hint=f"write camera: below source:, one of {names}; `vedette camera streams` shows what they are",
        )
    found = [profile for profile in profiles if config.camera in (None, profile.camera)]
    if not found:
        hint = "it has one only, without a name: leave source.camera out" if "" in cameras else f"there are: {names}"
        raise SourceRefused(f"{config.url}: has no camera {config.camera!r}", code="not-found", hint=hint)
    return found


def _device(config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Device:
    parts = urlsplit(config.url)
    url = config.url if parts.path.strip("/") else urlunsplit(parts._replace(path=DEVICE_PATH))
    return Device(url, credentials, config.open_timeout_s, clock)
