"""Channels that are down, as an administrator, a process administrator and a load balancer see it."""

from collections.abc import Callable
from datetime import timedelta

from api.errors import problem_json
from engine.errors import DatabaseBusy
from engine.service.app import Countersign
from engine.store import circuits
from tests.api.desk import Desk


def broken(app: Countersign, name: str, *, is_told: bool) -> None:
    """`name` does not answer since half an hour."""
    with app.db.begin() as tx:
        for minutes in (30, 20, 10):
            circuits.fail(tx, name, app.now() - timedelta(minutes=minutes), "Connection refused")
        if is_told:
            circuits.told(tx, name)


def test_the_page_of_the_health_says_what_does_not_answer_since_when_and_what_to_do(
    app: Countersign, desk: Callable[..., Desk]
):
    admin = desk("machao")
    assert "All answer, or were not needed yet." in admin.get("/admin/operation").text
    broken(app, "email", is_told=True)
    broken(app, "webhook:hooks.example.org", is_told=False)
    page = admin.get("/admin/operation").text
    assert "All answer, or were not needed yet." not in page
    assert "E-mail" in page
    assert "hooks.example.org" in page
    assert "Connection refused" in page
    assert "Nothing is lost and cases go on" in page
    assert 'href="/channels"' in page
    [down, own] = admin.get("/api/v1/operation/health").json()["down"]
    assert (down["label"]["en"], down["failures"], down["is_told"]) == ("E-mail", 3, True)
    assert (own["name"], own["is_told"]) == ("hooks.example.org", False)


def test_a_load_balancer_is_told_of_alarms_without_hosts_or_reasons(app: Countersign, desk: Callable[..., Desk]):
    anybody = desk()
    assert "down" not in anybody.get("/health").json()
    broken(app, "webhook:hooks.example.org", is_told=True)
    broken(app, "sms", is_told=False)
    assert "down" not in anybody.get("/health").json()
    broken(app, "email", is_told=True)
    answer = anybody.get("/health")
    assert answer.status_code == 200
    assert answer.json()["down"].startswith("email since 20")
    assert "refused" not in answer.text
    assert "example.org" not in answer.text


def test_who_waited_too_long_for_a_lock_is_told_to_try_again_without_addresses():
    answer = problem_json(DatabaseBusy(url="postgresql://u@db.example.org/c", seconds="10"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    told = bytes(answer.body).decode()
    assert "Nothing was changed; try again in a minute." in told
    assert "example.org" not in told
