"""Logs go to stderr, pretty on a terminal and as JSON lines elsewhere, and never hold a credential."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from contract import redact


def configure() -> None:
    """Configure structlog for this process."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact.log_processor,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Tolerant(sys.stderr))),
    )


class _Tolerant(io.TextIOBase):
    """A stream that loses lines rather than ending the thread that writes them: a full disk or a log reader that went
    away must not cost a camera its thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()
