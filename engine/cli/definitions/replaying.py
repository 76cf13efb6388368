"""`countersign definitions replay`: a log of another system, judged by a definition."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated

import orjson
import typer

from engine.cli.definitions.files import loaded, text_of
from engine.cli.definitions.logs import own_rows_of, rows_of
from engine.cli.progress import counting
from engine.definition.model import Definition
from engine.definition.replay import Judged, Row, Translation, process_of
from engine.definition.replay import replay as replayed
from engine.definition.replay_map import read_map
from engine.definition.replay_own import OwnReplay
from engine.errors import InvalidFile, Problem
from engine.service import replaying
from engine.service.app import Countersign

SHOWN = 12


def replay(
    file: Annotated[Path, typer.Argument(help="Definition (YAML) with a lifecycle of its own", show_default=False)],
    log: Annotated[Path, typer.Argument(help="CSV with a line of headings, or XES; may be packed with gzip")],
    *,
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="What the log's columns, events and roles mean (YAML); none for our own export"),
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="Write one line per case here (CSV)")] = None,
    durable: Annotated[
        bool, typer.Option("--durable", help="Carry every event out on cases of its own in the case database")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Say of each case of LOG whether FILE accepts it, and where it refuses what was done."""
    definition = loaded(file)
    begin = perf_counter()
    strange: dict[str, int] = {}
    if map_ is None:
        if durable:
            raise typer.BadParameter("cases of our own are in a database already; say --map", param_hint="--durable")
        own = OwnReplay(definition)
        for row in own_rows_of(log, definition.name):
            own.take(row.case, row.event, row.moves)
        events, judged = own.events, list(own.judged())
    else:
        process = process_of(definition, str(file))
        log_map = read_map(text_of(map_), definition, str(map_))
        translation = Translation(log_map, process.declared.roles if process.declared else (), str(log))
        strange = translation.strange
        rows = rows_of(log, log_map)
        if durable:
            events, judged = _durably(definition, list(rows), translation)
        else:
            running = replayed(process, rows, translation)
            events, judged = running.events, list(running.judged())
    seconds = perf_counter() - begin
    if verdicts is not None:
        _write(verdicts, judged)
    counts = Counter(one.verdict for one in judged)
    figures = {
        "cases": len(judged),
        "events": events,
        "accepted": counts["accept"],
        "open": counts["open"],
        "refused": counts["refuse"],
        "seconds": round(seconds, 3),
    }
    for role, line in strange.items():
        typer.echo(f"{log}:{line}: the definition has no role for {role!r}; add it to the map's roles", err=True)
    if as_json:
        typer.echo(orjson.dumps(figures))
    else:
        _print(figures, judged)


def _durably(definition: Definition, rows: Sequence[Row], translation: Translation) -> tuple[int, list[Judged]]:
    steps = [(row, translation.step(row)) for row in rows]
    translation.refuse()  # a log that cannot be read changes nothing
    app = Countersign.open()
    done = 0
    try:
        with counting("replaying") as told:

            def advance(count: int) -> None:
                nonlocal done
                done += count
                told(done, len(steps))

            judged = replaying.replay(app, definition, steps, advance)
    finally:
        app.close()
    return len(steps), judged


def _write(file: Path, judged: Sequence[Judged]) -> None:
    try:
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(("case", "verdict", "state", "first_refused_index", "first_refused_event", "allowed"))
            for one in judged:
                index = "" if one.index is None else one.index
                writer.writerow((one.case, one.verdict, one.state, index, one.event, "; ".join(one.allowed)))
    except OSError as error:
        hint = "name another file"
        raise InvalidFile([Problem("R118", f"{file} cannot be written: {error.strerror or error}", hint)]) from None


def _print(figures: dict[str, int | float], judged: Sequence[Judged]) -> None:
    typer.echo(
        f"{figures['cases']:,} cases, {figures['events']:,} events in {figures['seconds']} s: "
        f"{figures['accepted']:,} accepted, {figures['open']:,} open, {figures['refused']:,} refused"
    )
    refused = Counter((one.state, one.event, one.allowed) for one in judged if one.verdict == "refuse")
    for (state, event, allowed), count in refused.most_common(SHOWN):
        typer.echo(f"  {count:,} x in {state}: {event}; possible: {', '.join(allowed) or 'nothing'}")
    if len(refused) > SHOWN:
        typer.echo(f"  and {len(refused) - SHOWN:,} other kinds; --verdicts OUT.csv lists them all")
