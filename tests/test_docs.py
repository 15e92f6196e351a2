"""What exists is documented, and what the documents show is true. A topic is a function that names its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import indent
from typing import get_args

import pytest
import yaml

from contract import parse, wire
from contract.event import EventRecord
from contract.rules import LABEL_GROUPS, RULES
from contract.wire import Received
from tests.contract.test_camera import KEYS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)


# --- everything is documented: topic -> (document, the words that must stand in it as `word`)


def camera_keys() -> tuple[str, Iterable[str]]:
    sections = ("gate.", "detect.")  # their keys are written with the section
    return "camera-config.md", [path if path.startswith(sections) else path.split(".")[-1] for path in KEYS]


def rule_kinds() -> tuple[str, Iterable[str]]:
    return "camera-config.md", [*RULES, *LABEL_GROUPS]


def record_fields() -> tuple[str, Iterable[str]]:
    return "event-record.md", EventRecord.__struct_fields__


def wire_codes() -> tuple[str, Iterable[str]]:
    source = (ROOT / "contract" / "wire.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'WireError\("([a-z-]+)"', source)) - {"answer"}  # told to edges, never by central
    assert len(codes) >= 5
    return "event-record.md", [*codes, *get_args(wire.Outcome)]


TOPICS: list[Callable[[], tuple[str, Iterable[str]]]] = [camera_keys, rule_kinds, record_fields, wire_codes]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.__name__)
def test_documented(topic: Callable[[], tuple[str, Iterable[str]]]) -> None:
    document, words = topic()
    written = set(re.findall(r"`([^`\n]+)`", text(document)))
    assert {word for word in words if word not in written} == set()


# --- what is shown is true


def test_camera_file_of_the_document_loads() -> None:
    camera, credentials, schedule = blocks("camera-config.md", "yaml")
    assert parse.camera(camera).source.credentials in yaml.safe_load(credentials)
    assert parse.camera(camera + "schedules:\n" + indent(schedule, "  ")).schedules["night"].holidays


def test_messages_of_the_document_are_the_real_ones() -> None:
    """tests/contract/mistakes.yaml holds what is really said."""
    table = yaml.safe_load((ROOT / "tests" / "contract" / "mistakes.yaml").read_text(encoding="utf-8"))
    said = {case["says"] for case in table["mistakes"]}
    shown = blocks("camera-config.md", "text")
    assert len(shown) >= 10
    assert [message for message in shown if message not in said] == []


def test_defaults_of_the_document_are_the_real_ones() -> None:
    camera_config = text("camera-config.md")
    for path, field in KEYS.items():
        for kind in [path.split(".")[1]] if path.startswith("rules.") else []:
            (row,) = re.findall(rf"^\| `{kind}` \|.*", camera_config, re.MULTILINE)
            written = re.search(rf"`{path.split('.')[-1]}` \(([0-9.]+)", row)
            assert not written or float(written[1]) == field.default, path
    for path in ("gate.threshold", "gate.min_area", "gate.stay_awake_s", "gate.quiet_look_s", "detect.rate"):
        row = re.search(rf"^\| `{path}` \| ([^|]+) \|", text("camera-config.md"), re.MULTILINE)
        assert row, path
        assert float(row[1]) == KEYS[path].default


def test_batch_and_answer_of_the_document_can_be_read() -> None:
    batch, answer = blocks("event-record.md", "json")
    (entry,) = wire.decode(batch.encode(), wire.JSON, "").records
    assert isinstance(entry, Received), entry
    outcomes = [entry.outcome for entry in wire.decode_answer(answer.encode(), wire.JSON).answers]
    assert outcomes == list(get_args(wire.Outcome))


def test_limits_of_the_document_are_the_real_ones() -> None:
    words = text("event-record.md")
    assert f"at most {wire.MAX_BODY >> 20} MiB as sent and {wire.MAX_PLAIN >> 20} MiB unpacked" in words
    assert f"{wire.MAX_BODY >> 20} MiB as sent, {wire.MAX_PLAIN >> 20} MiB unpacked" in text("api.md")
    assert f"up to {wire.MAX_NEWER_COLUMNS} more columns" in words
    assert f"{wire.MAX_NEWER >> 10} KiB a record" in words
    assert f"1 to {wire.MAX_RECORDS} records" in words
    assert f"{parse.MAX_BYTES >> 10} KiB" in text("camera-config.md")
    assert f"{parse.MAX_NODES:,} keys and values" in text("camera-config.md")
