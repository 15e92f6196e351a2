"""A rule engine on a camera of one's own, and objects that walk through it."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from contract import parse
from edge.ids import uuid7
from edge.rules.engine import RuleEngine
from tests.edge.rules.paths import track

TEXT = """
id: yard
tier: 2
pilot: school
site: s1
purpose: a test of the engine
source: {url: "rtsp://192.0.2.1/"}
zones: {yard: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
lines: {middle: [[0, 0.5], [1, 0.5]]}
schedules:
  night: {time_zone: Asia/Shanghai, windows: [{start: "19:00", end: "06:00"}]}
rules:
  inside: {kind: intrusion, zone: yard}
  at-night: {kind: intrusion, zone: yard, schedule: night}
  over: {kind: line_crossing, line: middle}
  empty: {kind: absence, zone: yard, for_s: 1}
"""
NOON = int(datetime(2026, 11, 16, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
IN, OUT = (0.5, 0.7), (0.5, 0.3)


def engine(start_ms=NOON, text=TEXT):
    counter = count()
    return RuleEngine(parse.camera(text), lambda at: start_ms + round(at * 1000), lambda ms: uuid7(ms, next(counter)))


def camera(rules, more=""):
    """The camera with other rules: lines of YAML."""
    return TEXT[: TEXT.index("rules:")] + "rules:\n" + "".join(f"  {rule}\n" for rule in rules) + more


def steps(rules, points, first=0.0):
    drafts = []
    for look, point in enumerate(points):
        at = first + look * 0.2
        drafts += rules.step(at, [track(1, at, point)] if point else [])
    return drafts
