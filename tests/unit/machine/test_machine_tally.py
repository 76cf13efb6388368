"""Tallies against what they say: early, and never against a completion that could still come."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, INT, Record
from engine.machine.case import Decision
from engine.machine.tally import AllOf, AnyOf, Ballot, InSequence, Quorum, Tally, Vote

COUNTS = Scope({"votes": Record(dict.fromkeys(("yes", "no", "abstain", "cast", "out", "total"), INT), "votes")})
TWO_THIRDS = Vote(passing=compile_expression("votes.yes * 3 > (votes.yes + votes.no) * 2", COUNTS, gives=BOOL))
ATTENDED = Vote(quorum=compile_expression("votes.cast * 4 >= votes.total * 3", COUNTS, gives=BOOL))
NOT_OUTVOTED = Vote(passing=compile_expression("votes.yes >= votes.no", COUNTS, gives=BOOL))
ALWAYS = Vote(
    quorum=compile_expression("votes.cast >= 0", COUNTS, gives=BOOL),
    passing=compile_expression("votes.yes >= 0", COUNTS, gives=BOOL),
)
RULES: list[Tally] = [
    AnyOf(),
    AllOf(),
    InSequence(),
    Quorum(2),
    Quorum(5),
    Quorum(percent=60),
    Vote(),
    TWO_THIRDS,
    Vote(veto=True),
    NOT_OUTVOTED,
    ALWAYS,
]
VOTES: tuple[Decision, ...] = ("approve", "reject", "abstain")


def ballots(text: str) -> list[Ballot]:
    """`a` approve, `r` reject, `t` return, `-` out, `o` abstain."""
    letters: dict[str, Decision | None] = {"a": "approve", "r": "reject", "t": "return", "-": None, "o": "abstain"}
    return [Ballot(letters[letter]) for letter in text]


@pytest.mark.parametrize(
    ("rule", "cast", "verdict"),
    [
        (AnyOf(), "---", None),
        (AnyOf(), "-r-", "reject"),
        (AllOf(), "aa-", None),
        (AllOf(), "aaa", "approve"),
        (AllOf(), "-t-", "return"),
        (AllOf(), "", None),
        (Quorum(2), "ar-", None),
        (Quorum(2), "ara", "approve"),
        (Quorum(2), "rr-", "reject"),
        (Quorum(2), "tt-", "return"),
        (Quorum(5), "aaa", "approve"),  # fewer are there than asked for: all of them
        (Vote(), "aa-", "approve"),
        (Vote(), "ao---", None),
        (Vote(), "ar", "reject"),  # a tie is no majority
        (Vote(), "oo", "reject"),
        (NOT_OUTVOTED, "ooo", "reject"),  # nobody is in favour
        (NOT_OUTVOTED, "aro", "approve"),
        (ALWAYS, "---", None),  # nobody has voted yet
        (ALWAYS, "rr-", None),
        (ALWAYS, "a--", "approve"),
        (ALWAYS, "rro", "reject"),
        (TWO_THIRDS, "aar", "reject"),
        (TWO_THIRDS, "aaar", "approve"),
        (ATTENDED, "aaaaa---", None),  # a majority for sure, but too few have come
        (ATTENDED, "aaaaao--", "approve"),
        (Quorum(percent=60), "aa---", None),
        (Quorum(percent=60), "aaa--", "approve"),
        (Quorum(percent=60), "rrr--", "reject"),
        (Vote(veto=True), "aa-", None),
        (Vote(veto=True), "aar", "reject"),
        (Vote(veto=True), "r--", "reject"),
    ],
)
def test_a_tally_decides(rule: Tally, cast: str, verdict: str | None) -> None:
    assert rule.verdict(ballots(cast)) == verdict


def test_a_large_vote_of_unequal_weights_is_decided_when_all_have_voted() -> None:
    weights = [3**n for n in range(20)]
    assert Vote().verdict([Ballot(None, weight) for weight in weights]) is None
    assert Vote().verdict([Ballot("approve", weight) for weight in weights]) == "approve"


def test_weights_count_and_not_heads() -> None:
    assert Vote().verdict([Ballot("approve", 5), Ballot("reject"), Ballot("reject")]) == "approve"


@given(
    rule=st.sampled_from(RULES),
    cast=st.lists(st.tuples(st.sampled_from([*VOTES, None]), st.integers(1, 3)), min_size=1, max_size=5),
)
def test_an_early_verdict_is_the_one_that_every_completion_gives(
    rule: Tally, cast: list[tuple[Decision | None, int]]
) -> None:
    if not isinstance(rule, Vote | Quorum):
        cast = [("approve" if decision == "abstain" else decision, weight) for decision, weight in cast]
    early = rule.verdict([Ballot(decision, weight) for decision, weight in cast])
    out = [place for place, (decision, _) in enumerate(cast) if decision is None]
    choices: tuple[Decision, ...] = VOTES if isinstance(rule, Vote) else ("approve", "reject")
    finals = set()
    for filling in product(choices, repeat=len(out)):
        whole = list(cast)
        for place, decision in zip(out, filling, strict=True):
            whole[place] = (decision, cast[place][1])
        finals.add(rule.verdict([Ballot(decision, weight) for decision, weight in whole]))
    assert None not in finals
    if early is not None and not isinstance(rule, AnyOf):  # there the first in time counts, whatever comes later
        assert finals == {early}
    if isinstance(rule, Quorum | Vote | AllOf) and len(finals) == 1:
        assert early is not None


@pytest.mark.parametrize(
    ("rule", "seats", "needed"), [(AnyOf(), 3, 1), (AllOf(), 3, 3), (Quorum(2), 1, 1), (Vote(), 4, 3)]
)
def test_how_many_must_decide_is_said(rule: Tally, seats: int, needed: int) -> None:
    assert rule.needed(seats) == needed
