"""The last contact of a customer goes to one case: contacts are held, a batch at a time, before anything is sent.

What is held or was sent counts, and so does the imported history; what surely was not sent is given back. The same wave
asking twice holds once. Who asks first wins; arbitration before that is another matter. Where no policy is in force,
nothing is asked and nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.audience.policy import Approach, CarrierKind, Contacted, ContactPolicy, Reached
from engine.definition.model import Definition
from engine.service import whereabouts
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.store import cases, permits, policies
from engine.store.ledger import LONGEST_REASON
from engine.store.moves import CAPPED
from engine.store.permits import NOBODY, Carriers, Permit
from engine.store.policies import PolicyRow
from engine.store.waves import WaveRow
from engine.warehouse import carriers, past
from engine.warehouse.past import Past
from engine.warehouse.places import history_of_wave
from engine.warehouse.run import Limits


@dataclass(frozen=True, slots=True)
class RefusedContact:
    """A customer without a contact left."""

    customer: str
    reached: Reached

    @property
    def reason(self) -> str:
        """What the ledger says of it. It names no case: not everybody who reads it may know of that one."""
        return f"{CAPPED}: {self.reached.cap.short}"[:LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Held:
    """Who may be contacted, and who not. `later`: whose hall or agent carries no more today, so that they are tried
    another day. `is_full`: the channel carries no more today, so nothing was held at all."""

    granted: tuple[str, ...]
    refused: tuple[RefusedContact, ...] = ()
    is_full: bool = False
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom contacts are held: a wave, the contact it makes, under which policy; `history` are the files with the
    imported contacts of its customers, `carried_by` that with their halls and agents. `until`: the last day of the
    case; who has no place by then is contacted no more."""

    policy: ContactPolicy
    case_id: str
    wave: str
    wanted: Approach
    history: tuple[Path, ...] = ()
    carried_by: Path | None = None
    until: date | None = None

    def past(self, first: int, last: int) -> Past:
        """The imported contacts of the customers in these rows; one that two files have counts once."""
        found: dict[str, list[Contacted]] = {}
        for each in self.history:
            for customer, contacts in past.read(each, first, last).items():
                there = found.setdefault(customer, [])
                known = {one.event for one in there}
                there += [one for one in contacts if one.event not in known]
        return found

    def carriers(self, rows: Mapping[int, str]) -> Carriers:
        """The hall and the agent of the customers in these rows."""
        if self.carried_by is None or not rows:
            return NOBODY
        found = carriers.read(self.carried_by, min(rows), max(rows))
        return {customer: found[row] for row, customer in rows.items() if row in found}


def hold(
    app: Countersign, case_id: str, wave: str, wanted: Approach, customers: Sequence[str], *, at: datetime | None = None
) -> Held:
    """Hold a contact of each of the customers for the wave, in one transaction, or say which cap is reached and which
    cases took what it allows. Everybody is granted, and nothing written, where no policy is in force.

    The same wave again is granted what it holds. A batch that does not fit into what the channel carries today is held
    not at all; one larger than a whole day's goes alone on a day. Whose hall or agent carries no more today is `later`.
    Of the imported history the dataset's counts alone.
    """
    at = at or app.now()
    with app.db.read() as tx:
        row = policies.in_force(tx, at)
    if row is None:
        return Held(tuple(customers))
    dataset = dataset_of(app.settings)
    version = dataset.current()
    before = past.of_customers(dataset, version, customers, at - row.policy.longest)
    of = carriers.of_customers(dataset, version, customers, _by(row.policy, wanted.channel))
    asked = Asked(row.policy, case_id, wave, wanted)
    with app.db.begin() as tx:
        return take(tx, asked, customers, before, at=at, zone=app.settings.zone, of=of)


def release(app: Countersign, wave: str, customers: Sequence[str]) -> int:
    """Give back what the wave holds and surely did not send; how many."""
    with app.db.begin() as tx:
        return permits.release(tx, wave, customers)


def asked_for(app: Countersign, wave: WaveRow, row: PolicyRow) -> Asked:
    """What a wave asks under the policy in force. Writes the files of its history where there are none yet.
    CustomersUnavailable where a part of it is at a place that does not answer."""
    with app.db.read() as tx:
        case = cases.load(tx, wave.case_id)
    dataset, now = dataset_of(app.settings), app.now()
    file, definition = app.settings.data / wave.file, app.definition(case.process)
    history = history_of_wave(
        dataset,
        whereabouts.place(app.settings),
        file,
        (wave.started_at or now) - row.policy.longest,
        today=now.astimezone(app.settings.zone).date(),
        limits=Limits(app.settings.memory_limit, app.settings.selection_seconds),
    )
    window = definition.proposal.window(case.form)
    return Asked(
        row.policy,
        wave.case_id,
        wave.id,
        approach(definition, case.form, wave.channel),
        history,
        carriers.of_wave(dataset, dataset.current(), file, _by(row.policy, wave.channel)),
        window[1] if window else None,
    )


def approach(definition: Definition, form: Mapping[str, Any], channel: str) -> Approach:
    """The contact that a case makes over a channel."""
    category = form.get("category")
    purpose = definition.delivery.purpose if definition.delivery else "marketing"
    return Approach(channel, purpose, category if isinstance(category, str) else "")


