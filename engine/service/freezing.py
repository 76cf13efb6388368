"""The report on a case frozen with a digest of every input: list, ledger, responses, imported outcomes, cost.

The same data in the same database give the same digests, today and in years: `check` counts everything again as of the
moment of the report and names the first input that differs. Refuses to store and to say who may ask.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.errors import NotFound
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.closing_views import CheckedInput, FrozenReport, InputView
from engine.service.stage_views import EvaluationView
from engine.store import closings, snapshots, waves
from engine.values import canonical_json, digest_of

LABEL = "close"
PIECE = 1 << 20


def freeze(app: Countersign, case: Case, as_of: datetime | None = None) -> FrozenReport:
    """The report as of now, or as of an earlier moment. NotFound where the case has no evaluation or no audience."""
    # statsmodels and DuckDB take seconds to import, and only a report needs them.
    from engine.service.reporting import report_on  # noqa: PLC0415

    moment = as_of or app.now()
    report = report_on(app, case, LABEL, moment)
    with app.db.read() as tx:
        inputs = _inputs(app, tx, case, moment)
    return FrozenReport(moment, report, inputs, _digest(report, inputs))


def check(app: Countersign, case: Case, frozen: FrozenReport) -> tuple[tuple[CheckedInput, ...], str]:
    """Every input as it is now, and the first that differs; "figures" where the report alone does, empty where nothing
    does."""
    with app.db.read() as tx:
        now = _inputs(app, tx, case, frozen.as_of)
    found = {one.name: one for one in now}
    checked = tuple(
        CheckedInput(one.name, one.rows, found[one.name].rows, found[one.name].digest == one.digest)
        for one in frozen.inputs
    )
    differs = next((one.name for one in checked if not one.is_same), "")
    if not differs and freeze(app, case, frozen.as_of).digest != frozen.digest:
        differs = "figures"
    return checked, differs


def read(closing: closings.Closing) -> FrozenReport | None:
    """The report as it was stored; None where the case was closed without one."""
    if closing.as_of is None:
        return None
    report = msgspec.json.decode(closing.report, type=EvaluationView)
    inputs = msgspec.json.decode(closing.inputs, type=tuple[InputView, ...])
    return FrozenReport(closing.as_of, replace(report, digest=closing.digest), inputs, closing.digest)


def written(frozen: FrozenReport) -> tuple[str, str]:
    """The report and its inputs as they are stored."""
    return canonical_json(frozen.report).decode(), canonical_json(frozen.inputs).decode()


def _digest(report: EvaluationView, inputs: tuple[InputView, ...]) -> str:
    """Of the figures and the inputs, not of the moment: a report that says the same is the same one."""
    figures = msgspec.to_builtins(report)
    return digest_of({"figures": {**figures, "as_of": "", "label": "", "digest": ""}, "inputs": inputs})


def _inputs(app: Countersign, tx: Connection, case: Case, as_of: datetime) -> tuple[InputView, ...]:
    from engine.warehouse.freeze import LIST  # noqa: PLC0415
    from engine.warehouse.responses import outcome_files, outcomes_folder  # noqa: PLC0415

    snapshot = snapshots.newest(tx, case.id)
    if snapshot is None:
        raise NotFound()
    customers = _of_files([app.settings.data / snapshot.folder / LIST])
    outcomes = _of_files(outcome_files(outcomes_folder(app.settings.data, case.id)))
    ledger = _of_lines(closings.ledger_lines(tx, case.id, as_of))
    answers = _of_lines(closings.response_lines(tx, case.id, snapshot.frozen_at, as_of))
    costs = _costs(app.definition(case.process), waves.of_case(tx, case.id))
    return (
        InputView("list", snapshot.target + snapshot.control, customers[1]),
        InputView("ledger", *ledger),
        InputView("responses", *answers),
        InputView("outcomes", *outcomes),
        InputView("cost", *_of_lines(costs)),
    )


def _costs(definition: Definition, sent: tuple[waves.WaveRow, ...]) -> list[str]:
    """A line for each wave with what is paid for in it, then the prices."""
    lines = [f"{wave.id}\t{wave.channel}\t{wave.segments}" for wave in sent]
    plan, delivery = definition.evaluation, definition.delivery
    channels = sorted({wave.channel for wave in sent})
    contact = plan.cost_per_contact if plan else {}
    priced = [f"{one}\t{contact.get(one, '')}\t{delivery.price(one) if delivery else ''}" for one in channels]
    return lines + priced


def _of_lines(lines: Iterable[str]) -> tuple[int, str]:
    """How many, and the sha256 of all of them."""
    hashed, count, piece = hashlib.sha256(), 0, bytearray()
    for line in lines:
        count += 1
        piece += line.encode() + b"\n"
        if len(piece) > PIECE:
            hashed.update(piece)
            piece.clear()
    hashed.update(piece)
    return count, hashed.hexdigest()


def _of_files(paths: Iterable[Path]) -> tuple[int, str]:
    """How many, and the sha256 of their contents, one after the other; a file that is gone counts as empty."""
    hashed, count = hashlib.sha256(), 0
    for path in paths:
        count += 1
        if path.exists():
            with path.open("rb") as file:
                hashed.update(hashlib.file_digest(file, "sha256").digest())
    return count, hashed.hexdigest()
