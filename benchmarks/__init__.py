"""Figures, not pass or fail: each prints JSON lines with the machine it ran on."""
