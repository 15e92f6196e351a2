"""What a device offers over ONVIF: its cameras, their streams, its clock. Media2 and Media1 say it in different words.

Nothing that it answers is trusted: of an address only path, query and port are used, the host is always that of the
camera's file (devices name addresses that they had before, or behind a router); names are made fit to be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from edge.errors import SourceRefused
from edge.sources.soap import Device, shown

LONGEST_TOKEN = 64  # letters, by the standard
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
    """A stream of H.264 or H.265 that a device offers."""

    token: str  # as the device knows it
    name: str
    codec: str  # H264 or H265
    width: int  # pixels
    height: int
    camera: str = ""  # the token of the video source that it shows; "" where the device names none

    def __str__(self) -> str:
        return f"{self.name}, {self.width}x{self.height}, {self.codec}"


@dataclass(frozen=True, slots=True)
class Offer:
    profiles: tuple[Profile, ...]  # in the device's order, not empty
    clock_ahead_s: float | None  # of ours; None where it does not say
    version: str  # of the media service that told: MEDIA1 or MEDIA2
    address: str  # of that service


async def ask(device: Device) -> Offer:
    """Media2 where it is offered and works, else Media1, which has no word for H.265.

    Raises SourceRefused, SourceTimeout, SourceError.
    """
    ahead_s = await _clock_ahead_s(device)
    device.ahead_s = ahead_s or 0.0
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
            return Offer(profiles, ahead_s, version, services[version])
    raise fault


async def ask_address(device: Device, offer: Offer, profile: Profile) -> str:
    """Where a stream is: rtsp:// or rtsps://, may hold a password in its query. Raises as `ask` does."""
    device.ahead_s = offer.clock_ahead_s or 0.0
    answer = await device.ask(_STREAM[offer.version].format(escape(profile.token)), at=offer.address)
    return stream_address(answer.findtext(".//{*}Uri") or "", device.url)


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
    host = _host(device_url)
    return urlunsplit(parts._replace(netloc=f"{host}:{port}" if port else host))


def service_address(answer: str, own: str, device_url: str) -> str:
    """Path and query of `answer` at the host of `device_url`.

    Its port only where it is another than that of `own`, the device's address in its own words: behind a forwarded
    port it names both alike, and neither can be reached.
    """
    ours = urlsplit(device_url)
    try:
        parts = urlsplit(answer.strip())
    except ValueError:
        return device_url
    port = _port(answer)
    elsewhere = port and port != _port(own) and parts.scheme == ours.scheme
    netloc = f"{_host(device_url)}:{port}" if elsewhere else ours.netloc
    return urlunsplit(ours._replace(netloc=netloc, path=parts.path, query=parts.query))


def _host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def _port(url: str) -> int:
    """1 to 65535; 0 where there is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return 0
    return {"http": 80, "https": 443}.get(parts.scheme, 0) if port is None else port


async def _clock_ahead_s(device: Device) -> float | None:
    """The device's clock minus ours, seconds; None where it does not say. Everybody may ask for it, says the standard;
    some cameras know better."""
    question = f'<GetSystemDateAndTime xmlns="{DEVICE}"/>'
    try:
        answer = await _unless_fault(device, question, signed=False)
    except SourceRefused as error:
        if error.code != "credentials":
            raise
        answer = await _unless_fault(device, question)
    if answer is None:
        return None
    words = ("Date/{*}Year", "Date/{*}Month", "Date/{*}Day", "Time/{*}Hour", "Time/{*}Minute", "Time/{*}Second")
    try:
        year, *rest = (int(answer.findtext(f".//{{*}}UTCDateTime/{{*}}{word}") or "") for word in words)
        month, day, hour, minute, second = rest
        at = datetime(year if 1970 <= year < 2200 else 0, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return round((at - device.utc()).total_seconds(), 1)  # it tells whole seconds


async def _unless_fault(device: Device, question: str, *, signed: bool = True) -> Element | None:
    """The answer, or None where the camera knows no such question."""
    try:
        return await device.ask(question, signed=signed)
    except SourceRefused as error:
        if error.code != "fault":
            raise
        return None


async def _services(device: Device) -> dict[str, str]:
    """Addresses of the device's services, by namespace."""
    question = f'<GetServices xmlns="{DEVICE}"><IncludeCapability>false</IncludeCapability></GetServices>'
    answer = await _unless_fault(device, question)
    if answer is not None:
        entries = {each.findtext("{*}Namespace"): each.findtext("{*}XAddr") for each in answer.iterfind("{*}Service")}
    else:  # a camera from before version 2 of the standard
        answer = await device.ask(f'<GetCapabilities xmlns="{DEVICE}"><Category>All</Category></GetCapabilities>')
        known = {DEVICE: "Device", MEDIA1: "Media"}
        entries = {name: answer.findtext(f"{{*}}Capabilities/{{*}}{word}/{{*}}XAddr") for name, word in known.items()}
    own = entries.get(DEVICE) or device.url
    return {name: service_address(address, own, device.url) for name, address in entries.items() if name and address}


def _token(text: str) -> str:
    """As it is, for it is compared and copied; nothing where no eye could."""
    return text if text.isprintable() and len(text) <= LONGEST_TOKEN else ""


def _profiles(answer: Element) -> list[Profile]:
    """Those with H.264 or H.265; Media1 and Media2 say the same in other places. One without a video source is
    none that streams, unless the device never names them."""
    found = []
    for entry in answer.iterfind("{*}Profiles"):
        encoder = entry.find("{*}VideoEncoderConfiguration")
        if encoder is None:
            encoder = entry.find("{*}Configurations/{*}VideoEncoder")
        if encoder is None:
            continue
        camera = entry.findtext("{*}VideoSourceConfiguration/{*}SourceToken")
        camera = camera or entry.findtext("{*}Configurations/{*}VideoSource/{*}SourceToken")
        token, codec = entry.get("token", ""), (encoder.findtext("{*}Encoding") or "").upper()
        sides = [encoder.findtext(f"{{*}}Resolution/{{*}}{side}") or "" for side in ("Width", "Height")]
        if token and codec in ("H264", "H265") and all(re.fullmatch(r"[1-9][0-9]{0,4}", side) for side in sides):
            name = shown(entry.findtext("{*}Name") or token)
            found.append(Profile(token, name, codec, int(sides[0]), int(sides[1]), _token(camera or "")))
    return [profile for profile in found if profile.camera] or found
