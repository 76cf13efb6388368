"""A drift as pages, history and notices show it: both figures, and what no longer stands."""

from collections.abc import Collection, Iterable

from engine.definition.model import Definition
from engine.machine.case import Drift
from engine.machine.outcome import AnyEvent, Drifted
from engine.machine.process import Process
from engine.service.views import DriftView
from engine.values import Bilingual


def drift_view(
    definition: Definition, process: Process, drift: Drift | None, unseen: Collection[str] = ()
) -> DriftView | None:
    """A drift with the labels of its field and of the steps it made void; None where the field is `unseen`."""
    if drift is None or drift.field in unseen:
        return None
    field = definition.proposal.fields.get(drift.field)
    voided = tuple(process.label(step) for step in drift.voided)
    return DriftView(
        field.label if field else Bilingual(en=drift.field), drift.declared, drift.actual, drift.reapproves, voided
    )


def drift_of(events: Iterable[AnyEvent]) -> Drift | None:
    """The drift that an entry tells of, or None."""
    return next((event.drift for event in events if isinstance(event, Drifted)), None)
