"""The global holdout (全局留白): a share of all customers whom no case contacts, to see what all cases together do.

One administrator proposes a share, another confirms it, and it holds from that moment. A new version keeps the salt, so
that a smaller share lies within a larger one and nobody changes sides without need; drawn anew, it is other customers.
Refuses a confirmation by whoever proposed it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection

from engine.audience.grouping import HoldoutInForce
from engine.errors import HoldoutOpen, InvalidForm, Problem
from engine.service import confirming
from engine.service.app import Countersign
from engine.service.confirming import Kind, VersionView, viewed
from engine.service.recording import By, Change
from engine.store.holdouts import HOLDOUTS, HoldoutRow

HOLDOUT = Kind("holdout", HOLDOUTS, "holdout.manage")
LARGEST = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class HoldoutView(VersionView):
    """A share. `is_new_draw`: its customers are others than those of the version before."""

    share: Decimal
    is_new_draw: bool


def versions(app: Countersign, by: By) -> tuple[HoldoutView, ...]:
    """All versions, the newest first."""
    by.authorize(HOLDOUT.action)
    with app.db.read() as tx:
        rows, organisation = HOLDOUTS.history(tx), app.organisation(tx)
        current = HOLDOUTS.in_force(tx, app.now())
    salts = {row.version: row.salt for row in rows}
    anew = {row.version for row in rows if salts.get(row.version - 1, row.salt) != row.salt}
    return tuple(
        viewed(HoldoutView, row, current, organisation, by, share=row.share, is_new_draw=row.version in anew)
        for row in rows
    )


def in_force(tx: Connection, at: datetime) -> HoldoutInForce | None:
    """What a selection made at `at` leaves out."""
    row = HOLDOUTS.in_force(tx, at)
    return None if row is None else HoldoutInForce(row.version, row.share, row.salt)


def propose(app: Countersign, by: By, *, percent: str, reason: str, draw_anew: bool = False) -> None:
    """Propose a share, as `5` or `2.5%`; 0 ends the holdout. InvalidForm names wrong fields, HoldoutOpen tells that
    another proposal waits."""
    by.authorize(HOLDOUT.action)
    share, problems = _share(percent), confirming.without_reason(reason)
    if share is None:
        told = f"write a share from 0 to {LARGEST:.0%}, as 5 or 2.5"
        problems.append(Problem("holdout_share", told, at="percent"))
    if share is None or problems:
        raise InvalidForm(problems)

    def says(_change: Change, rows: tuple[HoldoutRow, ...]) -> Mapping[str, str]:
        salt = rows[0].salt if rows and not draw_anew else f"holdout-{secrets.token_hex(8)}"
        return {"share": str(share), "salt": salt}

    after = {"share": f"{share * 100:f}%", "drawn_anew": draw_anew}
    confirming.propose(app, by, HOLDOUT, says, reason=reason, after=after, waits=HoldoutOpen)


def decide(app: Countersign, by: By, version: int, *, confirm: bool) -> None:
    """Confirm a proposal, which then holds, or refuse it. OwnProposal where they proposed it; NotFound where nothing
    waits under that number; the same decision twice is once."""
    confirming.decide(app, by, HOLDOUT, version, confirm=confirm)


def _share(percent: str) -> Decimal | None:
    try:
        share = Decimal(percent.strip().removesuffix("%").strip()) / 100
    except InvalidOperation:
        return None
    is_possible = share.is_finite() and 0 <= share <= LARGEST and share == round(share, 6)
    return share.normalize() if is_possible else None
