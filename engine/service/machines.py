"""The operator's list of networks of machines, read from its file again when it has changed.

Refuses to stop who follows a link for the list's sake: a list that cannot be read is told in the log, once, and until
it is mended the one before it holds.
"""

from dataclasses import dataclass
from pathlib import Path

import structlog

from engine.delivery.networks import NO_NETWORKS, Networks, read
from engine.settings import Settings

log = structlog.get_logger()


@dataclass(slots=True)
class _Known:
    """What was read, and of which state of which file."""

    of: tuple[str, int] = ("", 0)
    networks: Networks = NO_NETWORKS


_known = _Known()


def is_of_machines(settings: Settings, address: str) -> bool:
    """Whether the address lies in a network of the list."""
    path = settings.machine_networks
    if not path.name:
        return False
    state = (str(path), path.stat().st_mtime_ns if path.exists() else 0)
    if state != _known.of:
        _read(path, state)
    return _known.networks.has(address)


def _read(path: Path, state: tuple[str, int]) -> None:
    if state[0] != _known.of[0]:
        _known.networks = NO_NETWORKS
    _known.of = state
    try:
        _known.networks = read(path.read_text().splitlines())
    except (OSError, ValueError) as error:
        log.error("machine_networks_unread", file=state[0], why=str(error))  # where it fails is said
