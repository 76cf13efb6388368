"""Arbitrations as pages and API show them: what each case wanted, got and lost to whom, and two runs side by side.

A case that is not the viewer's to see has a number, a title and an id for nobody: its counts stand there without a
name. Refuses to run anything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from engine.audience.policy import ContactPolicy
from engine.errors import NotFound
from engine.service.app import Countersign
from engine.service.arbitrated import inputs_of, names_of, outcome_of
from engine.service.arbitrating import COMMITS, RUNS, outgrown
from engine.service.arbitration_parts import CaseName, OutcomeView
from engine.service.authorizing import allowed
from engine.service.contending import Room
from engine.service.recording import By
from engine.store import arbitrations
from engine.store.arbitrations import CaseRow, RunRow
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list. `base` is the run it was compared with, 0 where nothing was supposed."""

    number: int
    since: date
    until: date
    base: int
    made_by: str
    made_at: datetime
    committed_by: str
    committed_at: datetime | None
    cases: int
    wanted: int
    got: int


@dataclass(frozen=True, slots=True)
class SupposedView:
    """A cap of the policy, as the run applied it."""

    label: Bilingual
    most: int
    is_supposed: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. `new` is the number of cases that came later; `is_stale`: it cannot be committed any more."""

    line: RunLine
    digest: str
    dataset: int
    policy_version: int
    caps: tuple[SupposedView, ...]
    similar: str
    rooms: tuple[Room, ...]
    capacity: dict[str, int]
    outcomes: tuple[OutcomeView, ...]
    new: int
    is_stale: bool
    is_other_policy: bool
    may_commit: bool


@dataclass(frozen=True, slots=True)
class BesideView:
    """A case in two runs; None where it is not in one of them."""

    case: CaseName
    here: OutcomeView | None
    there: OutcomeView | None


def listed(app: Countersign, by: By) -> tuple[RunLine, ...]:
    """The last runs, the newest first."""
    by.authorize(RUNS)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        return tuple(
            _line(row, arbitrations.of_run(tx, row.number), organisation.name) for row in arbitrations.newest(tx)
        )


def show(app: Countersign, by: By, number: int) -> RunView:
    """One run. NotFound where there is none."""
    by.authorize(RUNS)
    with app.db.read() as tx:
        row = arbitrations.find(tx, number)
        if row is None:
            raise NotFound()
        rows, inputs = arbitrations.of_run(tx, number), inputs_of(row)
        later = outgrown(app, tx, row)
        policy = ContactPolicy.model_validate_json(inputs.policy)
        names = names_of(app, tx, by.viewer.person if by.viewer else None, [one.case_id for one in rows])
        gone = {id_: what for id_, what in later.items() if what in ("changed", "left")}
        is_stale = bool(later)
        return RunView(
            line=_line(row, rows, app.organisation(tx).name),
            digest=row.digest,
            dataset=inputs.dataset,
            policy_version=inputs.policy_version,
            caps=tuple(SupposedView(cap.label, cap.most, n in inputs.caps) for n, cap in enumerate(policy.caps)),
            similar=str(policy.similar or ""),
            rooms=inputs.rooms,
            capacity=inputs.capacity,
            outcomes=tuple(outcome_of(one, names, gone, inputs.priorities) for one in rows),
            new=sum(what == "new" for what in later.values()),
            is_stale=is_stale and row.committed_at is None,
            is_other_policy=inputs.supposes_policy,
            may_commit=row.committed_at is None
            and not is_stale
            and not inputs.supposes_policy
            and (by.viewer is None or allowed(by.viewer, COMMITS)),
        )


def beside(app: Countersign, one: RunView, other: RunView) -> tuple[BesideView, ...]:
    """The cases of two runs that were shown, what each got here and there."""
    with app.db.read() as tx:
        ids = [[row.case_id for row in arbitrations.of_run(tx, run.line.number)] for run in (one, other)]
    here, there = (dict(zip(of_run, run.outcomes, strict=True)) for of_run, run in zip(ids, (one, other), strict=True))
    pairs = ((here.get(key), there.get(key)) for key in dict.fromkeys((*here, *there)))
    return tuple(
        BesideView(found.case, mine, theirs) for mine, theirs in pairs if (found := mine or theirs) is not None
    )


def _line(row: RunRow, rows: Iterable[CaseRow], name: Callable[[str], str]) -> RunLine:
    of_run = tuple(rows)
    return RunLine(
        number=row.number,
        since=row.since,
        until=row.until,
        base=row.base,
        made_by="system" if row.made_by == "system" else name(row.made_by),
        made_at=row.made_at,
        committed_by=name(row.committed_by) if row.committed_by else "",
        committed_at=row.committed_at,
        cases=len(of_run),
        wanted=sum(one.wanted for one in of_run),
        got=sum(one.got for one in of_run),
    )
