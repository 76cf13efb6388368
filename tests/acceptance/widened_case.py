"""A case of two waves whose budget pays for the first alone, brought through the service to where it is held."""

from decimal import Decimal

from engine.definition.load import load
from engine.machine.case import Case
from engine.service import delivering, proposals, stages, widening
from engine.service.app import Countersign
from engine.store import budgets, cases
from tests.acceptance.budgeted_case import account, decide, set_budget
from tests.acceptance.offices import in_force, key, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, FORM, take_in

TEXT = (
    DEFINITION.replace("{name: main, share: rest, channel: sms, chunk: 10}", "{name: pilot, size: 20, channel: sms}")
    .replace("channel: sms}\n", "channel: sms}\n    - {name: main, share: rest, channel: sms, chunk: 10}\n")
    .replace("delivery:\n", 'delivery:\n  prices: {sms: "0.05"}\n')
    .replace("  material: [budget, reach]", "  material: [budget, reach]\n  aspects: {money: [budget], size: [reach]}")
    .replace(
        "label: {zh: 县公司经理, en: County head}}",
        "label: {zh: 县公司经理, en: County head}, aspects: [size]}\n"
        '      - {approve: finance, who: "role:finance@city", label: {zh: 市财务, en: City finance}, aspects: [money]}',
    )
)


def held_case(app: Countersign, budget: str = "1.20", text: str = TEXT) -> str:
    """The id of a case whose pilot is out, and whose main wave is held for want of money: its office has 100 yuan."""
    set_budget(app, "100")
    in_force(app, load(text))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.submit(app, me, made, FORM | {"budget": budget}, key=key())
    decide(app, "liguoqiang", made)
    decide(app, "zhanglan", made)
    notices(app)
    stages.start_delivery(app, me, made, case_of(app, made).facts["target"], key=key())
    work_on(app)
    return made


def work_on(app: Countersign) -> None:
    """Send what may be sent, and carry out what is pending."""
    notices(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
        notices(app)
    delivering.settle(app)
    notices(app)


def case_of(app: Countersign, case_id: str) -> Case:
    with app.db.read() as tx:
        return cases.load(tx, case_id)


def ask(app: Countersign, case_id: str, reason: str = "条数比估算的多", **values: str) -> None:
    """王敏 asks for more."""
    widening.ask(app, viewer(app, "wangmin"), case_id, values, reason, key=key())


def cents(app: Countersign) -> tuple[int, ...]:
    """available, reserved, committed and actual of the county's account, in cents."""
    with app.db.read() as tx:
        found = budgets.find(tx, account(app))
    assert found is not None
    amounts = (found.available, found.reserved, found.committed, found.actual)
    return tuple(int(one * Decimal(100)) for one in amounts)
