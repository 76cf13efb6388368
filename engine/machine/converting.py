"""A filing becomes a case for approval by the word of a superior (转报批): while it is open, or after it took effect.

What was selected for it is dropped: it is selected anew once the case is approved. Refuses whoever is not a head above
the office that filed it or the one it was filed with, and a case whose messages go out.
"""

from engine.errors import NotFound, OwnCase
from engine.machine import drifting
from engine.machine.asking import involved, office_asked
from engine.machine.case import Case
from engine.machine.filing import Filing
from engine.machine.journal import Journal
from engine.machine.outcome import Noted, NotifyOutcome, Submitted
from engine.machine.process import Process
from engine.machine.standing import places
from engine.machine.states import SUSPENDED, Refusal, is_sending, nobody_decides

FROZEN = ("snapshot", "digest", "target", "control", "audience_failed")


def convert(journal: Journal) -> str:
    """Begin a round on the filing's `conversion`; returns the event that moves the chart.

    Raises Refusal where there is nothing to convert, NotFound for who is no superior, OwnCase, and InvalidForm where
    nobody would approve.
    """
    process, case = journal.process, journal.case
    filing = convertible(process, case)
    if filing is None:
        raise Refusal
    if journal.command.actor not in superiors(process, case, filing):
        raise NotFound()
    if journal.command.actor in involved(process.directory, case):
        raise OwnCase()
    chain = filing.conversion
    if not process.is_approved(chain, journal.values()):
        raise nobody_decides(chain)
    _tell(journal, filing)
    reasons = (f"{filing.name}: conversion",)
    journal.record(Submitted(case.number or "", case.round + 1, chain, case.material, reasons))
    if any(case.facts.get(name) for name in FROZEN):
        journal.record(Noted(dict.fromkeys(FROZEN)))
    drifting.forget(journal)
    journal.cause = ("", "convert")
    state = process.step(case, filing.name)[0]
    return f"{state}.convert" if state in case.configuration else f"convert.{chain}"


def convertible(process: Process, case: Case) -> Filing | None:
    """The filing that a superior may convert now: the open one, or the one that took effect last; None without."""
    if case.state == SUSPENDED or not case.route:
        return None
    found = [kind for state in case.configuration if isinstance(kind := process.kinds.get(state), Filing)]
    if not found and case.state in process.effective and not _is_sent(case):
        steps = places(process.chains[case.route])
        done = [one.step for one in case.registered if one.round >= case.since and one.step in steps]
        found = [step for name in done[-1:] if isinstance(step := process.step(case, name)[1], Filing)]
    return next((step for step in found if step.conversion not in ("", case.route)), None)


def may_convert(process: Process, case: Case, person: str) -> bool:
    """Whether `person` may convert the case now."""
    filing = convertible(process, case)
    return (
        filing is not None
        and person in superiors(process, case, filing)
        and person not in involved(process.directory, case)
        and process.is_approved(filing.conversion, process.values(case))
    )


def superiors(process: Process, case: Case, filing: Filing) -> tuple[str, ...]:
    """The heads above the office that filed and above the one it was filed with, each once."""
    offices = (case.office, _registering(process, case, filing))
    return tuple(dict.fromkeys(head for office in offices for head in process.directory.heads_above(office)))


def _is_sent(case: Case) -> bool:
    """Whether messages go out, or went out."""
    return is_sending(case) or bool(case.facts.get("delivered_at"))


def _registering(process: Process, case: Case, filing: Filing) -> str:
    known = next((one.office for one in case.registered if one.step == filing.name and one.round >= case.since), "")
    asked = next((task.person for task in case.tasks if task.step == filing.name and task.round >= case.since), "")
    return known or office_asked(process.directory, asked, filing.ask, case)


def _tell(journal: Journal, filing: Filing) -> None:
    """The submitter and who was asked to register it."""
    case, reason = journal.case, journal.remark()
    asked = (task.person for task in case.tasks if task.step == filing.name and task.round >= case.since and task.signs)
    for person in dict.fromkeys((case.submitter, *asked)):
        journal.ask(NotifyOutcome(person, "converted", reason))
