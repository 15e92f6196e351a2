"""A process to be killed: `python -m tests.edge.outbox.writer_child PATH COUNT SETTLE_EVERY`.

Prints `ack EPOCH SEQ EVENT_ID` when a record is safe, `gone EPOCH SEQ` just before it asks to settle one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge.outbox import Outbox
from tests.edge.records import draft


def main(path: str, count: str, settle_every: str) -> None:
    outbox = Outbox(Path(path), "edge-1", now_ms=lambda: round(time.time() * 1000))
    print("ready", flush=True)
    for number in range(int(count)):
        record = outbox.append(draft()).result(10)
        print("ack", record.epoch, record.seq, record.event_id, flush=True)
        if int(settle_every) and number % int(settle_every) == 0:
            print("gone", record.epoch, record.seq, flush=True)
            outbox.settle(record.epoch, [record.seq]).result(10)
    outbox.close()
    print("closed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
