"""Somebody leaves, and everything that waits for them goes to another person (离职转办).

One transaction per case; after a crash the same call goes on with what is left. What cannot be given says why, and
stays. Refuses everybody but process administrators and the operator.
"""

from dataclasses import dataclass

from engine.errors import CountersignError, InvalidForm, NotFound, Problem
from engine.machine.commands import HandOver
from engine.organisation import Organisation
from engine.service import foreseeing, running
from engine.service.app import Countersign
from engine.service.foreseeing import Foresight
from engine.service.operations import Door
from engine.service.recording import By, changing
from engine.store import inbox as inboxes


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a case; `refused` says why it was left as it is, empty where it was handed over. `task`: the
    first task of who leaves there."""

    task: str
    case_id: str
    number: str
    refused: str = ""
    why: CountersignError | None = None


def hand_over(
    app: Countersign, door: Door | None, leaver: str, to: str, *, remark: str, address: str = ""
) -> tuple[Handled, ...]:
    """Give what waits for `leaver` to `to`; None as the door is the operator's own terminal.

    NotFound for whoever manages no processes, and where there is no such leaver; InvalidForm where `to` has no open
    account or the reason is missing.
    """
    by = By(None, "cli") if door is None else By(door.viewer, door.via, address)
    by.authorize("tasks.hand_over")
    with app.db.read() as tx:
        _check(app.organisation(tx), leaver, to, remark)
        lines = {line.case_id: line for line in reversed(inboxes.waiting(tx, leaver))}
    command = _command(by, leaver, to, remark)
    handled = []
    for case_id, line in reversed(lines.items()):
        why = _refused(app, case_id, command, door)
        handled.append(Handled(line.id, case_id, line.case.number or "", why.message if why else "", why))
    if handled:
        with changing(app, by, None) as change:
            given = sorted(one.case_id for one in handled if not one.why)
            left = sorted(one.case_id for one in handled if one.why)
            told = {"to": to, "cases": len(given), "left": len(left)}
            change.note("handed_over", leaver, after=told, reason=remark.strip())
    return tuple(handled)


def preview(app: Countersign, by: By, leaver: str, to: str, *, remark: str) -> Foresight:
    """What would move and who would take each; nothing is changed. Raises what `hand_over` would."""
    by.authorize("tasks.hand_over")
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        _check(organisation, leaver, to, remark)
        return foreseeing.of_person(app, tx, by, leaver, organisation, _command(by, leaver, to, remark))


def _check(organisation: Organisation, leaver: str, to: str, remark: str) -> None:
    if leaver not in organisation.people:
        raise NotFound()
    problems = []
    if not organisation.is_active(to) or to == leaver:
        problems.append(Problem("unknown_person", f"nobody active is called {to}", at="to", fields={"names": to}))
    if not remark.strip():
        problems.append(Problem("remark_missing", "say why you hand over", "the others read it", at="remark"))
    if problems:
        raise InvalidForm(problems)


def _command(by: By, leaver: str, to: str, remark: str) -> HandOver:
    return HandOver(actor=by.person, on_behalf_of=leaver, via=by.via, to=to, remark=remark.strip())


def _refused(app: Countersign, case_id: str, command: HandOver, door: Door | None) -> CountersignError | None:
    key = f"{door.viewer.person}:{door.key}" if door is not None else ""
    try:
        running.carry_out(app, case_id, command, key=key)
    except CountersignError as error:
        return error
    return None
