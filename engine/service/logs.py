"""Logs for the person on call: one JSON line per event on standard error. Refuses prose and customers' numbers."""

import logging
import sys

import structlog


def configure() -> None:
    """Set the logs of this process up; libraries speak from warnings on."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
