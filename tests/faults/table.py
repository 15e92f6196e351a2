"""The table of docs/reliability.md: `python -m tests.faults.table LINES`, with the file that the tests wrote."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.score.document import write

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"

# name -> what is done; one row each, in this order
TESTS: Mapping[str, str] = {
    "edge-kill": "the edge killed at a system call of a run of 200 events",
    "edge-kill-opening": "the edge killed at an fdatasync or a write while it opens a new outbox",
    "central-kill": "central killed at an fdatasync or at an answer of such a run, and started again",
    "edge-power-cut": "the power of the edge's disk cut at a seeded moment",
    "central-power-cut": "the power of central's disk cut at a seeded moment",
    "central-restored": "central put back to a copy of before half of the events",
    "swallowed-answers": "every other answer swallowed, and in the end every request sent once more",
    "replayed-requests": "every other request sent three times",
    "stale-answers": "every other request swallowed, and answered with the answer before",
    "half-closed": "every other answer ends after 60 bytes, closed one way",
    "trickling-answers": "every other answer comes four bytes at a time",
    "late-answers": "every other answer comes 0.3 s late",
    "no-answer": "every other answer never comes, and nothing is closed",
    "cut-at-a-byte": "requests and answers cut by a reset at a seeded byte",
    "partition-requests": "packets to central dropped for a second or more",
    "partition-answers": "packets from central dropped for a second or more",
    "partition-both": "both dropped",
    "partition-reset": "packets to central answered with a reset",
    "partition-third": "every third packet dropped, both ways",
    "edge-full-disk": "the edge's disk full while central is away; room comes back before central does",
    "central-full-disk": "central's disk full; `t_recover` holds central's own Retry-After of 30 s",
    "edge-eio": "one fdatasync of the edge fails with EIO",
    "edge-enospc": "one write of the edge fails with ENOSPC",
    "central-eio": "one fdatasync of central fails with EIO; `t_recover` holds central's own Retry-After of 10 s",
    "burst": "10,000 events handed in at once, central there",
    "outage": "10,000 events handed in while central is away",
    "storm": "974 edges with 50 events each reconnect at once",
    "schedule": "kills, power cuts, pauses, EIO, ENOSPC and a bad line in a seeded order",
    "camera-still": "the same picture all the time, key frames included",
    "camera-garbage": "random bytes inside sound packets",
    "camera-noise": "random bytes in place of packets",
    "camera-kicked": "connection closed, nobody listens for a while",
    "camera-reset": "the same by a reset",
    "camera-mute": "the connection stays open, nothing comes any more",
    "camera-mute-udp": "the same over UDP",
    "camera-reports-only": "only RTCP reports come any more",
    "camera-deaf": "nothing comes, and requests that are made meanwhile are never answered",
    "camera-stopped": "the camera's process stopped, and continued",
    "camera-killed": "the camera's process killed, and started again",
    "camera-other-codec": "the same, from H.264 to H.265 and back",
    "camera-other-size": "the same, to another resolution and back",
    "camera-neighbour": "a healthy camera beside all of these; its events",
    "camera-connects": "connects that the camera ends within a third of a second; descriptors, threads, MB of the edge",
    "camera-neighbour-of-connects": "a healthy camera beside these; its events",
    "camera-half-open": "packets to and from the camera dropped",
    "camera-neighbour-of-half-open": "a healthy camera beside that; its events",
    "camera-password": "refused once after the password was changed",
    "camera-password-twice": "refused twice; `t_recover` holds the 60 s and more in which it is left alone",
    "camera-size-live": "another resolution in the running session",
}
COUNTS = ("n", "events", "lost", "dup", "invented", "undeclared", "t_recover_p99")
BAD = ("lost", "dup", "invented", "undeclared")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(lines: Iterable[Mapping[str, Any]]) -> str:
    """Of two lines of a test the later holds. Raises KeyError where a test has no row."""
    found = dict.fromkeys(TESTS, None) | {line["test"]: line for line in lines}
    rows: list[list[object]] = [["test", "what is done", "seed", *COUNTS, "besides"]]
    rows.append(["---"] * len(rows[0]))
    for name, line in found.items():
        what = TESTS[name]
        if line is None:
            rows.append([name, what, "", "not measured", *[""] * len(COUNTS)])
            continue
        rest = [f"{key} {value}" for key, value in line.items() if key not in ("test", "seed", *COUNTS)]
        rows.append([name, what, line["seed"], *(_cell(key, line[key]) for key in COUNTS), ", ".join(rest)])
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _cell(key: str, value: object) -> str:
    if value is None:
        return "-"
    return f"**{value}**" if key in BAD and value else str(value)


def main(lines: str) -> None:
    on = f"machine: {machine.described()}; Linux {platform.release()}; date: {datetime.now(UTC).date()}."
    write(DOCUMENT, "faults", f"{on}\n\n{table(read(Path(lines)))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
