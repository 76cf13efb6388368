"""A case whose submitter asks for more while its delivery is paused (追加申请): how it is known, and how it ends.

What was approved before stands until the request is granted: the money that is committed, the waves that are held.
Granted, the delivery goes on from where it was held; refused or taken back, the form and its approvals are what they
were, and the delivery stays paused. Refuses whatever customers were already written to under, and every change that
takes something away from them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.errors import Problem
from engine.machine.case import Case, Fund
from engine.machine.outcome import FormSaved, Funded, HoldDelivery, Noted, Turned

if TYPE_CHECKING:
    from engine.machine.journal import Journal
    from engine.machine.process import Process

WIDENING = "widening"
"""The fact that more is asked for, while it is: `was` is the form that is approved, `stood` are its approvals."""
WIDER = ":widening"
"""Under this name, which no expression can say, guards see that more is asked for."""
TAKEN_BACK = "unwiden"
"""The event that takes a request back."""
GRANTED, REFUSED = "widened", "not_widened"
"""What the submitter is told."""


_SAYS = {
    "raise": ("form.only_raised", "{0} can only be raised: customers were written to under what was approved"),
    "lengthen": ("form.only_lengthened", "{0} can only end later: customers were written to under what was approved"),
    "": ("form.sent", "{0} cannot be changed any more: customers were written to under what was approved"),
}


def event_of(route: str) -> str:
    """The event that takes a paused case to the chain `route`."""
    return f"widen.{route}"


def is_widening(case: Case) -> bool:
    """Whether more is asked for and not decided on yet."""
    return bool(case.facts.get(WIDENING))


def approved_form(case: Case) -> dict[str, Any]:
    """The form that is approved, also while more is asked for."""
    asked = case.facts.get(WIDENING)
    return dict(asked["was"]) if asked else case.form


def refused(process: "Process", case: Case, changes: Mapping[str, Any]) -> list[Problem]:
    """One problem for each change that cannot be asked for, or granted, once customers were written to."""
    was = approved_form(case)
    return [problem for name, value in changes.items() for problem in _refused(process, was, name, value)]


def _refused(process: "Process", was: Mapping[str, Any], name: str, value: Any) -> Sequence[Problem]:
    how = process.stages.widens.get(name, "")
    if (how == "raise" and _is_raised(was.get(name), value)) or (
        how == "lengthen" and _is_longer(was.get(name), value)
    ):
        return ()
    code, message = _SAYS[how]
    return (Problem(code, message.format(name), at=name),)


def _is_raised(was: Any, now: Any) -> bool:
    return now is not None and Decimal(str(now)) >= Decimal(str(was or 0))


def _is_longer(was: Any, now: Any) -> bool:
    """Dates are ISO texts, which stand in their order."""
    if not was or not now:
        return False
    return bool(now[0] == was[0] and now[1] >= was[1])


def come_back(journal: "Journal", *, granted: bool) -> None:
    """The case is at its delivery again. Nothing where nothing was asked for."""
    asked = journal.case.facts.get(WIDENING)
    if not asked:
        return
    if granted:
        journal.record(Noted({WIDENING: None}))
        journal.ask(HoldDelivery("resume"))
        journal.tell_submitter(GRANTED)
        return
    drop(journal)
    _stand_again(journal, asked)
    if journal.command.actor != journal.case.submitter:
        journal.tell_submitter(REFUSED, journal.remark())


def drop(journal: "Journal") -> None:
    """Ask for nothing more: the form is as it was approved."""
    case = journal.case
    asked = case.facts.get(WIDENING)
    if not asked:
        return
    journal.record(Noted({WIDENING: None}))
    if case.fund is not None:
        journal.record(Funded(Fund(case.fund.account, asked["left"])))
    journal.record(FormSaved(dict(asked["was"]), asked["editor"], same_list=True))


def _stand_again(journal: "Journal", asked: dict[str, Any]) -> None:
    """The approvals of that form stand, in a round of their own: nobody is asked twice in one."""
    case = journal.case
    journal.record(Turned(case.round + 1, "", REFUSED, journal.command.actor, route=asked["route"]))
    stood = frozenset(asked["stood"])
    for task in case.tasks:
        if task.id in stood:
            journal.carry(task)
