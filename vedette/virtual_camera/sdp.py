"""The session description (RFC 4566) a DESCRIBE gets. Pure."""

from __future__ import annotations

from base64 import b64encode

from vedette.virtual_camera.clip import Clip, nal_type
from vedette.virtual_camera.rtp import PAYLOAD_TYPE

TRACK = "trackID=0"
_SPROP_H265 = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}


def describe(clip: Clip, name: str, host: str) -> bytes:
    """One video track; `host` is the address the client came to."""
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- 1 1 IN {family} {host}",
        f"s={name}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104 - "any", as unicast says it
        f"a=rtpmap:{PAYLOAD_TYPE} {clip.codec.upper()}/90000",
        f"a=fmtp:{PAYLOAD_TYPE} {_format(clip)}",
        f"a=framerate:{clip.rate:.3f}",
        f"a=control:{TRACK}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _format(clip: Clip) -> str:
    if clip.codec == "h264":
        sets = ",".join(b64encode(n).decode() for n in clip.parameter_sets)
        profile = next((n[1:4].hex() for n in clip.parameter_sets if nal_type("h264", n) == 7), "42e01f")
        return f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}"
    kinds: dict[int, list[str]] = {}
    for nal in clip.parameter_sets:
        kinds.setdefault(nal_type("h265", nal), []).append(b64encode(nal).decode())
    return ";".join(f"{_SPROP_H265[kind]}={','.join(sets)}" for kind, sets in kinds.items())
