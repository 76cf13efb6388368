"""A message as its customers would see it: on a few of each cell, masked, with its size and what it costs.

Drawn from the frozen list, else from a count of the form as saved. The sizes are those of the texts as they would go
out; the texts are shown with masked values. Refuses to show a message to who does not see a field that it is made of.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS
from engine.delivery.message import size_of
from engine.delivery.plan import DeliveryPlan
from engine.delivery.waves import divide
from engine.errors import ExpressionFailed, Invalid, NotFound, SelectionFailed, Unavailable
from engine.machine.case import Case
from engine.masking import masked
from engine.service import access, estimating, fields, whereabouts
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.message_views import CellTexts, MessagePreview, TextView
from engine.service.sampling import draw, has_texts, keep, kept, may_read
from engine.service.side_texts import masks
from engine.service.views import Viewer
from engine.service.wording import composed, is_marketing, rules_of
from engine.store import snapshots
from engine.store.snapshots import SnapshotRow
from engine.warehouse.freeze import LIST, open_frozen
from engine.warehouse.sampling import Drawn

SHOWN = 3
ABSENT = "…"
"""What stands for a value of a customer as long as there is none to show."""


def preview(app: Countersign, viewer: Viewer, case_id: str) -> MessagePreview:
    """The message of a case on its customers; counts them where no list is frozen. NotFound for who does not see the
    case or a field of the message, and where cases of its kind send none."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        unseen = fields.hidden(app, tx, viewer.person, case)
        row = snapshots.newest(tx, case.id)
    definition = app.definition(case.process)
    plan = definition.delivery
    if plan is None or plan.message is None or not may_read(definition, case, unseen):
        raise NotFound()
    access.note(app, viewer, case)
    try:
        if definition.audience is None and not _is_frozen(case, row):
            return MessagePreview(True, text=_blank(app, definition, plan, case.form))
        found, is_frozen = members(app, case, plan, row)
    except (SelectionFailed, Invalid, ExpressionFailed, Unavailable) as error:
        return MessagePreview(True, text=_blank(app, definition, plan, case.form), failed=error.message)
    if not is_frozen:
        keep(app, case, plan, found)
    return _preview(app, case, found, is_estimate=not is_frozen)


def members(
    app: Countersign, case: Case, plan: DeliveryPlan, row: SnapshotRow | None
) -> tuple[tuple[Drawn, ...], bool]:
    """Some customers of each cell, and whether they are of the frozen list: else they are counted now. Raises what a
    count does."""
    if row is not None and _is_frozen(case, row):
        frozen = open_frozen(app.settings.data / row.folder)
        return draw(app, plan, frozen.folder / LIST, whereabouts.customers_of(app)), True
    with estimating.counted(app, case) as count:
        return draw(app, plan, count.folder / LIST, count.base), False


def _is_frozen(case: Case, row: SnapshotRow | None) -> bool:
    return row is not None and case.facts.get("snapshot", row.id) is not None


def on_form(app: Countersign, viewer: Viewer, case_id: str) -> MessagePreview | None:
    """The message of the viewer's own form as saved, once its customers were counted; as `typed`."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
    if case.submitter != viewer.person:
        raise NotFound()
    return typed(app, case)


def typed(app: Countersign, case: Case) -> MessagePreview | None:
    """The message of the form as saved, on the customers that were counted last; without values where nobody was. None
    where cases of its kind send no text, or the form has none yet."""
    definition = app.definition(case.process)
    plan = definition.delivery
    if plan is None or plan.message is None or not has_texts(plan):
        return None
    if not any(words.template(case.form).strip() for _, words in plan.message.every):
        return None
    found = kept(app, case, plan)
    if found:
        return _preview(app, case, found, is_estimate=True)
    text = _blank(app, definition, plan, case.form)
    return MessagePreview(True, text=text) if text else None


def _preview(app: Countersign, case: Case, found: tuple[Drawn, ...], *, is_estimate: bool) -> MessagePreview:
    definition = app.definition(case.process)
    plan = definition.delivery
    assert plan is not None
    assert plan.message is not None
    try:
        form = definition.context(case.form)["form"]
        texts = composed(app.settings, plan, form)
        variants = composed(app.settings, plan, form, is_tested=True)
    except ValueError:  # said at the field; there is nothing to show yet
        return MessagePreview(is_estimate)
    price = _price_of_a_segment(plan, sum(one.customers for one in found))
    other = texts.get("", _nothing)
    cells = tuple(_cell(app, definition, one, compose=texts.get(one.cell, other), price=price) for one in found)
    tested = tuple(
        replace(_cell(app, definition, one, compose=compose, price=price), variant=name)
        for name, compose in variants.items()
        for one in found
    )
    return MessagePreview(is_estimate, (*(cells if texts else ()), *tested))


def _cell(
    app: Countersign,
    definition: Definition,
    one: Drawn,
    *,
    compose: Callable[[tuple[Any, ...]], str],
    price: Decimal,
) -> CellTexts:
    plan = definition.delivery
    assert plan is not None
    assert plan.message is not None
    rules, hide = rules_of(app.settings), masks(definition, plan.message.fields)
    texts = []
    for customer, values in one.some:
        text = compose(values)
        size = size_of(text)
        wrong = tuple((b.kind, b.what) for b in rules.breaches(text, is_marketing=is_marketing(plan)))
        shown = compose(tuple(mask(value) for mask, value in zip(hide, values, strict=True)))
        texts.append(TextView(masked(customer), shown, size.alphabet, size.length, size.segments, wrong))
    counts = [text.segments for text in texts] or [0]
    paid = one.customers * price
    return CellTexts(
        cell=one.cell,
        customers=one.customers,
        looked_at=len(texts),
        texts=_telling(texts),
        least=min(counts),
        most=max(counts),
        low=paid * min(counts),
        likely=paid * sum(counts) / len(counts),
        high=paid * max(counts),
        unfit=sum(1 for text in texts if text.wrong),
    )


def _telling(texts: list[TextView]) -> tuple[TextView, ...]:
    """The few to show: those that may not go out, the longest, the shortest, then as drawn; no text twice."""
    by_length = sorted(texts, key=lambda one: one.length)
    first = [*[one for one in texts if one.wrong][:1], *by_length[-1:], *by_length[:1], *texts]
    once: dict[str, TextView] = {}
    for one in first:
        once.setdefault(one.text, one)
    return tuple(once.values())[:SHOWN]


def _blank(app: Countersign, definition: Definition, plan: DeliveryPlan, form: Mapping[str, Any]) -> TextView | None:
    """The first text, with a sign for every value of a customer."""
    assert plan.message is not None
    try:
        typed_in = definition.context(form)["form"]
        texts = composed(app.settings, plan, typed_in) | composed(app.settings, plan, typed_in, is_tested=True)
    except ValueError:
        return None
    text = next(iter(texts.values()))(tuple(ABSENT for _ in plan.message.fields))
    size = size_of(text)
    return TextView("", text, size.alphabet, size.length, size.segments)


def _price_of_a_segment(plan: DeliveryPlan, customers: int) -> Decimal:
    """What a segment costs for one customer on average: not every wave need send texts."""
    if not customers:
        return Decimal()
    paid = sum(
        (one.size * plan.price(one.channel) for one in divide(customers, plan.waves) if CHANNELS[one.channel].has_text),
        Decimal(),
    )
    return paid / customers


def _nothing(_values: tuple[Any, ...]) -> str:
    return ""
