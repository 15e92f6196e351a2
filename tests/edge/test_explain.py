from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

from contract import parse
from edge import explain
from edge.errors import SettingsError
from edge.explain import ExplainedClip
from edge.replay import ReplayStats, replay
from edge.sources.base import Packet
from edge.sources.file import FileSource
from edge.types import Detections
from tests.clips import make_clip
from tests.edge import walker
from tests.edge.walker import FPS, SECONDS, SIZE, Walker, detail, place

CAMERA = parse.camera(walker.CAMERA)
BARE = CAMERA.model_copy(update={"rules": {}, "zones": {}, "lines": {}})
START_MS = 1_795_000_000_000


def explained(clip, out, camera=CAMERA, detector=None, **more):
    detector = detector or Walker()
    with ExplainedClip(out, camera, **more) as observer:
        return list(
            replay(FileSource(clip), camera, detector, start_ms=START_MS, stats=ReplayStats(), observe=observer)
        )


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return walker.clip(tmp_path_factory.mktemp("explain") / "walk.mp4")


@pytest.fixture(scope="module")
def pictures(clip):
    """Of the explained clip, three lists of BGR arrays: drawn, and without rules: people hidden, people shown. And when
    the first event opened."""
    found: list = []
    first = 0.0
    for name, camera, hide in (("drawn", CAMERA, True), ("hidden", BARE, True), ("shown", BARE, False)):
        out = clip.with_name(f"{name}.mp4")
        events = explained(clip, out, camera, hide_people=hide)
        first = first or min(at for at, _ in events)
        with av.open(str(out)) as video:
            found.append([frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)])
    return *found, first


def test_every_picture_of_the_clip_is_in_it_at_its_time(clip, pictures):
    out = clip.with_name("drawn.mp4")
    with av.open(str(out)) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in video.decode(stream)]
        assert video.duration / av.time_base == pytest.approx(SECONDS, abs=1.5 / FPS)
    assert times == pytest.approx([index / FPS for index in range(SECONDS * FPS)], abs=0.002)
    # The index first, so that a browser begins to play before it has everything.
    content = out.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_people_are_hidden_in_every_picture_also_between_looks(pictures):
    hidden, shown = (
        [detail(image[: SIZE[1]], place(i / FPS)) for i, image in enumerate(each)] for each in pictures[1:3]
    )
    assert min(shown) > 60
    assert max(hidden) < 12


def test_masks_are_black_in_every_picture(pictures):
    for image in pictures[2]:
        assert image[15:60, 530:560].mean() < 25


def orange(image) -> int:
    """Pixels in the colour of what is open."""
    return int((np.abs(image.astype(int) - explain.draw.TONES["open"]).max(axis=2) < 45).sum())


def test_an_event_shows_when_it_fires_and_not_before(pictures):
    drawn, _, _, first = pictures
    assert 0 < first < 3
    before = [orange(image) for i, image in enumerate(drawn) if i / FPS < first - 0.1]
    after = [orange(image) for i, image in enumerate(drawn) if first + 0.4 < i / FPS < first + 0.8]  # told a look later
    assert max(before) < 60 < 600 < min(after)


def test_the_strip_tells_what_is_off(pictures):
    image = pictures[0][20]
    assert image.shape[0] > SIZE[1]
    assert image[SIZE[1] + 2 :].max() > 200


@pytest.mark.parametrize(
    ("rules", "ways"),
    [
        (["over: {kind: line_crossing, line: middle, direction: right}"], {"right"}),
        (["wrong: {kind: wrong_way, line: middle, allowed: right}"], {"left"}),
        (["wrong: {kind: wrong_way, line: middle, allowed: right}", "n: {kind: flow, line: middle}"], {"left"}),
        (["n: {kind: flow, line: middle, direction: right}"], {"right"}),
        (
            [
                "wrong: {kind: wrong_way, line: middle, allowed: right}",
                "over: {kind: line_crossing, line: middle, direction: any}",
            ],
            {"left", "any"},
        ),
    ],
    ids=["crossing", "wrong way", "wrong way beside a count", "a count alone", "wrong way beside either way"],
)
def test_a_line_shows_in_which_directions_it_fires(tmp_path, rules, ways):
    given = walker.CAMERA[: walker.CAMERA.index("rules:")] + "rules:\n" + "".join(f"  {rule}\n" for rule in rules)
    with ExplainedClip(tmp_path / "out.mp4", parse.camera(given)) as made:
        assert made._ways("middle") == ways


