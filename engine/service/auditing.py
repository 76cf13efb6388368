"""The audit: who did what, in every case and in the organisation; and whether the histories are what was written.

For auditors and administrators. Refuses to change anything: what is wrong is named, not mended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine.errors import InvalidForm, Problem
from engine.service import forgotten, sheets
from engine.service.app import Countersign
from engine.service.days import span_of
from engine.service.recording import By
from engine.service.tabling import Column, Table
from engine.store import audit, history, trail, visibility
from engine.store.audit import Line, Place, Source, Wanted
from engine.store.history import Broken
from engine.values import Bilingual

PAGE = 50
AT_ONCE = 2_000
FILTERS = {
    "person": Bilingual(zh="账号", en="account"),
    "case": Bilingual(zh="营销案", en="case"),
    "kind": Bilingual(zh="类别", en="kind"),
    "first": Bilingual(zh="首日", en="first day"),
    "last": Bilingual(zh="末日", en="last day"),
}
COLUMNS = (
    Column("at", Bilingual(zh="时刻", en="When"), "datetime", Bilingual(
        zh="写入历史的时刻。", en="When it was written.")),
    Column("in", Bilingual(zh="所在", en="In"), definition=Bilingual(
        zh="case：营销案的历史；organisation：组织与运行的历史。",
        en="case: the history of a case; organisation: that of the organisation and the operation.")),
    Column("subject", Bilingual(zh="对象", en="Subject"), definition=Bilingual(
        zh="营销案的统一编号，或所变更的对象。", en="The number of the case, or whom or what was changed.")),
    Column("entry", Bilingual(zh="序号", en="Entry"), "integer", Bilingual(
        zh="在该历史中的序号。", en="The number of the entry within its history.")),
    Column("kind", Bilingual(zh="类别", en="Kind"), definition=Bilingual(zh="做了什么。", en="What was done.")),
    Column("by", Bilingual(zh="账号", en="Account"), definition=Bilingual(
        zh="谁做的；system 为系统。", en="Who did it; system is the system itself.")),
    Column("for", Bilingual(zh="代理", en="For"), definition=Bilingual(
        zh="代谁而做。", en="In whose place they did it.")),
    Column("via", Bilingual(zh="途径", en="Via"), definition=Bilingual(
        zh="页面、链接、接口、定时等。", en="Page, link, API, timer and so on.")),
    Column("address", Bilingual(zh="地址", en="Address"), definition=Bilingual(
        zh="请求来自的网络地址。", en="The network address that it came from.")),
    Column("before", Bilingual(zh="之前", en="Before"), definition=Bilingual(
        zh="变更之前，JSON。", en="What it was before, as JSON.")),
    Column("after", Bilingual(zh="之后", en="After"), definition=Bilingual(
        zh="变更之后，JSON。", en="What it was after, as JSON.")),
    Column("reason", Bilingual(zh="理由", en="Reason"), definition=Bilingual(
        zh="所填写的理由。", en="The reason that was given.")),
)  # fmt: skip
BrokenChain = Broken  # as callers name it


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked to see, as typed. `first` and `last` are days, both included."""

    person: str = ""
    case: str = ""
    kind: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry. `subject` is a case's number (its id where it has none), or whom or what a change was about."""

    at: datetime
    source: Source
    subject: str
    case_id: str
    title: str
    seq: int
    kind: str
    actor: str
    actor_name: str
    on_behalf_of: str
    via: str
    address: str
    before: Any
    after: Any
    reason: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page, and the cursor of the next; empty where there is none."""

    rows: tuple[AuditRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How far a check came: `checked` of `total` cases; `next` is where to go on, empty where all are checked."""

    checked: int
    total: int
    broken: tuple[Broken, ...]
    next: str


def listed(app: Countersign, by: By, asked: Asked, cursor: str = "", *, limit: int = PAGE) -> AuditPage:
    """`limit` entries, the newest first. InvalidForm for what is no day, and for a cursor that no page gave; an unknown
    case has no entries."""
    by.authorize("audit.read")
    after = _place(cursor) if cursor else None
    with app.db.read() as tx:
        wanted = _wanted(app, tx, by, asked)
        if wanted is None:
            return AuditPage((), "")
        lines = audit.listed(tx, wanted, after, limit + 1)
        names = app.organisation(tx)
        shown = lines[:limit]
        more = _cursor(shown[-1]) if len(lines) > limit else ""
        return AuditPage(tuple(_row(line, names.name(line.actor)) for line in shown), more)


