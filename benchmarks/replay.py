"""B8: the approval log replayed on its definition, in memory, packed file to verdicts."""

from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import ROUNDS, Row
from engine.cli.definitions.files import loaded, text_of
from engine.cli.definitions.logs import rows_of
from engine.definition.replay import Translation, process_of, replay
from engine.definition.replay_map import read_map
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
    return [
        Row("B8", job, "wanted", WANTED, "per second"),
        Row("B8", job, "countersign", median(rates), "per second", median(rates) / WANTED, f"{refused} refused"),
    ]
