"""The contact policy (接触策略) and its versions: one administrator proposes it, another confirms it.

From the confirmation on it holds, and what was sent shortly before is counted as well. An empty policy ends the one in
force. Refuses a confirmation by whoever proposed it, and a policy that contradicts itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from engine.audience.capping import PolicyInForce
from engine.audience.policy import CarrierKind, ContactPolicy
from engine.definition.catalogue import catalogue
from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS
from engine.errors import InvalidForm, PolicyOpen, Problem
from engine.organisation import Organisation
from engine.service import confirming, permits
from engine.service.app import Countersign
from engine.service.confirming import Kind, VersionView, viewed
from engine.service.recording import By, Change
from engine.service.sealing import dataset_of
from engine.store import cases, policies
from engine.store import permits as permit_rows
from engine.store.policies import POLICIES, PolicyRow
from engine.values import Bilingual

BUSIEST = 50
CUSTOMERS = "customers"
POLICY = Kind("policy", POLICIES, "policy.manage")


@dataclass(frozen=True, slots=True)
class PolicyView(VersionView):
    """A policy as it was written; `lines` are it in words."""

    policy: dict[str, Any]
    lines: tuple[Bilingual, ...]


@dataclass(frozen=True, slots=True)
class CarriedView:
    """What a channel has carried today of what it can."""

    channel: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class CarriedByView:
    """What a hall or an agent has carried today of what each of them can."""

    kind: CarrierKind
    name: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class PoliciesView:
    """All versions, the newest first, and the day of the channels that have a limit. `carried_by`: of the halls and of
    the agents the busiest today, 50 of each; `fields` are those of a customer that may name them, none where
    customers stand on a server, for which halls and agents are not counted."""

    versions: tuple[PolicyView, ...]
    carried: tuple[CarriedView, ...]
    carried_by: tuple[CarriedByView, ...] = ()
    fields: dict[str, Bilingual] = field(default_factory=dict)

    @property
    def current(self) -> PolicyView | None:
        """The version in force."""
        return next((one for one in self.versions if one.state == "in_force"), None)

    @property
    def waits(self) -> PolicyView | None:
        """The version that waits for its confirmation."""
        return next((one for one in self.versions if one.state == "open"), None)


def show(app: Countersign, by: By) -> PoliciesView:
    """All versions, and what is carried today."""
    by.authorize(POLICY.action)
    now = app.now()
    with app.db.read() as tx:
        rows, organisation, current = POLICIES.history(tx), app.organisation(tx), POLICIES.in_force(tx, now)
        capacity = current.policy.capacity if current else {}
        began = permits.day_began(now, app.settings.zone)
        carried = tuple(
            CarriedView(channel, permit_rows.count(tx, channel, began), most) for channel, most in capacity.items()
        )
        busy = tuple(_busy(tx, current.policy, began)) if current else ()
    names = _carrier_fields(app)
    versions = tuple(_view(row, current, organisation, by, names) for row in rows)
    return PoliciesView(versions, carried, busy, {} if app.settings.customers else names)


def propose(app: Countersign, by: By, wanted: Mapping[str, Any], *, reason: str) -> None:
    """Propose a policy as ContactPolicy writes it; an empty one ends the policy in force. InvalidForm names what is
    wrong at its place ("caps.1.within"), PolicyOpen tells that another proposal waits."""
    by.authorize(POLICY.action)
    policy, problems = _read(wanted)
    problems += _unknown_fields(app, policy) if policy else []
    problems += confirming.without_reason(reason)
    if policy is None or problems:
        raise InvalidForm(problems)

    def says(change: Change, _rows: tuple[PolicyRow, ...]) -> Mapping[str, str]:
        if policy.is_over and policies.in_force(change.tx, change.now) is None:
            raise InvalidForm([Problem("policy_empty", "it says nothing", at="caps")])
        return {"policy": policy.model_dump_json()}

    after = {"caps": len(policy.caps)}
    confirming.propose(app, by, POLICY, says, reason=reason, after=after, waits=PolicyOpen)


def decide(app: Countersign, by: By, version: int, *, confirm: bool) -> None:
    """Confirm a proposal, which then holds, or refuse it. OwnProposal where they proposed it; NotFound where nothing
    waits under that number."""
    confirming.decide(
        app, by, POLICY, version, confirm=confirm, then=lambda change, row: _count_made(app, change, row.policy)
    )


def meets(tx: Connection, definition: Definition, form: Mapping[str, Any], at: datetime) -> PolicyInForce | None:
    """The policy in force at `at` as it meets the cases of a definition; None where nobody is capped."""
    row = policies.in_force(tx, at)
    if row is None:
        return None
    delivery = definition.delivery
    channels = [channel for wave in delivery.waves for channel in wave.channel] if delivery else []
    wanted = permits.approach(definition, form, "")
    return PolicyInForce(
        row.version, row.policy, tuple(dict.fromkeys(channels)), purpose=wanted.purpose, category=wanted.category
    )


def _count_made(app: Countersign, change: Change, policy: ContactPolicy) -> None:
    """Count what went out shortly before without being counted, as no policy or a shorter one was in force."""
    permit_rows.lock(change.tx)
    since = min(change.now - policy.longest, permits.day_began(change.now, app.settings.zone))
    for case_id in permit_rows.cases_since(change.tx, since):
        case = cases.load(change.tx, case_id)
        made = permits.approach(app.definition(case.process), case.form, "")
        permit_rows.enter_made(change.tx, case_id, purpose=made.purpose, category=made.category, since=since)


def _busy(tx: Connection, policy: ContactPolicy, began: datetime) -> Iterator[CarriedByView]:
    for kind, each in policy.capacity_each.items():
        carried = sorted(permit_rows.carried(tx, kind, began).items(), key=lambda one: (-one[1], one[0]))
        yield from (CarriedByView(kind, name, used, each.per_day) for name, used in carried[:BUSIEST])


def _carrier_fields(app: Countersign) -> dict[str, Bilingual]:
    """The fields of a customer that may say whose they are, with their labels: texts, and none that is personal."""
    found = catalogue(CUSTOMERS)
    known = found.fields if found else {}
    customers = dataset_of(app.settings).current().tables.get(CUSTOMERS)
    types = {one.name: one.type for one in customers.columns} if customers else {n: f.type for n, f in known.items()}
    usable = (name for name, type_ in types.items() if type_ == "text")
    return {name: known[name].label for name in usable if name in known and not known[name].personal}


def _unknown_fields(app: Countersign, policy: ContactPolicy) -> list[Problem]:
    if app.settings.customers:
        told = "halls and agents are counted for customers of the dataset, and yours are on a server"
        return [Problem("policy_on_server", told, at=f"capacity_each.{kind}.by") for kind in policy.capacity_each]
    known = _carrier_fields(app) if policy.capacity_each else {}
    told = f"customers have no such field; there are {', '.join(known)}"
    each = policy.capacity_each.items()
    return [Problem("policy_by", told, at=f"capacity_each.{kind}.by") for kind, one in each if one.by not in known]


def _read(wanted: Mapping[str, Any]) -> tuple[ContactPolicy | None, list[Problem]]:
    try:
        policy = ContactPolicy.model_validate(wanted)
    except ValidationError as error:
        return None, list(_wrong(error))
    problems = list(policy.problems())
    for channel in policy.capacity.keys() - CHANNELS.keys():
        problems.append(Problem("policy_channel", f"nothing is sent by {channel}", at=f"capacity.{channel}"))
    for kind, each in policy.capacity_each.items():
        if each.channel and each.channel not in CHANNELS:
            told = f"nothing is sent by {each.channel}"
            problems.append(Problem("policy_channel", told, at=f"capacity_each.{kind}.channel"))
    return policy, problems


def _wrong(error: ValidationError) -> Iterator[Problem]:
    """What pydantic says, at its place and under a code that pages have a sentence for."""
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in one["loc"]]
        field = (
            "capacity" if place[:1] == ["capacity"] else next((part for part in reversed(place) if part in CODES), "")
        )
        yield Problem(CODES.get(field, "policy_shape"), one["msg"], at=".".join(place))


CODES = {
    "most": "policy_most",
    "within": "policy_within",
    "similar": "policy_within",
    "channel": "policy_channel",
    "purpose": "policy_purpose",
    "exempt": "policy_purpose",
    "category": "policy_category",
    "capacity": "policy_capacity",
    "per_day": "policy_capacity",
    "by": "policy_by",
}


def _view(
    row: PolicyRow, current: PolicyRow | None, organisation: Organisation, by: By, names: Mapping[str, Bilingual]
) -> PolicyView:
    said = row.policy.model_dump(mode="json")
    return viewed(PolicyView, row, current, organisation, by, policy=said, lines=row.policy.lines(names))
