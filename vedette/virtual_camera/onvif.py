"""A small ONVIF device: SOAP text in, SOAP text out. Pure: the device's clock is an argument.

Knows what a client asks on its way to a stream (ONVIF Core, Media and Media2): GetSystemDateAndTime, open to all as
the standard wants; GetDeviceInformation, GetCapabilities, GetServices; GetProfiles and GetStreamUri of both media
services. Where the camera has a password, everything else needs a WS-Security UsernameToken (digest) whose `Created`
lies within WINDOW_S of the device's own clock, and whose nonce is new.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from vedette.virtual_camera.auth import Auth

WINDOW_S = 5.0
MAX_BODY = 64 << 10
MAX_NONCES = 1000

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA1 = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
_SERVICES = {DEVICE: ("device_service", 2, 60), MEDIA1: ("media_service", 2, 60), MEDIA2: ("media2_service", 2, 60)}
_PREFIXES = (
    f'xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA1}" xmlns:tr2="{MEDIA2}" xmlns:tt="http://www.onvif.org/ver10/schema"'
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One mount as a media profile."""

    name: str
    camera: str  # token of the video source that it shows
    url: str  # rtsp://, without credentials
    codec: str  # h264 or h265
    width: int  # pixels
    height: int


class Fault(Exception):
    """A SOAP fault: `status` of HTTP, `code` one of ter:NotAuthorized, ter:InvalidArgVal, ter:ActionNotSupported."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code


class Device:
    """`base` is the device's own http:// address; `now` its clock, UTC seconds."""

    def __init__(self, base: str, profiles: Mapping[str, Profile], auth: Auth, now: Callable[[], float]) -> None:
        self._base = base
        self._profiles = profiles
        self._auth = auth
        self._now = now
        self._nonces: OrderedDict[bytes, None] = OrderedDict()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body for a request."""
        try:
            inner = self._answer(body)
            return 200, _envelope(inner)
        except Fault as fault:
            return fault.status, _envelope(
                f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{fault.code}</s:Value></s:Subcode>"
                f'</s:Code><s:Reason><s:Text xml:lang="en">{escape(str(fault))}</s:Text></s:Reason></s:Fault>'
            )

    def _answer(self, body: bytes) -> str:
        if len(body) > MAX_BODY or b"<!DOCTYPE" in body:
            raise Fault(400, "ter:InvalidArgVal", "too large, or with a document type")
        try:
            envelope = ElementTree.fromstring(body)  # noqa: S314  (no document type, so no entities)
        except ElementTree.ParseError as error:
            raise Fault(400, "ter:InvalidArgVal", f"no XML: {error}") from None
        request = envelope.find(f"{{{_SOAP}}}Body/*")
        if request is None:
            raise Fault(400, "ter:InvalidArgVal", "no SOAP body")
        namespace, _, action = request.tag.lstrip("{").partition("}")
        if (namespace, action) == (DEVICE, "GetSystemDateAndTime"):
            return self._date_and_time()
        self._authorize(envelope)
        match namespace, action:
            case "http://www.onvif.org/ver10/device/wsdl", "GetDeviceInformation":
                return _response(
                    "tds",
                    action,
                    "<tds:Manufacturer>Vedette</tds:Manufacturer><tds:Model>virtual camera</tds:Model>"
                    "<tds:FirmwareVersion>1</tds:FirmwareVersion><tds:SerialNumber>0</tds:SerialNumber>"
                    "<tds:HardwareId>virtual</tds:HardwareId>",
                )
            case "http://www.onvif.org/ver10/device/wsdl", "GetServices":
                return _response("tds", action, "".join(self._service(name) for name in _SERVICES))
            case "http://www.onvif.org/ver10/device/wsdl", "GetCapabilities":
                return _response("tds", action, self._capabilities())
            case (media, "GetProfiles") if media in (MEDIA1, MEDIA2):
                make = _profile1 if media == MEDIA1 else _profile2
                return _response(_prefix(media), action, "".join(map(make, self._profiles.values())))
            case (media, "GetStreamUri") if media in (MEDIA1, MEDIA2):
                return _response(_prefix(media), action, self._stream_uri(media, request))
        raise Fault(400, "ter:ActionNotSupported", f"this device does not know {action}")

    def _authorize(self, envelope: ElementTree.Element) -> None:
        if self._auth.scheme == "none":
            return
        token = envelope.find(f".//{{{_WSSE}}}UsernameToken")
        if token is None:
            raise Fault(400, "ter:NotAuthorized", "a UsernameToken is needed")
        user, digest = token.findtext(f"{{{_WSSE}}}Username", ""), token.findtext(f"{{{_WSSE}}}Password", "")
        created = token.findtext(f"{{{_WSU}}}Created", "")
        try:
            nonce = base64.b64decode(token.findtext(f"{{{_WSSE}}}Nonce", ""), validate=True)
            moment = datetime.fromisoformat(created)
        except (binascii.Error, ValueError):
            raise Fault(400, "ter:NotAuthorized", "nonce or created cannot be read") from None
        at = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
        made = hashlib.sha1(nonce + created.encode() + self._auth.password.encode()).digest()  # noqa: S324  (the standard's)
        right = user == self._auth.user and hmac.compare_digest(base64.b64encode(made), digest.encode())
        if not nonce or not right or abs(at - self._now()) > WINDOW_S or nonce in self._nonces:
            raise Fault(400, "ter:NotAuthorized", "wrong name or password, a clock too far off, or a nonce used before")
        self._nonces[nonce] = None
        if len(self._nonces) > MAX_NONCES:
            self._nonces.popitem(last=False)

    def _date_and_time(self) -> str:
        now = datetime.fromtimestamp(self._now(), UTC)
        return _response(
            "tds",
            "GetSystemDateAndTime",
            "<tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
            "<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
            f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
            "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>",
        )

    def _service(self, namespace: str) -> str:
        path, major, minor = _SERVICES[namespace]
        return (
            f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{self._address(path)}</tds:XAddr>"
            f"<tds:Version><tt:Major>{major}</tt:Major><tt:Minor>{minor}</tt:Minor></tds:Version></tds:Service>"
        )

    def _capabilities(self) -> str:
        device, media = self._address("device_service"), self._address("media_service")
        return (
            f"<tds:Capabilities><tt:Device><tt:XAddr>{device}</tt:XAddr></tt:Device>"
            f"<tt:Media><tt:XAddr>{media}</tt:XAddr><tt:StreamingCapabilities/></tt:Media></tds:Capabilities>"
        )

    def _address(self, path: str) -> str:
        return escape(f"{self._base}/onvif/{path}")

    def _stream_uri(self, media: str, request: ElementTree.Element) -> str:
        profile = self._profiles.get(request.findtext(f"{{{media}}}ProfileToken", ""))
        if profile is None:
            raise Fault(400, "ter:InvalidArgVal", "there is no such profile")
        uri = escape(profile.url)
        if media == MEDIA2:
            return f"<tr2:Uri>{uri}</tr2:Uri>"
        return (
            f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
            "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
        )


def _profile1(profile: Profile) -> str:
    """Media1 has no word for H.265: such a profile comes without its encoder, as real cameras do it."""
    token = quoteattr(profile.name)
    encoder = "" if profile.codec != "h264" else (
        f"<tt:VideoEncoderConfiguration token={token}><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>"
        f"<tt:Encoding>H264</tt:Encoding>{_resolution(profile)}<tt:Quality>5</tt:Quality>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type></tt:Address><tt:Port>0</tt:Port><tt:TTL>0</tt:TTL>"
        "<tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:VideoEncoderConfiguration>"
    )  # fmt: skip
    return (
        f'<trt:Profiles token={token} fixed="true"><tt:Name>{escape(profile.name)}</tt:Name>'
        f"<tt:VideoSourceConfiguration token={quoteattr(profile.camera)}>{_video_source(profile)}"
        f"</tt:VideoSourceConfiguration>{encoder}</trt:Profiles>"
    )


def _profile2(profile: Profile) -> str:
    token = quoteattr(profile.name)
    return (
        f'<tr2:Profiles token={token} fixed="true"><tr2:Name>{escape(profile.name)}</tr2:Name><tr2:Configurations>'
        f"<tr2:VideoSource token={quoteattr(profile.camera)}>{_video_source(profile)}</tr2:VideoSource>"
        f"<tr2:VideoEncoder token={token}><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>"
        f"<tt:Encoding>{profile.codec.upper()}</tt:Encoding>{_resolution(profile)}<tt:Quality>5</tt:Quality>"
        "</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
    )


def _video_source(profile: Profile) -> str:
    return (
        f"<tt:Name>camera</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>{escape(profile.camera)}</tt:SourceToken>"
        f'<tt:Bounds x="0" y="0" width="{profile.width}" height="{profile.height}"/>'
    )


def _resolution(profile: Profile) -> str:
    return f"<tt:Resolution><tt:Width>{profile.width}</tt:Width><tt:Height>{profile.height}</tt:Height></tt:Resolution>"


def _prefix(namespace: str) -> str:
    return {MEDIA1: "trt", MEDIA2: "tr2"}[namespace]


def _response(prefix: str, action: str, inner: str) -> str:
    return f"<{prefix}:{action}Response>{inner}</{prefix}:{action}Response>"


def _envelope(inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}" '
        f'xmlns:ter="http://www.onvif.org/ver10/error" {_PREFIXES}><s:Body>{inner}</s:Body></s:Envelope>'
    ).encode()
