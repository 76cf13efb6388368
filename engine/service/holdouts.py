"""The global holdout (全局留白): a share of all customers whom no case contacts, to see what all cases together do.

One administrator proposes a share, another confirms it, and it holds from that moment. A new version keeps the salt, so
that a smaller share lies within a larger one and nobody changes sides without need; drawn anew, it is other customers.
Refuses a confirmation by whoever proposed it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection

from engine.audience.grouping import HoldoutInForce
from engine.errors import HoldoutOpen, InvalidForm, NotFound, OwnProposal, Problem
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.recording import By, changing
from engine.store import holdouts
from engine.store.holdouts import HoldoutRow

MANAGES: Action = "holdout.manage"
LARGEST = Decimal("0.5")
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class HoldoutView:
    """One version. `state`: open, in_force, over (another followed) or refused; `since` is when it was confirmed.
    `is_new_draw`: its customers are others than those of the version before."""

    version: int
    share: Decimal
    state: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    since: datetime | None
    is_new_draw: bool
    may_decide: bool


def versions(app: Countersign, by: By) -> tuple[HoldoutView, ...]:
    """All versions, the newest first."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        rows, organisation = holdouts.history(tx), app.organisation(tx)
        current = holdouts.in_force(tx, app.now())
    salts = {row.version: row.salt for row in rows}
    return tuple(
        _view(row, current, organisation, by, is_new_draw=salts.get(row.version - 1, row.salt) != row.salt)
        for row in rows
    )


def in_force(tx: Connection, at: datetime) -> HoldoutInForce | None:
    """What a selection made at `at` leaves out."""
    row = holdouts.in_force(tx, at)
    return None if row is None else HoldoutInForce(row.version, row.share, row.salt)


def propose(app: Countersign, by: By, *, percent: str, reason: str, draw_anew: bool = False) -> None:
    """Propose a share, as `5` or `2.5%`; 0 ends the holdout. InvalidForm names wrong fields, HoldoutOpen tells that
    another proposal waits."""
    by.authorize(MANAGES)
    share, problems = _share(percent), []
    if share is None:
        told = f"write a share from 0 to {LARGEST:.0%}, as 5 or 2.5"
        problems.append(Problem("holdout_share", told, at="percent"))
    if not reason.strip() or len(reason) > LONGEST_REASON:
        problems.append(Problem("reason_missing", "say why", at="reason"))
    if share is None or problems:
        raise InvalidForm(problems)
    with changing(app, by, None) as change:
        holdouts.lock(change.tx)
        if change.done_before():
            return
        rows = holdouts.history(change.tx)
        waiting = next((row for row in rows if not row.decision), None)
        if waiting:
            raise HoldoutOpen(by=change.organisation.name(waiting.proposed_by))
        salt = rows[0].salt if rows and not draw_anew else f"holdout-{secrets.token_hex(8)}"
        version = holdouts.propose(
            change.tx, share=share, salt=salt, reason=reason.strip(), by=by.person, at=change.now
        )
        after = {"version": version, "share": f"{share * 100:f}%", "drawn_anew": draw_anew}
        change.note("holdout_proposed", f"holdout {version}", after=after, reason=reason.strip())


def decide(app: Countersign, by: By, version: int, *, confirm: bool) -> None:
    """Confirm a proposal, which then holds, or refuse it. OwnProposal where they proposed it; NotFound where nothing
    waits under that number; the same decision twice is once."""
    decision = "confirmed" if confirm else "refused"
    with changing(app, by, MANAGES) as change:
        holdouts.lock(change.tx)
        if change.done_before():
            return
        row = next((one for one in holdouts.history(change.tx) if one.version == version), None)
        if row is None or row.decision:
            raise NotFound()
        if confirm and row.proposed_by == by.person:
            raise OwnProposal()
        holdouts.decide(change.tx, version, decision, by=by.person, at=change.now)
        change.note(f"holdout_{decision}", f"holdout {version}", after={"version": version})


def _share(percent: str) -> Decimal | None:
    try:
        share = Decimal(percent.strip().removesuffix("%").strip()) / 100
    except InvalidOperation:
        return None
    is_possible = share.is_finite() and 0 <= share <= LARGEST and share == round(share, 6)
    return share.normalize() if is_possible else None


def _view(
    row: HoldoutRow, current: HoldoutRow | None, organisation: Organisation, by: By, *, is_new_draw: bool
) -> HoldoutView:
    states = {"": "open", "refused": "refused"}
    state = states.get(row.decision) or ("in_force" if row == current else "over")
    return HoldoutView(
        version=row.version,
        share=row.share,
        state=state,
        reason=row.reason,
        proposed_by=organisation.name(row.proposed_by),
        proposed_at=row.proposed_at,
        decided_by=organisation.name(row.decided_by) if row.decided_by else "",
        since=row.decided_at if row.decision == "confirmed" else None,
        is_new_draw=is_new_draw,
        may_decide=state == "open" and row.proposed_by != by.person,
    )
