"""The pilots' rules on real pictures. When things happen in them is that of the hand-checked ../shared/footage, but for
the junction's queue: three cars stand before the turn from the first picture until second 21."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks import footage
from contract import parse
from edge.replay import ReplayStats, replay
from edge.sources.file import FileSource
from tests.pilots.scenario import SHANGHAI, Fired
from vedette.demo.run import CLIP

HERE = Path(__file__).parent / "footage"
HOLIDAY, LESSONS = "2026-10-01 10:00", "2026-10-08 10:00"
EXCERPT_START_S = 46.0  # of the demo's clip within plaza
TOLERANCE_S = {5: 2.0, 2: 3.0}  # by looks a second


@dataclass(frozen=True, slots=True)
class Case:
    says: str
    camera: str
    clip: Path
    fires: list[Fired]
    seen: set[str]  # labels that the model gives in some looks; the rules about them are silent for better reasons
    starts: str = LESSONS
    rate: int = 5


def whole(name: str, fires: list[Fired], seen: set[str], starts: str = LESSONS, rate: int = 5) -> Case:
    return Case(name, name, footage.FOLDER / f"{name}.mp4", fires, seen, starts, rate)


def on_the_lawn(rule: str, first_s: float) -> list[Fired]:
    return [Fired(rule, 51.0 - first_s), Fired(rule, 51.5 - first_s)]


AT_THE_DESK = [
    *(Fired("desk-unattended", at) for at in (5.5, 49.5, 74.5, 91.4)),
    *(Fired("somebody-at-the-desk", at) for at in (9.0, 25.7, 53.3, 78.0, 95.2, 126.6)),
]
CASES = [
    Case("plaza's excerpt, on a holiday", "plaza", CLIP, on_the_lawn("somebody-after-hours", EXCERPT_START_S),
         {"person"}, HOLIDAY),
    Case("plaza's excerpt, during lessons", "plaza", CLIP, on_the_lawn("somebody-in-school-hours", EXCERPT_START_S),
         {"person"}),
    whole("plaza", on_the_lawn("somebody-after-hours", 0), {"person", "car", "backpack", "handbag", "skateboard"},
          HOLIDAY, rate=2),
    whole("junction", [Fired("flow-towards", 0, "car", 7), Fired("queue", 11), Fired("flow-towards", 25, "car", 1)],
          {"car", "truck", "person"}),
    whole("forecourt", [Fired("flow-in", 0, "object", 2), Fired("wrong-way", 16.5), Fired("wrong-way", 26.6)],
          {"cell phone", "car", "suitcase"}),
    whole("reception", AT_THE_DESK, {"person", "skateboard", "backpack", "handbag", "chair"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def detector():
    with closing(footage.detector()) as one:
        yield one


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_on_real_pictures(case, detector):
    if not case.clip.is_file():
        pytest.skip(f"{case.clip.name} lies in ../shared/footage, not here")
    camera = parse.camera((HERE / f"{case.camera}.yaml").read_bytes(), case.camera)
    camera = camera.model_copy(update={"detect": camera.detect.model_copy(update={"rate": case.rate})})
    start = datetime.fromisoformat(case.starts).replace(tzinfo=SHANGHAI)
    seen: Counter[str] = Counter()

    def note(moment):
        if moment.look is not None:
            seen.update(detector.class_names[number] for number in moment.look.detections.classes)

    told = {}
    with closing(FileSource(case.clip)) as source:
        records = replay(
            source, camera, detector, start_ms=round(start.timestamp() * 1000), stats=ReplayStats(), observe=note
        )
        for at, record in records:
            told.setdefault(record.event_id, Fired(record.rule, at, record.label, record.count))
    fired = sorted(told.values(), key=lambda event: event.at)
    expected_order = sorted(case.fires, key=lambda event: event.at)
    assert [event.rule for event in fired] == [event.rule for event in expected_order], fired
    for event, expected in zip(fired, expected_order, strict=True):
        assert event.at == pytest.approx(expected.at, abs=TOLERANCE_S[case.rate])
        assert expected.count is None or event[2:] == expected[2:]
    assert case.seen <= set(seen)
