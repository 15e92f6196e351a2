"""A process to be hurt: `python -m tests.edge.outbox.writer_child PATH COUNT SETTLE_EVERY`.

Prints `ack EPOCH SEQ EVENT_ID` when a record is safe, `gone EPOCH SEQ` just before it asks to settle one, `fail`
when the outbox did not accept one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import structlog

from edge.errors import OutboxError
from edge.outbox import Outbox
from tests.edge.records import draft


def main(path: str, count: str, settle_every: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with Outbox(Path(path), "edge-1", now_ms=lambda: round(time.time() * 1000)) as outbox:
        print("ready", flush=True)
        for number in range(int(count)):
            try:
                record = outbox.append(draft()).result(10)
                print("ack", record.epoch, record.seq, record.event_id, flush=True)
                if int(settle_every) and number % int(settle_every) == 0:
                    print("gone", record.epoch, record.seq, flush=True)
                    outbox.settle(record.epoch, [record.seq]).result(10)
            except OutboxError as error:
                print("fail", error, flush=True)
    print("closed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
