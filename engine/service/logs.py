"""Logs for the person on call: one JSON line per event on standard error, with the request, case or wave it belongs to.

Refuses prose, secrets and customers' numbers: what looks like a telephone is masked, and values under the names of
secrets are left out, whatever an error or a library says.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

PHONE = re.compile(r"(?<![\w.])((?:\+?86)?1[3-9]\d)\d{6}(\d{2})(?![\w.])")
ADDRESS = re.compile(r"(://[^/\s:@]*:)[^@\s/]+@")
SECRET = re.compile(r"(password|secret|token|authorization|cookie|api_key)$", re.IGNORECASE)
LEFT_OUT = "***"


def scrubbed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without telephones, passwords in addresses, and values under the names of secrets."""
    for name, value in event.items():
        if SECRET.search(name):
            event[name] = LEFT_OUT
        elif isinstance(value, str):
            event[name] = ADDRESS.sub(r"\1***@", PHONE.sub(r"\1******\2", value))
    return event


def configure() -> None:
    """Set the logs of this process up; libraries speak from warnings on."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            scrubbed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
