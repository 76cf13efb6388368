"""A form that is sent when its session has ended is kept: its person signs in, sees what it holds and sends it again.

Only forms that one of our own pages sent: they carry the token of the session that ended, or the browser says that
they come from here. Passwords and codes are never kept, nor what is sent by the script while somebody types.
"""

import hmac

from fastapi import Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from api.auth import SESSION
from api.visit import Visit
from engine.service import kept_forms, people, sessions

LARGEST = 25 * 1024 * 1024  # what a form with its attachments may have
SECRET = {"csrf", "password", "old", "new", "again", "code", "sealed"}
NOT_KEPT = ("/account", "/confirm", "/sign-in", "/sign-out", "/language", "/l/", "/reset")


async def form_of(request: Request) -> FormData:
    """The form that came without a session; empty where it is too large to be read for a stranger, or unreadable."""
    size = request.headers.get("content-length", "")
    if not size.isdecimal() or int(size) > LARGEST:
        return FormData()
    try:
        return await request.form()
    except HTTPException:
        return FormData()


def keep(request: Request, form: FormData, visit: Visit) -> str:
    """Where the form is sent again from, after signing in; empty where it is not kept."""
    path = visit.path
    if path.startswith(NOT_KEPT) or form.get("action") == "autosave" or not _is_ours(request, form, visit):
        return ""
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in SECRET]
    had_files = any(not isinstance(value, str) and value.filename for _, value in form.multi_items())
    person = sessions.person_of(visit.app, visit.cookies.read(request, SESSION))
    token = kept_forms.keep(visit.app, path, fields, had_files=had_files, person=person, address=visit.address)
    return f"/resume/{token}" if token else ""


def _is_ours(request: Request, form: FormData, visit: Visit) -> bool:
    given, session = form.get("csrf"), visit.cookies.read(request, SESSION)
    if (
        session
        and isinstance(given, str)
        and hmac.compare_digest(people.csrf_of(visit.app, session).encode(), given.encode())
    ):
        return True
    return request.headers.get("sec-fetch-site") == "same-origin"
