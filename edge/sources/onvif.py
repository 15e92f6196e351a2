"""A camera over ONVIF: it is asked where its streams are, one is chosen, and RTSP does the rest.

Contract of Onvif
-----------------
- The address that was found is kept, and the camera is asked again only after a connect with it has failed: a camera
  that was reset may have other paths.
- Of what a camera answers only path, query and port of an address are used; host and user are those of the camera's
  file. Cameras name addresses that they had before, or behind a router.
- A device with several cameras (a recorder) is refused: which of them is meant, the file does not say.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import structlog

from contract.camera import Camera
from contract.camera import Source as SourceConfig
from edge.clock import Clock
from edge.credentials import Credentials
from edge.errors import SourceError, SourceRefused
from edge.sources.base import Source
from edge.sources.soap import Device, shown

log = structlog.get_logger(__name__)

Choice: TypeAlias = Literal["sub", "main"]

SHOWN_PX = 640  # the longer side of what the model is shown; a smaller picture would lose what is far away
DEVICE_PATH = "/onvif/device_service"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA1 = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
_SCHEMA = "http://www.onvif.org/ver10/schema"
_PROFILES = {
    MEDIA2: f'<GetProfiles xmlns="{MEDIA2}"><Type>VideoSource</Type><Type>VideoEncoder</Type></GetProfiles>',
    MEDIA1: f'<GetProfiles xmlns="{MEDIA1}"/>',
}
_STREAM = {
    MEDIA2: f'<GetStreamUri xmlns="{MEDIA2}"><Protocol>RTSP</Protocol><ProfileToken>{{}}</ProfileToken></GetStreamUri>',
    MEDIA1: f'<GetStreamUri xmlns="{MEDIA1}"><StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
    f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
    "<ProfileToken>{}</ProfileToken></GetStreamUri>",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A stream of H.264 or H.265 that a camera offers."""

    token: str  # as the camera knows it
    name: str
    codec: str  # H264 or H265
    width: int  # pixels
    height: int
    sensor: str = ""  # the camera's own name of what it sees with; a recorder has several

    def __str__(self) -> str:
        return f"{self.name}, {self.width}x{self.height}, {self.codec}"


@dataclass(frozen=True, slots=True)
class Stream:
    profile: Profile
    url: str  # rtsp:// or rtsps://, host and user as in the camera's file; may hold a password in its query


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a device offers."""

    streams: tuple[Stream, ...]
    clock_ahead_s: float  # of ours


class Onvif:
    """Connects one camera: call it to get an open stream. Not thread-safe; `chosen` may be read from any thread."""

    def __init__(
        self,
        camera: Camera,
        credentials: Credentials | None,
        clock: Clock,
        open_stream: Callable[[SourceConfig], Source],
    ) -> None:
        self._camera = camera
        self._credentials = credentials
        self._clock = clock
        self._open = open_stream
        self._found: Stream | None = None
        self.chosen = ""  # the profile, for people

    def __call__(self) -> Source:
        """Raises SourceRefused, SourceTimeout, SourceError."""
        config = self._camera.source
        if self._found is None:
            self._found = find(config, self._credentials, self._clock)
            if self.chosen != str(self._found.profile):
                self.chosen = str(self._found.profile)
                log.info(
                    "stream chosen", camera=self._camera.id, profile=self.chosen
                )  # the address may hold a password
        try:
            return self._open(config.model_copy(update={"kind": "rtsp", "url": self._found.url, "stream": None}))
        except SourceError:
            self._found = None
            raise


def find(config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Stream:
    """The stream that `config` wants. Takes a few questions, each at most `open_timeout_s`.

    Raises SourceRefused, SourceTimeout, SourceError.
    """

    async def work() -> Stream:
        async with _device(config, credentials, clock) as device:
            media = await _media(device)
            sensors = {profile.sensor for profile in media.profiles}
            if len(sensors) > 1:
                raise SourceRefused(
                    f"{device.url}: has {len(sensors)} cameras, and which one is meant it cannot know",
                    hint="give the rtsp address of one; `vedette camera streams` shows them",
                )
            return await media.stream(choose(media.profiles, config.stream or "sub"))

    return asyncio.run(work())


def survey(config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Survey:
    """Every stream there is, in the device's order. Raises as `find` does."""

    async def work() -> Survey:
        async with _device(config, credentials, clock) as device:
            media = await _media(device)
            return Survey(tuple([await media.stream(profile) for profile in media.profiles]), device.ahead_s)

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


def stream_address(answer: str, device_url: str) -> str:
    """The camera's answer with the host of `device_url`. Raises SourceRefused where it is no address of a stream."""
    answer = answer.strip()
    try:
        parts = urlsplit(answer)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("rtsp", "rtsps") or not re.fullmatch(r"[\x21-\x7e]{1,2048}", answer):
        hint = "switch RTSP on in the camera's settings"
        raise SourceRefused(f"{device_url}: {shown(answer)!r} is no address of a stream", code="not-onvif", hint=hint)
    host = urlsplit(device_url).hostname or ""
    host = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{host}:{port}" if port else host))


