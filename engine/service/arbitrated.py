"""What arbitration did with a case: what went into the run, and whom the case lost to which other.

A case that is not the viewer's to see is told without a name. Refuses to run anything.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from engine.service import fields
from engine.service.app import Countersign
from engine.service.arbitration_parts import CaseLosses, CaseName, LossView, OutcomeView
from engine.service.contending import Room
from engine.store import arbitrations, cases, visibility
from engine.store.arbitrations import CaseRow, RunRow


class Inputs(msgspec.Struct, frozen=True):
    """What went into a run: the policy as it was applied, what of it and of priorities was supposed, the room of the
    channels, the lists by case, and those on their way."""

    policy_version: int
    policy: str
    rooms: tuple[Room, ...]
    dataset: int
    as_of: str
    lists: dict[str, str]
    taken: tuple[str, ...]
    priorities: dict[str, int] = {}
    caps: dict[int, int] = {}
    capacity: dict[str, int] = {}
    engine: str = ""

    @property
    def supposes_policy(self) -> bool:
        """Whether it was run under other caps or capacities than those in force."""
        return bool(self.caps or self.capacity)


def inputs_of(row: RunRow) -> Inputs:
    """What went into a run."""
    return msgspec.json.decode(row.inputs, type=Inputs)


def of_case(app: Countersign, tx: Connection, person: str, case_id: str) -> CaseLosses | None:
    """What a case that the person sees lost and to whom; None where no run holds for it."""
    own = arbitrations.holding(tx, case_id)
    if own is None:
        return None
    run = arbitrations.find(tx, own.run)
    assert run is not None
    winners = [winner for winner, _, _ in _losses(own) if winner]
    names = names_of(app, tx, person, [case_id, *winners])
    return CaseLosses(own.run, outcome_of(own, names, {}, inputs_of(run).priorities), run.committed_at)


def _losses(row: CaseRow) -> list[tuple[str, str, int]]:
    return msgspec.json.decode(row.losses, type=list[tuple[str, str, int]])


def outcome_of(
    row: CaseRow, names: Mapping[str, CaseName], later: Mapping[str, str], supposed: Mapping[str, int]
) -> OutcomeView:
    found = sorted(_losses(row), key=lambda one: -one[2])
    return OutcomeView(
        case=names.get(row.case_id, CaseName()),
        priority=row.priority,
        is_supposed=row.case_id in supposed,
        channel=row.channel,
        wanted=row.wanted,
        got=row.got,
        losses=tuple(
            LossView(names.get(winner, CaseName()) if winner else None, lost_by, n) for winner, lost_by, n in found
        ),
        failed=row.failed,
        holds=row.holds,
        since=later.get(row.case_id, ""),
    )


def names_of(app: Countersign, tx: Connection, person: str | None, ids: Sequence[str]) -> dict[str, CaseName]:
    """Those that the person sees; the operator at their terminal sees all."""
    if person is None:
        loaded = cases.load_many(tx, ids)
        return {one.id: CaseName(one.id, one.number or "", str(one.form.get("title") or "")) for one in loaded}
    lines = [fields.limited(app, tx, line, person) for line in visibility.among(tx, person, ids)]
    return {line.id: CaseName(line.id, line.number or "", line.title) for line in lines}
