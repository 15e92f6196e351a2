import base64

from vedette.virtual_camera import load_clip, sdp


def attribute(text: str, name: str) -> str:
    return next(line for line in text.split("\r\n") if line.startswith(f"a={name}:")).partition(" ")[2]


def test_h264(clips):
    clip = load_clip(clips["h264"])
    text = sdp.describe(clip, "gate", "10.0.0.9").decode()
    assert "o=- 1 1 IN IP4 10.0.0.9\r\n" in text
    assert attribute(text, "rtpmap") == "H264/90000"
    values = dict(part.partition("=")[::2] for part in attribute(text, "fmtp").split(";"))
    sps, pps = (base64.b64decode(part) for part in values["sprop-parameter-sets"].split(","))
    assert (sps, pps) == clip.parameter_sets
    assert values["profile-level-id"] == sps[1:4].hex()
    assert values["packetization-mode"] == "1"


def test_h265(h265_clip):
    clip = load_clip(h265_clip)
    text = sdp.describe(clip, "gate", "::1").decode()
    assert "c=IN IP6 ::\r\n" in text
    assert attribute(text, "rtpmap") == "H265/90000"
    values = dict(part.partition("=")[::2] for part in attribute(text, "fmtp").split(";"))
    sets = tuple(base64.b64decode(values[f"sprop-{name}"]) for name in ("vps", "sps", "pps"))
    assert sets == clip.parameter_sets
