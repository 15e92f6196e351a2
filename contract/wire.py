"""The batch on the wire, and central's answer to it.

A batch is columns, not rows: what repeats is sent once, what counts up is sent as differences. Packed as
MessagePack and compressed with zstd (HTTP: `Content-Type: application/msgpack`, `Content-Encoding: zstd`).
The same batch as JSON (`application/json`, rows with field names) is accepted and offered for people and scripts.

    batch   = [schema, edge_id, epoch, n, column * fields]
    column  = [0, value]              every record has this value
            | [1, [value * n]]        as they are
            | [2, [value], [index * n]]  few values, many records
            | [3, first, [step * (n - 1)]]  integers as differences
            | [4, bytes(16 * n)]      UUIDs, byte plane by byte plane: their time stamps compress, their noise does not

Columns stand in the order of `COLUMNS`. A sender with a newer schema has more of them: those are kept with the
record, unread. What this schema does not know, under a schema that should, refuses the batch if it is a column, the
record if it is a field of its JSON. Of keys that stand twice in JSON, the last holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
import zstandard
from msgspec import Meta

from contract.errors import RecordError, WireError
from contract.event import BOX_STEP, CONFIDENCE_STEP, MAX_SEQ, SCHEMA, EventRecord, Millis, Name

MAX_BODY = 1 << 20  # bytes as sent
MAX_PLAIN = 2 << 20  # bytes after decompression; 1000 records are below half a MiB even as JSON
MAX_RECORDS = 1000
MAX_NEWER = 2048  # bytes a record may carry in fields that are not of this schema
MAX_NEWER_COLUMNS = 32
MAX_REASON = 200  # characters of an error's text: a sender's own words may be in it

MSGPACK = "application/msgpack"
JSON = "application/json"
ZSTD = "zstd"

_SHARED = ("edge_id", "epoch")  # stand once in the batch's head
COLUMNS = tuple(name for name in EventRecord.__struct_fields__ if name not in _SHARED)
_ADDED = {1: 2, 2: 1}  # columns that a sender with an older schema does not have; their defaults hold

Outcome: TypeAlias = Literal["stored", "duplicate", "refused"]


class RecordAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one record; answers stand in the order of the records."""

    seq: int | None  # None where the record was too broken to tell
    outcome: Outcome
    code: str = ""  # refused only: a stable word
    reason: str = ""  # refused only: a sentence for people


class BatchAnswer(msgspec.Struct, frozen=True):
    central_epoch: int  # changes when central's store is new or restored
    now: int  # central's clock, UTC ms, from which an edge learns its offset
    answers: list[RecordAnswer]
    epoch: Millis | None = None  # the batch's: numbers begin anew in each; None from a central that does not say yet


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it arrived; `newer` holds what a newer sender added, as JSON, unread."""

    record: EventRecord
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be stored, among others that can."""

    seq: int | None
    error: RecordError


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as central reads it."""

    schema: int
    edge_id: str
    epoch: int
    records: tuple[Received | Broken, ...]


class _Head(msgspec.Struct, array_like=True):
    schema: Annotated[int, Meta(ge=1)]
    edge_id: Name
    epoch: Millis
    n: int


class _JsonBatch(msgspec.Struct, kw_only=True):
    schema: Any
    edge_id: Any
    epoch: Any
    events: list[dict[str, Any]]


_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def encode(records: Sequence[EventRecord]) -> bytes:
    """1..MAX_RECORDS records of one edge and epoch as MessagePack + zstd. Raises ValueError on a mixed batch."""
    first = _one_origin(records)
    columns = zip(*(_to_row(record) for record in records), strict=True)
    packed = [SCHEMA, first.edge_id, first.epoch, len(records), *map(_pack, columns)]
    return zstandard.ZstdCompressor(level=9, write_checksum=False).compress(msgspec.msgpack.encode(packed))


def encode_json(records: Sequence[EventRecord]) -> bytes:
    """The same batch as JSON. Raises ValueError on a mixed batch."""
    first = _one_origin(records)
    events = [
        {name: entry for name, entry in msgspec.to_builtins(record).items() if name not in _SHARED}
        for record in records
    ]
    return msgspec.json.encode({"schema": SCHEMA, "edge_id": first.edge_id, "epoch": first.epoch, "events": events})


def decode(body: bytes, content_type: str = MSGPACK, content_encoding: str = ZSTD) -> Batch:
    """Read a batch. Raises WireError where it is none; a wrong record among good ones comes back as Broken."""
    if len(body) > MAX_BODY:
        raise WireError("too-large", f"the body has {len(body)} bytes, at most {MAX_BODY} are taken")
    plain = _decompress(body, content_encoding)
    match content_type.partition(";")[0].strip().lower():
        case "application/msgpack" | "application/x-msgpack":
            return _decode_columns(plain)
        case "application/json":
            return _decode_json(plain)
        case other:
            raise WireError("content-type", f"cannot read {other!r}", hint=f"send {MSGPACK} or {JSON}, plain or zstd")


def encode_answer(answer: BatchAnswer, content_type: str = MSGPACK) -> bytes:
    return msgspec.json.encode(answer) if content_type == JSON else msgspec.msgpack.encode(answer)


def decode_answer(body: bytes, content_type: str = MSGPACK) -> BatchAnswer:
    """Raises WireError."""
    try:
        if content_type.startswith(JSON):
            return msgspec.json.decode(body, type=BatchAnswer)
        return msgspec.msgpack.decode(body, type=BatchAnswer)
    except _UNREADABLE as error:
        raise WireError("answer", f"central's answer cannot be read: {short(error)}") from error


def short(error: Exception) -> str:
    """An error's text, not longer than MAX_REASON."""
    text = str(error)
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."


