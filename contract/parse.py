"""YAML text -> Camera, with errors that say where: file, line, key, value, and what to do about it.

PyYAML is used only as far as its node tree, which knows lines; values are built here. So duplicate keys are seen,
and aliases (with which a few lines of text can unfold to gigabytes) are refused before anything is built.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError

from contract import redact
from contract.camera import RULES, Camera, cross_faults
from contract.errors import ConfigError, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16

Path: TypeAlias = tuple[str | int, ...]


def camera(text: str | bytes, file: str = "<text>") -> Camera:
    """Read one camera. Raises ConfigError with every problem found."""
    data, lines = _load(text, file)
    try:
        parsed = Camera.model_validate(data)
    except ValidationError as error:
        faults = [fault for fault in error.errors(include_url=False) if not _follows(fault)]
        raise ConfigError([_explain(fault, data, lines, file) for fault in faults]) from None
    problems = [
        Problem(file, _line(lines, path), _dotted(path), _shown(_get(data, path)), message, hint)
        for path, message, hint in cross_faults(parsed)
    ]
    if problems:
        raise ConfigError(problems)
    return parsed


def cameras(files: Iterable[tuple[str, bytes]]) -> list[Camera]:
    """Read several files, one camera each. Raises ConfigError with the problems of all of them."""
    found: dict[str, tuple[str, Camera]] = {}
    problems: list[Problem] = []
    for file, text in files:
        try:
            parsed = camera(text, file)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if parsed.id in found:
            other = found[parsed.id][0]
            problems.append(
                Problem(file, 0, "id", parsed.id, f"{other} has the same id", "give each camera an id of its own")
            )
        found.setdefault(parsed.id, (file, parsed))
    if problems:
        raise ConfigError(problems)
    return [entry for _, entry in found.values()]


def _load(text: str | bytes, file: str) -> tuple[dict[str, Any], dict[Path, int]]:
    if len(text) > MAX_BYTES:
        raise _fault(file, 0, f"the file has more than {MAX_BYTES // 1024} KiB", "one file holds one camera")
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ": ".join(part for part in (error.context, error.problem) if part)
        raise _fault(
            file, mark.line + 1 if mark else 0, f"not YAML: {message}", "check indentation and quotes"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _fault(file, 0, f"not YAML: {error}", "save the file as UTF-8 text") from None
    if not isinstance(node, yaml.MappingNode):
        raise _fault(file, 1, "want keys and values, such as 'id: gate-1'", "see camera_configs/minimal.yaml")
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    data = _build(node, (), lines, problems, file)
    if problems:
        raise ConfigError(problems)
    return data, lines


def _check_events(text: str | bytes, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _fault(
                file,
                _mark(event.start_mark),
                "anchors (&) and aliases (*) are not accepted",
                "write the value out; quote a text that begins with & or *",
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _fault(file, _mark(event.start_mark), f"nested deeper than {MAX_DEPTH} levels", "")


def _build(node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem], file: str) -> Any:
    lines.setdefault(path, _mark(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            below = (*path, key)
            line = _mark(key_node.start_mark)
            if key in built:
                message = f"stands twice, first in line {lines[below]}"
                problems.append(Problem(file, line, _dotted(below), "", message, "keep one of them"))
                continue
            lines[below] = line
            built[key] = _build(value_node, below, lines, problems, file)
        return built
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, place), lines, problems, file) for place, item in enumerate(node.value)]
    try:
        return _scalar(node)
    except (yaml.YAMLError, ValueError) as error:
        problems.append(Problem(file, lines[path], _dotted(path), str(node.value), f"cannot be read: {error}"))
        return None


def _scalar(node: yaml.Node) -> Any:
    """YAML 1.1 reads 18:00 as 1080 (base 60) and 2026-01-01 as a date; both are meant as text here."""
    kind = node.tag.rpartition(":")[2]
    if kind == "timestamp" or (kind in ("int", "float") and ":" in node.value):
        return node.value
    return yaml.constructor.SafeConstructor().construct_document(node)


def _explain(fault: Any, data: Any, lines: Mapping[Path, int], file: str) -> Problem:
    path = _path_in(data, fault["loc"])
    message, hint = fault["msg"].removeprefix("Value error, "), ""
    given = fault.get("input")
    match fault["type"]:
        case "extra_forbidden":
            message = "unknown key"
            near = difflib.get_close_matches(str(path[-1]), _keys_near(data, path), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see camera_configs/full.yaml for every key"
        case "missing":
            message, given = "is missing", None
            hint = f"add '{path[-1]}:' here; see camera_configs/full.yaml for what it means"
        case "union_tag_invalid" | "literal_error":
            expected = str(fault["ctx"].get("expected_tags") or fault["ctx"].get("expected"))
            message = "unknown kind" if fault["type"] == "union_tag_invalid" else "not one of the possible values"
            hint = f"possible: {expected}"
            if fault["type"] == "union_tag_invalid":
                path = (*path, "kind")
                given = _get(data, path)
        case "union_tag_not_found":
            message, given, hint = "a rule needs a kind", None, "add 'kind: intrusion' or another; see docs/rules.md"
        case "time_parsing":
            message, hint = "not a time of day", "write it as 07:00 or 18:30"
        case "string_pattern_mismatch":
            hint = "letters, digits, dot, dash and underscore, beginning with a letter or digit"
    return Problem(file, _line(lines, path), _dotted(path), _shown(given), message, hint)


def _follows(fault: Any) -> bool:
    """A list that is "too short" only because its items were refused has been explained by them."""
    return fault["type"] == "too_short" and bool(fault.get("input"))


def _path_in(data: Any, location: tuple[str | int, ...]) -> Path:
    """Pydantic's location without what is not in the file: union tags and the word for a dict's key."""
    path: list[str | int] = []
    here = data
    for place, step in enumerate(location):
        if (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        ):
            path.append(step)
            here = _get(here, (step,))
        elif place == len(location) - 1 and isinstance(step, str) and isinstance(here, dict):
            path.append(step)  # a missing key
    return tuple(path)


def _keys_near(data: Any, path: Path) -> list[str]:
    """The keys that may stand where `path` ends."""
    if path[0] == "rules" and len(path) == 3:
        return list(RULES[_get(data, (*path[:2], "kind"))].model_fields)
    model: Any = Camera
    for step in path[:-1]:
        field = getattr(model, "model_fields", {}).get(step)
        model = field.annotation if field else None
    return list(getattr(model, "model_fields", ()))


def _mark(mark: yaml.error.Mark | Any) -> int:
    return mark.line + 1 if mark else 0


def _line(lines: Mapping[Path, int], path: Path) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _get(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _shown(given: Any) -> str:
    if given is None or isinstance(given, dict | list | tuple):
        return ""
    shown = redact.url(str(given))
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _fault(file: str, line: int, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(file, line, "", "", message, hint)])
