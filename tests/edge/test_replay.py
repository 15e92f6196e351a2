from __future__ import annotations

import av
import numpy as np
import pytest

from contract import parse
from edge.errors import SourceError
from edge.replay import ReplayStats, replay
from edge.sources.base import Packet
from edge.sources.file import FileSource
from tests.clips import make_clip
from tests.edge.detectors import FakeDetector, bright

SIZE, FPS = (320, 240), 25
CAMERA = parse.camera(
    """
id: round
tier: 1
pilot: school
site: s1
purpose: a square that goes round once in four seconds
source: {url: "rtsp://192.0.2.1/"}
lines: {middle: [[0.5, 0.5], [1, 0.5]]}
zones: {lower: [[0, 0.6], [1, 0.6], [1, 1], [0, 1]]}
rules:
  over: {kind: line_crossing, line: middle, anchor: centre}
  below: {kind: intrusion, zone: lower, anchor: centre}
"""
)


class SquareDetector(FakeDetector):
    """Finds the bright square of a made clip."""

    model_id = "square"

    def boxes(self, image):
        return bright(image, 180, channel=2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("replay") / "round.mp4", seconds=9, fps=FPS, size=SIZE)


def run(clip, **more):
    stats = ReplayStats()
    found = list(replay(FileSource(clip), CAMERA, SquareDetector(), start_ms=1_000_000, stats=stats, **more))
    return found, stats


def test_the_clip_s_own_time_is_the_clock(clip):
    found, _ = run(clip)
    crossings = [clip_s for clip_s, record in found if record.rule == "over"]
    # The made square passes its rightmost place at 0, 4 and 8 s; the line is crossed there on the way down.
    assert crossings == pytest.approx([4.1, 8.1], abs=0.3)
    assert all(record.opened_at == 1_000_000 + round(clip_s * 1000) for clip_s, record in found)


def test_records_are_whole_and_in_order(clip):
    found, _ = run(clip)
    records = [record for _, record in found]
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert {(r.camera_id, r.site, r.pilot, r.tier, r.model) for r in records} == {
        ("round", "s1", "school", 1, "square")
    }


def test_what_is_open_at_the_end_is_closed(clip):
    found, _ = run(clip)
    below = [record for _, record in found if record.rule == "below"]
    assert [record.state for record in below[:2]] == ["open", "closed"]
    assert len({record.event_id for record in below}) * 2 == len(below)


class Gappy(FileSource):
    """The clip with a minute missing."""

    def packets(self):
        for packet in super().packets():
            yield packet if packet.at < 4 else Packet(packet.at + 60, packet.raw)


def test_a_gap_in_the_clip_is_a_camera_that_was_offline(clip):
    found = list(replay(Gappy(clip), CAMERA, SquareDetector(), start_ms=0, stats=ReplayStats()))
    opened, closed = [record for _, record in found if record.rule == "view"]
    assert (opened.state, closed.state) == ("open", "closed")
    assert [opened.opened_at / 1000, closed.closed_at / 1000] == pytest.approx([4 + 15, 64], abs=0.1)
    assert closed.at / 1000 == pytest.approx(64 + 3, abs=0.1)
    assert sorted({record.kind for _, record in found}) == ["intrusion", "line_crossing", "offline"]


def test_a_clip_that_is_all_damaged_says_so(tmp_path):
    clip = bytearray(make_clip(tmp_path / "clip.mp4", seconds=4).read_bytes())
    begin = clip.find(b"mdat") + 4
    end = begin + round(0.9 * (len(clip) - begin))
    clip[begin:end] = np.random.default_rng(1).bytes(end - begin)
    (tmp_path / "clip.mp4").write_bytes(clip)
    with pytest.raises(SourceError, match=r"none of the clip's pictures can be decoded") as caught:
        run(tmp_path / "clip.mp4")
    assert caught.value.hint


