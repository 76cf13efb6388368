"""How the decisions of several people become the decision of a step: any, all, sequence, quorum, vote.

Each rule decides as early as the result is fixed either way. A person has one ballot per step, however many roles
bring them there. Refuses to know who may decide; `states` hands in the ballots.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from engine.machine.case import Decision

Verdict = Literal["approve", "reject", "return"]


class Ballot(Struct, frozen=True):
    """One person's place in a tally; `decision` is None while it is out."""

    decision: Decision | None
    weight: int = 1


class AnyOf(Struct, frozen=True, tag=True):
    """The first decision counts for all (或签)."""

    mode = "any"

    def needed(self, seats: int) -> int:
        """How many must decide."""
        return min(1, seats)

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """The result, or None while it is open."""
        for ballot in ballots:
            if ballot.decision is not None:
                return _as_verdict(ballot.decision)
        return None


class AllOf(Struct, frozen=True, tag=True):
    """Everybody must approve (会签); the first who does not decides."""

    mode = "all"

    def needed(self, seats: int) -> int:
        """See AnyOf."""
        return seats

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf."""
        decisions = [ballot.decision for ballot in ballots]
        for decision in decisions:
            if decision not in (None, "approve"):
                return _as_verdict(decision)
        return "approve" if decisions and None not in decisions else None


class InSequence(Struct, frozen=True, tag=True):
    """Everybody must approve, one after the other (顺序签): as AllOf, but only one is asked at a time."""

    mode = "sequence"

    def needed(self, seats: int) -> int:
        """See AnyOf."""
        return seats

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf."""
        return AllOf().verdict(ballots)


class Quorum(Struct, frozen=True, tag=True):
    """`n` must approve, or all where fewer are asked. It fails as soon as those left cannot make up the number."""

    n: int

    mode = "quorum"

    def needed(self, seats: int) -> int:
        """See AnyOf."""
        return min(self.n, seats)

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf."""
        decisions = [ballot.decision for ballot in ballots]
        needed = self.needed(len(decisions))
        if decisions and decisions.count("approve") >= needed:
            return "approve"
        if decisions.count("approve") + decisions.count(None) < needed:
            return _against(decisions)
        return None


class Vote(Struct, frozen=True, tag=True):
    """A weighted vote (票签).

    It passes when at least `quorum` of all weights took part (abstaining is taking part) and more than `passing` of the
    weights that said yes or no said yes; with `veto` a single no decides. Shares are (numerator, denominator), so
    nothing is rounded.
    """

    quorum: tuple[int, int] = (1, 2)
    passing: tuple[int, int] = (1, 2)
    veto: bool = False

    mode = "vote"

    def needed(self, seats: int) -> int:
        """See AnyOf. Weights decide, so this is what all of equal weight would need."""
        return seats * self.passing[0] // self.passing[1] + 1 if seats else 0

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf."""
        decisions = [ballot.decision for ballot in ballots]
        total = sum(ballot.weight for ballot in ballots)
        yes = sum(ballot.weight for ballot in ballots if ballot.decision == "approve")
        no = sum(ballot.weight for ballot in ballots if ballot.decision in ("reject", "return"))
        out = sum(ballot.weight for ballot in ballots if ballot.decision is None)
        if self.veto and no:
            return _against(decisions)
        present = total - out
        if ballots and not out:
            return "approve" if self._passes(yes, no, present, total) else _against(decisions)
        # every completion lies between these two: all that is out says no, or all of it says yes
        if yes and self._passes(yes, no + out, present, total) and not (self.veto and out):
            return "approve"
        if not self._passes(yes + out, no, total, total):
            return _against(decisions)
        return None

    def _passes(self, yes: int, no: int, present: int, total: int) -> bool:
        enough = present * self.quorum[1] >= total * self.quorum[0]
        return enough and yes * self.passing[1] > (yes + no) * self.passing[0]


Tally = AnyOf | AllOf | InSequence | Quorum | Vote


def _as_verdict(decision: Decision | None) -> Verdict:
    match decision:
        case "return" | "reject":
            return decision
        case _:
            return "approve"


def _against(decisions: Sequence[Decision | None]) -> Verdict:
    """A failed count is a rejection, unless nobody rejected and somebody asked for changes."""
    return "return" if "return" in decisions and "reject" not in decisions else "reject"
