from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs  # comes with schemathesis
import pytest
import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from contract import parse
from contract import rules as config
from contract.camera import Camera, json_schema
from contract.rules import LABEL_GROUPS, RULES, expand
from contract.section import Section

ROOT = Path(__file__).parents[2]
FULL = ROOT / "camera_configs" / "full.yaml"
SCHEMA_FILE = ROOT / "contract" / "schemas" / "camera.schema.json"
EXAMPLES = sorted((ROOT / "camera_configs").glob("*.yaml")) + sorted((ROOT / "tests" / "footage").glob("*.yaml"))


def keys(model: type[Section], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of the format: 'source.url', 'schedules.*.windows.0.days', 'rules.dwell.for_s'."""
    for name, field in model.model_fields.items():
        here = f"{path}{name}"
        yield here, field
        if here == "rules":
            for kind, rule in RULES.items():
                yield from keys(rule, f"rules.{kind}.")
            continue
        for below, section in _sections(field.annotation):
            yield from keys(section, f"{here}.{below}")


def _sections(annotation: Any) -> Iterator[tuple[str, type[Section]]]:
    """The models in a field's type, with the key that leads there."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield "", annotation
    for part in get_args(annotation):
        for below, section in _sections(part):
            container = {dict: "*.", tuple: "0."}.get(getattr(annotation, "__origin__", None), "")
            yield container + below, section


KEYS = dict(keys(Camera))


def values(data: Any, path: str) -> list[Any]:
    """What stands at a key of `keys` in a file's data; for a rule, in every rule of that kind."""
    here = [data]
    steps = path.split(".")
    for place, step in enumerate(steps):
        if steps[0] == "rules" and place == 1:
            here = [rule for rules in here for rule in rules.values() if rule["kind"] == step]
        elif step == "*":
            here = [entry for entries in here for entry in entries.values()]
        else:
            here = [entry[int(step) if step.isdigit() else step] for entry in here]
    return here


def test_keys_are_all_found() -> None:
    assert {"source.url", "schedules.*.windows.0.days", "rules.wrong_way.allowed", "gate.threshold"} <= KEYS.keys()


@pytest.mark.parametrize("path", KEYS)
def test_full_names_every_key_and_its_default(path: str) -> None:
    found = values(yaml.safe_load(FULL.read_text(encoding="utf-8")), path)
    assert found, f"full.yaml lacks {path}"
    default = KEYS[path].get_default()
    if KEYS[path].is_required() or isinstance(default, Section | dict) or path in FREE:
        return
    for value in found:
        assert json.loads(json.dumps(value)) == json.loads(json.dumps(default))


# Optional keys whose value in full.yaml shows something else than the default.
FREE = {"rules.intrusion.schedule", "rules.wrong_way.labels", "schedules.*.holidays", "schedules.*.holidays.0.last"}


def test_free_keys_exist_and_differ() -> None:
    data = yaml.safe_load(FULL.read_text(encoding="utf-8"))
    for path in FREE:
        assert str(values(data, path)) != str([KEYS[path].get_default()])


def test_every_key_is_described() -> None:
    """Descriptions are what an editor shows."""
    lacking = [path for path, field in KEYS.items() if not field.description and not path.endswith("kind")]
    assert not lacking


# --- JSON Schema


def test_schema_file_is_the_schema() -> None:
    """Made anew with: vedette schema camera > contract/schemas/camera.schema.json"""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == json.dumps(json_schema(), indent=2) + "\n"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.validator_for(schema)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_schema_accepts_every_example(validator: Any, file: Path) -> None:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    validator.validate(json.loads(json.dumps(data, default=str)))  # YAML makes dates of what is meant as text


SCHEDULE = {"time_zone": "Asia/Shanghai", "windows": [{"start": "18:00", "end": "07:00"}]}
MINIMAL = yaml.safe_load((ROOT / "camera_configs" / "minimal.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"frobnicate": 1}, id="unknown key"),
        pytest.param({"source": {"url": "rtsp://h/", "urll": 1}}, id="unknown key of a section"),
        pytest.param({"rules": {"r": {"kind": "intrusion", "zone": "yard", "at_least": 1}}}, id="key of another rule"),
        pytest.param({"rules": {"r": {"kind": "faces", "zone": "yard"}}}, id="unknown kind"),
        pytest.param({"rules": {"r": {"kind": "intrusion", "zone": "yard", "labels": "person"}}}, id="one label"),
        pytest.param({"tier": 4}, id="tier 4"),
        pytest.param({"id": "a b"}, id="blank in an id"),
        pytest.param({"zones": {"yard": [[0, 0], [1, 1]]}}, id="two corners"),
        pytest.param(
            {"schedules": {"s": {"time_zone": "Asia/Shanghai", "windows": [{"start": "6pm", "end": "07:00"}]}}},
            id="no time of day",
        ),
        pytest.param({"schedules": {"s": SCHEDULE | {"holidays": [{"first": "1.10.2026"}]}}}, id="no date"),
        pytest.param({"schedules": {"s": SCHEDULE | {"holidays": [{"first": 20261001}]}}}, id="date as a number"),
    ],
)
def test_schema_and_parser_refuse_alike(validator: Any, change: dict[str, Any]) -> None:
    assert validator.is_valid(MINIMAL)
    assert not validator.is_valid(MINIMAL | change)
    with pytest.raises(ValidationError):
        Camera.model_validate(MINIMAL | change)


def test_schema_knows_times_as_they_are_written(validator: Any) -> None:
    """JSON Schema's own format "time" wants a zone, so editors would mark every time of day as wrong."""
    for text in ("18:30", "7:00", "18:30:15"):
        window = {"start": text, "end": "24:00"}
        assert validator.is_valid(MINIMAL | {"schedules": {"s": {"time_zone": "Asia/Shanghai", "windows": [window]}}})
    assert '"format": "time"' not in json.dumps(json_schema())


# --- what models say


@pytest.mark.parametrize(
    ("labels", "expanded"),
    [
        ("any", None),
        (("person",), {"person"}),
        (("vehicle",), {"car", "truck", "bus", "motorcycle"}),
        (("bag", "person", "backpack"), {"backpack", "handbag", "suitcase", "person"}),
        (("any",), {"any"}),  # only the word alone stands for everything; a model knows no such label
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_expand(labels: Any, expanded: set[str] | None) -> None:
    assert expand(labels) == expanded


def test_groups_do_not_hide_labels() -> None:
    assert not LABEL_GROUPS.keys() & frozenset().union(*LABEL_GROUPS.values())


def test_rules_are_the_union() -> None:
    """Parsing goes by the union, messages and rule objects by the table: they hold the same kinds."""
    union = get_args(get_args(config.Rule)[0])
    assert set(union) == set(RULES.values())
    assert all(get_args(rule.model_fields["kind"].annotation) == (kind,) for kind, rule in RULES.items())


def test_frozen() -> None:
    camera = parse.camera(FULL.read_bytes())
    with pytest.raises(ValidationError):
        camera.tier = 2