@pytest.mark.parametrize(
    ("at", "words"), [(0.0, "00:00.0"), (59.94, "00:59.9"), (59.96, "01:00.0"), (3600.0, "60:00.0")]
)
def test_the_clock_of_the_strip(at, words):
    assert explain._clock(at) == words


def test_a_large_clip_is_made_small(tmp_path):
    source = make_clip(tmp_path / "large.mp4", seconds=0.4, size=(1920, 1080))

    class Nobody(Walker):
        def _one(self, image):
            return Detections()

    explained(source, tmp_path / "out.mp4", detector=Nobody())
    with av.open(str(tmp_path / "out.mp4")) as video:
        stream = video.streams.video[0]
        assert max(stream.width, stream.height) == 1280
        assert stream.width % 2 == stream.height % 2 == 0
        assert sum(1 for _ in video.decode(stream)) == 10


def test_looks_far_apart_do_not_fill_the_memory(clip, monkeypatch):
    monkeypatch.setattr(explain, "MAX_WAITING", 2)
    longest = 0
    real = ExplainedClip.__call__

    def watched(self, moment):
        nonlocal longest
        real(self, moment)
        longest = max(longest, len(self._waiting))

    monkeypatch.setattr(ExplainedClip, "__call__", watched)
    explained(clip, clip.with_name("bounded.mp4"), BARE)
    assert longest == 2
    with av.open(str(clip.with_name("bounded.mp4"))) as video:
        times = [frame.time for frame in video.decode(video=0)]
    assert len(times) == SECONDS * FPS
    assert all(a < b for a, b in pairwise(times))


def test_a_time_without_pictures_is_cut_short(clip, tmp_path):
    """A week of it would be more than the file can hold."""

    class Recorder(FileSource):
        def packets(self):
            for packet in super().packets():
                yield Packet(packet.at + (7 * 86_400 if packet.at > 3 else 0), packet.raw)

    with ExplainedClip(tmp_path / "out.mp4", BARE) as observer:
        for _ in replay(Recorder(clip), BARE, Walker(), start_ms=START_MS, stats=ReplayStats(), observe=observer):
            pass
    with av.open(str(tmp_path / "out.mp4")) as video:
        times = [frame.time for frame in video.decode(video=0)]
    assert len(times) == SECONDS * FPS
    assert times[-1] == pytest.approx(SECONDS + 60, abs=0.3)


def test_a_replay_that_breaks_off_leaves_no_clip(clip, tmp_path):
    out = tmp_path / "out.mp4"

    def broken_off():
        with ExplainedClip(out, CAMERA) as observer:
            source = FileSource(clip)
            for _ in replay(source, CAMERA, Walker(), start_ms=START_MS, stats=ReplayStats(), observe=observer):
                raise KeyError("enough")

    with pytest.raises(KeyError):
        broken_off()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    with pytest.raises(SettingsError) as caught:
        ExplainedClip(tmp_path / "none" / "out.mp4", CAMERA)
    assert "No such file" in str(caught.value)
    assert caught.value.hint


def test_a_full_disk_is_told(small_disk, tmp_path):
    noise = make_clip(tmp_path / "noise.mp4", seconds=1)
    (small_disk / "other").write_bytes(bytes((4 << 20) - 8192))

    class Nobody(Walker):
        def _one(self, image):
            return Detections()

    with pytest.raises(SettingsError, match="No space left"):
        explained(noise, small_disk / "out.mp4", detector=Nobody())
    assert [file.name for file in small_disk.iterdir()] == ["other"]
