"""Customers that a message is shown on: drawn from a list, kept in memory for half an hour, so that a form can show
what is typed without counting again. They are kept sealed, and whoever was erased meanwhile, by whatever process, is
left out of what is read and goes from what is kept. Refuses to write any of them down.
"""

import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS
from engine.delivery.message import placeholders
from engine.delivery.plan import DeliveryPlan
from engine.machine.case import Case
from engine.service import forgotten
from engine.service.app import Countersign
from engine.service.sealing import dataset_of, seal, unseal, vault
from engine.warehouse.places import CustomerBase, fields_there
from engine.warehouse.run import Limits
from engine.warehouse.sampling import Drawn, drawn

COUNTED = "customers that a message is shown on"
EACH = 200
KEPT, KEPT_FOR = 100, timedelta(minutes=30)
SECONDS = 20


@dataclass(frozen=True, slots=True)
class SealedCell:
    """A cell as it was drawn, its customers with their values sealed."""

    cell: str
    customers: int
    some: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What was drawn, when, with which fields."""

    at: datetime
    fields: tuple[str, ...]
    cells: tuple[SealedCell, ...]


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

    def find(self, case_id: str, names: tuple[str, ...], now: datetime) -> tuple[SealedCell, ...] | None:
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
    cells = tuple(SealedCell(one.cell, one.customers, _sealed(app, one.some)) for one in found)
    SAMPLES.keep(case.id, Kept(app.now(), plan.message.fields, cells))


def kept(app: Countersign, case: Case, plan: DeliveryPlan) -> tuple[Drawn, ...] | None:
    """What was kept for this case with the fields of its message, without who was erased since; None where nothing is
    kept, or what is kept cannot be read any more. Values are texts, as a message has them."""
    assert plan.message is not None
    found = SAMPLES.find(case.id, plan.message.fields, app.now())
    if found is None:
        return None
    opened = [_opened(app, cell) for cell in found]
    cells = tuple(one for one in opened if one is not None)
    if len(cells) < len(opened):
        return None
    with app.db.read() as tx:
        gone = forgotten.among(tx, vault(app.settings), {customer for cell in cells for customer, _ in cell.some})
    if gone:
        cells = tuple(replace(cell, some=tuple(one for one in cell.some if one[0] not in gone)) for cell in cells)
        keep(app, case, plan, cells)
    return cells


def _sealed(app: Countersign, some: Sequence[tuple[str, tuple[Any, ...]]]) -> str:
    texts = [(customer, [None if value is None else str(value) for value in values]) for customer, values in some]
    return seal(app.settings, COUNTED, msgspec.json.encode(texts).decode())


def _opened(app: Countersign, cell: SealedCell) -> Drawn | None:
    said = unseal(app.settings, COUNTED, cell.some)
    if said is None:
        return None
    some = msgspec.json.decode(said, type=tuple[tuple[str, tuple[str | None, ...]], ...])
    return Drawn(cell.cell, cell.customers, some)


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
