"""The boundary of the design: what happened where, never who. Lists are closed here on purpose: a new field, key or
kind of rule has to pass this file, and whoever adds it has to say in what way it names no person."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from sqlite_utils import Database

from central.store import schema
from contract.camera import Camera, Detect, FaultTimes, Gate, Source, Still, Storm, View
from contract.event import EventRecord
from contract.heartbeat import Heartbeat, Lost, Numbers
from contract.rules import LABEL_GROUPS, RULES
from contract.schedule import Holiday, Schedule, Window
from edge.why import Why

ROOT = Path(__file__).parents[1]

RECORD = [
    "edge_id",
    "epoch",
    "seq",
    "event_id",
    "camera_id",
    "tier",
    "pilot",
    "site",
    "rule",
    "kind",
    "zone",
    "state",
    "opened_at",
    "at",
    "closed_at",
    "label",
    "count",
    "confidence",
    "box",
    "track",
    "model",
    "clock_offset",
    "severity",
    "of",  # a number beside `count`: looks a second that all cameras of an edge ask for
]
_RULE = "kind labels severity schedule anchor"
KEYS = {
    Camera: "version id name tier pilot site purpose source gate detect masks zones lines schedules "
    "rules view still storm",
    Source: "kind url camera stream credentials transport open_timeout_s read_timeout_s",
    Gate: "threshold min_area stay_awake_s quiet_look_s sleep",
    Detect: "model rate min_confidence",
    View: "severity offline frozen dark covered blurred moved",
    FaultTimes: "for_s recover_s",
    Still: "keep days",
    Storm: "events per_s",
    Schedule: "time_zone windows holidays",
    Window: "days start end",
    Holiday: "first last like",
    RULES["intrusion"]: f"{_RULE} zone leave_s cooldown_s for_s",
    RULES["dwell"]: f"{_RULE} zone leave_s cooldown_s for_s",
    RULES["occupancy"]: f"{_RULE} zone leave_s recover_s at_least for_s",
    RULES["absence"]: f"{_RULE} zone leave_s recover_s fewer_than for_s",
    RULES["congestion"]: f"{_RULE} zone leave_s recover_s at_least slower_than for_s",
    RULES["abandoned"]: f"{_RULE} zone leave_s cooldown_s near for_s",
    RULES["line_crossing"]: f"{_RULE} line cooldown_s direction",
    RULES["wrong_way"]: f"{_RULE} line cooldown_s allowed",
    RULES["flow"]: f"{_RULE} line direction every_s",
}
KINDS = {
    "intrusion",
    "dwell",
    "occupancy",
    "absence",
    "congestion",
    "abandoned",
    "line_crossing",
    "wrong_way",
    "flow",
}

# Parts of words that would tell of a person or of a vehicle's owner.
PERSONAL = re.compile(
    r"face|facial|plate|licen[cs]e|anpr|lpr|gait|iris|biometr|embedding|reid|re_id|identity|identif|person_id|who|"
    r"watch_?list|black_?list|gender|sex|race|ethnic|religion|age$|^age|emotion|mood|cloth|height|weight|disab|health"
)
# Distributions that recognise faces or plates, tell people apart, or estimate their traits.
LIBRARIES = re.compile(
    r"face[-_.]?recognition|face[-_.]?alignment|facenet|facexlib|deepface|retina[-_.]?face|mtcnn|insightface|dlib|"
    r"arcface|plate[-_.]?ocr|compreface|mediapipe|openface|alpr|anpr|plate[-_.]?recogni[sz]er|easyocr|paddleocr|pytesseract|"
    r"tesserocr|torchreid|fast[-_.]?reid|boxmot|deep[-_.]?sort|opengait|fer$|hsemotion|openvino[-_.]?model[-_.]?zoo",
    re.IGNORECASE,
)


# What central keeps of missing records: numbers and times of an edge; and, as with a decision, who of the staff noted
# what is lost. Of a record that never came nothing else is known.
GAPS = {
    "epochs": "edge_id epoch given at overlooked",
    "gaps": "edge_id epoch first last after_at before_at noticed_at reason",
    "gap_notes": "id edge_id until by at",
}


@pytest.mark.parametrize("table", GAPS)
def test_columns_about_missing_records_are_closed(table: str) -> None:
    database = Database(memory=True)
    schema.prepare(database, 0)
    assert {column.name for column in database.table(table).columns} == set(GAPS[table].split())
    assert not [name for name in GAPS[table].split() if PERSONAL.search(name)]


def test_fields_of_the_heartbeat_are_closed() -> None:
    fields = {*Heartbeat.__struct_fields__, *Numbers.__struct_fields__, *Lost.__struct_fields__}
    assert fields == {"edge_id", "epochs", "waiting", "lost", "epoch", "first", "last", "reason"}


def test_fields_of_the_record_are_closed() -> None:
    assert list(EventRecord.__struct_fields__) == RECORD


def test_facts_of_a_still_are_those_of_the_record_and_the_place() -> None:
    own = {"version", "camera_name", "labels", "polygon", "line", "direction", "path", "days"}
    assert set(Why.__struct_fields__) - own <= set(RECORD)
    assert not [name for name in own if PERSONAL.search(name)]


def test_record_has_no_free_form_field() -> None:
    assert not [
        name for name, type_ in EventRecord.__annotations__.items() if re.search(r"dict|Any|object", str(type_))
    ]


@pytest.mark.parametrize("model", KEYS, ids=lambda model: model.__name__)
def test_keys_of_the_camera_file_are_closed(model: type[Camera]) -> None:
    assert set(model.model_fields) == set(KEYS[model].split())
    assert model.model_config["extra"] == "forbid"


def test_kinds_of_rules_are_closed() -> None:
    assert set(RULES) == KINDS


def test_no_name_tells_of_a_person() -> None:
    names = {*RECORD, *KINDS, *LABEL_GROUPS, *frozenset().union(*LABEL_GROUPS.values())}
    names |= {key for keys in KEYS.values() for key in keys.split()}
    assert {name for name in names if PERSONAL.search(name)} == set()
    for wrong in ("face_id", "licence_plate", "person_id", "reid_vector", "age", "clothing", "watchlist"):
        assert PERSONAL.search(wrong)


def _requirements() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    lines += (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\s\[<>=!~;@]", line.strip(), maxsplit=1)[0] for line in lines if line[:1] not in ("", "#", "-")}


def test_no_library_recognises_anybody() -> None:
    installed = _requirements()
    assert {"msgspec", "openvino", "torch"} <= {name.lower() for name in installed}
    assert {name for name in installed if LIBRARIES.search(name)} == set()


@pytest.mark.parametrize(
    "name",
    [
        "face_recognition",
        "face-recognition",
        "dlib",
        "insightface",
        "deepface",
        "easyocr",
        "openalpr",
        "fast-alpr",
        "fast-plate-ocr",
        "torchreid",
        "facenet-pytorch",
        "retina-face",
        "mtcnn",
        "boxmot",
        "mediapipe",
        "PaddleOCR",
    ],
)
def test_known_libraries_are_known(name: str) -> None:
    assert LIBRARIES.search(name)
