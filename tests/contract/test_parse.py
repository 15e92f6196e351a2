"""Camera files: what is accepted, and the very words for what is not (mistakes.yaml)."""

from __future__ import annotations

import re
import time
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import parse
from contract.camera import Camera
from contract.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "camera_configs").glob("*.yaml")) + sorted((ROOT / "tests" / "footage").glob("*.yaml"))
TABLE = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))
BASE: str = TABLE["base"]
URL = "rtsp://192.0.2.10/stream2"
RULE = "  somebody-in-the-yard: {kind: intrusion, zone: yard}"
ZONE = "[[0, 0.4], [1, 0.4], [1, 1], [0, 1]]"
WINDOW = "schedules:\n  night:\n    time_zone: Asia/Shanghai\n    windows:\n      - {}\n"


def changed(case: dict[str, Any]) -> str:
    """The file that a case of the table stands for."""
    text = BASE
    match case:
        case {"text": whole}:
            text = whole
        case {"edit": [this, that]}:
            assert this in text
            text = text.replace(this, that, 1)
        case {"add": lines}:
            text += lines.rstrip("\n") + "\n"
        case {"window": window}:
            text += WINDOW.format(window)
        case {"zone": zone}:
            text = text.replace(ZONE, zone)
        case {"url": url}:
            text = text.replace(URL, url)
    if "rule" in case:
        text = text.replace(RULE, f"  r: {case['rule']}")
    if "line" in case:
        text += f"lines:\n  gate: {case['line']}\n"
    assert text != BASE
    return re.sub(r"\{(\d+) x ([^}]*)}", lambda found: int(found[1]) * found[2], text)


def refusal(text: str | bytes, file: str = "cam.yaml") -> str:
    with pytest.raises(ConfigError) as caught:
        parse.camera(text, file)
    assert not caught.value.retryable
    return str(caught.value)


@pytest.mark.parametrize("case", TABLE["mistakes"], ids=lambda case: case["id"])
def test_mistake_is_told(case: dict[str, Any]) -> None:
    began = time.process_time()
    assert refusal(changed(case)) == case["says"].rstrip("\n")
    assert time.process_time() - began < 5


def test_table_is_worth_its_name() -> None:
    names = [case["id"] for case in TABLE["mistakes"]]
    assert len(set(names)) == len(names) >= 40
    parse.camera(BASE)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param(BASE.encode() + "name: 东门\n".encode("gbk"), 12, "not UTF-8 text", id="GBK"),
        pytest.param(BASE.encode("utf-16"), 1, "not UTF-8 text", id="UTF-16"),
        pytest.param(BASE.encode() + b"name: \xff\n", 12, "not UTF-8 text", id="a stray byte"),
        pytest.param(BASE.encode() + b"name: \x00\n", 12, "holds the unprintable character U+0000", id="NUL"),
    ],
)
def test_other_encodings(text: bytes, line: int, message: str) -> None:
    assert refusal(text).startswith(f"cam.yaml:{line}: {message}\n    hint: ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xef\xbb\xbf" + BASE.encode(), id="byte order mark"),
        pytest.param(BASE.replace("\n", "\r\n").encode(), id="Windows line ends"),
        pytest.param("---\n" + BASE + "...\n", id="document marks"),
        pytest.param(BASE.replace("school-12", "2026-01-01"), id="id that looks like a date"),
        pytest.param(BASE + "name: 东门二号\n", id="Chinese name"),
        pytest.param(BASE.replace("purpose: Notice", "purpose: |\n  Notice"), id="purpose over lines"),
        pytest.param(BASE.replace(URL, "RTSP://camera.example/live"), id="scheme in capitals"),
        pytest.param(BASE.replace(URL, '"rtsp://[2001:db8::1]:554/live"'), id="IPv6"),
        pytest.param(BASE.replace(URL, '"rtsp://192.0.2.1/cam/realmonitor?channel=1&subtype=1"'), id="query"),
        pytest.param(BASE.replace(f"url: {URL}", "kind: onvif\n  url: http://192.0.2.1"), id="ONVIF, the host alone"),
        pytest.param(
            BASE.replace(f"url: {URL}", "kind: onvif\n  url: https://cam.example:8443/x\n  stream: main"),
            id="ONVIF with port, path and stream",
        ),
        pytest.param(
            BASE.replace(f"url: {URL}", 'kind: onvif\n  url: http://nvr.example\n  camera: "00003"'),
            id="a camera of a recorder",
        ),
    ],
)
def test_accepted(text: str | bytes) -> None:
    parse.camera(text)


@pytest.mark.parametrize(
    ("start", "end", "parsed"),
    [
        ('"18:30"', '"06:30"', (time_of_day(18, 30), time_of_day(6, 30))),
        ("18:30", "06:30", (time_of_day(18, 30), time_of_day(6, 30))),
        ("7:00", "8:05", (time_of_day(7), time_of_day(8, 5))),
        ('"7:00:30"', '"08:00:59"', (time_of_day(7, 0, 30), time_of_day(8, 0, 59))),
        ('"00:00"', '"24:00"', (time_of_day(), time_of_day())),
        ('"18:00"', '"24:00"', (time_of_day(18), time_of_day())),
    ],
    ids=lambda value: str(value),
)
def test_times_of_day(start: str, end: str, parsed: tuple[time_of_day, time_of_day]) -> None:
    camera = parse.camera(BASE + WINDOW.format(f"{{start: {start}, end: {end}}}"))
    window = camera.schedules["night"].windows[0]
    assert (window.start, window.end) == parsed


