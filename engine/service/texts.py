"""The rendered texts of a wave before it starts: looked at by the rules of the house as they are then.

A wave with a text that may not go out does not start, and its case is held with the reason. Once the rules allow it,
whoever resumes the delivery lets it start. Refuses to change a text that was approved.
"""

from collections.abc import Sequence

from engine.delivery.channels import CHANNELS
from engine.delivery.plan import DeliveryPlan
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.stage_views import WrongTextsView, WrongTextView
from engine.service.wording import is_marketing, rules_of
from engine.store.waves import WaveRow
from engine.warehouse import wording
from engine.warehouse.wording import WrongTexts

HELD = "content: "


def looked_at(app: Countersign, plan: DeliveryPlan, row: WaveRow) -> WrongTexts:
    """What is wrong with the texts of a wave; a second time costs nothing while the rules are the same."""
    path = app.settings.data / row.file
    rules = rules_of(app.settings).over((row.channel,))
    return wording.wrong_texts(path, rules, is_marketing=is_marketing(plan))


def refused(app: Countersign, case: Case, some: Sequence[WaveRow]) -> str:
    """Why none of these waves may start; empty where they may."""
    plan = app.definition(case.process).delivery
    assert plan is not None
    for row in some:
        if CHANNELS[row.channel].has_text:
            found = looked_at(app, plan, row)
            if found.wrong:
                return f"{HELD}{found.wrong} of {found.texts} texts of {row.name} may not go out"
    return ""


def known(app: Countersign, row: WaveRow) -> WrongTextsView | None:
    """What is wrong with the texts of a wave that has not started, as it was found last; None where nothing is."""
    if row.state != "planned" or not CHANNELS[row.channel].has_text:
        return None
    found = wording.kept(app.settings.data / row.file)
    if found is None or not found.wrong:
        return None
    first = tuple(WrongTextView(one.row, one.customer, one.cell, one.kind, one.what) for one in found.first)
    return WrongTextsView(found.texts, found.wrong, first)
