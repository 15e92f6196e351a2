"""Packets a second, pictures a second while what no other needs is skipped, and whether it is."""

from __future__ import annotations

from contextlib import closing, suppress

import pytest

from edge.errors import SourceEnded
from edge.sources.decoder import Decoder
from edge.sources.file import FileSource
from edge.sources.spare import Spare
from tests.clips import make_clip


@pytest.mark.parametrize(
    ("packets", "needed", "skips"),
    [
        pytest.param(25, 12, [False, True, True, True], id="enough remain"),
        pytest.param(25, 10, [False, True, True, True], id="just enough remain"),
        pytest.param(25, 8, [False, True, False, False], id="too few remain: tried once"),
        pytest.param(25, 25, [False, True, True, True], id="none can be skipped"),
        pytest.param(19, 19, [False, False, False, False], id="too few come"),
    ],
)
def test_what_is_skipped_from_key_frame_to_key_frame(packets, needed, skips):
    spare = Spare(enough=10)
    found = []
    for second in range(4):
        spare.key(float(second))
        found.append(spare.skip)
        for n in range(packets):
            spare.took(int(not spare.skip or n < needed))
    assert found == skips


def test_after_a_pause_nothing_is_judged_by_what_was_not_decoded():
    spare = Spare(enough=10)
    for second in (0.0, 1.0, 2.0):
        spare.key(second)
        for _ in range(25):
            spare.took(1)
    assert spare.skip
    spare.pause()
    spare.key(60.0)
    assert spare.skip


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(
    ("b_frames", "share"), [(0, 1.0), (1, 0.5), (2, 1.0)], ids=["none spare", "half spare", "too much spare"]
)
def test_real_streams(tmp_path, codec, b_frames, share):
    """25 pictures a second; two B-frames of three leave 8."""
    options = {
        "x265-params": f"log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes={b_frames}:b-adapt=0:b-pyramid=0"
    }
    clip = make_clip(
        tmp_path / "clip.mp4",
        seconds=8,
        codec=codec,
        b_frames=b_frames,
        options=options if codec == "h265" else {"x264-params": "b-pyramid=none"},
    )
    decoder = Decoder(enough=10)
    times = []
    with closing(FileSource(clip)) as source, suppress(SourceEnded):
        for packet in source.packets():
            times += [picture.at for picture in decoder.decode(packet)]
    assert len([at for at in times if 4 <= at < 7]) / 75 == pytest.approx(share, abs=0.05)
    assert times == sorted(times)
    assert decoder.broken == 0
