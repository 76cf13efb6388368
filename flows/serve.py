"""The launcher: tells Prefect our schedules, runs what they start, and ends without leaving a run behind.

Prefect's own `serve()` is not used: on SIGTERM it leaves running flows RUNNING, and they keep their place in the
schedule for good. Refuses to start twice for one home folder, because the second start would release the runs of
the first as left over.
"""

import asyncio
import fcntl
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.runner import Runner
from prefect.schedules import Interval
from prefect.states import Cancelled, Crashed
from prefect.types.entrypoint import EntrypointType

from engine import clock
from engine.errors import CountersignError, Refused, Unavailable
from engine.service import logs
from engine.settings import Settings
from flows.evaluate import evaluate
from flows.facts import facts
from flows.rounds import stop_file
from flows.tick import tick
from flows.waves import waves

NAME = "countersign"  # of each deployment: tick/countersign, waves/countersign
FLOWS: tuple[Flow[[], Any], ...] = (tick, waves, evaluate, facts)  # each runs every `run_seconds`, one run at a time
POLL = 2.0  # seconds between two looks of the runner for runs that should start
HELD = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)  # states in which a run holds its place

log = structlog.get_logger()


class AlreadyRunning(Refused):
    """The flows of {home} are already running; end them first."""


class PrefectUnavailable(Unavailable):
    """The Prefect server at {url} did not answer within {seconds} seconds. Check PREFECT_API_URL."""


async def serve(settings: Settings) -> None:
    """Run the schedules until SIGTERM or SIGINT. Runs still busy after some seconds end CANCELLED."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    stop_file(settings).unlink(missing_ok=True)
    _on_signals(loop, stop)
    runner = Runner(name=NAME, query_seconds=POLL, prefetch_seconds=0, limit=None, pause_on_shutdown=False)
    async with get_client() as client:
        if not await _server_answers(client, stop):
            return
        await release(client)
        await _register(runner, client, settings)
    running = asyncio.create_task(runner.start())
    await _until(lambda: runner.started or running.done())
    _on_signals(loop, stop)  # again, because the runner put its own handler of SIGTERM over ours
    print(f"ready {client.api_url}", flush=True)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await _end_runs(settings)
        await runner.astop()
    stopping.cancel()
    await running


async def release(client: PrefectClient) -> int:
    """End the runs that a killed runner left behind, which would hold their place for good. Returns how many."""
    held = await _runs_in(client, HELD)
    for run in held:
        await client.set_flow_run_state(run.id, Crashed(message="Its process is gone."), force=True)
        log.warning("run_released", run=run.name, flow_run=str(run.id))
    for run in await _runs_in(client, (StateType.SCHEDULED,), before=clock.now() - clock.offset()):
        await client.set_flow_run_state(run.id, Cancelled(message="It came too late."), force=True)
    return len(held)


async def _runs_in(client: PrefectClient, states: Sequence[StateType], before: datetime | None = None) -> list[FlowRun]:
    return await client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[NAME])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=before) if before else None,
        ),
    )


async def _register(runner: Runner, client: PrefectClient, settings: Settings) -> None:
    """One deployment per flow, scheduled from now on, and its first run at once."""
    start = clock.now() - clock.offset()
    for flow in FLOWS:
        deployment = await runner.aadd_flow(
            flow,
            name=NAME,
            schedule=Interval(timedelta(seconds=settings.run_seconds), anchor_date=start),
            concurrency_limit=1,
            entrypoint_type=EntrypointType.MODULE_PATH,
            description=flow.description,
        )
        await client.create_flow_run_from_deployment(deployment, name=f"{flow.name}-first-{start:%Y%m%d-%H%M%S}")


async def _server_answers(client: PrefectClient, stop: asyncio.Event, seconds: int = 120) -> bool:
    """Wait for the server; False when asked to stop meanwhile."""
    end = asyncio.get_running_loop().time() + seconds
    while not stop.is_set():
        if await client.api_healthcheck() is None:
            return True
        if asyncio.get_running_loop().time() > end:
            raise PrefectUnavailable(url=client.api_url, seconds=seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.2)
    return False


async def _end_runs(settings: Settings, seconds: float = 8) -> None:
    """Ask the loops of all runs to end after the round they are in, so that they end COMPLETED."""
    stop_file(settings).touch()
    with suppress(TimeoutError):
        await asyncio.wait_for(_until(lambda: not multiprocessing.active_children()), seconds)


async def _until(claim: Callable[[], bool]) -> None:
    while not claim():  # noqa: ASYNC110  neither the runner nor a process tells by an event
        await asyncio.sleep(0.05)


def _on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of this home folder; the system gives it back however the process ends."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "flows.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(home=settings.home) from None
        yield


def main() -> None:
    """Run until asked to stop; a failure to start is one sentence and exit code 1."""
    logs.configure()
    settings = Settings()
    try:
        with only_one(settings):
            asyncio.run(serve(settings))
    except CountersignError as error:
        sys.exit(error.message)
