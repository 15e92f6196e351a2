from __future__ import annotations

import math
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.event import EventRecord
from tests.contract.records import record


def read(**fields: Any) -> EventRecord:
    """A record as it comes from outside, where every field is checked."""
    return msgspec.convert(msgspec.to_builtins(record()) | fields, EventRecord)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"event_id": str(uuid4())}, "event_id must be a UUID of version 7", id="random UUID"),
        pytest.param({"event_id": "0" * 32}, "event_id must be a UUID of version 7", id="no UUID variant"),
        pytest.param({"event_id": "x"}, "Invalid UUID", id="no UUID"),
        pytest.param({"state": "closed"}, "closed_at belongs to state closed", id="closed without a time"),
        pytest.param({"closed_at": 1_750_000_000_000}, "closed_at belongs to state closed", id="open with a closing"),
        pytest.param({"state": "over"}, "Invalid enum value 'over'", id="unknown state"),
        pytest.param({"at": 1_749_999_999_999}, "must not lie before opened_at", id="made before it opened"),
        pytest.param(
            {"state": "closed", "closed_at": 1_749_999_999_999, "at": 1_750_000_000_000},
            "must not lie before opened_at",
            id="closed before it opened",
        ),
        pytest.param({"opened_at": -1}, ">= 0", id="before 1970"),
        pytest.param({"opened_at": 1e12}, "Expected `int`", id="time as a fraction"),
        pytest.param({"at": 253_402_300_800_000}, "<= 253402300799999", id="after the year 9999"),
        pytest.param({"tier": 0}, ">= 1", id="tier 0"),
        pytest.param({"tier": 4}, "<= 3", id="tier 4"),
        pytest.param({"tier": True}, "Expected `int`, got `bool`", id="bool for a number"),
        pytest.param({"tier": "1"}, "Expected `int`, got `str`", id="text for a number"),
        pytest.param({"seq": 0}, ">= 1", id="seq 0"),
        pytest.param({"seq": 2**53 + 1}, "<= 9007199254740992", id="seq that JSON cannot hold"),
        pytest.param({"camera_id": ""}, "matching regex|length >= 1", id="empty name"),
        pytest.param({"camera_id": "a" * 65}, "length <= 64", id="long name"),
        pytest.param({"camera_id": "a b"}, "matching regex", id="blank in a name"),
        pytest.param({"camera_id": "cam-1\n"}, "matching regex", id="line end after a name"),
        pytest.param({"camera_id": "<b>"}, "matching regex", id="markup in a name"),
        pytest.param({"camera_id": None}, "Expected `str`, got `null`", id="no name"),
        pytest.param({"label": "person\n"}, "matching regex", id="line end after a label"),
        pytest.param({"label": "<script>"}, "matching regex", id="markup in a label"),
        pytest.param({"label": "per\u202eson"}, "matching regex", id="label written backwards"),
        pytest.param({"label": "per\x1b[31m"}, "matching regex", id="escape sequence in a label"),
        pytest.param({"confidence": 1.01}, "<= 1.0", id="confidence above one"),
        pytest.param({"confidence": math.nan}, "finite|<= 1.0|>= 0.0", id="confidence that is no number"),
        pytest.param({"box": [0.1, 0.2, 0.3]}, "length 4", id="box of three"),
        pytest.param({"box": [0.3, 0.2, 0.1, 0.4]}, "left, top, right, bottom", id="box turned round"),
        pytest.param({"box": [0, 0, 1, 1.5]}, "<= 1.0", id="box outside the picture"),
        pytest.param({"box": [0, 0, 1, math.inf]}, "finite|<= 1.0", id="endless box"),
        pytest.param({"count": -1}, ">= 0", id="negative count"),
        pytest.param({"of": 5}, "of belongs to a count", id="out of so many, but how many"),
        pytest.param({"count": 6, "of": 5}, "not below it", id="more than there are"),
        pytest.param({"track": 2**31}, "<= 2147483647", id="track without end"),
        pytest.param({"clock_offset": 2**53 + 1}, "<= 9007199254740992", id="offset without end"),
        pytest.param({"severity": "high"}, "Invalid enum value 'high'", id="unknown severity"),
        pytest.param({"face": "x"}, "unknown field `face`", id="field that does not exist"),
    ],
)
def test_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        read(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"kind": "a-kind-of-next-year"}, id="unknown kind"),
        pytest.param({"label": "电动自行车"}, id="Chinese label"),
        pytest.param({"label": None, "box": None, "track": None, "confidence": None}, id="about no object"),
        pytest.param({"zone": None}, id="about no zone"),
        pytest.param({"count": 0, "of": 5}, id="none of so many"),
        pytest.param({"count": 5, "of": 5}, id="all of so many"),
        pytest.param({"box": [0.5, 0.5, 0.5, 0.5], "confidence": 0}, id="empty box"),
        pytest.param({"opened_at": 0, "at": 0}, id="1970"),
        pytest.param({"state": "closed", "closed_at": 1_750_000_000_000}, id="over at once"),
        pytest.param({"clock_offset": -(2**53)}, id="a clock far ahead"),
    ],
)
def test_accepted(fields: dict[str, Any]) -> None:
    read(**fields)


@pytest.mark.parametrize(("field", "default"), [("severity", "warning"), ("of", None)])
def test_what_an_older_sender_lacks(field: str, default: str | None) -> None:
    fields = msgspec.to_builtins(record(severity="alarm", count=3, of=5))
    del fields[field]
    assert getattr(msgspec.convert(fields, EventRecord), field) == default


def test_missing_field_is_named() -> None:
    fields = msgspec.to_builtins(record())
    del fields["tier"]
    with pytest.raises(msgspec.ValidationError, match="missing required field `tier`"):
        msgspec.convert(fields, EventRecord)


@given(
    st.tuples(*[st.floats(0, 0.5)] * 2, *[st.floats(0.5, 1)] * 2),
    st.floats(0, 1),
)
def test_rounding_is_done_once(box: tuple[float, float, float, float], confidence: float) -> None:
    once = record(box=box, confidence=confidence)
    assert once.box is not None
    assert all(abs(kept - given) <= 0.00005001 for kept, given in zip(once.box, box, strict=True))
    assert record(box=once.box, confidence=once.confidence) == once


def test_json_for_people_reads_back() -> None:
    line = msgspec.json.encode(record())
    assert msgspec.json.decode(line, type=EventRecord) == record()
    assert UUID(msgspec.json.decode(line)["event_id"]).version == 7


def test_frozen() -> None:
    with pytest.raises(AttributeError):
        record().seq = 2  # type: ignore[misc]
