"""How the decisions of several people become the decision of a step: any, all, sequence, quorum, vote.

Each rule decides as early as the result is fixed either way. A person has one ballot per step, however many roles
bring them there. Refuses to know who may decide; `states` hands in the ballots.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.structs import asdict

from engine.machine.case import Decision

Verdict = Literal["approve", "reject", "return"]

MOST_ENDS = 20_000  # of a vote with many unequal weights; it is then decided a little later than it could be


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
    """`n` must approve, or all where fewer are asked; with `percent` that share of those asked, rounded up.

    It fails as soon as those left cannot make up the number.
    """

    n: int = 0
    percent: int = 0

    mode = "quorum"

    def needed(self, seats: int) -> int:
        """See AnyOf."""
        return -(-seats * self.percent // 100) if self.percent else min(self.n, seats)

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf."""
        decisions = [ballot.decision for ballot in ballots]
        needed = self.needed(len(decisions))
        if decisions and decisions.count("approve") >= needed:
            return "approve"
        if decisions.count("approve") + decisions.count(None) < needed:
            return _against(decisions)
        return None


class Rule(Protocol):
    """A rule over the count of votes; `engine.expr.Expression` is one.

    It may name `votes.yes`, `no`, `abstain`, `cast` (those three together), `out` and `total`: sums of weights.
    """

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value."""
        ...


class Vote(Struct, frozen=True):
    """A weighted vote (票签). Abstaining is taking part; a return counts as a no.

    It passes when `quorum` and `passing` both hold of the count (without a rule: half of all weights took part, more
    yes than no); with `veto` a single no decides. `is_weighted`: members vote with their weights, else with 1.
    """

    quorum: Rule | None = None
    passing: Rule | None = None
    veto: bool = False
    is_weighted: bool = True

    mode = "vote"

    def needed(self, seats: int) -> int:
        """See AnyOf. Weights and rules decide, so this is the majority that equal weights would need."""
        return seats // 2 + 1 if seats else 0

    def verdict(self, ballots: Sequence[Ballot]) -> Verdict | None:
        """See AnyOf. It is fixed as soon as whatever those out may do (vote, abstain, stay away) gives the same."""
        out = [ballot.weight for ballot in ballots if ballot.decision is None]
        ends = _ends(Count.of(ballots), out)
        if not ballots or ends is None:
            return None
        total = sum(ballot.weight for ballot in ballots)
        results = {self._passes(end, total) for end in ends}
        if len(results) != 1:
            return None
        return "approve" if results == {True} else _against([ballot.decision for ballot in ballots])

    def _passes(self, count: "Count", total: int) -> bool:
        if not count.yes or (self.veto and count.no):
            return False  # whatever the rules say, nothing is approved by a vote in which nobody is in favour
        cast = count.yes + count.no + count.abstain
        values = {"votes": {**asdict(count), "cast": cast, "out": total - cast, "total": total}}
        has_quorum = cast * 2 >= total if self.quorum is None else self.quorum.evaluate(values) is True
        return has_quorum and (count.yes > count.no if self.passing is None else self.passing.evaluate(values) is True)


class Count(Struct, frozen=True):
    """Sums of weights."""

    yes: int
    no: int
    abstain: int

    @classmethod
    def of(cls, ballots: Sequence[Ballot]) -> "Count":
        """What was cast so far."""
        return cls(
            yes=sum(ballot.weight for ballot in ballots if ballot.decision == "approve"),
            no=sum(ballot.weight for ballot in ballots if ballot.decision in ("reject", "return")),
            abstain=sum(ballot.weight for ballot in ballots if ballot.decision == "abstain"),
        )


def _ends(count: Count, out: Sequence[int]) -> set[Count] | None:
    """Every count that may come of it; None where there are too many to look at all of them yet."""
    ends = {count}
    for weight in out:
        ends |= {
            end
            for at in ends
            for end in (
                Count(at.yes + weight, at.no, at.abstain),
                Count(at.yes, at.no + weight, at.abstain),
                Count(at.yes, at.no, at.abstain + weight),
            )
        }
        if len(ends) > MOST_ENDS:
            return None
    return ends


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
