"""`python -m flows.worker --name NAME`: a further delivery worker, on this machine or another, until SIGTERM or SIGINT.

It sends chunks of running waves beside the flow `waves`, which alone opens gates and ends deliveries. Each worker has
runs of its own in Prefect, one after the other and without a deployment: no schedule piles up for one that was killed,
and a launcher that starts takes none of them for left over. Refuses a database that lets one process write at a time.
"""

import argparse
import asyncio
import fcntl
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prefect import flow, tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from engine.errors import CountersignError, Refused
from engine.service import delivering, logs, watching
from engine.service.app import Countersign
from engine.settings import Settings
from flows.run import run
from flows.waves import send

PAUSE = 2.0  # before the next try where Prefect does not answer
MOST = 64  # workers of one machine that find a name by themselves

log = structlog.get_logger()


class WorkerRuns(Refused):
    """A worker {name} runs here already; choose another --name."""


class OneWriter(Refused):
    """Further workers need PostgreSQL: {url} lets one process write at a time, and the flows send already."""


@flow(name="worker", flow_run_name="worker-{name}")
def worker(name: str, stop: str) -> dict[str, int]:
    """Send what may be sent for the time of a run, or until the file `stop` is there."""
    file = Path(stop)
    return run(
        "worker",
        lambda app: send(app, file.exists),
        progress=delivering.progress,
        noted_as=watching.WORKER + name,
        stop=file,
    )


def serve(settings: Settings, name: str, stop: Path) -> None:
    """Runs one after the other until the file is there. Prefect away costs its view of them, and a pause."""
    app = Countersign.open(settings)
    is_released = False
    try:
        if app.db.dialect_name != "postgresql":
            raise OneWriter(url=app.db.address)
        while not stop.exists():
            try:
                if not is_released:
                    asyncio.run(release(name))
                    is_released = True
                    print(f"ready {name}", flush=True)
                with tags(f"worker:{name}"):
                    worker(name, str(stop))
            except Exception as error:
                log.warning("worker_interrupted", worker=name, error=f"{type(error).__name__}: {error}"[:300])
                _rest(stop)
        watching.note_end(app, watching.WORKER + name)
    finally:
        app.close()


async def release(name: str) -> int:
    """End the runs that a worker of this name left behind when it was killed. Returns how many."""
    async with get_client() as client:
        held = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[f"worker:{name}"]),
                state=FlowRunFilterState(
                    type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.SCHEDULED])
                ),
            )
        )
        for one in held:
            await client.set_flow_run_state(one.id, Crashed(message="Its process is gone."), force=True)
            log.warning("run_released", run=one.name, flow_run=str(one.id))
    return len(held)


def _rest(stop: Path) -> None:
    waiting = threading.Event()
    for _ in range(int(PAUSE / 0.2)):
        if stop.exists():
            return
        waiting.wait(0.2)


@contextmanager
def named(settings: Settings, wanted: str = "") -> Iterator[str]:
    """The name for as long as the block lasts: `wanted`, or the machine's with the first number that is free. The
    system gives it back however the process ends."""
    settings.home.mkdir(parents=True, exist_ok=True)
    names = [wanted] if wanted else [f"{socket.gethostname()[:60]}-{number}" for number in range(1, MOST + 1)]
    for name in names:
        with (settings.home / f"worker-{name}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
    raise WorkerRuns(name=names[-1])


def main() -> None:
    """Work until asked to stop: then the chunks at hand are finished and no other is claimed. A failure to start is one
    sentence and exit code 1."""
    logs.configure()
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="")
    settings = Settings()
    failed: list[CountersignError] = []

    def work(name: str, stop: Path) -> None:
        try:
            serve(settings, name, stop)
        except CountersignError as error:
            failed.append(error)

    try:
        with named(settings, parser.parse_args().name) as name:
            stop = settings.home / f"worker-{name}.stop"
            stop.unlink(missing_ok=True)
            # In a thread of its own, because Prefect puts its own handlers of signals over ours in the main one.
            working = threading.Thread(target=work, args=(name, stop), name=name)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.touch())
            working.start()
            while working.is_alive():
                working.join(0.2)
            stop.unlink(missing_ok=True)
    except CountersignError as error:
        failed.append(error)
    if failed:
        sys.exit(failed[0].message)


if __name__ == "__main__":
    main()
