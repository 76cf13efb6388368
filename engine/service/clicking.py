"""What happens when somebody follows a link of a message: the look is written down, told apart from a machine's, and
the first one of a person counts as a response of the case while it is open.

A GET that writes: a redirect that did not count clicks would have no use, and what it writes decides nothing. To opt
out takes a POST. Refuses to lead anywhere but to the target that the wave was written with, and whose host is allowed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.delivery.clicks import AT_ONCE, TOO_SOON, Look, agent_of, machine_of
from engine.errors import NotFound
from engine.service import machines, messagelinks
from engine.service.app import Countersign
from engine.service.optouts import takes_answers
from engine.service.sealing import keyed
from engine.store import cases, clicks, reports, waves
from engine.store.clicks import Linked
from engine.store.reports import ResponseRow
from engine.warehouse.addresses import ERASED

CLIENT = "who follows links, by day"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: the method, what the browser says, the network address (of which a hash of the day stays)."""

    method: str
    headers: Mapping[str, str]
    address: str


def follow(app: Countersign, token: str, visitor: Visitor) -> str:
    """Where the link leads. NotFound for a token that is none of ours, and for a target that is not allowed."""
    linked = messagelinks.find(app, "r", token)
    if linked is None or not messagelinks.leads_on(app.settings, linked.target):
        raise NotFound()
    _write(app, linked, visitor)
    return linked.target


def looked(app: Countersign, linked: Linked, visitor: Visitor) -> None:
    """Somebody looks at the page of the opt-out of a message: who opened its link a moment ago is a machine."""
    with app.db.begin() as tx:
        if clicks.call_machine(tx, _client(app, visitor), app.now() - TOO_SOON, "many", linked):
            _recount(tx, {(linked.wave, linked.row)})


def _write(app: Countersign, linked: Linked, visitor: Visitor) -> None:
    now, client = app.now(), _client(app, visitor)
    with app.db.begin() as tx:
        others = clicks.others(tx, linked, client, now - AT_ONCE)
        is_network = machines.is_of_machines(app.settings, visitor.address)
        machine = machine_of(
            Look(visitor.method, visitor.headers, now, linked.sent_at, len(others), is_network=is_network)
        )
        if clicks.count(tx, linked.wave, linked.row) < clicks.LONGEST_LIST:
            agent = agent_of(visitor.headers.get("user-agent", ""))
            clicks.record(tx, linked, at=now, client=client, agent=agent, machine=machine)
        if machine == "many":
            clicks.call_machine(tx, client, now - AT_ONCE, machine)
            _recount(tx, others)
        elif not machine:
            _respond(tx, linked, now)


def _recount(tx: Connection, messages: Collection[tuple[str, int]]) -> None:
    """What was taken for a person's a moment ago was a machine's: without another look, it is no response."""
    for wave, row in sorted(messages):
        if not clicks.is_followed(tx, wave, row):
            reports.take_back(tx, waves.case_of(wave), "response", _reference(wave, row))


def _respond(tx: Connection, linked: Linked, at: datetime) -> None:
    if linked.customer.startswith(ERASED) or not takes_answers(cases.load(tx, linked.case_id)):
        return
    kept = ResponseRow(linked.customer, "response", at, None, _reference(linked.wave, linked.row))
    reports.record_response(tx, linked.case_id, kept)


def _reference(wave: str, row: int) -> str:
    return f"click:{wave}.{row}"


def _client(app: Countersign, visitor: Visitor) -> str:
    day = app.now().astimezone(app.settings.zone).date()
    said = visitor.headers.get("user-agent", "")  # one address stands for many phones of an operator's network
    return keyed(app.settings, CLIENT, f"{day}\n{visitor.address}\n{said}")[0][:16]
