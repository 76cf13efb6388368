"""What a definition asks of proofs (样张) before the first wave starts: so many of those whom it names say that each
text fits, as it is now.

A delivery that waits for proofs and for nothing else goes on by itself with the last answer that is needed. Refuses to
count what somebody said of a text that is another one since, and to go on where a person holds the delivery.
"""

import msgspec
from sqlalchemy import Connection

from engine.delivery.plan import DeliveryPlan
from engine.errors import Refused
from engine.machine.case import Case
from engine.machine.commands import PauseDelivery, ResumeDelivery
from engine.service import running, side_texts
from engine.service.app import Countersign
from engine.service.side_texts import PROVABLE
from engine.store import cases, history, side_letters, snapshots, waves

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


def go_on(app: Countersign, case_id: str) -> bool:
    """Resume a delivery that was held for want of proofs alone, once nothing of them is missing; whether it was.

    Called with every answer, and every few seconds for a process that was killed in between. Everything else that the
    first wave is asked for is asked again when it starts.
    """
    with app.db.begin() as tx:
        case = cases.load(tx, case_id)
        waiting = [row for row in waves.of_case(tx, case_id) if row.held_because.startswith(HELD)]
        if case.state != "paused" or not waiting or not _is_held_for_proofs(tx, case_id):
            return False
        if missing := refused(app, tx, case):
            for row in waiting:
                if row.held_because != missing:
                    waves.note(tx, row.id, missing)
            return False
    command = ResumeDelivery(actor="system", via="timer")
    try:
        running.carry_out(app, case_id, command, key=f"proofs:{case.seq}")
    except Refused:  # more is asked for meanwhile, or somebody was faster
        return False
    return True


def _is_held_for_proofs(tx: Connection, case_id: str) -> bool:
    """Whether the newest pause of a case is this rule's, and no person's."""
    commands = (entry.command for entry in reversed(history.load(tx, case_id)))
    newest = next((one for one in commands if isinstance(one, PauseDelivery)), None)
    return newest is not None and newest.via == "timer" and newest.reason.startswith(HELD)


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
