"""Cookies and the CSRF token: how a browser proves whose session it is and that a form came from one of our pages.

The session cookie authenticates, the device cookie only recognises a person whose device signed in before, the
visitor cookie carries the CSRF token of forms that are sent before there is a session, the link cookie holds a link
that decides by itself while its page is open; language and keys are choices of this browser. None is readable by
scripts.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import Request, Response

from engine.errors import Forged
from engine.service.sessions import SignedIn
from engine.settings import Settings

SESSION, DEVICE, VISITOR, LANGUAGE, LINK, PROVIDER = "session", "device", "visitor", "language", "link", "provider"
KEYS = "keys"


@dataclass(frozen=True)
class Cookies:
    """Reading and writing our cookies under the settings in force."""

    settings: Settings

    @property
    def _secure(self) -> bool:
        return self.settings.public_url.startswith("https://")

    def _name(self, cookie: str) -> str:
        return f"__Host-{cookie}" if self._secure else cookie

    def read(self, request: Request, cookie: str) -> str:
        """The cookie's value; empty where there is none."""
        return request.cookies.get(self._name(cookie), "")

    def write(self, response: Response, cookie: str, value: str, *, seconds: int | None = None) -> None:
        """Set a cookie; without `seconds` it ends with the browser's session."""
        response.set_cookie(
            self._name(cookie), value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def sign_in(self, response: Response, signed_in: SignedIn) -> None:
        """Carry the new session, and the device that is remembered from now on."""
        self.write(response, SESSION, signed_in.token)
        if signed_in.device_token:
            self.write(response, DEVICE, signed_in.device_token, seconds=self.settings.device_days * 86_400)

    def sign_out(self, response: Response) -> None:
        """Forget the session; the device stays remembered."""
        self.forget(response, SESSION)

    def forget(self, response: Response, cookie: str) -> None:
        """Let the browser forget a cookie."""
        response.delete_cookie(self._name(cookie), path="/", secure=self._secure, httponly=True, samesite="lax")


def visitor_csrf(settings: Settings, visitor: str) -> str:
    """The CSRF token of a visitor without a session."""
    return hmac.new(settings.secret_key, b"csrf:" + visitor.encode(), hashlib.sha256).hexdigest()


def check_csrf(expected: str, given: str) -> None:
    """Forged unless the form carried the token that this session's pages carry."""
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Forged()


def new_visitor() -> str:
    """A fresh value for the visitor cookie."""
    return secrets.token_urlsafe(24)


def local_path(text: str, otherwise: str = "/inbox") -> str:
    """`text` where it is a path on this host, else `otherwise`: a return path must not lead elsewhere.

    >>> [local_path(path) for path in ("/cases/1?tab=history", "//evil", "/\\\\evil", "https:evil", "/a\\r\\nb")]
    ['/cases/1?tab=history', '/inbox', '/inbox', '/inbox', '/inbox']
    """
    read = unquote(text)  # a proxy may read what is encoded before the browser does
    harmless = text.isascii() and text.isprintable() and read.isprintable() and "\\" not in read
    return text if harmless and text.startswith("/") and not read.startswith("//") else otherwise
