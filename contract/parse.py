"""YAML text -> Camera, with errors that say where: file, line, key, value, and what to do about it.

PyYAML is used only as far as its node tree, which knows lines; values are built here. So duplicate keys are seen,
and aliases (with which a few lines of text can unfold to gigabytes) are refused before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError

from contract import redact
from contract.advice import advice
from contract.camera import Camera, cross_faults
from contract.errors import ConfigError, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_PROBLEMS = 50  # told of one file
MAX_NODES = 20_000  # keys, values, lists: one zone of 100 corners has 301

Path: TypeAlias = tuple[str | int, ...]

_FULL_WIDTH = re.compile("[，：［］｛｝“”‘’　【】]")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a key or value stands, and how it is written there; empty where it is no single word."""

    line: int
    text: str = ""


_Places: TypeAlias = dict[Path, _Place]


def camera(text: str | bytes, file: str = "<text>") -> Camera:
    """Read one camera. Raises ConfigError with every problem found, up to MAX_PROBLEMS."""
    return _read(text, file)[0]


def cameras(files: Iterable[tuple[str, bytes]]) -> tuple[dict[str, Camera], list[Problem]]:
    """Read several files, one camera each: the cameras of the sound ones, by file, and the problems of the others."""
    found: dict[str, Camera] = {}
    problems: list[Problem] = []
    owners: dict[str, str] = {}  # of ids
    for file, text in files:
        try:
            parsed, places = _read(text, file)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if (owner := owners.setdefault(parsed.id, file)) != file:
            message = f"{owner} has the same id"
            problems.append(
                Problem(file, places["id",].line, "id", parsed.id, message, "give each camera an id of its own")
            )
            continue
        found[file] = parsed
    return found, problems


def _read(text: str | bytes, file: str) -> tuple[Camera, _Places]:
    data, places, problems = _load(text, file)
    try:
        parsed = Camera.model_validate(data)
    except ValidationError as error:
        known = {problem.key for problem in problems}
        faults = [_explain(fault, data, places, file) for fault in _telling(error.errors(include_url=False))]
        problems += [fault for fault in faults if fault.key not in known]
    else:
        problems += [
            _problem(file, places, path, places[path].text, message, hint)
            for path, message, hint in cross_faults(parsed)
        ]
    if problems:
        raise ConfigError(problems[:MAX_PROBLEMS])
    return parsed, places