@pytest.mark.parametrize("secret", ["geheim", "pa/ss", "p@ss", "pa#ss", "12/34", "p'w", "%70ass", "a:b"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BASE.replace(URL, '"rtsp://admin:SECRET@192.0.2.1/x"'), id="in the address"),
        pytest.param(BASE.replace(URL, '"rtsp://admin:SECRET@192.0.2.1:x/"'), id="in a broken address"),
        pytest.param(BASE.replace(URL, '"rtsp://192.0.2.1/x?user=u&password=SECRET"'), id="in the query"),
        pytest.param(BASE.replace(URL, '"rtsp://192.0.2.1/user=u_password=SECRET_channel=1"'), id="in the path"),
        pytest.param(BASE.replace("  url:", '  password: "SECRET"\n  url:'), id="as a key"),
        pytest.param(BASE.replace("  url:", '  credentials: "admin:SECRET"\n  url:'), id="as credentials"),
        pytest.param(BASE.replace("  url:", '  credentials: {password: "SECRET"}\n  url:'), id="below credentials"),
        pytest.param(BASE.replace(f"source:\n  url: {URL}", 'source: "rtsp://u:SECRET@h"'), id="instead of a section"),
        pytest.param(BASE + 'camera_url: "rtsp://u:SECRET@h"\n', id="under an unknown key"),
    ],
)
def test_no_message_holds_a_password(text: str, secret: str) -> None:
    assert secret not in refusal(text.replace("SECRET", secret))


def test_all_problems_of_all_files_are_told() -> None:
    wrong = BASE.replace("tier: 1", "tier: 9").replace("pilot: school", "pilot: my school").encode()
    cameras, problems = parse.cameras([("a.yaml", wrong), ("b.yaml", BASE.encode()), ("c.yaml", b"- 1")])
    assert list(cameras) == ["b.yaml"]
    assert [(p.file, p.line, p.key) for p in problems] == [
        ("a.yaml", 2, "tier"),
        ("a.yaml", 3, "pilot"),
        ("c.yaml", 1, ""),
    ]


def test_problems_of_a_file_have_an_end() -> None:
    many = BASE + "".join(f"key{n}: 1\n" for n in range(500))
    assert refusal(many).count("unknown key") == parse.MAX_PROBLEMS


def test_same_id_in_two_files() -> None:
    other = "# another\n" + BASE
    cameras, (problem,) = parse.cameras([("a.yaml", BASE.encode()), ("b.yaml", other.encode())])
    assert list(cameras) == ["a.yaml"]
    assert str(problem) == (
        "b.yaml:2: id: a.yaml has the same id (value: gate-1)\n    hint: give each camera an id of its own"
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_load(file: Path) -> None:
    camera = parse.camera(file.read_bytes(), file.name)
    assert camera.rules
    used = {value for rule in camera.rules.values() for value in rule.model_dump().values() if isinstance(value, str)}
    assert {*camera.zones, *camera.lines, *camera.schedules} <= used, "an example shows nothing unused"


def test_examples_have_ids_of_their_own() -> None:
    cameras, problems = parse.cameras((file.name, file.read_bytes()) for file in EXAMPLES)
    assert problems == []
    assert len(cameras) == len(EXAMPLES) >= 10


def test_a_parsed_file_survives_its_own_dump() -> None:
    camera = parse.camera((ROOT / "camera_configs" / "full.yaml").read_bytes())
    assert parse.camera(yaml.safe_dump(camera.model_dump(mode="json"))) == camera
    assert Camera.model_validate(camera.model_dump()) == camera


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_file_is_refused_or_read(text: str | bytes) -> None:
    _only_config_errors(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject) -> None:
    good = (ROOT / "camera_configs" / "school.yaml").read_text(encoding="utf-8")
    begin = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(begin, min(begin + 20, len(good))))
    _only_config_errors(good[:begin] + data.draw(st.text(max_size=8)) + good[end:])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(Camera.model_fields)),
    st.sampled_from(["", "x", "kind", "a.kind", "r.labels", "s.windows"]),
    VALUES,
)
def test_any_value_anywhere_is_explained(key: str, below: str, value: Any) -> None:
    """No type of value finds pydantic's own words, or an error that is not ours."""
    content = yaml.safe_load(BASE)
    place: Any = content
    steps = [key, *filter(None, below.split("."))]
    for step in steps[:-1]:
        if not isinstance(place.get(step), dict):
            place[step] = {}
        place = place[step]
    place[steps[-1]] = value
    message = _only_config_errors(yaml.safe_dump(content, allow_unicode=True))
    assert "Input should" not in message
    assert "validation" not in message


def _only_config_errors(text: str | bytes) -> str:
    try:
        parse.camera(text)
        return ""
    except ConfigError as error:
        problems = error.problems
    assert problems
    for problem in problems:
        for part in (problem.key, problem.value, problem.message, problem.hint):
            assert part.isprintable()
    return str(ConfigError(problems))
