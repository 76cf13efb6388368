"""A new draft from an earlier case: what still fits the newest definition is taken over, the rest is named.

Cases of one's own, those of one's office that one may see, and those of the case library. Refuses what the viewer does
not see of them.
"""

import secrets
from typing import Any

from sqlalchemy import Connection

from engine.definition.fields import Date, DateRange
from engine.definition.form_fields import Attachment
from engine.definition.model import Definition
from engine.errors import NotFound
from engine.machine.advance import create
from engine.machine.case import Case
from engine.machine.commands import Create, Edit
from engine.service import attaching, definitions, running, showing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.cases import load_visible
from engine.service.definitions import newest
from engine.service.fields import hidden
from engine.service.views import CaseRow, Taken, Viewer
from engine.store import cases, closings, listing
from engine.store.listing import Wanted
from engine.store.rows import Decided

OFFERED = 10
OF_ITS_TIME = (Attachment, Date, DateRange)
"""Kinds of fields that a case of the library keeps to itself."""


def offered(app: Countersign, viewer: Viewer, query: str) -> tuple[CaseRow, ...]:
    """Earlier cases of the kinds that can be started, to copy: newest change first, 10 at most; `query` as in the list
    of cases."""
    office = _office(viewer)
    kinds = {kind.name for kind in definitions.startable(app)}
    with app.db.read() as tx:
        found, _ = listing.page(tx, viewer.person, Wanted(query=query.strip(), office=office), None, limit=4 * OFFERED)
        own = [one for one in found if one.process.name in kinds and one.state != "draft"]
        own = [one for one in own if _may_copy(viewer, one.submitter, one.office)]
        return tuple(showing.case_row(app, tx, line, viewer.person) for line in own[:OFFERED])


def copy(app: Countersign, viewer: Viewer, case_id: str, *, key: str, from_library: bool = False) -> str:
    """Open a draft with what fits; the same `key` again gives the same case. Returns the case's id. `from_library`: any
    case of the case library that the viewer may see, without its days and its files, which were of their time."""
    authorize(viewer, "cases.start")
    office = _office(viewer)
    with app.db.read() as tx:
        source = load_visible(app, tx, viewer, case_id)
        is_theirs = _may_copy(viewer, source.submitter, source.office)
        if not (closings.stands_there(tx, case_id) if from_library else is_theirs):
            raise NotFound()
        unseen = hidden(app, tx, viewer.person, source)
        if from_library:
            fields = app.definition(source.process).proposal.fields
            unseen |= {name for name, field in fields.items() if isinstance(field, OF_ITS_TIME)}
    ref, definition = newest(app, source.process.name)
    form = _fitting(definition, {name: value for name, value in source.form.items() if name not in unseen})
    command = Create(actor=viewer.person, office=office, form=form or None)

    def decide(tx: Connection) -> Decided:
        outcome = create(secrets.token_hex(8), ref, command, app.now(), app.process(ref, tx))
        return Decided(command, outcome, running.index_of(definition, app.organisation(tx), outcome.case))

    opened = cases.create(app.db, f"{viewer.person}:{key}", decide)
    if not opened.repeated:
        _with_files(app, viewer, source, opened.case, unseen=unseen, key=key)
    return opened.case.id


def taken(app: Countersign, tx: Connection, viewer: Viewer, source_id: str, case: Case) -> Taken | None:
    """What `case` took over from another; None where the viewer does not see that one."""
    try:
        source = load_visible(app, tx, viewer, source_id)
    except NotFound:
        return None
    unseen = hidden(app, tx, viewer.person, source)
    fields = app.definition(source.process).proposal.fields
    left = tuple(
        fields[name].label for name in source.form if name in fields and name not in unseen and name not in case.form
    )
    return Taken(source.number or "", left)


def _with_files(
    app: Countersign, viewer: Viewer, source: Case, case: Case, *, unseen: frozenset[str], key: str
) -> None:
    """The same files for the new case, and by what lists find it."""
    definition = app.definition(case.process)
    fields = [name for name, field in definition.proposal.fields.items() if isinstance(field, Attachment)]
    form = dict(case.form)
    with app.db.begin() as tx:
        running.mark(tx, definition, case)
        for name in fields:
            kept = [] if name in unseen else source.form.get(name) or []
            files = [record for one in kept if (record := attaching.copied(tx, one, source.id, case.id))]
            form |= {name: files} if files else {}
    if form != case.form:
        running.carry_out(app, case.id, Edit(actor=viewer.person, form=form), key=f"{key}:files")


def _fitting(definition: Definition, form: dict[str, Any]) -> dict[str, Any]:
    """What the definition takes of an earlier form, without files, which belong to the case they were added to."""
    fields = definition.proposal.fields
    known = {name: value for name, value in form.items() if name in fields}
    plain = {name: value for name, value in known.items() if not isinstance(fields[name], Attachment)}
    return definition.proposal.parse(plain, whole=False).values


def _office(viewer: Viewer) -> str:
    office = next((grant.office for grant in viewer.grants if grant.role == "submitter"), None)
    if office is None:
        raise NotFound()
    return office


def _may_copy(viewer: Viewer, submitter: str, office: str) -> bool:
    return submitter == viewer.person or any(grant.office == office for grant in viewer.grants)
