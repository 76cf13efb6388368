"""A form that came when its session had ended: kept for a day, so that its person signs in and sends it again.

Nothing is done with it here: after signing in its person sees what it holds and presses the button themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import orjson

from engine.errors import NotFound
from engine.service import sealing, tries
from engine.service.app import Countersign
from engine.service.sessions import digest, fresh
from engine.service.views import Viewer
from engine.store import sessions

PURPOSE = "kept form"
KEPT_FOR = timedelta(days=1)
LARGEST = 256 * 1024
OF_ADDRESS = 60


@dataclass(frozen=True, slots=True)
class KeptForm:
    """Where a form goes and what it holds, in its order. `had_files`: files were attached, which are not kept."""

    path: str
    fields: tuple[tuple[str, str], ...]
    had_files: bool


def keep(
    app: Countersign, path: str, fields: Iterable[tuple[str, str]], *, had_files: bool, person: str, address: str
) -> str:
    """The token under which a form is found again; empty where it is too large or too many came from the address.
    `person`: whose session it came from, if that is known; then it is theirs alone."""
    body = orjson.dumps({"path": path, "fields": list(fields), "had_files": had_files}).decode()
    if len(body) > LARGEST:
        return ""
    token, now, key = fresh(), app.now(), f"kept:{address[:100]}"
    with app.db.begin() as tx:
        if sessions.full_since(tx, key, OF_ADDRESS, since=now - tries.WINDOW) is not None:
            return ""
        tries.note(app, tx, {key: OF_ADDRESS})
        sealed = sealing.seal(app.settings, PURPOSE, body)
        sessions.keep_form(tx, digest(token), person, sealed, now=now, expires_at=now + KEPT_FOR)
    return token


def kept(app: Countersign, viewer: Viewer, token: str) -> KeptForm:
    """The form, for its person. NotFound when it is another's, expired or unknown. Changes nothing, however often."""
    with app.db.read() as tx:
        row = sessions.find_form(tx, digest(token))
    body = sealing.unseal(app.settings, PURPOSE, row.body) if row is not None else None
    if row is None or body is None or row.expires_at <= app.now() or row.person not in ("", viewer.person):
        raise NotFound()
    found = orjson.loads(body)
    return KeptForm(found["path"], tuple((name, value) for name, value in found["fields"]), found["had_files"])
