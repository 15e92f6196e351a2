from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.virtual_camera import ClipError, load_clip
from vedette.virtual_camera.clip import (
    TICKS,
    Timeline,
    is_parameter_set,
    read_extradata,
    split_annexb,
    split_length_prefixed,
)


def test_a_clip_has_the_files_pictures_and_times(clips):
    clip = load_clip(clips["h264"])
    assert (clip.codec, clip.width, clip.height, len(clip.units)) == ("h264", 320, 240, 30)
    assert [unit.captured for unit in clip.units] == [i * TICKS // 50 for i in range(30)]
    assert [unit.send for unit in clip.units] == [unit.captured for unit in clip.units]
    assert [i for i, unit in enumerate(clip.units) if unit.key] == [0, 10, 20]
    assert clip.seconds == pytest.approx(0.6)
    assert clip.rate == pytest.approx(50)


def test_key_frames_bring_their_parameter_sets_and_others_do_not(clips, h265_clip):
    for path in (clips["h264"], h265_clip):
        clip = load_clip(path)
        for unit in clip.units:
            count = sum(is_parameter_set(clip.codec, nal) for nal in unit.nals)
            assert count == (len(clip.parameter_sets) if unit.key else 0)


def test_with_b_frames_nothing_is_sent_before_it_is_captured(clips):
    units = load_clip(clips["bframes"]).units
    assert [unit.captured for unit in units] != sorted(unit.captured for unit in units)
    assert [unit.send for unit in units] == sorted({unit.send for unit in units})
    assert all(unit.send >= unit.captured for unit in units)


@pytest.mark.parametrize("name", ["h264", "bframes"])
def test_times_rise_evenly_over_the_loop(clips, name):
    clip = load_clip(clips[name])
    timeline = Timeline(clip)
    dues = [timeline.next() for _ in range(3 * len(clip.units))]
    step = TICKS // 50
    assert [due.send for due in dues] == [i * step for i in range(90)]
    captured = sorted(due.captured for due in dues)
    assert captured == [captured[0] + i * step for i in range(90)]


@pytest.mark.parametrize(("offset", "index"), [(0, 0), (0.19, 0), (0.2, 10), (0.59, 20), (0.6, 0), (0.85, 10)])
def test_an_offset_begins_at_the_key_frame_before_it(clips, offset, index):
    clip = load_clip(clips["h264"])
    first = Timeline(clip, offset).next()
    assert first.unit is clip.units[index]
    assert first.send == 0


def test_a_switch_goes_on_in_time_with_the_other_clips_first_picture(clips):
    small, big = load_clip(clips["h264"]), load_clip(clips["big"])
    timeline = Timeline(small)
    before = [timeline.next() for _ in range(7)]
    timeline.switch(big)
    after = timeline.next()
    assert after.unit is big.units[0]
    assert after.send - before[-1].send == TICKS // 50


def test_other_containers_are_read_too(clips, tmp_path):
    """MPEG-TS has start codes in place of lengths, and parameter sets only in band."""
    with av.open(str(clips["h264"])) as source, av.open(str(tmp_path / "clip.ts"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    ours, theirs = load_clip(tmp_path / "clip.ts"), load_clip(clips["h264"])
    assert ours.parameter_sets == theirs.parameter_sets
    slices = [[n for n in unit.nals if n[0] & 31 in (1, 5)] for unit in ours.units]
    assert slices == [[n for n in unit.nals if n[0] & 31 in (1, 5)] for unit in theirs.units]


def _no_video(path):
    with av.open(str(path), "w", format="wav") as out:
        out.add_stream("pcm_s16le", rate=8000)
        out.start_encoding()


def _other_codec(path):
    with av.open(str(path), "w", format="avi") as out:
        stream = out.add_stream("mjpeg", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        out.mux(stream.encode(av.VideoFrame(64, 64, "yuvj420p")))
        out.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "cannot be read", id="missing"),
        pytest.param(lambda path: path.write_bytes(b"no film" * 99), "cannot be read", id="not a video"),
        pytest.param(lambda path: path.mkdir(), "cannot be read", id="folder"),
        pytest.param(_no_video, "no video", id="sound only"),
        pytest.param(_other_codec, "the codec is mjpeg", id="another codec"),
    ],
)
def test_a_file_that_cannot_be_sent_says_why(tmp_path, make, message):
    path = tmp_path / "clip"
    make(path)
    with pytest.raises(ClipError, match=message) as caught:
        load_clip(path)
    assert str(path) in str(caught.value)


def test_a_truncated_file_is_refused_or_sent_as_far_as_it_goes(clips, tmp_path):
    whole = clips["h264"].read_bytes()
    for cut in range(0, len(whole), len(whole) // 40):
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[:cut])
        with suppress(ClipError):
            assert len(load_clip(path).units) <= 30


@given(st.binary(max_size=200))
def test_length_prefixes_that_do_not_add_up_are_an_error_never_a_crash(data):
    try:
        nals = split_length_prefixed(data, 2)
    except ClipError:
        return
    assert all(nals)
    assert sum(len(nal) + 2 for nal in nals) <= len(data)


@given(st.sampled_from(["h264", "h265"]), st.binary(max_size=200))
def test_codec_headers_are_an_error_never_a_crash(codec, data):
    try:
        size, sets = read_extradata(codec, data)
    except ClipError:
        return
    assert 0 <= size <= 4
    assert all(sets)


def test_start_codes_of_both_lengths():
    assert split_annexb(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65d\0e\0\0") == (b"\x67ab", b"\x68c", b"\x65d\0e")
