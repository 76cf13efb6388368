"""The exclusion `policy` against the policy itself, customer by customer; its version, its evidence, its absence."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.audience.capping import PolicyInForce
from engine.audience.policy import Approach, Contacted, ContactPolicy, Purpose
from engine.warehouse import contacts
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import Frozen, freeze
from engine.warehouse.run import Limits
from engine.warehouse.why import of_frozen, why
from tests.warehouse.explained_by_hand import AS_OF, One, compiled, dataset_of, id_of
from tests.warehouse.selecting_by_hand import written_by_an_earlier_release

LIMITS = Limits(threads=2, seconds=60)
CUSTOMERS = 120
PLAN = {"source": {"rule": "true"}, "remove": ["policy"], "cells": {"all": "true"}}


@pytest.fixture(scope="module")
def history() -> dict[str, list[Contacted]]:
    """Contacts of every kind by a fixed chance; those of every third customer do not say what they were for."""
    chance = random.Random(11)
    return {
        id_of(n): [
            Contacted(
                (AS_OF - timedelta(hours=chance.randrange(1, 40 * 24))).astimezone(UTC),
                chance.choice(["sms", "call", ""]),
                chance.choice(["marketing", "service", ""]) if n % 3 else "",
                chance.choice(["data", "voice", ""]),
                case=f"440111-2026-{chance.randrange(5):05}",
            )
            for _ in range(chance.choice([0, 1, 2, 4, 7]))
        ]
        for n in range(CUSTOMERS)
    }


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, history: dict[str, list[Contacted]]) -> Dataset:
    made = dataset_of(tmp_path_factory.mktemp("capped") / "data", [One()] * CUSTOMERS)
    chance = random.Random(12)
    rows = [
        {
            "customer": customer,
            "at": one.at.replace(tzinfo=None),
            "channel": one.channel or None,
            "category": one.category or None,
            "case_number": one.case,
            "purpose": one.purpose or chance.choice([None, "", "Marketing", "winback"]),
        }
        for customer, past in history.items()
        for one in past
    ]
    every = pa.Table.from_pylist(rows, schema=contacts.SCHEMA)
    is_old = pa.array([int(row["customer"][1:]) % 3 == 0 for row in rows])
    written_by_an_earlier_release(made, every.filter(is_old))
    contacts.append(made, every.filter(pc.invert(is_old)))
    return made


def frozen(dataset: Dataset, folder: Path, policy: PolicyInForce | None) -> Frozen:
    selection = compiled(dataset, PLAN, policy=policy)
    return freeze(dataset, dataset.current(), selection, folder, limits=LIMITS)[0]


def kept(found: Frozen) -> set[str]:
    return {row["customer"] for batch in found.batches() for row in batch.to_pylist()}


def met(channels: tuple[str, ...] = ("sms",), purpose: Purpose = "marketing", category: str = "", **said: Any) -> Any:
    return PolicyInForce(4, ContactPolicy.model_validate(said), channels, purpose, category)


SMS_WEEKLY, CALL_MONTHLY = (
    {"most": n, "within": w, "channel": c} for n, w, c in ((1, "7d", "sms"), (2, "30d", "call"))
)


@pytest.mark.parametrize(
    "policy",
    [
        met(caps=[{"most": 2, "within": "14d"}], category="data"),
        met(("sms", "call"), caps=[SMS_WEEKLY]),
        met(("sms", "call"), caps=[SMS_WEEKLY, CALL_MONTHLY]),
        met(similar="20d", caps=[{"most": 5, "within": "36d"}], category="data"),
        met((), caps=[{"most": 1, "within": "9d", "category": "voice"}], category="voice"),
        met(purpose="service", caps=[{"most": 1, "within": "9d", "purpose": "service"}]),
        met(("sms", "call"), caps=[{"most": 1, "within": "20d", "purpose": "marketing"}]),
        met(caps=[{"most": 2, "within": "30d", "purpose": "marketing"}, SMS_WEEKLY], exempt=["service"]),
        met(purpose="service", caps=[{"most": 1, "within": "9d"}], exempt=["service"]),
        met(purpose="service", caps=[{"most": 1, "within": "9d"}], exempt=["marketing"]),
        met(capacity={"sms": 10}),
    ],
)
def test_who_is_removed_is_who_has_no_contact_left_over_any_channel(
    dataset: Dataset, history: dict[str, list[Contacted]], tmp_path: Path, policy: PolicyInForce
) -> None:
    found = frozen(dataset, tmp_path / "list", policy)
    wanted = [Approach(channel, policy.purpose, policy.category) for channel in policy.channels or ("",)]

    def may_be_contacted(past: list[Contacted]) -> bool:
        return any(policy.policy.refusal(one, past, AS_OF) is None for one in wanted)

    left = {customer for customer, past in history.items() if may_be_contacted(past)}
    assert kept(found) == left
    used = found.manifest.policy
    assert used and (used.version, used.customers) == (4, CUSTOMERS - len(left))


def test_why_shows_the_contacts_that_used_them_up(
    dataset: Dataset, history: dict[str, list[Contacted]], tmp_path: Path
) -> None:
    caps = [{"most": 2, "within": "14d", "channel": "sms", "purpose": "marketing"}]
    policy = ContactPolicy.model_validate({"caps": caps})
    found = frozen(dataset, tmp_path / "list", PolicyInForce(1, policy, ("sms",)))
    since = AS_OF - timedelta(days=14)
    by_sms = {
        who: [one for one in past if one.channel == "sms" and one.at > since and one.purpose != "service"]
        for who, past in history.items()
    }
    customer = next(who for who, past in by_sms.items() if len(past) >= 2 and any(one.purpose for one in past))
    answer = why(dataset, found.folder, of_frozen(found), customer, limits=LIMITS)
    assert answer.outcome == "removed"
    (removal,) = answer.removals
    assert removal.name == "policy" and removal.label.zh == "接触次数已用完"
    assert {row.values["case_number"] for row in removal.shown} == {one.case for one in by_sms[customer]}
    assert "marketing" in {row.values.get("purpose") for row in removal.shown}


def test_without_a_policy_in_force_nobody_is_removed(dataset: Dataset, tmp_path: Path) -> None:
    found = frozen(dataset, tmp_path / "list", None)
    assert len(kept(found)) == CUSTOMERS and found.manifest.policy is None
    assert datetime.fromisoformat(found.manifest.as_of) == AS_OF
