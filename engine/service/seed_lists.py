"""Seeds (种子号码) kept by administrators: which addresses of the house get every wave of an office, and until when.

Addresses are sealed and shown masked. Every change says who made it. Refuses an address that no channel takes, and the
same one twice for an office.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from engine.delivery import numbers
from engine.delivery.channels import Email, Sms
from engine.delivery.mail import is_address
from engine.errors import InvalidForm, NotFound, Problem
from engine.masking import masked
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.service.sealing import vault
from engine.store import seeds, side_letters
from engine.values import Bilingual

LONGEST_NAME = 60
CUT = re.compile(r"1\d{4,9}|1\d{11,}")
"""A mobile number of the country with digits missing or too many: somebody mistyped it."""


@dataclass(frozen=True, slots=True)
class SeedView:
    """A seed. `address` is masked; `until` is the moment from which nothing goes to it, None where there is none."""

    id: int
    office: str
    office_name: Bilingual
    name: str
    channel: str
    address: str
    until: datetime | None
    in_force: bool
    by: str
    since: datetime


def listed(app: Countersign, by: By) -> tuple[SeedView, ...]:
    """The seeds that nobody ended, by office and name."""
    by.authorize("seeds.manage")
    now = app.now()
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        offices = organisation.offices
        return tuple(
            SeedView(
                id=row.id,
                office=row.office,
                office_name=offices[row.office].label
                if row.office in offices
                else Bilingual(zh=row.office, en=row.office),
                name=row.name,
                channel=row.channel,
                address=row.shown,
                until=row.expires_at,
                in_force=row.expires_at is None or row.expires_at > now,
                by=organisation.name(row.added_by),
                since=row.added_at,
            )
            for row in seeds.listed(tx)
        )


def add(
    app: Countersign, by: By, *, office: str, name: str, channel: str, address: str, customer: str = "", last: str = ""
) -> int:
    """Add a seed of an office, until the end of the day `last` (empty: for good); its number. InvalidForm names wrong
    fields (E414: the address). `customer` is their number where they are a customer, so that the black list is asked
    for it too."""
    by.authorize("seeds.manage")
    problems, until = [], None
    plain = _plain(channel, address.strip())
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        problems.append(Problem("person_name", "a name has 1 to 60 signs", at="name"))
    if not plain:
        problems.append(Problem("E414", "this is no number or address of that channel", at="address"))
    if len(customer.strip()) > LONGEST_NAME:
        problems.append(Problem("suppression_customer", "this is no customer", at="customer"))
    try:
        until = _end_of(app, last)
        if until is not None and until <= app.now():
            problems.append(Problem("expires_past", "that day is over", at="last"))
    except ValueError:
        problems.append(Problem("form.not_date", f"{last} is not a day", at="last", fields={"value": last}))
    with changing(app, by, None) as change:
        if office not in change.organisation.offices:
            problems.append(
                Problem("office_parent", f"there is no office {office}", at="office", fields={"name": office})
            )
        if problems:
            raise InvalidForm(problems)
        done = change.done_before()
        if done is not None:
            return int(done.subject.rpartition(" ")[2])
        number = seeds.add(
            change.tx,
            office=office,
            name=name.strip(),
            channel=channel,
            address=vault(app.settings).seal(plain),
            shown=masked(plain),
            customer=customer.strip(),
            expires_at=until,
            by=by.person,
            at=change.now,
        )
        if number is None:
            raise InvalidForm([Problem("E414", "the office has this seed already", at="address")])
        told = {"office": office, "channel": channel, "address": masked(plain), "until": last}
        change.note("seed_added", f"seed {number}", after=told)
    return number


def end(app: Countersign, by: By, number: int) -> None:
    """Send nothing more to a seed. NotFound where there is none of that number."""
    with changing(app, by, "seeds.manage") as change:
        if change.done_before():
            return
        row = seeds.find(change.tx, number)
        if row is None:
            raise NotFound()
        seeds.end(change.tx, number, by=by.person, at=change.now)
        change.note("seed_ended", f"seed {number}", before={"office": row.office, "channel": row.channel})


def renew(app: Countersign) -> int:
    """Seal every address of seeds and of letters to them with the key in force; how many were sealed with an earlier
    one."""
    box = vault(app.settings)
    with app.db.begin() as tx:
        return seeds.renew(tx, box.renewed) + side_letters.renew(tx, box.renewed)


def _plain(channel: str, address: str) -> str:
    """The address as it is kept; empty where the channel takes none such."""
    if channel == Sms.name:
        found = numbers.plain(address)
        return "" if CUT.fullmatch(found) else found
    return address if channel == Email.name and is_address(address) else ""


def _end_of(app: Countersign, day: str) -> datetime | None:
    if not day.strip():
        return None
    following = date.fromisoformat(day.strip()) + timedelta(days=1)
    return datetime.combine(following, time.min, app.settings.zone)
