"""What a definition asks of proofs (样张) before the first wave starts: so many of those whom it names say that each
text fits, as it is now.

Refuses to count what somebody said of a text that is another one since.
"""

import msgspec
from sqlalchemy import Connection

from engine.delivery.plan import DeliveryPlan
from engine.machine.case import Case
from engine.service import side_texts
from engine.service.app import Countersign
from engine.service.side_texts import PROVABLE
from engine.store import side_letters, snapshots, waves

HELD = "proofs: "


class _Cells(msgspec.Struct):
    """Of a list's manifest the cells alone."""

    cells: dict[str, object] = {}


def refused(app: Countersign, tx: Connection, case: Case) -> str:
    """Why the first wave may not start yet; empty where it may, or one has started."""
    plan = app.definition(case.process).delivery
    if plan is None or plan.proofs is None or any(row.started_at for row in waves.of_case(tx, case.id)):
        return ""
    need, fits = plan.proofs.need, fitting(app, tx, case, plan)
    return "" if fits >= need else f"{HELD}{fits} of {need} said that it fits"


def fitting(app: Countersign, tx: Connection, case: Case, plan: DeliveryPlan) -> int:
    """How many of those whom the definition names say that a text fits, of the text that fewest say it of."""
    asked = frozenset(named(app, tx, plan, case))
    said = side_letters.fitting(tx, case.id)
    assert plan.proofs is not None
    every = current(app, tx, case)
    return min((len(said.get(about, frozenset()) & asked) for about in every), default=plan.proofs.need)


def current(app: Countersign, tx: Connection, case: Case) -> frozenset[str]:
    """The hashes of the texts as they are now."""
    definition, row = app.definition(case.process), snapshots.newest(tx, case.id)
    plan = definition.delivery
    if plan is None:
        return frozenset()
    frozen = msgspec.json.decode(row.manifest, type=_Cells).cells if row else {}
    every = frozen or (dict.fromkeys(("", *plan.message.cells)) if plan.message else {})
    values = definition.context(case.form)["form"]
    return frozenset(one.about for one in side_texts.forms(plan, values, every, provable(plan)))


def named(app: Countersign, tx: Connection, plan: DeliveryPlan, case: Case) -> tuple[str, ...]:
    """The accounts that the definition asks; none where it asks nobody."""
    if plan.proofs is None:
        return ()
    organisation = app.organisation(tx)
    found = organisation.resolve(plan.proofs.to, case.office, case.submitter)
    return tuple(person for person in found if organisation.is_active(person))


def provable(plan: DeliveryPlan) -> frozenset[str]:
    """The channels of the plan that proofs go over."""
    return frozenset(name for wave in plan.waves for name in wave.channel if name in PROVABLE)
