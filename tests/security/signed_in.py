"""Sessions without typing a password, and the business clock: what every test of this folder needs."""

import hashlib
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from engine import clock
from engine.service.app import Countersign
from engine.store import sessions


def session(app: Countersign, browser: TestClient | None, person: str, *, by_device: bool = False) -> str:
    """Open a session and give it to `browser`; its token. A second one of the same person is the first."""
    token, now = f"session-of-{person}-{by_device}", app.now()
    hashed = hashlib.sha256(token.encode()).hexdigest()
    with app.db.begin() as tx:
        if sessions.find(tx, hashed) is None:
            until = now + timedelta(hours=12)
            proved = None if by_device else now
            sessions.add(tx, hashed, person, created_at=now, expires_at=until, authenticated_at=proved)
    if browser is not None:
        browser.cookies.set("session", token)
    return token


def later(tmp_path: Path, span: timedelta) -> None:
    """Move the business clock; the test set COUNTERSIGN_CLOCK_FILE to `clock` in this folder."""
    (tmp_path / "clock").write_text(str(int(span.total_seconds())))
    assert clock.now()
