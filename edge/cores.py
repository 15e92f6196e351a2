"""Which cores the cameras' threads share.

They take Python's lock thousands of times a second, for microseconds each. Between cores, every time costs two switches
of threads and moves the lock's memory; on one core the next who wants it usually finds it free. 200 cameras at rest on
two cores: 2 ms of CPU a second each where they share one, 6 where they do not. Nothing else is kept to a core.
"""

from __future__ import annotations

import os
from contextlib import suppress

SHARE = 4  # of so many cores, one is the cameras': what they decode is less than what the model looks at


def share() -> None:
    """Keep the calling thread, a camera's, to the cores of cameras: the first of those that it may use. Where that is
    refused or unknown, it stays where it is."""
    if hasattr(os, "sched_setaffinity"):
        ours = sorted(os.sched_getaffinity(0))
        with suppress(OSError):  # taken from the process since
            os.sched_setaffinity(0, ours[: max(1, len(ours) // SHARE)])