def table(app: Countersign, by: By, asked: Asked) -> Table:
    """The entries as a table, the newest first. InvalidForm for what is no day."""
    by.authorize("audit.read")
    with app.db.read() as tx:
        _wanted(app, tx, by, asked)
    chosen = {name: getattr(asked, name) for name in FILTERS}
    return Table(
        name="audit",
        title=Bilingual(zh="审计", en="Audit"),
        columns=COLUMNS,
        rows=_cells(app, by, asked),
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=by.viewer.name if by.viewer else by.person,
        filters=tuple((FILTERS[name], Bilingual(en=value)) for name, value in chosen.items() if value),
    )


def verify(app: Countersign, by: By, after: str = "", limit: int = AT_ONCE) -> Verified:
    """Check the organisation's history (with the first part) and the next cases after the id `after`."""
    by.authorize("audit.read")
    with app.db.read() as tx:
        found = () if after else (trail.verify(tx, forgotten.keyed(app)), forgotten.broken_certificate(tx))
        broken = [one for one in found if one]
        ids = audit.case_ids_after(tx, after, limit)
        broken += [found for found in (history.verify(tx, case_id) for case_id in ids) if found]
        more = ids[-1] if len(ids) == limit else ""
        return Verified(len(ids), audit.count_cases(tx), tuple(broken), more)


def erased_from(app: Countersign, by: By) -> int:
    """From how many entries of the organisation's history an erased customer was taken out."""
    by.authorize("audit.read")
    with app.db.read() as tx:
        return forgotten.entries_without(tx)


def _cells(app: Countersign, by: By, asked: Asked) -> Iterator[tuple[object, ...]]:
    after: Place | None = None
    while True:
        with app.db.read() as tx:
            wanted = _wanted(app, tx, by, asked)
            lines = audit.listed(tx, wanted, after, AT_ONCE) if wanted else ()
        for line in lines:
            row = _row(line, "")
            who = (line.kind, line.actor, line.on_behalf_of, line.via, line.address)
            told = (_json(row.before), _json(row.after), row.reason)
            yield (line.at, line.source, row.subject, line.seq, *who, *told)
        if len(lines) < AT_ONCE:
            return
        after = Place(lines[-1].at, lines[-1].source, lines[-1].subject, lines[-1].seq)


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()[: sheets.MAX_CELL]


def _wanted(app: Countersign, tx: Any, by: By, asked: Asked) -> Wanted | None:
    case_id = ""
    if asked.case:
        found = visibility.named(tx, by.person, asked.case) if by.viewer else None
        if found is None:
            return None
        case_id = found.id
    since, until = span_of(asked.first, asked.last, app.settings.zone, names=("first", "last"))
    return Wanted(asked.person, case_id, asked.kind, since, until)


def _row(line: Line, name: str) -> AuditRow:
    told = msgspec.json.decode(line.body) if line.source == "organisation" else {}
    return AuditRow(
        at=line.at,
        source=line.source,
        subject=line.number or line.subject,
        case_id=line.subject if line.source == "case" else "",
        title=line.title,
        seq=line.seq,
        kind=line.kind,
        actor=line.actor,
        actor_name=name,
        on_behalf_of=line.on_behalf_of,
        via=line.via,
        address=line.address,
        before=told.get("before"),
        after=told.get("after"),
        reason=told.get("reason", ""),
    )


def _cursor(line: Line) -> str:
    return f"{line.at.isoformat()}~{line.source}~{line.seq}~{line.subject}"


def _place(cursor: str) -> Place:
    """The entry that a cursor names; InvalidForm for what is no cursor of ours."""
    at, _, rest = cursor.partition("~")
    source, _, rest = rest.partition("~")
    seq, _, subject = rest.partition("~")
    try:
        moment, number = datetime.fromisoformat(at), int(seq)
        if moment.tzinfo is None or source not in ("case", "organisation") or abs(number) >= 2**31:
            raise ValueError(cursor)
    except ValueError:
        raise InvalidForm([Problem("after", "this place in the list is not known", at="cursor")]) from None
    return Place(moment, "case" if source == "case" else "organisation", subject, number)
