"""Somebody leaves, and everything that waits for them goes to another person (离职转办).

One transaction per case; after a crash the same call goes on with what is left. What cannot be given says why, and
stays. Refuses everybody but process administrators and the operator.
"""

from dataclasses import dataclass

from engine.errors import CountersignError, InvalidForm, NotFound, Problem
from engine.machine.commands import HandOver
from engine.service import running
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.store import inbox as inboxes

MANAGES = ("process_admin", "administrator")
OPERATOR = "system"


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a case; `refused` says why it was left as it is, empty where it was handed over. `task`: the
    first task of who leaves there."""

    task: str
    case_id: str
    number: str
    refused: str = ""


def hand_over(app: Countersign, door: Door | None, leaver: str, to: str, *, remark: str) -> tuple[Handled, ...]:
    """Give what waits for `leaver` to `to`; None as the door is the operator's own terminal.

    NotFound for whoever manages no processes, and where there is no such leaver; InvalidForm where `to` has no open
    account or the reason is missing.
    """
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        if door is not None:
            granted = {grant.role for grant in organisation.grants if grant.person == door.viewer.person}
            if not granted.intersection(MANAGES):
                raise NotFound()
        if leaver not in organisation.people:
            raise NotFound()
        problems = []
        if not organisation.is_active(to) or to == leaver:
            problems.append(Problem("unknown_person", f"nobody active is called {to}", at="to", fields={"names": to}))
        if not remark.strip():
            problems.append(Problem("remark_missing", "say why you hand over", "the others read it", at="remark"))
        if problems:
            raise InvalidForm(problems)
        lines = {line.case_id: line for line in reversed(inboxes.waiting(tx, leaver))}
    actor, via = (OPERATOR, "cli") if door is None else (door.viewer.person, door.via)
    command = HandOver(actor=actor, on_behalf_of=leaver, via=via, to=to, remark=remark.strip())
    return tuple(
        Handled(line.id, case_id, line.case.number or "", _refused(app, case_id, command, door))
        for case_id, line in reversed(lines.items())
    )


def _refused(app: Countersign, case_id: str, command: HandOver, door: Door | None) -> str:
    key = f"{door.viewer.person}:{door.key}" if door is not None else ""
    try:
        running.carry_out(app, case_id, command, key=key)
    except CountersignError as error:
        return error.message
    return ""
