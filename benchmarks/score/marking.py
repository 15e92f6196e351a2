"""Fired events against the hand-checked ones, by the footage's own score.py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.footage import Fired, Watched

_RULE = re.compile(r"^(\S+) +(\S+) +tp +(\d+) fp +(\d+) fn +(\d+)$", re.MULTILINE)
_UNKNOWN = re.compile(r"^(\S+) +(\S+) +not in the truth file: (\d+) fired$", re.MULTILINE)
_TOTAL = re.compile(r"^total tp (\d+) fp (\d+) fn (\d+) precision (\S+) recall (\S+) f1 (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """One rule of one clip: right, wrong and missed firings; `twice` are those of `wrong` that say a thing again."""

    clip: str
    rule: str
    tp: int
    fp: int
    fn: int
    twice: int


@dataclass(frozen=True, slots=True)
class Score:
    marks: tuple[Mark, ...]
    precision: float
    recall: float
    f1: float
    unknown: Mapping[str, int]  # fired, by rules that the truth does not know; counted nowhere

    def total(self, what: str) -> int:
        return sum(getattr(mark, what) for mark in self.marks)


def mark(footage: Path, watched: Mapping[str, Watched]) -> Score:
    """Score each clip's events. `footage` holds score.py and events.json. Raises CalledProcessError."""
    truth = json.loads((footage / "events.json").read_text(encoding="utf-8"))
    with TemporaryDirectory() as folder:
        files = []
        for name, clip in watched.items():
            path = Path(folder) / f"{name}.jsonl"
            path.write_text("".join(json.dumps({"rule": f.rule, "clip_s": f.at}) + "\n" for f in clip.fired))
            files.append(f"{name}={path}")
        said = subprocess.run(
            [sys.executable, footage / "score.py", footage / "events.json", *files],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    total = _TOTAL.search(said)
    if total is None:
        raise ValueError(f"score.py prints no total any more:\n{said}")
    marks = []
    for clip, rule, *counts in _RULE.findall(said):
        tp, fp, fn = map(int, counts)
        expected = [event for event in truth[clip]["expected"] if event["rule"] == rule]
        fired = [each for each in watched[clip].fired if each.rule == rule]
        marks.append(Mark(clip, rule, tp, fp, fn, near(expected, fired) - tp))
    if [sum(getattr(m, key) for m in marks) for key in ("tp", "fp", "fn")] != [int(n) for n in total.groups()[:3]]:
        raise ValueError(f"score.py prints its rules in another form:\n{said}")
    precision, recall, f1 = map(float, total.groups()[3:])
    unknown = {f"{clip}/{rule}": int(n) for clip, rule, n in _UNKNOWN.findall(said)}
    return Score(tuple(marks), precision, recall, f1, unknown)


def near(expected: Sequence[Mapping[str, Any]], fired: Sequence[Fired]) -> int:
    """Firings of one rule within the tolerance of any of its expected events.

    Less those that were matched, these are happenings told twice: had the expected event been free, the greedy
    matching would have taken the firing.
    """
    return sum(any(abs(event["at"] - each.at) <= event["tol"] for event in expected) for each in fired)
