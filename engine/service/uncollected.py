"""Ends recommendations in the hall whose time is over, and says which of three things became of each.

Nobody saw it: the customer did not come; that is no contact, and what was held of the contact policy is given back.
They asked to be asked later and did not come again: they were told, so it is delivered. A clerk saw it and wrote
nothing down: nobody can say whether the customer was told, so it is `unknown` and counts as a contact.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.store import permits, recommendations, suppression, waves
from engine.store.ledger import REJECTED, SUPPRESSED
from engine.store.moves import RecipientState
from engine.store.recommendations import Left
from engine.store.waves import WaveRow

DID_NOT_COME = REJECTED + "did not come"
LATER = "asked to be asked later"
NOTHING_WRITTEN = "seen by a clerk, nothing written down"
AT_ONCE = 5_000


def end(tx: Connection, row: WaveRow, *, within: timedelta, last: date | None, now: datetime, zone: ZoneInfo) -> int:
    """Settle rows of a wave that were placed longer ago than `within`, or all once the last day of the case is over;
    how many. A large wave takes several calls."""
    is_over = last is not None and datetime.combine(last + timedelta(days=1), time(), zone) <= now
    before = now if is_over else now - within
    if row.started_at is None or row.started_at > before:
        return 0  # a wave of a million is not read every few seconds before anything of it can be over
    waves.lock(tx, row.id)
    left = recommendations.left_over(tx, row.id, placed_before=before, limit=AT_ONCE)
    if not left:
        return 0
    barred = suppression.suppressed(tx, [one.customer for one in left], now, channel=row.channel, case_id=row.case_id)
    ends: dict[tuple[RecipientState, str, datetime], list[int]] = {}
    for one in left:
        state, reason = _became(one, is_barred=one.customer in barred)
        ends.setdefault((state, reason, one.answered_at or one.shown_at or now), []).append(one.row)
    for (state, reason, at), rows in ends.items():
        recommendations.settle(tx, row.id, rows, state=state, reason=reason, at=at)
    permits.release(tx, row.id, [one.customer for one in left if one.shown_at is None])
    return len(left)


def _became(one: Left, *, is_barred: bool) -> tuple[RecipientState, str]:
    if one.shown_at is None:
        return ("suppressed", SUPPRESSED) if is_barred else ("failed", DID_NOT_COME)
    return ("delivered", LATER) if one.answer == "later" else ("unknown", NOTHING_WRITTEN)
