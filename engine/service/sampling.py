"""Customers that a message is shown on: drawn from a list, kept in memory for half an hour, so that a form can show
what is typed without counting again. Refuses to write any of them down.
"""

import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS
from engine.delivery.message import placeholders
from engine.delivery.plan import DeliveryPlan
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.warehouse.places import CustomerBase, fields_there
from engine.warehouse.run import Limits
from engine.warehouse.sampling import Drawn, drawn

EACH = 200
KEPT, KEPT_FOR = 100, timedelta(minutes=30)
SECONDS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """What was drawn, when, with which fields."""

    at: datetime
    fields: tuple[str, ...]
    cells: tuple[Drawn, ...]


class Samples:
    """What was drawn last for each case, in this process, for half an hour."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, case_id: str, kept: Kept) -> None:
        """Keep it; the oldest one goes."""
        self._kept[case_id] = kept
        self._kept.move_to_end(case_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def find(self, case_id: str, names: tuple[str, ...], now: datetime) -> tuple[Drawn, ...] | None:
        """What was drawn with these fields; None where nothing was, or too long ago."""
        found = self._kept.get(case_id)
        if found is None or found.fields != names:
            return None
        if now - found.at > KEPT_FOR:
            self._kept.pop(case_id, None)
            return None
        return found.cells


SAMPLES = Samples()


def draw(app: Countersign, plan: DeliveryPlan, list_file: Path, base: CustomerBase) -> tuple[Drawn, ...]:
    """Some of each cell of a list, with what its message names. CustomersUnavailable where a place is silent."""
    assert plan.message is not None
    dataset = dataset_of(app.settings)
    customers = (
        partial(fields_there, base.place, Limits(seconds=SECONDS))
        if base.place
        else dataset.paths(base.version.tables["customers"])
    )
    with tempfile.TemporaryDirectory(prefix=".preview-", dir=dataset.folder) as scratch:
        return drawn(list_file, customers, plan.message.fields, Path(scratch), each=EACH)


def has_texts(plan: DeliveryPlan) -> bool:
    """Whether any wave sends a text."""
    return any(CHANNELS[name].has_text for wave in plan.waves for name in wave.channel)


def keep(app: Countersign, case: Case, plan: DeliveryPlan, found: tuple[Drawn, ...]) -> None:
    """Keep what was drawn for this case."""
    assert plan.message is not None
    SAMPLES.keep(case.id, Kept(app.now(), plan.message.fields, found))


def may_read(definition: Definition, case: Case, unseen: frozenset[str]) -> bool:
    """Whether there is a message of texts, and who does not see these fields may read it."""
    message = definition.delivery.message if definition.delivery else None
    if definition.delivery is None or message is None or not has_texts(definition.delivery):
        return False
    made_of: set[str] = set()
    for _, words in message.every:
        made_of |= {words.field}
        made_of |= {name.removeprefix("form.") for name in placeholders(words.template(case.form))}
    return unseen.isdisjoint(made_of)
