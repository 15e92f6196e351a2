"""Kinds of events that this version knows. Others are stored and shown as newer: the set is open."""

from __future__ import annotations

RULES = frozenset(
    {
        "intrusion",
        "line_crossing",
        "wrong_way",
        "dwell",
        "occupancy",
        "absence",
        "congestion",
        "abandoned",
        "flow",
    }
)
CAMERA_HEALTH = frozenset({"offline", "frozen", "dark", "covered", "blurred", "moved", "clock_skew"})
STORM = "storm"  # a rule fired too often: its events were counted, not told one by one
DEGRADED = "degraded"  # an edge makes fewer looks than its cameras ask for: about the edge, not about a camera
KNOWN = RULES | CAMERA_HEALTH | {STORM, DEGRADED}
