"""A name that leads elsewhere a moment later (DNS rebinding) brings nobody inside: not at the send, not in between."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.service import announcing, webhooks
from engine.service.app import Countersign
from engine.service.messaging import NotTaken
from engine.store.session import Database
from notifications.post import post
from tests.acceptance.offices import key, viewer
from tests.acceptance.telling_staff import staffed, tick
from tests.servers.recorder import Recorder, recording

PUBLIC = "93.184.216.34"
NAME = "hook.rebinding.example.com"


class NameServer:
    """What the machine's resolver says of one name: the next answer each time, the last one for ever."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real
        self.answers: list[tuple[str, ...]] = []
        self.asked = 0

    def __call__(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != NAME:
            return self._real(host, port, *rest, **more)
        self.asked += 1
        numbers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        found = []
        for number in numbers:
            found += self._real(number, port, *rest, **more)
        return found


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", server)
    return server


@pytest.fixture
def here() -> Iterator[Recorder]:
    """What listens inside, where nobody outside may reach."""
    with recording() as server:
        yield server


def address(here: Recorder) -> str:
    return f"http://{NAME}:{here.url.rpartition(':')[2]}/hook"


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.7", "0.0.0.0", "100.64.0.1"]
)
def test_a_name_that_was_public_when_it_was_entered_and_leads_inside_at_the_send_is_refused(
    sqlite_url: str, tmp_path: Path, names: NameServer, here: Recorder, inside: str
) -> None:
    app: Countersign = staffed(Database(sqlite_url), tmp_path)
    names.answers = [(PUBLIC,), (inside,)]
    made = webhooks.add(
        app, viewer(app, "machao"), name="calendar", url=address(here), events=announcing.EVENTS, key=key()
    )
    assert names.asked == 1
    webhooks.try_out(app, viewer(app, "machao"), made.id, "machao:try-1")
    tick(app)
    view, (sent,) = webhooks.shown(app, viewer(app, "machao"), made.id)
    app.close()
    assert names.asked == 2
    assert here.taken == []
    assert sent.state == "pending"
    assert view.down is not None
    assert "cannot be used" in view.down.error


def test_one_number_inside_among_public_ones_refuses_the_name(names: NameServer, here: Recorder) -> None:
    for numbers in ((PUBLIC, "127.0.0.1"), ("127.0.0.1", PUBLIC), (PUBLIC, "169.254.169.254")):
        names.answers = [numbers]
        with pytest.raises(NotTaken, match="cannot be used"):
            post(address(here), b"{}", {}, channel="webhook", private=False)
    assert here.taken == []


def test_the_connection_goes_to_the_number_that_was_checked_and_the_name_is_not_asked_again(
    names: NameServer, here: Recorder
) -> None:
    names.answers = [("127.0.0.1",), ("169.254.169.254",)]
    post(address(here), b"{}", {}, channel="webhook", private=True)  # the operator allows this network
    [taken] = here.taken
    assert taken.headers["host"].startswith(NAME)
    assert names.asked == 1
