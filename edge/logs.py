"""Logs go to stderr, pretty on a terminal and as JSON lines elsewhere, and never hold a credential."""

from __future__ import annotations

import sys

import structlog

from contract import redact


def set_up_logs() -> None:
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