@dataclass(frozen=True, slots=True)
class _Media:
    """A media service, and what it offers."""

    device: Device
    address: str
    version: str  # MEDIA1 or MEDIA2
    profiles: tuple[Profile, ...]

    async def stream(self, profile: Profile) -> Stream:
        answer = await self.device.ask(_STREAM[self.version].format(escape(profile.token)), at=self.address)
        return Stream(profile, stream_address(answer.findtext(".//{*}Uri") or "", self.device.url))


def _device(config: SourceConfig, credentials: Credentials | None, clock: Clock) -> Device:
    parts = urlsplit(config.url)
    url = config.url if parts.path.strip("/") else urlunsplit(parts._replace(path=DEVICE_PATH))
    return Device(url, credentials, config.open_timeout_s, clock)


async def _media(device: Device) -> _Media:
    """Media2 where it is offered and works, else Media1, which has no word for H.265."""
    device.ahead_s = await _clock_ahead_s(device)
    services = await _services(device)
    hint = "switch a stream to H.264 or H.265 in the camera's settings"
    fault = SourceRefused(f"{device.url}: offers no stream of H.264 or H.265", code="no-video", hint=hint)
    for version in (MEDIA2, MEDIA1):
        if version not in services:
            continue
        try:
            answer = await device.ask(_PROFILES[version], at=services[version])
        except SourceRefused as error:
            if error.code != "fault":
                raise
            fault = error
            continue
        if profiles := tuple(_profiles(answer)):
            return _Media(device, services[version], version, profiles)
    raise fault


async def _clock_ahead_s(device: Device) -> float:
    """The camera's clock minus ours; 0 where it does not say. Everybody may ask for it, says the standard; some
    cameras know better."""
    question = f'<GetSystemDateAndTime xmlns="{DEVICE}"/>'
    try:
        answer = await _unless_fault(device, question, signed=False)
    except SourceRefused as error:
        if error.code != "credentials":
            raise
        answer = await _unless_fault(device, question)
    if answer is None:
        return 0.0
    words = ("Date/{*}Year", "Date/{*}Month", "Date/{*}Day", "Time/{*}Hour", "Time/{*}Minute", "Time/{*}Second")
    try:
        year, *rest = (int(answer.findtext(f".//{{*}}UTCDateTime/{{*}}{word}") or "") for word in words)
        month, day, hour, minute, second = rest
        at = datetime(year if 1970 <= year < 2200 else 0, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return 0.0
    return (at - device.utc()).total_seconds()


async def _unless_fault(device: Device, question: str, *, signed: bool = True) -> Element | None:
    """The answer, or None where the camera knows no such question."""
    try:
        return await device.ask(question, signed=signed)
    except SourceRefused as error:
        if error.code != "fault":
            raise
        return None


async def _services(device: Device) -> dict[str, str]:
    """Addresses of the media services, by namespace."""
    question = f'<GetServices xmlns="{DEVICE}"><IncludeCapability>false</IncludeCapability></GetServices>'
    answer = await _unless_fault(device, question)
    if answer is not None:
        entries = [(each.findtext("{*}Namespace"), each.findtext("{*}XAddr")) for each in answer.iterfind("{*}Service")]
    else:  # a camera from before version 2 of the standard
        answer = await device.ask(f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>')
        entries = [(MEDIA1, answer.findtext(".//{*}Media/{*}XAddr"))]
    return {name: _service_address(address, device.url) for name, address in entries if name and address}


def _service_address(answer: str, device_url: str) -> str:
    """Its path, at the host and the port where the device was found."""
    try:
        parts = urlsplit(answer.strip())
    except ValueError:
        return device_url
    return urlunsplit(urlsplit(device_url)._replace(path=parts.path, query=parts.query))


def _profiles(answer: Element) -> list[Profile]:
    """Those with H.264 or H.265; Media1 and Media2 say the same in other places. One without a sensor is none that
    streams, unless the camera never names them."""
    found = []
    for entry in answer.iterfind("{*}Profiles"):
        encoder = entry.find("{*}VideoEncoderConfiguration")
        if encoder is None:
            encoder = entry.find("{*}Configurations/{*}VideoEncoder")
        if encoder is None:
            continue
        sensor = entry.findtext("{*}VideoSourceConfiguration/{*}SourceToken")
        sensor = sensor or entry.findtext("{*}Configurations/{*}VideoSource/{*}SourceToken")
        token, codec = entry.get("token", ""), (encoder.findtext("{*}Encoding") or "").upper()
        sides = [encoder.findtext(f"{{*}}Resolution/{{*}}{side}") or "" for side in ("Width", "Height")]
        if token and codec in ("H264", "H265") and all(re.fullmatch(r"[1-9][0-9]{0,4}", side) for side in sides):
            name = shown(entry.findtext("{*}Name") or token)
            found.append(Profile(token, name, codec, int(sides[0]), int(sides[1]), shown(sensor or "")))
    return [profile for profile in found if profile.sensor] or found
