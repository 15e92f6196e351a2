from itertools import pairwise

import av
import pytest

from tests.clips import make_clip


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc")])
def test_pyav_reads_debians_gstreamer_server(gst_camera, tmp_path, transport, codec, name):
    url = gst_camera(make_clip(tmp_path / "clip.mp4", seconds=1, codec=codec), "desk", "p@ss: word")
    options = {"rtsp_transport": transport, "fpsprobesize": "0"}
    with av.open(url, options=options, timeout=(5, 3)) as container:
        times = []
        for packet in container.demux(video=0):
            if packet.pts is not None:  # FFmpeg gives the first picture no time
                times.append(packet.pts)
            if len(times) == 35:  # more than the clip has: over the loop
                break
        assert container.streams.video[0].codec_context.name == name
    assert all(late > early for early, late in pairwise(times))