def _one_origin(records: Sequence[EventRecord]) -> EventRecord:
    if not 1 <= len(records) <= MAX_RECORDS:
        raise ValueError(f"a batch holds 1 to {MAX_RECORDS} records, not {len(records)}")
    if len({(record.edge_id, record.epoch) for record in records}) > 1:
        raise ValueError("a batch holds the records of one edge and epoch")
    return records[0]


def _to_row(record: EventRecord) -> tuple[Any, ...]:
    """A record's values in the order of COLUMNS, scaled to small integers where that loses nothing."""
    row = {name: getattr(record, name) for name in COLUMNS}
    row["event_id"] = record.event_id.bytes
    row["at"] -= record.opened_at
    if record.closed_at is not None:
        row["closed_at"] -= record.opened_at
    if record.confidence is not None:
        row["confidence"] = round(record.confidence * CONFIDENCE_STEP)
    if record.box is not None:
        row["box"] = [round(value * BOX_STEP) for value in record.box]
    return tuple(row.values())


def _from_row(values: Sequence[Any]) -> dict[str, Any]:
    """The reverse of `_to_row`, before validation: every value may still be of any type."""
    row = dict(zip(COLUMNS, values, strict=False))  # an older sender has fewer
    if isinstance(row["event_id"], bytes) and len(row["event_id"]) == 16:
        row["event_id"] = UUID(bytes=row["event_id"])
    for name in ("at", "closed_at"):
        if type(row[name]) is int and type(row["opened_at"]) is int:
            row[name] += row["opened_at"]
    if type(row["confidence"]) is int:
        row["confidence"] /= CONFIDENCE_STEP
    if isinstance(row["box"], list) and len(row["box"]) == 4:
        row["box"] = [value / BOX_STEP if type(value) is int else value for value in row["box"]]
    return row


def _pack(column: tuple[Any, ...]) -> list[Any]:
    first = column[0]
    if all(value == first for value in column):
        return [0, first]
    if all(type(value) is bytes for value in column):
        joined = b"".join(column)
        return [4, b"".join(joined[plane::16] for plane in range(16))]
    if all(type(value) is int for value in column):
        return [3, first, [after - before for before, after in pairwise(column)]]
    if all(value is None or isinstance(value, str) for value in column):
        table = list(dict.fromkeys(column))
        index = {value: place for place, value in enumerate(table)}
        return [2, table, [index[value] for value in column]]
    return [1, list(column)]


def _unpack(column: Any, n: int) -> list[Any]:
    match column:
        case [0, value]:
            return [_small(value)] * n
        case [1, list(values)] if len(values) == n:
            return values
        case [2, list(table), list(places)] if len(places) == n:
            table = [_small(value) for value in table]
            if all(type(place) is int and 0 <= place < len(table) for place in places):
                return [table[place] for place in places]
        case [3, int(value), list(steps)] if len(steps) == n - 1 and all(type(step) is int for step in steps):
            values = [value]
            for step in steps:
                values.append(values[-1] + step)
            return values
        case [4, bytes(planes)] if len(planes) == 16 * n:
            return [planes[place::n] for place in range(n)]
    raise WireError("framing", "a column of the batch does not fit its number of records")


