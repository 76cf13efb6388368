"""The contact policy alone: what a cap counts, what it says in words, what contradicts itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.audience.policy import Approach, Cap, Contacted, ContactPolicy

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CHANNELS, PURPOSES, CATEGORIES = ("sms", "call"), ("marketing", "service"), ("flow", "voice", "")


def policy(**said: Any) -> ContactPolicy:
    return ContactPolicy.model_validate(said)


def ago(days: float, channel: str = "sms", category: str = "flow", purpose: str = "marketing") -> Contacted:
    return Contacted(NOW - timedelta(days=days), channel, purpose, category, f"case-{days}")


def test_a_cap_counts_the_contacts_of_its_period_channel_purpose_and_category() -> None:
    one = policy(caps=[{"most": 1, "within": "7d", "channel": "sms", "purpose": "marketing", "category": "flow"}])
    wanted = Approach("sms", "marketing", "flow")
    assert (
        one.refusal(wanted, [ago(8), ago(1, "call"), ago(1, purpose="service"), ago(1, category="voice")], NOW) is None
    )
    assert one.refusal(wanted, [ago(1, purpose="")], NOW), "nobody knows what for: it counts for every purpose"
    assert one.refusal(Approach("sms", "service", "flow"), [ago(1, purpose="")], NOW) is None, "no cap for service"
    reached = one.refusal(wanted, [ago(6.9)], NOW)
    assert reached and reached.cases == ("case-6.9",) and reached.cap.short == "1 in 7d sms marketing flow"
    assert one.refusal(Approach("call", "marketing", "flow"), [ago(1)], NOW) is None
    assert one.refusal(wanted, [ago(7)], NOW) is None, "the period is over to the moment"


def test_similar_cases_keep_their_distance_and_exempt_purposes_pass_uncounted() -> None:
    one = policy(similar="30d", caps=[{"most": 1, "within": "1d"}], exempt=["service"])
    assert one.refusal(Approach("sms", "marketing", "flow"), [ago(20)], NOW)
    assert one.refusal(Approach("sms", "marketing", "voice"), [ago(20)], NOW) is None
    assert one.refusal(Approach("sms", "marketing", ""), [ago(20, category="")], NOW) is None, "nothing to compare"
    assert one.refusal(Approach("sms", "service", "flow"), [ago(0.1)], NOW) is None
    assert one.refusal(Approach("sms"), [ago(0.1, purpose="service")], NOW) is None
    assert one.refusal(Approach("sms"), [ago(0.1, purpose="")], NOW), "it may have been for marketing"
    assert one.longest == timedelta(days=30)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"caps": [{"most": 0, "within": "7d"}]}, ("caps", 0, "most")),
        ({"caps": [{"most": 1, "within": "400d"}]}, ("caps", 0, "within")),
        ({"caps": [{"most": 1, "within": "30m"}]}, ("caps", 0, "within")),
        ({"caps": [{"most": 1, "within": "3wd"}]}, ("caps", 0, "within")),
        ({"caps": [{"most": 1, "within": ""}]}, ("caps", 0, "within")),
        ({"caps": [{"most": 1, "within": "7d", "channel": "<b>"}]}, ("caps", 0, "channel")),
        ({"caps": [{"most": 1, "within": "7d", "purpose": "fun"}]}, ("caps", 0, "purpose")),
        ({"similar": "2y"}, ("similar",)),
        ({"capacity": {"sms": 0}}, ("capacity", "sms")),
        ({"capacity_each": {"shop": {"by": "hall", "per_day": 3}}}, ("capacity_each", "shop")),
        ({"capacity_each": {"hall": {"by": "a b", "per_day": 3}}}, ("capacity_each", "hall", "by")),
        ({"capacity_each": {"hall": {"by": "hall", "per_day": 0}}}, ("capacity_each", "hall", "per_day")),
        ({"exempt": ["fun"]}, ("exempt", 0)),
        ({"cap": []}, ("cap",)),
    ],
)
def test_what_is_no_policy_is_refused_at_its_place(said: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as raised:
        policy(**said)
    assert raised.value.errors()[0]["loc"][: len(place)] == place


def test_contradictions_are_told_at_their_place() -> None:
    covered = policy(caps=[{"most": 5, "within": "7d", "channel": "sms"}, {"most": 3, "within": "30d"}])
    assert [(one.code, one.at, one.fields) for one in covered.problems()] == [
        ("policy_covered", "caps.0.most", {"this": 1, "other": 2})
    ]
    twice = policy(caps=[{"most": 2, "within": "7d"}, {"most": 2, "within": "7d"}])
    assert [one.at for one in twice.problems()] == ["caps.1.most"]
    useful = policy(caps=[{"most": 2, "within": "7d"}, {"most": 3, "within": "30d"}, {"most": 1, "within": "1d"}])
    assert list(useful.problems()) == []
    exempt = policy(caps=[{"most": 2, "within": "7d", "purpose": "service"}], exempt=["service"])
    assert [one.at for one in exempt.problems()] == ["caps.0.purpose"]
    assert [one.code for one in policy(similar="7d", exempt=["service", "marketing"]).problems()] == [
        "policy_all_exempt"
    ]


def test_it_says_itself_in_both_languages() -> None:
    one = policy(
        caps=[{"most": 2, "within": "7d"}, {"most": 1, "within": "1d", "channel": "sms", "purpose": "marketing"}],
        similar="30d",
        capacity={"sms": 200000},
        capacity_each={"hall": {"by": "hall", "per_day": 30, "channel": "sms"}},
        exempt=["service"],
    )
    assert [line.en for line in one.lines()] == [
        "At most 2 contacts of a customer in 7 days",
        "At most 1 contact of a customer in 1 day by SMS for marketing",
        "No second contact of a customer by a case of the same category in 30 days",
        "At most 200,000 contacts a day by SMS",
        "At most 30 contacts a day by SMS for each business hall (customer field “hall”)",
        "No cap stops or counts contacts for service",
    ]
    assert one.lines()[1].zh == "1 天内通过短信为营销目的接触同一客户不超过 1 次"
    assert ContactPolicy.model_validate_json(one.model_dump_json()) == one


caps = st.builds(
    Cap,
    most=st.integers(1, 4),
    within=st.sampled_from(["1d", "7d", "30d"]).map(lambda text: Cap(most=1, within=text).within),  # type: ignore[arg-type]
    channel=st.sampled_from(["", *CHANNELS]),
    purpose=st.sampled_from(["", *PURPOSES]),
    category=st.sampled_from(CATEGORIES),
)
moments = st.builds(
    Contacted,
    at=st.floats(0, 40).map(lambda days: NOW - timedelta(days=days)),
    channel=st.sampled_from(CHANNELS),
    purpose=st.sampled_from(["", *PURPOSES]),
    category=st.sampled_from(CATEGORIES),
)


@given(cap=caps, wider=caps, past=st.lists(moments, max_size=12))
def test_whoever_keeps_to_a_cap_that_covers_another_keeps_to_both(cap: Cap, wider: Cap, past: list[Contacted]) -> None:
    if wider.covers(cap) and len(wider.counted(past, NOW)) < wider.most:
        assert len(cap.counted(past, NOW)) < cap.most