def _load(text: str | bytes, file: str) -> tuple[dict[str, Any], _Places, list[Problem]]:
    """What the file says, where, and what in it is no key and value."""
    if len(text) > MAX_BYTES:
        raise _fault(file, 0, f"the file has more than {MAX_BYTES // 1024} KiB", "one file holds one camera")
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        node = _Loader(text, file).get_single_node()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _fault(file, line, "not UTF-8 text", "save the file with the encoding UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = str(text).count("\n", 0, error.position) + 1
        character = f"U+{error.character:04X}"
        raise _fault(file, line, f"holds the unprintable character {character}", "delete it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        message = ": ".join(part for part in (error.context, error.problem) if part)
        raise _fault(file, line, f"not YAML: {message}", _yaml_hint(str(text), line, message)) from None
    if not isinstance(node, yaml.MappingNode):
        raise _fault(file, 1, "want keys and values, such as 'id: gate-1'", "see camera_configs/minimal.yaml")
    places: _Places = {}
    problems: list[Problem] = []
    data = _build(node, (), places, problems, file)
    return data, places, problems


class _Loader(yaml.SafeLoader):
    """Makes nodes of plain YAML only, and not too many. Raises ConfigError."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text)
        self._file = file
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise _fault(
                self._file,
                _line(event),
                "anchors (&) and aliases (*) are not accepted",
                "write the value out; quote a text that begins with & or *",
            )
        if event.tag:
            raise _fault(self._file, _line(event), "tags (!) are not accepted", "quote a text that begins with !")
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH:
            raise _fault(self._file, _line(event), f"nested deeper than {MAX_DEPTH} levels", "close the brackets")
        if self._nodes > MAX_NODES:
            raise _fault(
                self._file, _line(event), f"more than {MAX_NODES} keys and values", "one file holds one camera"
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _yaml_hint(text: str, line: int, message: str) -> str:
    near = "\n".join(text.split("\n")[max(line - 2, 0) : line])
    if found := _FULL_WIDTH.search(near):
        return f"there is a full-width {found[0]} here: YAML wants : , [ ] {{ }} and quotes of the plain keyboard"
    if "\t" in message or "\t" in near:
        return "indent with spaces, not with tabs"
    if "document" in message:
        return "one file holds one camera: split it at the line ---"
    return "check colons, indentation, brackets and quotes here and in the line above"


def _build(node: yaml.Node, path: Path, places: _Places, problems: list[Problem], file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        places.setdefault(path, _Place(_line(node)))
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                problems.append(Problem(file, line, _dotted(path), "", "a key must be one word", "quote it"))
                continue
            key = str(key_node.value)
            below = (*path, key)
            if key in built:
                message = f"stands twice, first in line {places[below].line}"
                problems.append(Problem(file, line, _dotted(below), "", message, "keep one of them"))
                continue
            text = str(value_node.value) if isinstance(value_node, yaml.ScalarNode) else ""
            places[below] = _Place(line, text)
            built[key] = _build(value_node, below, places, problems, file)
        return built
    if isinstance(node, yaml.SequenceNode):
        places.setdefault(path, _Place(_line(node)))
        return [_build(item, (*path, place), places, problems, file) for place, item in enumerate(node.value)]
    places.setdefault(path, _Place(_line(node), str(node.value)))
    try:
        return _scalar(node)
    except ValueError:
        problems.append(_problem(file, places, path, str(node.value), "a number that cannot be read", ""))
        return None


def _scalar(node: yaml.Node) -> Any:
    """YAML 1.1 reads 18:00 as 1080 (base 60) and 2026-01-01 as a date; both are meant as text here."""
    kind = node.tag.rpartition(":")[2]
    if kind not in ("null", "bool", "int", "float") or (kind in ("int", "float") and ":" in node.value):
        return node.value
    return yaml.constructor.SafeConstructor().construct_document(node)


def _explain(fault: Any, data: Any, places: _Places, file: str) -> Problem:
    path = _path_in(data, fault)
    message, hint = advice(fault, path, data)
    return _problem(file, places, path, places[path].text if path in places else "", message, hint)


def _telling(faults: Iterable[Any]) -> Iterator[Any]:
    """Those that others do not explain: of a list's items the first of each fault, and a list that is too short only
    if that is not because its items were refused."""
    told = set()
    for fault in faults:
        *above, last = fault["loc"]
        kind = (*above, fault["type"]) if isinstance(last, int) else (*above, last)
        refused = fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"]
        if kind not in told and not refused:
            told.add(kind)
            yield fault


def _path_in(data: Any, fault: Any) -> Path:
    """Pydantic's location without what is not in the file: union tags and the word for a dict's key."""
    path: list[str | int] = []
    here = data
    for step in fault["loc"]:
        known = range(len(here)) if isinstance(here, list) else here if isinstance(here, dict) else ()
        if step in known:
            path.append(step)
            here = here[step]
    if fault["type"] == "missing" and isinstance(here, dict):
        path.append(fault["loc"][-1])
    if fault["type"] == "union_tag_invalid":
        path.append("kind")
    return tuple(path)


def _problem(file: str, places: Mapping[Path, _Place], path: Path, text: str, message: str, hint: str) -> Problem:
    above = path
    while above and above not in places:
        above = above[:-1]
    line = places[above].line if above in places else 1
    return Problem(file, line, _dotted(path), _shown(path, text), message, hint)


def _shown(path: Path, text: str) -> str:
    """The value as it is written, unless it is or may hold a secret."""
    if any(redact.secret_name(str(step)) for step in path) or ("://" in text and "@" in text):
        return ""
    return _plain(redact.text(text))


def _plain(text: str) -> str:
    """Short, in one line, and nothing in it that a terminal obeys."""
    text = text if len(text) <= 60 else text[:57] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _line(item: Any) -> int:
    return int(item.start_mark.line) + 1 if item.start_mark else 0


def _dotted(path: Path) -> str:
    return ".".join(_plain(str(step)) for step in path)


def _fault(file: str, line: int, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(file, line, "", "", message, hint)])
