"""python -m benchmarks NAME [OPTION...]; `all` runs each with its defaults."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

# name: (module, what it tells). Modules have run(argv), or the function named, and are imported only when asked for.
NAMES = {
    "wire": ("wire", "bytes and microseconds an event, in batches of 1, 50 and 500"),
    "outbox": ("outbox", "events a second that are safe on the edge's disk"),
    "ingest": ("ingest", "events a second from a batch on loopback to central's disk"),
    "screen": ("screen", "milliseconds from motion in a picture to a line on the screen, with a real browser"),
    "score": (
        "score.cli",
        "events of the hand-checked clips that are right, at 5 and 2 looks a second; needs the footage",
    ),
    "loop": ("loop", "memory and tracks of each clip joined to itself for 10 minutes; needs the footage"),
    "edge-quiet": (
        "edge.cli:quiet",
        "an edge's CPU where cameras see little: a visit in ten minutes each; needs the footage",
    ),
    "edge-busy": ("edge.cli:busy", "the same where people and vehicles move all the time; needs the footage"),
    "edge-mixed": ("edge.cli:mixed", "the same with one busy camera in five; needs the footage"),
    "model-speed": ("model_speed", "milliseconds a picture, by backend, threads and size"),
    "model-precision": ("model_precision", "what half floats change; needs --footage and --reference"),
}
NOT_IN_ALL = (
    "score",
    "loop",
    "edge-quiet",
    "edge-busy",
    "edge-mixed",
    "model-precision",
)  # needs files that no checkout has


def main(argv: Sequence[str]) -> int:
    name, *rest = argv or ["--help"]
    if name == "all":
        return max(_run(each, []) for each in NAMES if each not in NOT_IN_ALL)
    if name in NAMES:
        return _run(name, rest)
    asked = name in ("-h", "--help")
    if not asked:
        print(f"no benchmark is named {name}\n", file=sys.stderr)
    print("python -m benchmarks NAME [OPTION...]\n")
    for each, (_, tells) in NAMES.items():
        print(f"  {each:16} {tells}")
    print(f"  {'all':16} each with its defaults, but {', '.join(NOT_IN_ALL)}")
    return 0 if asked else 2


def _run(name: str, argv: Sequence[str]) -> int:
    module, _, function = NAMES[name][0].partition(":")
    return int(getattr(import_module(f"benchmarks.{module}"), function or "run")(argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
