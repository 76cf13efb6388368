"""From a figure of a dashboard to the rows behind it: one case, its first customers, masked.

For who may see customers, of cases that they may see; that they looked is recorded with the filters, as every question
about customers is, and counts as one. Refuses addresses in full, and rows of several cases at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.masking import masked
from engine.service import access, customers, metrics
from engine.service.app import Countersign
from engine.service.dashboard_kinds import find
from engine.service.letters import letters_of
from engine.service.named_staff import NamedStaff
from engine.service.recording import By, Change, changing
from engine.service.sealing import vault
from engine.store import cases, drills, visibility, waves
from engine.store.drills import Drilled
from engine.values import Bilingual

MOST = 50


@dataclass(frozen=True, slots=True)
class RowView:
    """A customer behind a figure, masked; `phone` is the address that the message went to, empty where it went
    to none, as in a hall. `state` is that of the
    message, or what the customer answered."""

    customer: str
    phone: str
    channel: str
    state: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RowsView:
    """The first rows of a case under a dashboard's filters. `cut`: there are more."""

    dashboard: str
    label: Bilingual
    case_id: str
    case_number: str
    reveals: str
    rows: tuple[RowView, ...]
    cut: bool
    as_of: datetime


def rows(app: Countersign, by: By, key: str, case: str, chosen: Mapping[str, str]) -> RowsView:
    """The rows of a case (its id or number) behind the figures of the dashboard `key` with these filters. NotFound
    where the dashboard shows no customers, or the case is not theirs to see; InvalidForm for a day that is none;
    TooManyTries."""
    kind = find(key)
    by.authorize(customers.ASKS)
    if kind.reveals == "nothing":
        raise NotFound()
    there = {one.name for one in metrics.catalogue(by.viewer).dimensions} | {"since", "until"}
    mine = {name: chosen[name] for name in kind.of_rows if name in there and chosen.get(name)}
    since, until = _day(app, mine, "since", 0), _day(app, mine, "until", 1)
    customers.count_question(app, by)
    read = drills.deliveries if kind.reveals == "deliveries" else drills.shown
    with app.db.read() as tx:
        line = visibility.named(tx, by.person, case)
        if line is None:
            raise NotFound()
        whole = cases.load(tx, line.id)
    if by.viewer is not None:
        access.note(app, by.viewer, whole)
    with changing(app, by, customers.ASKS) as change:
        where = {name: _values(change, name, value) for name, value in mine.items() if name not in ("since", "until")}
        if "clerk" in where:
            named = NamedStaff(by.viewer, change.organisation).offices
            if named is not None:
                where["hall"] = tuple(named.intersection(where.get("hall", named)))
        found = read(change.tx, line.id, where, since=since, until=until, limit=MOST + 1)
        phones = _phones(app, change.tx, line.id, found[:MOST])
        if not change.done_before():
            after = {"dashboard": key, "rows": len(found[:MOST]), **mine}
            change.note("customers_listed", f"case {line.number or line.id}", after=after)
    return RowsView(
        dashboard=key,
        label=kind.label,
        case_id=line.id,
        case_number=line.number or "",
        reveals=kind.reveals,
        rows=tuple(
            RowView(
                customer=masked(one.customer),
                phone=masked(phones.get((one.wave, one.row), "")),
                channel=one.channel,
                state=one.state,
                reason=one.reason,
                at=one.at,
            )
            for one in found[:MOST]
        ),
        cut=len(found) > MOST,
        as_of=app.now(),
    )


def _values(change: Change, name: str, value: str) -> tuple[str, ...]:
    """A hall stands for those below it too, as in the figures."""
    if name != "hall":
        return (value,)
    organisation = change.organisation
    there = (office.code for office in organisation.offices)
    return tuple(code for code in there if value in organisation.line(code)) or (value,)


def _phones(app: Countersign, tx: Connection, case_id: str, found: Iterable[Drilled]) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = {}
    for one in found:
        wanted.setdefault(one.wave, set()).add(one.row)
    box = vault(app.settings)
    letters = letters_of(app, waves.of_case(tx, case_id), wanted)
    return {place: box.open(letter.address) for place, letter in letters.items() if letter.address}


def _day(app: Countersign, chosen: Mapping[str, str], name: str, after: int) -> datetime | None:
    """The beginning of the day in the operator's zone, or of the day `after` it."""
    text = chosen.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        fields = {"value": text[:40]}
        raise InvalidForm([Problem("E434", f"{text[:40]!r} is not a day", at=name, fields=fields)]) from None
    return datetime.combine(day, time(), app.settings.zone) + timedelta(days=after)
