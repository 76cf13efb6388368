"""Signing in with the operator's OpenID Connect provider: authorization code with PKCE, state and nonce.

An account is found by a claim of the provider and never made: who has none here is told so. What the provider signed
is checked by its own published keys, its issuer, our client id and the nonce of this very sign-in.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from sqlalchemy import Connection

from engine.errors import NotFound, Refused, Unavailable
from engine.service import sealing, sessions
from engine.service.app import Countersign
from engine.service.sessions import Browser, SignedIn
from engine.store import people

PURPOSE = "provider sign-in"
TIME = timedelta(minutes=10)
TIMEOUT = 10
LEEWAY = 120
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]  # by key pairs


class ProviderUnavailable(Unavailable):
    """{name} does not answer just now. Sign in with your password, or try again in a minute."""


class ProviderRefused(Refused):
    """{name} did not sign you in. Nothing was changed; try again, or sign in with your password."""

    status = 401


class ProviderStale(Refused):
    """This sign-in took too long or was begun in another window. Begin it again."""

    status = 401


class ProviderUntrusted(Refused):
    """What {name} answered cannot be trusted, so nobody was signed in. Tell your administrator."""

    status = 401


class NoAccount(Refused):
    """{name} knows you as {known_as}, but no open account here has that name. Ask your administrator for one."""

    status = 401


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps until it comes back."""

    url: str
    sealed: str


def name(app: Countersign) -> str:
    """What the provider is called on the sign-in page; empty where there is none."""
    if not app.settings.oidc_issuer:
        return ""
    return app.settings.oidc_name or urlsplit(app.settings.oidc_issuer).hostname or app.settings.oidc_issuer


def begin(app: Countersign, *, back: str, again: bool) -> Begun:
    """Send somebody to the provider; `back` is where they were going, `again` asks them even if they are signed in
    there. NotFound without a provider. Raises ProviderUnavailable."""
    found = _metadata(app)
    verifier, state, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    asked = {"nonce": nonce} | ({"prompt": "login"} if again else {})
    with _client(app) as client:
        url, _ = client.create_authorization_url(
            found["authorization_endpoint"], state=state, code_verifier=verifier, **asked
        )
    until = (app.now() + TIME).timestamp()
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "back": back, "until": until}
    return Begun(url, sealing.seal(app.settings, PURPOSE, orjson.dumps(kept).decode()))


def finish(app: Countersign, sealed: str, given: dict[str, str], browser: Browser) -> tuple[SignedIn, str]:
    """Sign in whom the provider names, and where they were going. `given` is the query that the browser brought.

    Raises ProviderStale, ProviderRefused, ProviderUntrusted, ProviderUnavailable and NoAccount.
    """
    kept = orjson.loads(sealing.unseal(app.settings, PURPOSE, sealed) or "{}")
    is_ours = kept and hmac.compare_digest(kept["state"].encode(), given.get("state", "").encode())
    if not is_ours or kept["until"] <= app.now().timestamp():
        raise ProviderStale()
    if not given.get("code"):
        raise ProviderRefused(name=name(app))
    claims = _claims(app, kept, given["code"])
    with app.db.begin() as tx:
        person = _person(app, tx, claims)
        row = people.find_person(tx, person)
        assert row is not None
        stage = sessions.next_stage(app, tx, row, after=None, by_provider=True)
        return sessions.opened(app, tx, person, stage, browser, proved=True), kept["back"]


def _claims(app: Countersign, kept: dict[str, Any], code: str) -> dict[str, Any]:
    """What the provider says of the person, checked."""
    found = _metadata(app)
    try:
        with _client(app) as client:
            token = client.fetch_token(found["token_endpoint"], code=code, code_verifier=kept["verifier"])
        keys = KeySet.import_key_set(_fetched(app, found["jwks_uri"]))
        signed = jwt.decode(
            token["id_token"], keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        )
        options = {
            "iss": {"essential": True, "value": app.settings.oidc_issuer},
            "aud": {"essential": True, "value": app.settings.oidc_client_id},
        }
        about = {
            "nonce": kept["nonce"],
            "client_id": app.settings.oidc_client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(signed.claims, signed.header, options, about)
        claims.validate(now=int(app.now().timestamp()), leeway=LEEWAY)
    except OAuthError as error:
        raise ProviderRefused(name=name(app)) from error
    except httpx2.HTTPError as error:
        raise ProviderUnavailable(name=name(app)) from error
    except (JoseError, KeyError, ValueError, TypeError) as error:
        raise ProviderUntrusted(name=name(app)) from error
    return dict(claims)


def _person(app: Countersign, tx: Connection, claims: dict[str, Any]) -> str:
    """The one open account that the claim names. An address counts only where the provider checked it."""
    known_as = str(claims.get(app.settings.oidc_claim) or "")
    if app.settings.oidc_claim == "email":
        is_checked = claims.get("email_verified") is True
        found = people.with_email(tx, known_as) if known_as and is_checked else ()
    else:
        row = people.find_person(tx, known_as) if known_as else None
        found = (row.id,) if row is not None and row.active else ()
    if len(found) != 1:
        raise NoAccount(name=name(app), known_as=known_as or str(claims["sub"]))
    return found[0]


def _metadata(app: Countersign) -> dict[str, Any]:
    """What the provider publishes about itself. ProviderUntrusted where it names another issuer than is set."""
    if not app.settings.oidc_issuer:
        raise NotFound()
    issuer = app.settings.oidc_issuer
    try:
        found = _fetched(app, issuer.rstrip("/") + "/.well-known/openid-configuration")
    except ValueError as error:
        raise ProviderUntrusted(name=name(app)) from error
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        raise ProviderUntrusted(name=name(app))
    return found


def _fetched(app: Countersign, url: str) -> Any:
    try:
        answer = httpx2.get(url, timeout=TIMEOUT)
        answer.raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ProviderUnavailable(name=name(app)) from error
    return answer.json()


def _client(app: Countersign) -> OAuth2Client:
    secret = app.settings.oidc_client_secret
    return OAuth2Client(
        client_id=app.settings.oidc_client_id,
        client_secret=secret or None,
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        scope="openid profile email",
        redirect_uri=app.settings.public_url.rstrip("/") + "/sign-in/provider/back",
        code_challenge_method="S256",
        timeout=TIMEOUT,
    )
