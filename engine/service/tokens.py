"""API tokens: a script's own way in, with fewer rights than its person and an end. Shown once; only a hash is kept.

The sign in front (`csign_`) lets scanners of published code recognise one that leaked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from engine.errors import InvalidForm, NotFound, Problem, SignInNeeded
from engine.service import sealing
from engine.service.app import Countersign
from engine.service.authorizing import Scope, authorize
from engine.service.sessions import SHOWN, digest, fresh
from engine.service.views import Viewer
from engine.store import credentials

PREFIX = "csign_"
SCOPES: tuple[Scope, ...] = tuple(scope for scope in get_args(Scope) if scope != "session")
DAYS = (7, 30, 90, 365)
MOST = 20
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token as its person sees it; `ending` are its last signs. `used_at` None: never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    ending: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    is_expired: bool


def make(app: Countersign, viewer: Viewer, *, name: str, scopes: Iterable[str], days: int, key: str = "") -> str:
    """A token for the viewer's scripts, which is shown this once; the same `key` again gives the same one. Raises
    InvalidForm."""
    authorize(viewer, "account.keep")
    wanted, now = frozenset(scopes), app.now()
    problems = []
    if not 0 < len(name) <= 80:
        problems.append(Problem("token_name", "give the token a name of 80 characters at most", at="name"))
    if not wanted or wanted - set(SCOPES):
        problems.append(Problem("token_scopes", "choose what the token may do", at="scopes"))
    if days not in DAYS:
        problems.append(Problem("token_days", "choose how long the token works", at="days"))
    token = PREFIX + (sealing.drawn(app.settings, "API token", f"{viewer.person} {key}") if key else fresh())
    with app.db.begin() as tx:
        if credentials.find_token(tx, digest(token)) is not None:
            return token
        if len(credentials.tokens_of(tx, viewer.person)) >= MOST:
            problems.append(Problem("token_many", "20 tokens at most; revoke one that you do not need", at="name"))
        if problems:
            raise InvalidForm(problems)
        credentials.add_token(
            tx,
            {
                "hash": digest(token),
                "person": viewer.person,
                "name": name,
                "scopes": ",".join(sorted(wanted)),
                "ending": token[-4:],
                "created_at": now,
                "expires_at": now + timedelta(days=days),
            },
        )
    return token


def listed(app: Countersign, viewer: Viewer) -> tuple[TokenRow, ...]:
    """The viewer's tokens, the newest first."""
    now = app.now()
    with app.db.read() as tx:
        rows = credentials.tokens_of(tx, viewer.person)
    return tuple(
        TokenRow(
            id=row.hash[:SHOWN],
            name=row.name,
            scopes=tuple(row.scopes.split(",")),
            ending=row.ending,
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            is_expired=row.expires_at <= now,
        )
        for row in rows
    )


def revoke(app: Countersign, viewer: Viewer, shown: str) -> None:
    """Let one of the viewer's tokens work no more. NotFound where they have none of that name."""
    authorize(viewer, "account.keep")
    with app.db.begin() as tx:
        if len(shown) != SHOWN or not credentials.revoke_tokens(tx, viewer.person, app.now(), ids=shown):
            raise NotFound()


def bearer_of(app: Countersign, token: str) -> tuple[str, frozenset[str]]:
    """Whose token it is and what it may. SignInNeeded when unknown, revoked or expired."""
    now, hashed = app.now(), digest(token)
    with app.db.read() as tx:
        row = credentials.find_token(tx, hashed)
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        raise SignInNeeded()
    if row.used_at is None or row.used_at + USED_EVERY <= now:
        with app.db.begin() as tx:
            credentials.use_token(tx, hashed, now)
    return row.person, frozenset(row.scopes.split(","))
