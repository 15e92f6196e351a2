"""What a person should read where pydantic refuses a value: plain words, and what to do about it. Pure."""

from __future__ import annotations

import difflib
from typing import Any, TypeAlias, get_args

from contract.camera import Camera
from contract.rules import LABEL_GROUPS, RULES
from contract.section import Section

Path: TypeAlias = tuple[str | int, ...]

_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_KIND_HERE = {  # what others call it
    "counting": "flow",
    "crowd": "occupancy",
    "loitering": "dwell",
    "motion": "intrusion",
    "presence": "intrusion",
    "queue": "congestion",
    "tripwire": "line_crossing",
}
_FORMS = {
    "not a time of day": "write it as 07:00 or 18:30:00, without a zone",
    "not a date": "write it as 2026-10-01: year, month, day",
}


def advice(fault: Any, path: Path, data: Any) -> tuple[str, str]:
    """(message, hint) for one of pydantic's errors at `path` of the file's `data`."""
    given, context = fault.get("input"), fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            return "unknown key", _near_key(str(path[-1]), _section(path[:-1], data))
        case "missing" if isinstance(fault["loc"][-1], str):
            return "is missing", f"add '{path[-1]}:' here; camera_configs/full.yaml says what it means"
        case _ if given is None and fault["type"] != "missing":
            return "has no value", "write one, or leave the key away where it has a default"
        case "union_tag_not_found":
            return "a rule needs a kind", f"add kind: one of {', '.join(RULES)}"
        case "union_tag_invalid":
            kind = str(given["kind"])
            return "unknown kind of rule", _near(_KIND_HERE.get(kind, kind), list(RULES))
        case "literal_error" if path[-1] == "labels":
            return "want a list", f"write labels: [{given}], or the word any"
        case "literal_error":
            return "not one of the possible values", f"possible: {context['expected'].replace(chr(39), '')}"
        case "float_type":
            return "want a number", _number_hint(given)
        case "int_type" | "int_from_float":
            return "want a whole number", "without quotes" if isinstance(given, str) and given.isdecimal() else ""
        case "finite_number":
            return "want a finite number", ""
        case "string_type" if isinstance(given, dict | list):
            return "want a text", ""
        case "string_type":
            return "want a text", "put it in quotes"
        case "string_pattern_mismatch" if "A-Z" in context["pattern"]:
            return "not usable as a name", "letters, digits, dot, dash, underscore; a letter or digit first"
        case "string_pattern_mismatch" | "string_unicode":
            return "holds characters that cannot be shown", "delete them"
        case "string_too_short":
            return f"want at least {context['min_length']} characters" if given else "is empty", ""
        case "string_too_long":
            return f"has {len(given)} characters, at most {context['max_length']} are possible", ""
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            key, words = _LIMITS[fault["type"]]
            return f"{words} {context[key]:g}", ""
        case "dict_type" | "model_type" | "model_attributes_type":
            return "want keys and values; write what belongs to it below, indented", _keys_hint(path, data)
        case "too_long" if path[-1] == "holidays":
            return f"has {context['actual_length']} entries, at most {context['max_length']} are possible", ""
        case "tuple_type" | "missing" | "too_short" | "too_long":
            return _list_advice(path, data)
        case "value_error":
            message = str(context["error"])
            return message, _FORMS.get(message, "")
    return str(fault["msg"]), ""


def _list_advice(path: Path, data: Any) -> tuple[str, str]:
    match path:
        case ("zones" | "masks", _):
            given = data[path[0]][path[1]]
            if isinstance(given, list):
                return f"a shape has 3 to 100 corners, this one {len(given)}", ""
            return "want a list of corners", "e.g. [[0, 0.4], [1, 0.4], [1, 1], [0, 1]]"
        case ("lines", _):
            return "a line has two ends", "e.g. [[0.2, 0.6], [0.8, 0.6]]"
        case ("zones" | "masks" | "lines", _, _):
            return "want a point [x, y]", "shares of the picture's width and height, e.g. [0.25, 0.5]"
        case (*_, "days"):
            return "want a list of days", "e.g. [mon, tue, wed, thu, fri]"
        case (*_, "windows"):
            return "want a list of windows", 'e.g. [{start: "18:30", end: "06:30"}]'
        case (*_, "holidays"):
            return "want a list of holidays", "e.g. [{first: 2026-10-01, last: 2026-10-07, like: sun}]"
        case (*_, "labels"):
            return "want a list of labels", f"e.g. [person]; groups: {', '.join(LABEL_GROUPS)}; or the word any"
    return "want a list", ""


def _number_hint(given: Any) -> str:
    if not isinstance(given, str):
        return ""
    try:
        float(given)
    except ValueError:
        if not given.isascii():
            return "write digits, point, comma and brackets with the plain keyboard, not full-width"
        return "without a unit; seconds and shares are plain numbers such as 2.5"
    return "without quotes"


def _keys_hint(path: Path, data: Any) -> str:
    if path == ("rules",):
        return "give each rule a name, e.g. somebody-at-night: {kind: intrusion, zone: yard}"
    if path[0] == "rules":
        return "e.g. {kind: intrusion, zone: yard}"
    keys = _keys(_section(path, data))
    return f"keys: {', '.join(keys)}" if keys else "give each a name: a word of your choice and a colon"


def _near_key(key: str, section: Any) -> str:
    homes = [name for name, field in Camera.model_fields.items() if key in _keys(field.annotation)]
    if homes and section is Camera:
        return f"it belongs below {homes[0]}:"
    return _near(key, _keys(section))


def _near(word: str, possible: list[str]) -> str:
    near = difflib.get_close_matches(word, possible, n=1)
    return f"did you mean {near[0]}?" if near else f"possible here: {', '.join(possible)}"


def _section(path: Path, data: Any) -> Any:
    """The model, or the type, of what stands at `path`."""
    here: Any = Camera
    for step in path:
        if isinstance(here, type) and issubclass(here, Section):
            here = here.model_fields[str(step)].annotation
        else:  # a dict of sections or a tuple of them
            here = next((entry for entry in get_args(here)[::-1] if entry is not Ellipsis), None)
        data = data[step]
        if path[0] == "rules" and len(path) >= 2 and isinstance(data, dict) and data.get("kind") in RULES:
            here = RULES[data["kind"]]
    parts = get_args(here)
    return parts[0] if parts[1:] == (type(None),) else here


def _keys(section: Any) -> list[str]:
    return list(section.model_fields) if isinstance(section, type) and issubclass(section, Section) else []
