"""The contact policy as a claim over the contact history: whoever has no contact left over any channel of a case.

All caps are counted in one pass over the contacts. One of which the history does not say what it was for counts for
every purpose, as it does when a wave asks (policy.py). Refuses to look at what is held: a wave knows when it sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlglot import exp

from engine.audience.policy import MARKETING, Approach, Cap, ContactPolicy, Purpose


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A version of the contact policy as it meets a case: its channels (none: whatever they are), what for, its
    category. Moments are UTC without a zone, as the dataset has them."""

    version: int
    policy: ContactPolicy
    channels: tuple[str, ...] = ()
    purpose: Purpose = MARKETING
    category: str = ""

    @property
    def window(self) -> timedelta:
        """How far back its caps look; nothing where none meets the case."""
        return max((cap.window for caps in self._caps() for cap in caps), default=timedelta())

    @property
    def asks_purpose(self) -> bool:
        """Whether it matters to any of its caps what a contact was for."""
        return any(self.policy.uncounted_by(cap) for caps in self._caps() for cap in caps)

    def counted(self, as_of: datetime) -> exp.Expr:
        """Whether a contact is counted by any of the caps."""
        caps = {cap for caps in self._caps() for cap in caps}
        return exp.or_(*(self._counts(cap, as_of) for cap in sorted(caps, key=lambda cap: cap.short)))

    def reached(self, as_of: datetime) -> exp.Expr:
        """Whether a customer's contacts together reach a cap of every channel."""
        return exp.and_(*(exp.or_(*(self._is_reached(cap, as_of) for cap in caps)) for caps in self._caps()))

    def _caps(self) -> tuple[tuple[Cap, ...], ...]:
        """The caps of each channel; none at all where a channel has none."""
        channels = self.channels or ("",)
        caps = [self.policy.caps_of(Approach(channel, self.purpose, self.category)) for channel in channels]
        return tuple(dict.fromkeys(caps)) if all(caps) else ()

    def _is_reached(self, cap: Cap, as_of: datetime) -> exp.Expr:
        one = exp.Case().when(self._counts(cap, as_of), exp.Literal.number(1))
        return exp.GTE(this=exp.Count(this=one), expression=exp.Literal.number(cap.most))

    def _counts(self, cap: Cap, as_of: datetime) -> exp.Expr:
        conditions: list[exp.Expr] = [
            exp.GT(this=exp.column("at"), expression=_moment(as_of - cap.window)),
            exp.LTE(this=exp.column("at"), expression=_moment(as_of)),
        ]
        for column, value in (("channel", cap.channel), ("category", cap.category)):
            if value:
                conditions.append(exp.EQ(this=exp.column(column), expression=exp.Literal.string(value)))
        uncounted = self.policy.uncounted_by(cap)
        return exp.and_(*conditions, _is_surely_for(uncounted).not_()) if uncounted else exp.and_(*conditions)


def _is_surely_for(purposes: Sequence[Purpose]) -> exp.Expr:
    """Whether a contact is surely for one of these."""
    # A server may have had a column of this name before there was one here, of whatever type.
    said = exp.func("COALESCE", exp.cast(exp.column("purpose"), exp.DataType.Type.VARCHAR), exp.Literal.string(""))
    return said.isin(*purposes)


def _moment(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.strftime("%Y-%m-%d %H:%M:%S")), exp.DataType.Type.TIMESTAMP)
