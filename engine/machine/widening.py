"""The submitter asks for more while the delivery is paused: a larger budget, a window that ends later (追加申请).

Approval opens again for what changed: who approved what is still as it was need not decide again, and the larger amount
may lead to another chain. Where no step looks at what changed, everybody on the chain decides: nothing is granted in
silence. Refuses what `wider` does.
"""

from msgspec.structs import replace

from engine.errors import InvalidForm, Problem
from engine.machine.amending import amended, changes_of, kept, route_of, steps_of
from engine.machine.commands import Widen
from engine.machine.journal import Journal
from engine.machine.outcome import FormSaved, Funded, Noted, Turned
from engine.machine.standing import in_force, voided
from engine.machine.states import PAUSED, Refusal, nobody_decides, only_submitter
from engine.machine.wider import WIDENING, event_of, refused


def widen(journal: Journal, command: Widen) -> str:
    """Record what is asked for; returns the event that moves the chart to the chain that decides on it.

    Raises Refusal where the delivery is not paused, NotFound for who is not the submitter, InvalidForm for everything
    that may not be asked, at its field.
    """
    before, process = journal.case, journal.process
    if before.state != PAUSED or not process.stages.widens:
        raise Refusal
    only_submitter(journal)
    changes = changes_of(before, command.form)
    problems = refused(process, before, changes)
    if not changes:
        problems.append(Problem("nothing_asked", "nothing is changed, so nothing is asked for", at="form"))
    if not command.reason.strip():
        problems.append(Problem("remark_missing", "say why you ask for more", "those who decide read it", at="reason"))
    if problems:
        raise InvalidForm(problems)
    asked = {
        "was": before.form,
        "reason": command.reason.strip(),
        "at": journal.now.isoformat(),
        "editor": before.editor,
        "route": before.route or "",
        "stood": [task.id for task in in_force(before)],
        "left": before.fund.left if before.fund else "",
    }
    journal.record(Noted({WIDENING: asked}))
    if command.fund is not None and command.fund != before.fund:
        journal.record(Funded(command.fund))
    journal.record(FormSaved(amended(before, changes), command.actor, same_list=True))
    case = journal.case
    if wrong := process.wrong(case.judged):
        raise InvalidForm(wrong)
    route, reasons = route_of(process, before, case.judged)
    if not process.is_decided(route, process.context(case.judged)):
        raise nobody_decides(route)
    void, standing = voided(process, case), kept(journal, before, route, without=())
    steps, known = steps_of(process, route, case.judged), steps_of(process, before.route or "", before.judged)
    if not any(name in void or name not in known for name in steps):
        void, standing = tuple(steps), ()
    turned = Turned(case.round + 1, "", WIDENING, command.actor, standing=standing, route=route, reasons=reasons)
    journal.record(replace(turned, void=void))
    return event_of(route)
