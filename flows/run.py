"""What every flow run shares: the application opened for its time, its pace, and the counts it reports to Prefect."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from engine import clock
from engine.service import logs, restoring, watching
from engine.service.app import Countersign
from engine.settings import Settings
from flows.rounds import Pace, repeat

Round = Callable[[Countersign], Mapping[str, int]]
Progress = Callable[[Countersign], list[dict[str, str | int]]]


def run(
    name: str, once: Round, *, progress: Progress | None = None, noted_as: str = "", stop: Path | None = None
) -> dict[str, int]:
    """Do rounds until the next run is due; the sums appear as the artifact `name` in Prefect, and every half minute
    what `progress` says as `name-progress`. Rests while the database was restored and sending is held.

    `noted_as`: what the health page knows it as; `stop`: the file that asks it to end, by default that of all flows.
    """
    logs.configure()
    settings = Settings()
    now = clock.now() - clock.offset()  # Prefect knows the machine's clock, not the business clock
    pace = Pace.of(settings, scheduled=scheduled_start() or now, now=now)
    if stop is not None:
        pace = replace(pace, stop=stop)
    sums: Counter[str] = Counter()
    app = Countersign.open(settings)

    noted = clock.now() - watching.NOTED_EVERY

    def note(did: int, error: str = "") -> None:
        nonlocal noted
        if error or clock.now() >= noted + watching.NOTED_EVERY:
            watching.note_round(app, noted_as or name, did, error)
            noted = clock.now()
            if progress is not None and (table := progress(app)):
                create_table_artifact(key=f"{name}-progress", table=table)

    def work() -> int:
        if not restoring.may_send(app):
            note(0)
            return 0
        try:
            counts = once(app)
        except Exception as error:
            note(0, type(error).__name__)
            raise
        sums.update(counts)
        did = sum(counts.values())
        note(did)
        return did

    try:
        repeat(work, pace)
    finally:
        app.close()
        create_table_artifact(key=name, table=[{"what": what, "count": count} for what, count in sums.items()])
    return dict(sums)


def scheduled_start() -> datetime | None:
    """When the schedule wanted this run, None outside one."""
    wanted = flow_run.scheduled_start_time
    # Prefect's own kind of datetime does not add up with plain ones.
    return datetime.fromisoformat(wanted.isoformat()) if isinstance(wanted, datetime) else None
