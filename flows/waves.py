"""The flow `waves`: the delivery worker. Running waves are sent chunk by chunk, finished ones settled."""

import os
import socket
from collections.abc import Callable, Mapping

import structlog
from prefect import flow

from engine.service import delivering
from engine.service.app import Countersign
from flows.run import run

TURN = 5_000  # recipients between two looks at what finished, and at a request to stop

log = structlog.get_logger()


@flow(name="waves")
def waves() -> dict[str, int]:
    """Send what may be sent until the next run of this flow is due."""
    return run("waves", once, progress=delivering.progress)


def once(app: Countersign) -> Mapping[str, int]:
    """One turn of sending, then what became finished by it. A gateway that is down counts as nothing done."""
    try:
        return send(app, lambda: False)
    finally:
        delivering.settle(app)


def send(app: Countersign, stop: Callable[[], bool]) -> Mapping[str, int]:
    """One turn of sending, shorter where `stop` says so meanwhile."""
    progress = delivering.work(app, f"{socket.gethostname()}:{os.getpid()}", limit=TURN, stop=stop)
    if progress is None:
        return {}
    if progress.error:
        log.warning("sending_interrupted", error=progress.error, returned=progress.returned)
    return {"sent": progress.sent, "failed": progress.failed, "suppressed": progress.suppressed}