def _small(value: Any) -> Any:
    """What many records share must not unfold to much more than was sent."""
    if isinstance(value, list | dict | str | bytes) and len(value) > 0:
        size = len(value) if isinstance(value, str | bytes) else len(msgspec.msgpack.encode(value))
        if size > MAX_NEWER:
            raise WireError("too-large", f"a value that records share has {size} bytes, at most {MAX_NEWER} are taken")
    return value


def _decode_columns(plain: bytes) -> Batch:
    try:
        packed = msgspec.msgpack.decode(plain)
    except _UNREADABLE as error:
        raise WireError("framing", f"the body is no MessagePack: {short(error)}") from error
    if not isinstance(packed, list) or len(packed) < len(_Head.__struct_fields__):
        raise WireError("framing", "a batch starts with schema, edge_id, epoch and the number of records")
    head, columns = packed[:4], packed[4:]
    schema, edge_id, epoch, n = _head(*head)
    newer = MAX_NEWER_COLUMNS if schema > SCHEMA else 0
    wanted = len(COLUMNS) - _ADDED.get(schema, 0)
    if not wanted <= len(columns) <= wanted + newer:
        raise WireError("framing", f"schema {schema} has {wanted} columns, the batch has {len(columns)}")
    rows = zip(*(_unpack(column, n) for column in columns), strict=True)
    records = tuple(_record(_from_row(row[: len(COLUMNS)]), edge_id, epoch, list(row[len(COLUMNS) :])) for row in rows)
    return Batch(schema, edge_id, epoch, records)


def _decode_json(plain: bytes) -> Batch:
    try:
        batch = msgspec.json.decode(plain, type=_JsonBatch)
    except _UNREADABLE as error:
        raise WireError("framing", f"the body is no batch: {short(error)}") from error
    _head(batch.schema, batch.edge_id, batch.epoch, len(batch.events))
    records: list[Received | Broken] = []
    for event in batch.events:
        newer = {name: event.pop(name) for name in event.keys() - set(COLUMNS)} if batch.schema > SCHEMA else {}
        if event.keys() & set(_SHARED):
            records.append(_broken(event, "edge_id and epoch stand in the batch's head"))
        else:
            records.append(_record(event, batch.edge_id, batch.epoch, newer))
    return Batch(batch.schema, batch.edge_id, batch.epoch, tuple(records))


def _head(schema: Any, edge_id: Any, epoch: Any, n: Any) -> tuple[int, str, int, int]:
    try:
        head = msgspec.convert((schema, edge_id, epoch, n), _Head)
    except msgspec.MsgspecError as error:
        raise WireError("framing", f"the batch's head (schema, edge_id, epoch, records): {short(error)}") from error
    if not 1 <= head.n <= MAX_RECORDS:
        raise WireError("too-many", f"a batch holds 1 to {MAX_RECORDS} records, not {head.n}")
    return head.schema, head.edge_id, head.epoch, head.n


def _record(row: dict[str, Any], edge_id: str, epoch: int, newer: list[Any] | dict[str, Any]) -> Received | Broken:
    try:
        record = msgspec.convert({**row, "edge_id": edge_id, "epoch": epoch}, EventRecord)
        kept = msgspec.json.encode(newer) if newer else b""
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        return _broken(row, f"the record breaks the contract: {short(error)}")
    if len(kept) > MAX_NEWER:
        return _broken(row, f"its newer fields have {len(kept)} bytes, at most {MAX_NEWER} are kept")
    return Received(record, kept.decode() or None)


def _broken(row: dict[str, Any], reason: str) -> Broken:
    seq = row.get("seq")
    return Broken(seq if type(seq) is int and 1 <= seq <= MAX_SEQ else None, RecordError("invalid", reason))


def _decompress(body: bytes, content_encoding: str) -> bytes:
    match content_encoding.strip().lower():
        case "" | "identity":
            return body
        case "zstd":
            pass
        case other:
            raise WireError("encoding", f"cannot read Content-Encoding {other!r}", hint="send zstd or none")
    try:
        # The frame's own claim of its size is not trusted: the reader stops one byte past the limit.
        with zstandard.ZstdDecompressor(max_window_size=MAX_PLAIN).stream_reader(
            body, read_across_frames=True
        ) as reader:
            plain = reader.read(MAX_PLAIN + 1)
    except zstandard.ZstdError as error:
        raise WireError("encoding", f"the body is no zstd frame: {error}") from error
    if len(plain) > MAX_PLAIN:
        raise WireError("too-large", f"the body unpacks to more than {MAX_PLAIN} bytes")
    return plain
