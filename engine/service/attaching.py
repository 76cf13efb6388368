"""Files of a proposal: added to a draft, named by its form, handed out to who sees the case and the field.

The form of a case has the record of each file with its digest, so approvals are bound to the very bytes. A file that
the form does not name any more stays where it is: the history of the case speaks of it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.definition.form_fields import FILE_KEYS, Attachment
from engine.definition.model import Definition
from engine.errors import InvalidForm, NotFound, Problem
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.fields import hidden
from engine.service.file_types import type_of
from engine.service.views import Viewer
from engine.store import attachments
from engine.store.attachments import Incoming, Stored, TooLarge, place

MOST = 20 * 1024 * 1024
LONGEST_NAME = 120


def add(
    app: Countersign, viewer: Viewer, case_id: str, *, field: str, name: str, chunks: Iterable[bytes]
) -> dict[str, Any]:
    """Receive a file for a field of the viewer's own case. Returns its record; saving the form with that names it.

    The same bytes under the same name twice are one file. Raises InvalidForm with what is wrong with the file.
    """
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        known = app.definition(case.process).proposal.fields.get(field)
    if case.submitter != viewer.person or not isinstance(known, Attachment):
        raise NotFound()
    name = " ".join(Path(name.replace("\\", "/")).name.split())[-LONGEST_NAME:]
    with Incoming(_folder(app)) as incoming:
        try:
            incoming.receive(chunks, most=MOST)
        except TooLarge:
            limit = MOST // 1024 // 1024
            message = f"{name} is larger than {limit} MB"
            raise InvalidForm(
                [Problem("form.file_large", message, at=field, fields={"name": name, "limit": limit})]
            ) from None
        if not incoming.size:
            raise InvalidForm([Problem("form.file_empty", f"{name} is empty", at=field, fields={"name": name})])
        found = type_of(incoming.path, name)
        if isinstance(found, Problem):
            raise InvalidForm([Problem(found.code, found.message, at=field, fields={"name": name} | found.fields)])
        incoming.keep()
    id_ = hashlib.sha256(f"{case_id}:{field}:{name}:{incoming.sha256}".encode()).hexdigest()[:32]
    stored = Stored(id_, case_id, field, name, incoming.size, found, incoming.sha256, viewer.person, app.now())
    with app.db.begin() as tx:
        attachments.add(tx, stored)
    return _record(stored)


def resolved(tx: Connection, definition: Definition, case_id: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The form with the record of each file in place of its id. What was never added to the case stays an id, which
    the form refuses: nobody names a file that they did not bring."""
    fields = [name for name, field in definition.proposal.fields.items() if isinstance(field, Attachment)]
    if not any(raw.get(name) for name in fields):
        return dict(raw)
    known = attachments.of_case(tx, case_id)

    def of(field: str, one: Any) -> Any:
        id_ = str(one.get("id", "") if isinstance(one, Mapping) else one)
        found = known.get(id_)
        return _record(found) if found is not None and found.field == field else id_

    given = {
        name: raw[name] if isinstance(raw[name], list | tuple) else [raw[name]] for name in fields if raw.get(name)
    }
    return {**raw, **{name: [of(name, one) for one in files] for name, files in given.items()}}


def hand_out(app: Countersign, viewer: Viewer, case_id: str, id_: str) -> tuple[Stored, Path]:
    """A file of a case and where its bytes lie. NotFound for who does not see the case or the field."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        found = attachments.of_case(tx, case_id).get(id_)
        if found is None or found.field in hidden(app, tx, viewer.person, case):
            raise NotFound()
    path = place(_folder(app), found.sha256)
    if not path.is_file():
        raise NotFound()
    return found, path


def copied(tx: Connection, record: Mapping[str, Any], source: str, target: str) -> dict[str, Any] | None:
    """The record of a file of the case `source` for the case `target`, which has it as well from now on."""
    found = attachments.of_case(tx, source).get(str(record.get("id")))
    if found is None:
        return None
    id_ = hashlib.sha256(f"{target}:{found.field}:{found.name}:{found.sha256}".encode()).hexdigest()[:32]
    stored = Stored(**{**asdict(found), "id": id_, "case_id": target})
    attachments.add(tx, stored)
    return _record(stored)


def _record(stored: Stored) -> dict[str, Any]:
    return {key: getattr(stored, key) for key in FILE_KEYS}


def _folder(app: Countersign) -> Path:
    return app.settings.home / "attachments"
