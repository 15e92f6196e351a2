from __future__ import annotations

import pytest

from contract import parse
from edge.reach import LEAST_RATE, Reach

CAMERA = """
{{id: yard, tier: 2, pilot: school, site: s1, purpose: a test of reach, source: {{url: "rtsp://192.0.2.1/"}},
 detect: {{rate: {rate}}},
 zones: {{low: [[0, 0.6], [0.5, 0.6], [0.5, 1], [0, 1]], unused: [[0, 0], [1, 0], [1, 0.1]]}},
 lines: {{gate: [[0.7, 0.2], [0.9, 0.4]]}}, rules: {{{rules}}}}}"""
INSIDE = "i: {kind: intrusion, zone: low}"
ACROSS = "c: {kind: line_crossing, line: gate}"
LEFT = "a: {kind: abandoned, zone: low}"


@pytest.mark.parametrize(
    ("rules", "box", "holds"),
    [
        pytest.param(INSIDE, (0.2, 0.7, 0.3, 0.8), True, id="in a zone"),
        pytest.param(INSIDE, (0.2, 0.5, 0.3, 0.61), True, id="a foot in it"),
        pytest.param(INSIDE, (0.2, 0.4, 0.3, 0.58), False, id="above it"),
        pytest.param(INSIDE, (-0.2, -0.4, 1.3, 1.58), True, id="larger than the picture"),
        pytest.param(INSIDE, (-0.2, 0.7, -0.01, 0.8), False, id="beyond the border, where nobody sees it"),
        pytest.param(INSIDE, (1.01, 0.7, 1.2, 0.8), False, id="beyond the other border"),
        pytest.param(INSIDE, (0.5, 0.01, 0.6, 0.05), False, id="in a zone that no rule asks for"),
        pytest.param(INSIDE, (0.7, 0.2, 0.9, 0.4), False, id="at a line that no rule asks for"),
        pytest.param(ACROSS, (0.75, 0.2, 0.85, 0.4), True, id="at a line"),
        pytest.param(ACROSS, (0.75, 0.36, 0.78, 0.5), False, id="beside a line"),
        pytest.param(f"{INSIDE}, {ACROSS}", (0.2, 0.7, 0.3, 0.8), True, id="the zone of two"),
        pytest.param(f"{INSIDE}, {ACROSS}", (0.75, 0.2, 0.85, 0.4), True, id="the line of two"),
        pytest.param(LEFT, (0.7, 0.2, 0.9, 0.4), True, id="who looks after a thing may stand anywhere"),
        pytest.param("", (0.7, 0.2, 0.9, 0.4), True, id="no rules: all of it"),
    ],
)
def test_what_may_matter(rules, box, holds):
    assert Reach(parse.camera(CAMERA.format(rules=rules, rate=LEAST_RATE))).holds(box) == holds


def test_where_looks_are_few_all_may_matter():
    assert Reach(parse.camera(CAMERA.format(rules=INSIDE, rate=LEAST_RATE - 0.1))).holds((0.7, 0.2, 0.9, 0.4))