def test_the_same_clip_gives_the_same_records(clip):
    assert run(clip)[0] == run(clip)[0]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Noise for 31 s, with a square that comes to the middle of it in the 22nd and stays; a key frame every 2 s."""
    path = tmp_path_factory.mktemp("replay") / "quiet.mp4"
    chance = np.random.default_rng(1)
    ground = np.kron(chance.integers(40, 120, (24, 32, 1), np.uint8), np.ones((10, 10, 3), np.uint8)).astype(np.int16)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": "50", "bf": "0", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for n in range(31 * FPS):
            image = ground.copy()
            if n >= 21 * FPS:
                left = min(20 + 4 * (n - 21 * FPS), 140)
                image[160:200, left : left + 40] = (40, 200, 240)
            image += chance.normal(0, 1.5, image.shape).astype(np.int16)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), format="bgr24")))
        out.mux(stream.encode(None))
    return path


class SquareIfAny(SquareDetector):
    def boxes(self, image):
        return super().boxes(image) if (image[:, :, 2] > 180).sum() > 100 else []


def test_a_scene_at_rest_sleeps_wakes_at_once_and_keeps_who_came_to_rest(quiet):
    moments = []
    stats = ReplayStats()
    records = [
        record
        for _, record in replay(
            FileSource(quiet), CAMERA, SquareIfAny(), start_ms=0, stats=stats, observe=moments.append
        )
    ]
    decoded = [moment.at for moment in moments if moment.picture is not None]
    assert [at for at in decoded if 10.5 < at < 20] == [14, 18], "asleep: every second key frame"
    assert [at for at in decoded if 20 <= at < 22] == pytest.approx([20 + n / 25 for n in range(50)]), "what waited"
    first = next(moment.at for moment in moments if moment.look and moment.at > 20)
    assert 21 <= first < 21.5
    assert [at for at in decoded if 28.5 < at <= 30] == [30], "asleep again"
    assert stats.counts.still > 4
    (opened, closed) = [record for record in records if record.rule == "below"]
    assert opened.opened_at / 1000 == pytest.approx(21.5, abs=0.5)
    assert closed.closed_at / 1000 == pytest.approx(31, abs=1.1), "who came to rest is taken to be there to the end"


def test_stats_say_what_was_done(clip):
    _, stats = run(clip)
    assert stats.counts.pictures == 9 * FPS
    assert stats.counts.looks == pytest.approx(45, abs=2)
    assert stats.objects == stats.numbered == 1
    assert stats.seconds == pytest.approx(9 - 1 / FPS)
    assert set(stats.spent_s) == {"decode", "watch", "detect", "analyse", "draw"}


def test_every_picture_may_be_paced(clip):
    times = []
    run(clip, pace=times.append)
    assert len(times) == 9 * FPS
    assert times == sorted(times)


def test_an_observer_is_shown_every_picture_and_what_became_of_it(clip):
    moments = []
    found, stats = run(clip, observe=moments.append)
    assert [moment.at for moment in moments[:-1]] == pytest.approx([index / FPS for index in range(9 * FPS)])
    assert moments[-1].picture is None
    looks = [moment for moment in moments if moment.look]
    assert len(looks) == stats.counts.looks
    assert all(moment.look.frame.at == moment.at for moment in looks)
    assert {len(moment.look.regions) for moment in looks} == {1}
    assert {len(moment.look.detections) for moment in looks} == {1}
    assert [state.name for state in looks[-1].look.states] == ["over", "below"]
    assert all(moment.awake for moment in moments)
    drafts = [draft for moment in moments for draft in moment.drafts]
    assert [(draft.event_id, draft.state) for draft in drafts] == [(r.event_id, r.state) for _, r in found]
    # Open events are those whose opening was told and whose closing was not.
    opened = next(moment for moment in looks for draft in moment.drafts if draft.state == "open")
    assert opened.look.states[1].open == (1,)


WHOLE = (0, 0, 1, 1)


def test_the_model_is_shown_what_moves_and_at_times_the_whole(clip):
    moments = []
    found, stats = run(clip, observe=moments.append)
    looks = [moment.look for moment in moments if moment.look]
    wholes = [look.frame.at for look in looks if WHOLE in look.regions]
    assert wholes == pytest.approx([0, 3, 6], abs=0.3)
    assert stats.looks.whole.total() == 3
    # the square, with what is around it, and nothing else
    assert stats.looks.shown / stats.looks.looks < 0.4
    for look in looks:
        ((left, top, right, bottom),) = [track.box for track in look.tracks]
        assert any(r[0] <= left and r[1] <= top and r[2] >= right and r[3] >= bottom for r in look.regions)
    everything, _ = run(clip, whole=True)
    assert [(record.rule, record.state) for _, record in found] == [(r.rule, r.state) for _, r in everything]
    assert [at for at, _ in found] == pytest.approx([at for at, _ in everything], abs=0.05)


def test_every_look_is_at_the_whole_if_so_asked(clip):
    _, stats = run(clip, whole=True)
    assert stats.looks.whole["asked"] == stats.looks.looks == stats.looks.shown == stats.counts.looks


def test_everybody_in_the_picture_is_known_where_parts_of_it_were_looked_at(clip):
    people = []
    run(clip, observe=lambda moment: people.append(moment.look.people()) if moment.look else None)
    assert all(len(each) >= 2 for each in people[1:])  # by the look and its track


def test_to_be_watched_changes_nothing(clip):
    assert run(clip, observe=lambda _: None)[0] == run(clip)[0]


def test_a_clip_cut_short_is_told(clip, tmp_path):
    broken = tmp_path / "cut.ts"
    broken.write_bytes(b"\x47" + b"\x00" * 5000)
    with pytest.raises(SourceError) as caught:
        FileSource(broken)
    assert caught.value.hint
