"""What happens when the frozen audience is not what the form declared (偏差): approval re-opens on the real count.

The tolerance is the definition's. Approvals that looked at the declared number are void, the others stand; the route is
chosen by the real count. Refuses to select anything again: the list that was approved is the one that is used.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.machine.case import Case, Drift
from engine.machine.journal import Journal
from engine.machine.outcome import Drifted, Noted, Submitted
from engine.values import digest_of

RETURNED = "drift.returned"
RESELECT = "reselect"
"""The event that takes a case whose list is stale back to its selection."""
ANEW = "selected_anew"
"""The fact that the list is being selected anew, while it is."""
SELECTION = "selection"
"""The fact how often the list was selected anew."""


class Tolerance(Struct, frozen=True):
    """How far the audience may be from the number in `field`, as a share of it, before approval re-opens.

    Without `reapproves` the submitter is told, and the case goes on.
    """

    field: str
    over: Decimal
    reapproves: bool = True

    def exceeded(self, case: Case, actual: int) -> Drift | None:
        """The drift of a case whose frozen list has `actual` target customers; None within the tolerance.

        Fewer customers than declared count as well: what was approved was a size, not a ceiling. A list that is
        selected anew is compared with the count that was approved, where that was another than the one declared.
        """
        declared, approved = case.form.get(self.field), case.judged.get(self.field)
        if not isinstance(declared, int) or not isinstance(approved, int):
            return None
        if abs(actual - approved) <= self.over * approved:
            return None
        return Drift(self.field, declared, actual, self.reapproves)


def event_of(route: str) -> str:
    """The event that takes a case whose audience drifted to the chain `route`."""
    return f"drift.{route}"


def reopen(journal: Journal, drift: Drift) -> str:
    """Record the drift and begin a round on the real count; returns the event that moves the chart.

    A real count that the form's own rules refuse cannot be approved by anybody: the case returns to the submitter.
    """
    process, before = journal.process, journal.case
    if not drift.reapproves:
        journal.record(Drifted(drift))
        journal.tell_submitter("drifted")
        return "frozen"
    drift = replace(drift, voided=process.voided(replace(before, drift=drift)))
    journal.record(Drifted(drift))
    case = journal.case
    if not process.wrong(case.judged):
        values = journal.values()
        route, reasons = process.choose(values)
        if case.route in process.objections(route):
            route = case.route  # a filing that became an approval does not become one again
        if process.is_decided(route, values):
            material = digest_of({name: case.judged.get(name) for name in process.material})
            kept = process.untouched(case)
            journal.record(
                Submitted(case.number or "", case.round + 1, route, material, reasons, kept, resume="drifted")
            )
            journal.tell_submitter("drifted")
            return event_of(route)
    return RETURNED


def is_approved(case: Case) -> bool:
    """Whether a case that comes to its selection has the frozen list that its approvals were given for."""
    return case.drift is not None and case.drift.reapproves and not case.facts.get(ANEW)


def select_anew(journal: Journal) -> str:
    """Have a stale list selected anew. Its approvals stand unless the new count is too far from the one approved."""
    journal.record(Noted({ANEW: True, SELECTION: journal.case.facts.get(SELECTION, 0) + 1}))
    return RESELECT


def forget(journal: Journal) -> None:
    """Let the case select anew when it comes to its selection again."""
    if journal.case.drift is not None:
        journal.record(Drifted(None))