def take(
    tx: Connection,
    asked: Asked,
    customers: Sequence[str],
    before: Past,
    *,
    at: datetime,
    zone: ZoneInfo,
    is_repeat: bool = False,
    of: Carriers = NOBODY,
) -> Held:
    """Hold within the caller's transaction. `before` are imported contacts, `of` the halls and agents; `is_repeat`: the
    customers may have been sent to already, so they are held whatever the caps say, and the same message goes again.
    Where the wave holds some of them already, only those may have been."""
    permits.lock(tx)
    wanted = asked.wanted
    customers = tuple(dict.fromkeys(customers))
    known: dict[str, list[Permit]] = {}
    for permit in permits.of_customers(tx, customers, at - asked.policy.longest, wave=asked.wave):
        known.setdefault(permit.customer, []).append(permit)
    own = {customer for customer, held in known.items() if any(one.wave == asked.wave for one in held)}
    fresh = [customer for customer in customers if customer not in own]
    is_repeat = is_repeat and not own
    refused = () if is_repeat else _refused(asked, fresh, known, before, at)
    out = {one.customer for one in refused}
    granted = [customer for customer in fresh if customer not in out]
    over = {} if is_repeat else _without_a_place(tx, asked, granted, of, began=day_began(at, zone))
    granted = [customer for customer in granted if customer not in over]
    later: tuple[str, ...] = tuple(over)
    if over and asked.until and at.astimezone(zone).date() >= asked.until:
        refused, later = (*refused, *(RefusedContact(one, why) for one, why in over.items())), ()
    most = None if is_repeat else asked.policy.capacity.get(wanted.channel)
    if most is not None and granted:
        used = permits.count(tx, wanted.channel, day_began(at, zone))
        if used and used + len(granted) > most:
            return Held((), is_full=True)
    permits.move(tx, asked.wave, sorted(own), at=at)
    permits.enter(
        tx,
        sorted(granted),
        wave=asked.wave,
        case_id=asked.case_id,
        channel=wanted.channel,
        purpose=wanted.purpose,
        category=wanted.category,
        at=at,
        carriers={customer: _counted(asked.policy, wanted.channel, of.get(customer, {})) for customer in granted},
    )
    not_now = out.union(over)
    return Held(tuple(customer for customer in customers if customer not in not_now), refused, later=later)


def is_full(tx: Connection, asked: Asked, *, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the channel carries no further contact today."""
    most = asked.policy.capacity.get(asked.wanted.channel)
    return most is not None and permits.count(tx, asked.wanted.channel, day_began(at, zone)) >= most


def day_began(at: datetime, zone: ZoneInfo) -> datetime:
    """When the day of that moment began, in the zone of the settings."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


def until_tomorrow(at: datetime, zone: ZoneInfo) -> timedelta:
    """How long the day still lasts."""
    tomorrow = at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone) - at


def _by(policy: ContactPolicy, channel: str) -> dict[CarrierKind, str]:
    return {kind: each.by for kind, each in policy.each_of(channel).items()}


def _counted(policy: ContactPolicy, channel: str, by: Mapping[CarrierKind, str]) -> Mapping[CarrierKind, str]:
    """For which hall and agent a contact over the channel counts."""
    return {kind: by[kind] for kind in policy.each_of(channel) if kind in by}


def _without_a_place(
    tx: Connection, asked: Asked, customers: Sequence[str], of: Carriers, *, began: datetime
) -> dict[str, Reached]:
    """Those of the customers whose hall or agent carries no more today, first come first served, with which it is."""
    every = asked.policy.each_of(asked.wanted.channel)
    if not every or not of:
        return {}
    named = {kind: {by[kind] for by in of.values() if kind in by} for kind in every}
    used = {kind: permits.carried(tx, kind, began, names) if names else {} for kind, names in named.items()}
    over: dict[str, Reached] = {}
    for customer in customers:
        by = of.get(customer, {})
        full = [kind for kind in every if kind in by and used[kind].get(by[kind], 0) >= every[kind].per_day]
        if full:
            over[customer] = Reached(every[full[0]])
            continue
        for kind in every:
            if kind in by:
                used[kind][by[kind]] = used[kind].get(by[kind], 0) + 1
    return over


def _refused(
    asked: Asked, customers: Sequence[str], known: Mapping[str, list[Permit]], before: Past, at: datetime
) -> tuple[RefusedContact, ...]:
    caps = asked.policy.caps_of(asked.wanted)
    if not caps:
        return ()
    answers = (
        (customer, asked.policy.reached(caps, _contacts(known.get(customer, ()), before.get(customer, ())), at))
        for customer in customers
    )
    return tuple(RefusedContact(customer, reached) for customer, reached in answers if reached)


def _contacts(own: Sequence[Permit], imported: Sequence[Contacted]) -> list[Contacted]:
    """Both together; a finished delivery stands in the history as well, and counts once."""
    there = {(permit.number, permit.channel) for permit in own}
    made = [Contacted(one.at, one.channel, one.purpose, one.category, one.number) for one in own]
    return made + [one for one in imported if (one.case, one.channel) not in there]
