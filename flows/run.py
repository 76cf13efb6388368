"""What every flow run shares: the application opened for its time, its pace, and the counts it reports to Prefect."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from engine import clock
from engine.service import logs, watching
from engine.service.app import Countersign
from engine.settings import Settings
from flows.rounds import Pace, repeat

Round = Callable[[Countersign], Mapping[str, int]]


def run(name: str, once: Round) -> dict[str, int]:
    """Do rounds until the next run is due; the sums appear as the artifact `name` in Prefect."""
    logs.configure()
    settings = Settings()
    now = clock.now() - clock.offset()  # Prefect knows the machine's clock, not the business clock
    pace = Pace.of(settings, scheduled=scheduled_start() or now, now=now)
    sums: Counter[str] = Counter()
    app = Countersign.open(settings)

    noted = clock.now() - watching.NOTED_EVERY

    def note(did: int, error: str = "") -> None:
        nonlocal noted
        if error or clock.now() >= noted + watching.NOTED_EVERY:
            watching.note_round(app, name, did, error)
            noted = clock.now()

    def work() -> int:
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
