"""How large an event is on the wire, and what packing costs.

    python -m benchmarks wire

Prints one JSON line. The records are those of one edge with 64 cameras on a busy day, made from a seed: openings and
closings, five kinds of rules, every event with a random id, place and moment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import zstandard

from contract import wire
from contract.event import EventRecord

SIZES = (1, 50, 500)
BEGAN = 1_750_000_000_000
SITES = (("school", 1), ("traffic", 1), ("hospital", 2), ("kitchen", 3))
RULES = (  # rule, kind, zone, labels, seconds that the event lasts, share of all events
    ("somebody-at-night", "intrusion", "yard", ("person",), 40, 40),
    ("vehicle-in-the-yard", "intrusion", "yard", ("car", "truck", "motorcycle"), 90, 20),
    ("count", "line_crossing", "gate", ("person", "car", "bicycle", "bus"), 0, 25),
    ("loitering", "dwell", "rack", ("person",), 120, 10),
    ("crush", "occupancy", "gate", (None,), 60, 5),
)


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks wire")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40, help="batches a size")
    args = parser.parse_args(argv)
    sent = records(max(SIZES) * args.rounds, args.seed)
    figures: dict[str, dict[str, float]] = {}
    for size in SIZES:
        batches = [sent[start : start + size] for start in range(0, size * args.rounds, size)]
        for name, figure in _measure(batches, size).items():
            figures.setdefault(name, {})[str(size)] = figure
    machine = f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    print(json.dumps({"benchmark": "wire", **figures, "rounds": args.rounds, "machine": machine}))
    return 0


def records(n: int, seed: int) -> list[EventRecord]:
    """`n` records of one edge, in the order of their making."""
    rng = random.Random(seed)
    moments: list[tuple[int, dict[str, Any]]] = []
    at = BEGAN
    while len(moments) < n:
        at += round(rng.expovariate(1 / 1500))  # ms: 64 cameras, an event every 1.5 s
        fields = _event(rng, at)
        moments.append((at, fields))
        if fields["state"] == "open":
            over = at + round(rng.expovariate(1 / 60_000)) + 1500
            moments.append((over, fields | {"state": "closed", "at": over, "closed_at": over, "box": _box(rng)}))
    moments.sort(key=lambda moment: moment[0])
    return [
        EventRecord(edge_id="edge-district-7", epoch=BEGAN - 86_400_000, seq=seq, clock_offset=12, **fields)
        for seq, (_, fields) in enumerate(moments[:n], 1)
    ]


def _event(rng: random.Random, at: int) -> dict[str, Any]:
    camera = rng.randrange(64)
    pilot, tier = SITES[camera // 16]
    rule, kind, zone, labels, lasts, _ = rng.choices(RULES, [entry[-1] for entry in RULES])[0]
    about_one = kind != "occupancy"
    return {
        "event_id": UUID(int=(at << 80) | (7 << 76) | (rng.getrandbits(12) << 64) | (2 << 62) | rng.getrandbits(62)),
        "camera_id": f"{pilot}-{camera // 4}-cam-{camera}",
        "tier": tier,
        "pilot": pilot,
        "site": f"{pilot}-{camera // 4}",
        "rule": rule,
        "kind": kind,
        "zone": zone,
        "state": "open" if lasts else "closed",
        "opened_at": at,
        "at": at,
        "closed_at": None if lasts else at,
        "label": rng.choice(labels),
        "count": None if about_one else rng.randint(15, 40),
        "confidence": rng.uniform(0.35, 0.95) if about_one else None,
        "box": _box(rng) if about_one else None,
        "track": rng.randrange(1, 4000) if about_one else None,
        "model": "yolov8n",
    }


def _box(rng: random.Random) -> tuple[float, float, float, float]:
    x, y = rng.random() * 0.9, rng.random() * 0.8
    return x, y, min(x + rng.uniform(0.02, 0.1), 1), min(y + rng.uniform(0.05, 0.2), 1)


def _measure(batches: Sequence[Sequence[EventRecord]], size: int) -> dict[str, float]:
    """Bytes and µs an event; `..._to_json` is the ratio to msgspec's own JSON of the same records."""
    packed = [wire.encode(batch) for batch in batches]
    rows = [wire.encode_json(batch) for batch in batches]
    plain = [msgspec.json.encode(batch) for batch in batches]
    reader = msgspec.json.Decoder(list[EventRecord])
    encode_us = _us(wire.encode, batches, size)
    decode_us = _us(wire.decode, packed, size)
    return {
        "bytes_per_event": _bytes(packed, size),
        "json_bytes_per_event": _bytes(rows, size),
        "json_zstd_bytes_per_event": _bytes([zstandard.compress(body, 9) for body in rows], size),
        "encode_us": round(encode_us, 2),
        "decode_us": round(decode_us, 2),
        "encode_to_json": round(encode_us / _us(msgspec.json.encode, batches, size), 1),
        "decode_to_json": round(decode_us / _us(reader.decode, plain, size), 1),
    }


def _bytes(bodies: Sequence[bytes], size: int) -> float:
    return round(sum(map(len, bodies)) / len(bodies) / size, 1)


def _us(work: Callable[[Any], object], items: Sequence[Any], size: int) -> float:
    took = []
    for item in items:
        start = time.perf_counter()
        work(item)
        took.append((time.perf_counter() - start) * 1e6 / size)
    return statistics.median(took)
