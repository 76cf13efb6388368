"""What authors work on: texts kept on the server, right or wrong, until they are offered for publication.

All authors see all of them. A text takes the place only of the one it was made from: who comes second is told, with
both texts at hand. Everybody who saved one wrote it, and does not publish it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from engine.definition.document import MAX_BYTES, read
from engine.definition.texts import SHIPPED
from engine.errors import DraftChanged, InvalidForm, NotFound, Problem
from engine.organisation import Organisation
from engine.service import publishing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.publishing import Saved
from engine.service.views import Viewer
from engine.store import definitions, drafts
from engine.store.drafts import Draft

BLANK = """apiVersion: countersign/v1
kind: CaseDefinition
name: my-case
version: 1
title: {zh: 我的案件, en: My case}
calendar: cn
proposal:
  numbering: "{office.code}-{year}-{seq:05}"
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true, max: 40}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true, min: "0"}
  material: [budget]
approval:
  route:
    - {else: to_head}
  chains:
    to_head:
      - {approve: head, label: {zh: 负责人, en: Head}, who: "head@county"}
"""


@dataclass(frozen=True, slots=True)
class DraftView:
    """A text under work. `name` and `version` are what it says of itself, as far as that can be read; `based_on` is
    NAME@VERSION; `writers` are names."""

    id: str
    source: str
    revision: int
    name: str
    version: str
    based_on: str
    writers: tuple[str, ...]
    saved_by: str
    saved_at: datetime


def listed(app: Countersign, viewer: Viewer) -> tuple[DraftView, ...]:
    """All texts under work, the one saved last first. NotFound for who may not write definitions."""
    authorize(viewer, "definitions.write")
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        return tuple(_view(one, organisation) for one in drafts.every(tx))


def begin(app: Countersign, viewer: Viewer, based_on: str, *, key: str) -> str:
    """Begin a text, and give its id: a copy of NAME@VERSION with its version raised, of an example NAME that comes with
    the product, or a plain beginning where `based_on` is empty. The same `key` again gives the same one.
    """
    authorize(viewer, "definitions.write")
    name, _, version = based_on.partition("@")
    with app.db.begin() as tx:
        if version.isdecimal():
            stored = definitions.find(tx, name, int(version[:9]))
            if stored is None:
                raise NotFound()
            newest = max(one.version for one in definitions.versions(tx, name))
            source = _raised(stored.source, stored.version, newest + 1)
        elif name:
            shipped = SHIPPED.find(name) if name in SHIPPED.names() else None
            if shipped is None:
                raise NotFound()
            source = shipped.source
        else:
            source = BLANK
        draft, person, now = _named(key), viewer.person, app.now()
        drafts.add(tx, Draft(draft, source, 1, based_on, writers=person, saved_by=person, saved_at=now))
    return draft


def fork(app: Countersign, viewer: Viewer, draft: str, source: str, *, key: str) -> str:
    """Keep `source` beside the text it was made from, and give its id. Its writers are those of both. The same `key`
    again gives the same one."""
    authorize(viewer, "definitions.write")
    with app.db.begin() as tx:
        known = drafts.find(tx, draft)
        if known is None:
            raise NotFound()
        person, now = viewer.person, app.now()
        writers = ",".join(dict.fromkeys((*known.writers.split(","), person)))
        new = Draft(_named(key), _lines(source), 1, known.based_on, writers=writers, saved_by=person, saved_at=now)
        drafts.add(tx, new)
    return new.id


def _named(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def show(app: Countersign, viewer: Viewer, draft: str) -> DraftView:
    """One text under work. NotFound where there is none, and for who may not write definitions."""
    authorize(viewer, "definitions.write")
    with app.db.read() as tx:
        found = drafts.find(tx, draft)
        if found is None:
            raise NotFound()
        return _view(found, app.organisation(tx))


def save(app: Countersign, viewer: Viewer, draft: str, source: str, *, seen: int) -> DraftView:
    """Keep `source`, made from revision `seen`. The same text again changes nothing.

    DraftChanged, with nothing written, where somebody saved another one since; InvalidForm where it is too long.
    """
    authorize(viewer, "definitions.write")
    source = _lines(source)
    with app.db.begin() as tx:
        known = drafts.find(tx, draft)
        if known is None:
            raise NotFound()
        organisation = app.organisation(tx)
        if known.source == source:
            return _view(known, organisation)
        writers = ",".join(dict.fromkeys((*known.writers.split(","), viewer.person)))
        person, now = viewer.person, app.now()
        new = replace(known, source=source, revision=known.revision + 1, writers=writers, saved_by=person, saved_at=now)
        if seen != known.revision or not drafts.replace(tx, new, seen=seen):
            _changed(known, organisation)
        return _view(new, organisation)


def offer(app: Countersign, viewer: Viewer, draft: str, *, seen: int) -> Saved:
    """Offer the text for publication by another person; it is no longer under work then.

    Raises what `publishing.save_draft` does, and DraftChanged where it is another text than revision `seen`.
    """
    authorize(viewer, "definitions.write")
    with app.db.read() as tx:
        known = drafts.find(tx, draft)
        if known is None:
            raise NotFound()
        if known.revision != seen:
            _changed(known, app.organisation(tx))
    saved = publishing.save_draft(app, viewer, known.source, writers=tuple(known.writers.split(",")))
    with app.db.begin() as tx:
        drafts.remove(tx, draft, seen=seen)  # what somebody saved meanwhile stays
    return saved


def discard(app: Countersign, viewer: Viewer, draft: str, *, seen: int) -> None:
    """Forget the text; twice is once. DraftChanged where it is another text than revision `seen`."""
    authorize(viewer, "definitions.write")
    with app.db.begin() as tx:
        known = drafts.find(tx, draft)
        if known is not None and not drafts.remove(tx, draft, seen=seen):
            _changed(known, app.organisation(tx))


def _changed(known: Draft, organisation: Organisation) -> NoReturn:
    raise DraftChanged(by=organisation.name(known.saved_by), at=known.saved_at)


def _view(draft: Draft, organisation: Organisation) -> DraftView:
    value = read(draft.source).value
    said = value if isinstance(value, dict) else {}
    return DraftView(
        id=draft.id,
        source=draft.source,
        revision=draft.revision,
        name=str(said.get("name") or "")[:80],
        version=str(said.get("version") or "")[:10],
        based_on=draft.based_on,
        writers=tuple(organisation.name(one) for one in draft.writers.split(",")),
        saved_by=organisation.name(draft.saved_by),
        saved_at=draft.saved_at,
    )


def _lines(source: str) -> str:
    """With the line ends of files: browsers send others. InvalidForm where no database could keep it."""
    if len(source.encode(errors="replace")) > 2 * MAX_BYTES:
        told = Problem("text.too_large", f"the file is too large, {MAX_BYTES // 1024} KB at most", at="source")
        raise InvalidForm([told])
    if "\x00" in source or any("\ud800" <= sign <= "\udfff" for sign in source):
        raise InvalidForm([Problem("text.sign", "the text holds a sign that cannot be kept", at="source")])
    return source.replace("\r\n", "\n")


def _raised(source: str, version: int, to: int) -> str:
    lines = source.split("\n")
    said = f"version: {version}"
    return "\n".join(f"version: {to}{line[len(said) :]}" if line.startswith(said) else line for line in lines)
