"""What waves spend of the budget that was committed to their case: held for each chunk before it goes out.

A wave whose letters cost more than is left does not start. A chunk holds what all its letters cost, and gives back what
surely was not sent; of what nobody knows it keeps the money. Waves of cases without a budget cost nothing. Refuses to
send beyond what was committed, whatever the wave's beginning said.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection

from engine.delivery.message import cost
from engine.machine.case import Case
from engine.machine.funding import held
from engine.service.app import Countersign
from engine.store import budgets, cases, side_letters, waves
from engine.store.budgets import Entry, Short
from engine.store.chunks import Claim
from engine.store.side_letters import SideLetter
from engine.store.waves import ENDED, WaveRow

HELD = "budget: "
ACTOR = "system"


class Overrun(Exception):
    """The next chunk would cost more than is left of what was committed; its text is why the wave is held."""


def short_of(app: Countersign, tx: Connection, case: Case, some: Sequence[WaveRow]) -> str:
    """Why these waves, which start together, may not: what they cost and what is left; empty where they may."""
    paid = [wave for wave in some if wave.account]
    if not paid:
        return ""
    segments = budgets.planned_segments(tx, [wave.id for wave in paid])
    needed = sum((cost(segments.get(wave.id, 0), _price(app, case, wave)) for wave in paid), Decimal())
    left = budgets.holding(tx, case.id, paid[0].account).committed
    return _said(needed, left) if needed > left else ""


def missing(app: Countersign, tx: Connection, case: Case) -> Decimal:
    """How much more everything costs that is still to go out than is left for it; nothing where it suffices, and for a
    case that is paid from no budget."""
    paid = [wave for wave in waves.of_case(tx, case.id) if wave.account and wave.state not in ENDED]
    if not paid:
        return Decimal()
    segments = budgets.planned_segments(tx, [wave.id for wave in paid])
    needed = sum((cost(segments.get(wave.id, 0), _price(app, case, wave)) for wave in paid), Decimal())
    return max(needed - budgets.holding(tx, case.id, paid[0].account).committed, Decimal())


def hold(app: Countersign, tx: Connection, wave: WaveRow, claim: Claim) -> None:
    """Hold what the chunk costs, which was claimed in this transaction. Overrun where there is not so much."""
    segments = budgets.hold_chunk(tx, wave.id, claim.position)
    amount = cost(segments, _price(app, cases.load(tx, wave.case_id), wave))
    if amount > 0:
        key = f"{wave.id}:{claim.position}:{claim.fence}:h"
        entry = Entry(key, wave.account, "committed", "actual", amount, "spend", ACTOR, wave.case_id, wave.id)
        try:
            budgets.post(tx, entry, at=app.now())
        except Short as error:
            raise Overrun(_said(amount, error.left)) from None


def settle(app: Countersign, tx: Connection, wave: WaveRow, claim: Claim, *, paid: int, all_known: bool) -> None:
    """Count what of the chunk was paid for, and give back what was not sent; to the office, where the case has ended
    meanwhile. `all_known` is False where some may have been sent: they count as spent until somebody knows."""
    before = budgets.holding(tx, wave.case_id, wave.account, lock=True)
    segments = budgets.settle_chunk(tx, wave.id, claim.position, paid=paid, all_known=all_known)
    case = cases.load(tx, wave.case_id)  # read behind the lock: whoever ends the case has it before or after this
    amount = min(cost(max(segments, 0), _price(app, case, wave)), before.actual)
    if amount > 0:
        is_over = held(app.process(case.process, tx), case).granted == 0
        key = f"{wave.id}:{claim.position}:{claim.fence}:s"
        to: budgets.Side = "available" if is_over else "committed"
        entry = Entry(key, wave.account, "actual", to, amount, "unspent", ACTOR, wave.case_id, wave.id)
        budgets.post(tx, entry, at=app.now())


def hold_aside(app: Countersign, tx: Connection, wave: WaveRow, letter: SideLetter) -> bool:
    """Spend what a message to a seed costs, of what the customers' letters do not need; False where too little is left:
    a seed never keeps a customer from being written to."""
    case = cases.load(tx, wave.case_id)
    amount = cost(letter.segments, _price(app, case, wave))
    if not wave.account or amount <= 0:
        return True
    ahead = [row for row in waves.of_case(tx, case.id) if row.account and row.state not in waves.ENDED]
    segments = budgets.planned_segments(tx, [row.id for row in ahead])
    needed = sum((cost(segments.get(row.id, 0), _price(app, case, row)) for row in ahead), Decimal())
    if amount > budgets.holding(tx, case.id, wave.account, lock=True).committed - needed:
        return False
    entry = Entry(f"{letter.name}:h", wave.account, "committed", "actual", amount, "spend", ACTOR, case.id, wave.id)
    budgets.post(tx, entry, at=app.now())
    side_letters.hold(tx, letter, letter.segments)
    return True


def release_aside(app: Countersign, tx: Connection, wave: WaveRow, letter: SideLetter) -> None:
    """Give back what a message to a seed would have cost that was surely not sent; nothing where nothing is held."""
    if not letter.held:
        return
    budgets.holding(tx, wave.case_id, wave.account, lock=True)
    case = cases.load(tx, wave.case_id)
    to: budgets.Side = "available" if held(app.process(case.process, tx), case).granted == 0 else "committed"
    amount = cost(letter.held, _price(app, case, wave))
    entry = Entry(f"{letter.name}:s", wave.account, "actual", to, amount, "unspent", ACTOR, case.id, wave.id)
    budgets.post(tx, entry, at=app.now())
    side_letters.hold(tx, letter, 0)


def _price(app: Countersign, case: Case, wave: WaveRow) -> Decimal:
    plan = app.definition(case.process).delivery
    return plan.price(wave.channel) if plan else Decimal()


def _said(needed: Decimal, left: Decimal) -> str:
    return f"{HELD}{_amount(needed)} > {_amount(left)}"


def _amount(amount: Decimal) -> str:
    """With its cents, and as many decimals more as it has."""
    short = amount.quantize(Decimal("0.01"))
    return f"{short if short == amount else amount.normalize():f}"
