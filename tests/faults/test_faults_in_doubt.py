"""Sends in doubt, from a real gateway whose answers are lost: a person says what became of them, by page and by API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import delivering
from engine.service.app import Countersign
from engine.store import operation, suppression
from engine.store.suppression import Suppression
from engine.store.tables import organisation_history
from tests.acceptance.offices import load_people
from tests.api.desk import Desk
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import (
    TARGET,
    Make,
    assert_each_once,
    gateway,
    make,
    send_all,
    shown,
    states_of,
)
from tests.servers.gateway import RunningGateway

__all__ = ["gateway", "make"]
WAVE = f"{CASE}-w1"
PAGE = "/admin/sends"
SENDS = "/api/v1/sends-in-doubt"


@pytest.fixture
def app(make: Make, gateway: RunningGateway) -> Iterator[Countersign]:
    """A delivery in which the answers for the first fifty messages were lost, and three of their readers opted out
    before it went on: nobody here knows whether those three were written to."""
    opened = make()
    load_people(opened)
    delivering.begin(opened, CASE)
    gateway.behave(drop_answers=-1)
    delivering.work(opened, "test", limit=1)
    assert gateway.stats()["dropped"] >= 3
    with opened.db.begin() as tx:
        chosen = tx.execute(sa.text('SELECT customer FROM recipients ORDER BY "row" LIMIT 3')).scalars().all()
        suppression.add(tx, [Suppression("black", one, "opt-out") for one in chosen], by="li", at=opened.now())
        tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))  # seconds pass
    gateway.behave()
    send_all(opened)
    assert states_of(opened) == {"sent": TARGET - 3, "unknown": 3}
    yield opened


def noted(app: Countersign) -> list[tuple[str, str, str]]:
    """The entries of the audit about it."""
    columns = (organisation_history.c.subject, organisation_history.c.actor, organisation_history.c.body)
    kind = organisation_history.c.kind == "unknown_resolved"
    with app.db.read() as tx:
        return [tuple(row) for row in tx.execute(sa.select(*columns).where(kind).order_by("seq"))]


def script(api: FastAPI, login: str) -> Desk:
    """A script of theirs."""
    client = Desk(api)
    token = client.post("/api/v1/session", json={"login": login, "password": PASSWORD}).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_what_did_not_go_out_is_sent_again_from_the_page_but_not_to_who_opted_out(
    app: Countersign, gateway: RunningGateway
) -> None:
    with app.db.begin() as tx:  # one opt-out was a slip
        slip = "(SELECT min(customer) FROM recipients WHERE state = 'unknown')"
        tx.execute(sa.text(f"DELETE FROM suppressions WHERE customer = {slip}"))
    with Desk(create_app(app)) as at:
        at.sign_in("machao")
        shown_page = at.get(PAGE)
        assert "3 of 270 recipients" in shown_page.text
        assert "opted out after an interrupted attempt 3" in shown_page.text
        form = at.form(shown_page, PAGE) | {"answer": "again"}
        told = at.post(PAGE, data=form)
        assert told.status_code == 422
        assert "Say why" in told.text
        assert at.post(PAGE, data=form | {"answer": "perhaps", "reason": "x"}).status_code == 422
        assert at.post(PAGE, data=form | {"count": "2", "reason": "x"}).status_code == 409
        assert states_of(app)["unknown"] == 3
        done = at.post(PAGE, data=form | {"reason": "their log has none of them"})
        assert "No send is in doubt" in done.text
        assert at.post(PAGE, data=form | {"reason": "their log has none of them"}).status_code == 200  # twice is once
        entry = at.get("/admin/audit?kind=unknown_resolved").text
    assert states_of(app) == {"sent": TARGET - 3, "suppressed": 2, "waiting": 1}
    assert shown(app)[0].state == "running"
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 2, "suppressed": 2}
    assert_each_once(app, gateway)  # with the same id, so the gateway took it for the message that it had
    assert gateway.stats()["repeated"] > 0
    [(subject, actor, body)] = noted(app)
    assert (subject, actor) == (WAVE, "machao")
    assert '"sent_again":true' in body and "their log has none of them" in body
    assert "resolved sends in doubt" in entry and "Is sent again" in entry


def test_scripts_of_those_who_run_it_say_what_went_out_and_others_find_nothing(
    app: Countersign, gateway: RunningGateway
) -> None:
    api = create_app(app)
    said = {"wave": WAVE, "answer": "sent", "count": 3, "reason": "it stands in their log"}
    for login in ("wangmin", "liguoqiang", "xuwen"):
        stranger = script(api, login)
        assert stranger.get(SENDS).status_code == 404
        assert stranger.post(SENDS, json=said).status_code == 404
    assert noted(app) == []
    admin = script(api, "machao")
    (wave,) = admin.get(SENDS).json()["waves"]
    assert (wave["wave"], wave["unknown"], wave["audience"], wave["can_repeat"]) == (WAVE, 3, TARGET, True)
    for wrong in ({"count": 4}, {"wave": "none"}, {"answer": "maybe"}, {"reason": " "}):
        status = {"count": 409, "wave": 404}.get(next(iter(wrong)), 422)
        assert admin.post(SENDS, json=said | wrong).status_code == status, wrong
    once = {"Idempotency-Key": "sends-key-1"}
    assert admin.post(SENDS, json=said, headers=once).json() == {"resolved": 3}
    assert admin.post(SENDS, json=said, headers=once).json() == {"resolved": 3}
    assert admin.post(SENDS, json=said | {"answer": "given_up"}).status_code == 409  # none is in doubt any more
    assert states_of(app) == {"sent": TARGET - 3, "delivered": 3}
    assert len(noted(app)) == 1
    assert admin.get(SENDS).json()["waves"] == []
    assert len(gateway.times()) == TARGET


def test_what_is_given_up_counts_as_not_contacted(app: Countersign) -> None:
    admin = script(create_app(app), "machao")
    said = {"wave": WAVE, "answer": "given_up", "count": 3, "reason": "the gateway lost them"}
    with app.db.begin() as tx:  # a case that delivers no more sends nothing again
        tx.execute(sa.text("UPDATE cases SET state = 'evaluating'"))
    assert admin.get(SENDS).json()["waves"][0]["can_repeat"] is False
    assert admin.post(SENDS, json=said | {"answer": "again"}).status_code == 409
    assert admin.post(SENDS, json=said).json() == {"resolved": 3}
    assert states_of(app) == {"sent": TARGET - 3, "failed": 3}
    with app.db.read() as tx:
        reasons = tx.execute(sa.text("SELECT DISTINCT reason FROM recipients WHERE state='failed'")).scalars().all()
    assert reasons == ["rejected: not sent, says machao"]


def test_over_a_gateway_that_forgets_nobody_is_sent_to_again_unless_it_is_accepted(
    db_url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    more = {"sms_url": gateway.url, "sms_guarantee": "at_most_once"}
    app = delivering_case(db_url, tmp_path / "home", customers=300, **more)
    load_people(app)
    delivering.begin(app, CASE)
    gateway.behave(forgets=True, drop_answers=1)
    send_all(app)
    gateway.behave(forgets=True)
    with Desk(create_app(app)) as at:
        at.sign_in("machao")
        page = at.get(PAGE)
        assert "whoever has got the message after all gets it twice" in page.text
        form = at.form(page, PAGE) | {"answer": "again", "reason": "their log has none of them"}
        refused = at.post(PAGE, data=form)
        assert refused.status_code == 409 and "The gateway forgets message ids" in refused.text
        assert states_of(app) == {"sent": TARGET - 50, "unknown": 50}
        form = at.form(at.get(PAGE), PAGE) | {"answer": "again", "reason": "their log has none of them"}
        assert at.post(PAGE, data=form | {"twice": "yes"}).status_code == 200
    send_all(app)
    assert states_of(app) == {"sent": TARGET}
    assert max(gateway.times().values()) == 2, "they had it, whatever was thought of it"
    assert '"may_come_twice":true' in noted(app)[0][2]
    app.close()


def test_why_a_large_wave_is_in_doubt_is_counted_when_somebody_asks(app: Countersign) -> None:
    size = sa.text("UPDATE waves SET audience = :size")
    with app.db.begin() as tx:
        tx.execute(size, {"size": operation.COUNTED_UNASKED + 1})
    api = create_app(app)
    with Desk(api) as at:
        at.sign_in("machao")
        unasked, asked = at.get(PAGE).text, at.get(f"{PAGE}?wave={WAVE}").text
    assert "3 of 200,001 recipients" in unasked and "opted out" not in unasked
    assert f'href="/admin/sends?wave={WAVE}#{WAVE}">Count the reasons' in unasked
    assert "opted out after an interrupted attempt 3" in asked and "Count the reasons" not in asked
    admin = script(api, "machao")
    assert [one["reasons"] for one in admin.get(SENDS).json()["waves"]] == [None]
    (named,) = admin.get(SENDS, params={"wave": WAVE}).json()["waves"]
    assert named["reasons"] == [["opted out after an interrupted attempt", 3]]
    with app.db.begin() as tx:
        tx.execute(size, {"size": TARGET})
