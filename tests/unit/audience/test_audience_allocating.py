"""Arbitration against the same decisions made customer by customer in plain Python."""

from collections import Counter
from contextlib import closing
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audience.allocating import CLOSING, NO_ROOM, Contender, Contest, of_tier, opening
from engine.audience.policy import Approach, Cap, ContactPolicy
from engine.values import Duration

WEEK, MONTH = Duration.parse("7d"), Duration.parse("30d")
Wish = tuple[str, int, float | None, str]


def allocated(contest: Contest, wishes: list[Wish], earlier: list[tuple[str, int, int]]) -> tuple[set[Any], set[Any]]:
    with closing(duckdb.connect()) as db:
        db.execute("CREATE TABLE wishes (customer VARCHAR, contender INTEGER, score DOUBLE, draw VARCHAR)")
        db.execute("CREATE TABLE earlier (customer VARCHAR, cap INTEGER, n BIGINT)")
        if wishes:
            db.executemany("INSERT INTO wishes VALUES (?, ?, ?, ?)", wishes)
        if earlier:
            db.executemany("INSERT INTO earlier VALUES (?, ?, ?)", earlier)
        for statement in opening(contest):
            db.execute(statement)
        for tier in contest.tiers():
            for statement in of_tier(tier):
                db.execute(statement)
        for statement in CLOSING:
            db.execute(statement)
        granted = db.execute("SELECT customer, contender FROM granted").fetchall()
        lost = db.execute("SELECT customer, contender, cap, winner FROM told").fetchall()
    assert len(granted) == len(set(granted)) and len(granted) + len(lost) == len(wishes)
    return set(granted), set(lost)


def by_hand(contest: Contest, wishes: list[Wish], earlier: list[tuple[str, int, int]]) -> tuple[set[Any], set[Any]]:
    used: Counter[tuple[str, int]] = Counter()
    for customer, cap, n in earlier:
        used[customer, cap] += n
    room = dict(contest.room)
    granted: list[tuple[str, int]] = []
    lost: list[tuple[str, int, int]] = []

    def order(wish: Wish) -> tuple[Any, ...]:
        score = wish[2]
        return (score is None, -(score or 0), wish[3])

    for tier in contest.tiers():
        own: dict[str, list[Wish]] = {}
        for wish in wishes:
            if wish[1] in tier:
                own.setdefault(wish[0], []).append(wish)
        for listed in own.values():
            listed.sort(key=lambda wish: (*order(wish), wish[1]))
        for place in range(len(tier)):
            fitting = []
            for customer, listed in own.items():
                if place >= len(listed):
                    continue
                wish = listed[place]
                full = [c for c in contest.caps_of(wish[1]) if used[customer, c] >= contest.caps[c].most]
                if full:
                    lost.append((customer, wish[1], min(full)))
                else:
                    fitting.append(wish)
            for wish in sorted(fitting, key=lambda wish: (*order(wish), wish[0], wish[1])):
                channel = contest.contenders[wish[1]].wanted.channel
                if channel in room and not room[channel]:
                    lost.append((wish[0], wish[1], NO_ROOM))
                    continue
                if channel in room:
                    room[channel] -= 1
                granted.append((wish[0], wish[1]))
                for cap in contest.caps_of(wish[1]):
                    used[wish[0], cap] += 1
    scores = {(customer, contender): (score, draw) for customer, contender, score, draw in wishes}

    def winner(customer: str, cap: int) -> int | None:
        took = [c for who, c in granted if who == customer and cap in contest.caps_of(c)]
        took.sort(key=lambda c: (-contest.contenders[c].priority, *order((customer, c, *scores[customer, c])), c))
        return took[0] if took else None

    return set(granted), {(who, c, cap, winner(who, cap)) for who, c, cap in lost}


approaches = st.builds(
    Approach,
    channel=st.sampled_from(["sms", "call"]),
    purpose=st.sampled_from(["marketing", "service"]),
    category=st.sampled_from(["", "data"]),
)
caps = st.builds(
    Cap,
    most=st.integers(1, 2),
    within=st.sampled_from([WEEK, MONTH]),
    channel=st.sampled_from(["", "sms"]),
    purpose=st.sampled_from(["", "marketing"]),
    category=st.sampled_from(["", "data"]),
)
policies = st.builds(
    ContactPolicy,
    caps=st.lists(caps, max_size=3).map(tuple),
    similar=st.sampled_from([None, MONTH]),
    exempt=st.sampled_from([(), ("service",)]),
)
contests = st.builds(
    Contest,
    contenders=st.lists(
        st.builds(Contender, case=st.just("n"), wanted=approaches, priority=st.integers(0, 2)), min_size=1, max_size=5
    ).map(tuple),
    policy=policies,
    room=st.lists(st.tuples(st.sampled_from(["sms", "call"]), st.integers(0, 6)), unique_by=lambda one: one[0]).map(
        tuple
    ),
)


@settings(max_examples=60)
@given(st.data(), contests)
def test_every_customer_goes_where_plain_python_sends_them(data: st.DataObject, contest: Contest) -> None:
    customers = [f"c{n}" for n in range(8)]
    pairs = data.draw(
        st.sets(st.tuples(st.sampled_from(customers), st.integers(0, len(contest.contenders) - 1)), max_size=24)
    )
    scores = st.sampled_from([None, 0.5, 1.0, 2.0])
    wishes = [(who, c, data.draw(scores), f"{(ord(who[1]) * 7 + c * 13) % 5:08x}") for who, c in sorted(pairs)]
    count = len(contest.caps)
    earlier = (
        data.draw(
            st.lists(st.tuples(st.sampled_from(customers), st.integers(0, count - 1), st.integers(1, 2)), max_size=6)
        )
        if count
        else []
    )
    assert allocated(contest, wishes, earlier) == by_hand(contest, wishes, earlier)


def test_priority_comes_before_score_and_the_next_best_case_gets_who_finds_no_room() -> None:
    sms, call = Approach("sms"), Approach("call")
    contest = Contest(
        (Contender("A", sms, 1), Contender("B", sms, 1), Contender("C", call, 2)),
        ContactPolicy(caps=(Cap(most=1, within=WEEK),)),
        room=(("sms", 1),),
    )
    wishes: list[Wish] = [
        ("x", 0, 5.0, "0"), ("x", 2, 1.0, "0"),
        ("y", 0, 9.0, "0"), ("y", 1, 8.0, "0"),
        ("z", 0, 7.0, "0"),
    ]  # fmt: skip
    granted, lost = allocated(contest, wishes, [])
    assert granted == {("x", 2), ("y", 0)}
    assert lost == {("x", 0, 0, 2), ("z", 0, NO_ROOM, None), ("y", 1, 0, 0)}
