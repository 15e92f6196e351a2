"""Real packets, decoded as they come, or left to wait."""

from __future__ import annotations

import threading
from contextlib import closing, suppress

import numpy as np
import pytest

from edge.errors import SourceEnded
from edge.sources.base import Packet
from edge.sources.decoder import KEEP_S, Decoder
from edge.sources.file import FileSource
from tests.clips import make_clip, picture

FPS, GOP_S, SIZE = 25, 2.0, (320, 240)
CODINGS = {
    "h264": {},
    "h264 out of order": {"b_frames": 2},
    "h265": {"codec": "h265"},
    "h265 out of order": {"codec": "h265", "b_frames": 2},
}


@pytest.fixture(scope="module", params=CODINGS.values(), ids=CODINGS)
def clip(request, tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=9, gop_s=GOP_S, size=SIZE, **request.param)


@pytest.fixture
def packets(clip):
    with closing(FileSource(clip)) as source:
        found = []
        with suppress(SourceEnded):
            found.extend(source.packets())
        yield found


def shows(found) -> bool:
    """Whether the picture is that of its time."""
    image = found.image()[:, :, ::-1].astype(np.int16)
    return bool(np.abs(image - picture(round(found.at * FPS), SIZE, FPS)).mean() < 6)


def test_every_packet_decoded_gives_every_picture_in_order(packets):
    decoder = Decoder()
    found = [each for packet in packets for each in decoder.decode(packet)]
    found += decoder.end()
    assert [each.at for each in found] == pytest.approx([n / FPS for n in range(9 * FPS)])
    assert all(map(shows, found))


def test_key_frames_alone_give_their_picture_at_once(packets):
    decoder = Decoder()
    found = []
    for packet in packets:
        if packet.at < 1:
            list(decoder.decode(packet))
            continue
        given = list(decoder.decode(packet) if packet.key else decoder.keep(packet))
        found += given
        assert [each.at for each in given] == ([pytest.approx(packet.at)] if packet.key else [])
    assert [each.at for each in found] == pytest.approx([2, 4, 6, 8])
    assert all(each.fresh and shows(each) for each in found)
    assert decoder.broken == 0


@pytest.mark.parametrize("late_s", [0.04, 0.6, 1.9])
def test_on_waking_what_waited_is_decoded_with_its_own_times_and_nothing_twice(packets, late_s):
    decoder = Decoder()
    found = []
    for n, packet in enumerate(packets):
        asleep = 1 < n / FPS < 4 + late_s
        found += decoder.keep(packet) if asleep and not packet.key else decoder.decode(packet)
    found += decoder.end()
    times = [each.at for each in found if each.at > 1.5]
    assert times[:2] == pytest.approx([2, 4])
    assert times[1:] == pytest.approx([n / FPS for n in range(4 * FPS, 9 * FPS)])
    assert all(map(shows, found))
    assert decoder.broken == 0


@pytest.mark.parametrize("late_s", [0.04, 0.6, 1.9])
def test_a_key_frame_that_waits_makes_what_waited_before_it_worthless(packets, late_s):
    decoder = Decoder()
    found = []
    for n, packet in enumerate(packets):
        asleep = 1 < n / FPS < 6 + late_s
        found += decoder.keep(packet) if asleep and not (packet.key and packet.at < 3) else decoder.decode(packet)
    found += decoder.end()
    times = [each.at for each in found if each.at > 1.5]
    assert times == pytest.approx([2, *(n / FPS for n in range(6 * FPS, 9 * FPS))])
    assert all(map(shows, found))
    assert decoder.broken == 0


def test_on_waking_memory_is_taken_for_a_few_pictures_not_for_all_that_waited(packets):
    """A decoder keeps what it ever had at the same time: of a second of 1080p, 75 MB."""
    decoder = Decoder()
    places, pictures = set(), 0
    for n, packet in enumerate(packets):
        asleep = 4 * FPS < n < 6 * FPS - 1
        for each in decoder.keep(packet) if asleep else decoder.decode(packet):
            if n >= 4 * FPS:
                places.add(each.raw.planes[0].buffer_ptr)
                pictures += 1
            del each
    assert pictures > 2 * FPS
    assert len(places) < 12


def test_what_waits_is_bounded(tmp_path):
    """A camera that sends a key frame a minute: what comes after it could not be decoded without what waits."""
    clip = make_clip(tmp_path / "clip.mp4", seconds=12, gop_s=60, size=SIZE)
    decoder = Decoder()
    found = []
    with closing(FileSource(clip)) as source, suppress(SourceEnded):
        for packet in source.packets():
            found += decoder.decode(packet) if packet.key else decoder.keep(packet)
            assert packet.at - (found[-1].at if found else 0) <= KEEP_S + 0.1
    found += decoder.end()
    assert [each.at for each in found] == pytest.approx([n / FPS for n in range(12 * FPS)])
    assert all(map(shows, found))


def test_a_broken_packet_is_counted_and_the_next_key_frame_shows_again(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=4, gop_s=1, size=SIZE)
    decoder = Decoder()
    times = []
    with closing(FileSource(clip)) as source, suppress(SourceEnded):
        for packet in source.packets():
            raw = packet.raw
            if 1.1 < packet.at < 1.5:
                raw.update(np.random.default_rng(1).bytes(raw.size))
            times += [each.at for each in decoder.decode(Packet(packet.at, raw)) if packet.at >= 2]
    assert decoder.broken > 0
    assert times == pytest.approx([n / FPS for n in range(2 * FPS, 4 * FPS)])


def test_nothing_waits_for_a_thread(packets):
    before = threading.active_count()
    decoder = Decoder()
    for packet in packets[:5]:
        decoder.decode(packet)
    assert threading.active_count() == before
