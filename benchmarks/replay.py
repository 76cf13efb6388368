"""B8: the approval log replayed on its definition: in memory, packed file to verdicts, and as real transitions.

The durable replay of a part of the log takes turns with B1's base on the same PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks import ROUNDS, Row, interleaved
from benchmarks.county import County
from benchmarks.transitions import BASE, server, straightforward, supply
from engine.cli.definitions.files import loaded, text_of
from engine.cli.definitions.logs import rows_of
from engine.definition.model import Definition
from engine.definition.replay import Row as LogRow
from engine.definition.replay import Step, Translation, process_of, replay
from engine.definition.replay_map import read_map
from engine.service import replaying
from engine.service.app import Countersign
from engine.service.replaying import AT_ONCE
from engine.settings import Settings
from tests.servers.postgres import create_database
from tests.support import shared

EXAMPLES = Path(__file__).parents[1] / "definitions" / "examples"
WANTED = 50_000


def run(quick: bool) -> list[Row]:
    """Events per second, the median of some rounds."""
    log = shared("data/approval_log/events.csv.gz")
    definition = loaded(EXAMPLES / "payment-approval.yaml")
    process = process_of(definition)
    log_map = read_map(text_of(EXAMPLES / "payment-approval.map.yaml"), definition)
    rates, refused = [], 0
    for _ in range(1 if quick else ROUNDS):
        begin = perf_counter()
        translation = Translation(log_map, definition.lifecycle.roles if definition.lifecycle else (), str(log))
        running = replay(process, rows_of(log, log_map), translation)
        refused = sum(judged.verdict == "refuse" for judged in running.judged())
        rates.append(running.events / (perf_counter() - begin))
    job = f"replay of {running.events:,} events"
    rows = list(rows_of(log, log_map))
    steps = [(row, translation.step(row)) for row in rows]
    return [
        Row("B8", job, "wanted", WANTED, "per second"),
        Row("B8", job, "countersign", median(rates), "per second", median(rates) / WANTED, f"{refused} refused"),
        *_durable(definition, steps[: 500 if quick else 5_000], rounds=1 if quick else 3),
    ]


def _durable(definition: Definition, steps: Sequence[tuple[LogRow, Step]], *, rounds: int) -> Iterator[Row]:
    """Every event a transition of its own, and one more to open each case. The part may cut cases off."""
    with server() as url, TemporaryDirectory() as home:
        app = Countersign.open(Settings(home=Path(home), database_url=create_database(url, "bench")))
        app.db.migrate()
        fresh = supply(app.db, County(), 1000)
        transitions = len(steps) + len({row.case for row, _ in steps})

        def replayed() -> float:
            begin = perf_counter()
            replaying.replay(app, definition, steps, lambda count: None)
            return transitions / (perf_counter() - begin)

        figures = interleaved(
            {BASE: lambda: straightforward(app.db, fresh(), AT_ONCE), "countersign": replayed}, rounds
        )
        app.close()
    job = f"durable replay of {len(steps):,} events, {AT_ONCE} at once"
    base, ours = median(figures[BASE]), median(figures["countersign"])
    yield Row("B8", job, BASE, base, "per second")
    yield Row("B8", job, "countersign", ours, "per second", ours / base)
