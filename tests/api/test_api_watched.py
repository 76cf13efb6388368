"""What a monitoring system is told, what it is not told, and the hold on sending as pages show it."""

import io
import json
import logging
import re
from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import timedelta

import pytest
import structlog
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from engine.service import logs, restoring, watching
from engine.service.app import Countersign
from engine.store import operation
from tests.api.cases import submitted
from tests.api.desk import Desk

LOCAL = ("127.0.0.1", 50000)


def asked(app: Countersign, path: str, *, client: tuple[str, int] = LOCAL, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return TestClient(create_app(app), client=client).get(path, headers=named)


def figures(app: Countersign) -> dict[str, float]:
    """Every sample by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(asked(app, "/metrics").text):
        for one in family.samples:
            labels = ",".join(one.labels.values())
            found[f"{one.name}({labels})" if labels else one.name] = one.value
    return found


def flows_run(app: Countersign, ago: timedelta = timedelta()) -> None:
    with app.db.begin() as tx:
        for name in watching.FLOWS:
            operation.note_round(tx, name, at=app.now() - ago, did=0, error="")


def test_the_process_lives_without_its_database(app: Countersign, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "db", None)
    answer = asked(app, "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"process": "ok"})


def test_readiness_names_the_part_that_is_not(app: Countersign):
    first = asked(app, "/readyz")
    assert first.status_code == 503
    assert first.json()["parts"]["flows"] == "not running: tick, waves, evaluate, facts"
    flows_run(app)
    well = asked(app, "/readyz")
    assert (well.status_code, well.json()["is_ready"]) == (200, True), well.text
    assert set(well.json()["parts"].values()) == {"ok"}
    flows_run(app, timedelta(minutes=11))
    assert asked(app, "/readyz").status_code == 503
    flows_run(app)
    restoring.hold(app)
    held = asked(app, "/readyz")
    assert (held.status_code, held.json()["parts"]["sending"]) == (503, "held after a restore")


def test_figures_are_told_in_the_text_format_and_name_nobody(app: Countersign, desk: Callable[..., Desk]):
    before = figures(app)
    case_id = submitted(app)
    desk("machao").get("/admin/operation")
    flows_run(app, timedelta(seconds=90))
    with app.db.begin() as tx:
        operation.note_round(tx, "waves:host-1", at=app.now(), did=0, error="")
    after = figures(app)
    assert after["countersign_cases(approving)"] == before.get("countersign_cases(approving)", 0) + 1
    assert after["countersign_transitions"] > before["countersign_transitions"]
    assert after["countersign_open_tasks"] > before["countersign_open_tasks"]
    assert after["countersign_outbox_waiting"] > 0
    assert 90 <= after["countersign_flow_last_round_age_seconds(tick)"] < 200
    assert after["countersign_worker_last_round_age_seconds(host-1)"] < 60
    assert after["countersign_http_request_seconds_count(GET,/admin/operation,200)"] >= 1
    assert after["countersign_sending_held"] == 0
    text = asked(app, "/metrics").text
    for named in (case_id, "430102", "440111", "machao", "wangmin", "liguoqiang", "example.org"):
        assert named not in text
    restoring.hold(app)
    assert figures(app)["countersign_sending_held"] == 1


def test_figures_are_for_this_machine_or_who_has_the_token(app: Countersign):
    assert asked(app, "/metrics").status_code == 200
    assert asked(app, "/metrics", client=("10.1.2.3", 1)).status_code == 404
    assert asked(app, "/metrics", x_forwarded_for="10.1.2.3").status_code == 404  # a proxy on this machine passed it on
    settings = app.settings.model_copy(update={"metrics_token": "a-long-token"})
    guarded = Countersign(settings, app.db)
    assert asked(guarded, "/metrics").status_code == 404
    assert asked(guarded, "/metrics", authorization="Bearer a-wrong-token").status_code == 404
    assert asked(guarded, "/metrics", client=("10.1.2.3", 1), authorization="Bearer a-long-token").status_code == 200


def test_every_page_says_that_nothing_is_sent_until_somebody_releases_it_with_a_reason(
    app: Countersign, desk: Callable[..., Desk]
):
    admin, head = desk("machao"), desk("liguoqiang")
    banner = "Nothing is sent: the database was restored from an older copy."
    assert banner not in head.get("/inbox").text
    assert "Release sending" not in admin.get("/admin/operation").text
    restoring.hold(app)
    assert banner in head.get("/inbox").text
    assert "Release sending" in admin.get("/admin/operation").text
    form = admin.form(admin.get("/admin/operation"), "/admin/operation/release")
    assert head.post("/admin/operation/release", data=form | {"reason": "no"}).status_code == 404
    refused = admin.fill_in("/admin/operation", "/admin/operation/release", reason=" ")
    assert refused.status_code == 422
    assert restoring.held(app) is not None
    released = admin.fill_in("/admin/operation", "/admin/operation/release", reason="the gateway's log was compared")
    assert (released.status_code, released.url.path) == (200, "/admin/operation")
    assert banner not in head.get("/inbox").text
    assert restoring.may_send(app)
    assert "released sending after a restore" in admin.get("/admin/audit").text
    form = admin.form(admin.get("/admin/outbox"), "/language")
    assert (
        admin.post("/admin/operation/release", data=form | {"key": "another-key", "reason": "once more"}).status_code
        == 409
    )


def test_logs_have_the_request_and_the_case_and_neither_phones_nor_secrets(app: Countersign, desk: Callable[..., Desk]):
    case_id = submitted(app)
    said = io.StringIO()
    with redirect_stderr(said):
        logs.configure()
        answer = desk("machao").get(f"/cases/{case_id}")
        structlog.get_logger().warning(
            "odd",
            reason="for 13812345678 at postgresql://u:pw@db",
            sms_secret="abc",
            phone="+8613912345678",
            rows=13812345678901,
        )
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    lines = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    [request] = [one for one in lines if one["event"] == "request" and one["route"] == "/cases/{case_id}"]
    assert request["case"] == case_id
    assert re.fullmatch(r"[0-9a-f]{16}", request["request"])
    assert answer.headers["x-request-id"] == request["request"]
    [odd] = [one for one in lines if one["event"] == "odd"]
    assert odd["reason"] == "for 138******78 at postgresql://u:***@db"
    assert (odd["sms_secret"], odd["phone"]) == ("***", "+86139******78")


def test_a_request_keeps_the_name_that_a_proxy_gave_it_where_a_log_can_hold_it(app: Countersign):
    assert asked(app, "/healthz", x_request_id="proxy-4711.a").headers["x-request-id"] == "proxy-4711.a"
    assert asked(app, "/healthz", x_request_id='a b"}{').headers["x-request-id"] != 'a b"}{'


def test_a_case_that_stands_still_is_shown_with_what_can_be_tried_again(app: Countersign, desk: Callable[..., Desk]):
    import sqlalchemy as sa

    from engine.store.tables import cases, outbox

    case_id = submitted(app)
    admin = desk("machao")
    assert "Cases that stand still" not in admin.get("/admin/operation").text
    long_ago = app.now() - timedelta(days=2)
    with app.db.begin() as tx:
        tx.execute(sa.update(cases).where(cases.c.id == case_id).values(state="targeting", updated_at=long_ago))
        tx.execute(sa.update(outbox).where(outbox.c.case_id == case_id).values(error="the disk was full", attempts=3))
        tx.execute(sa.text("DELETE FROM timers"))
    page = admin.get("/admin/operation").text
    assert "Cases that stand still" in page
    assert "the disk was full" in page
    [found] = admin.get("/api/v1/operation/health").json()["standing"]
    assert (found["case_id"], found["state"], found["error"]) == (case_id, "targeting", "the disk was full")
    assert found["effect"]
    assert (found["limit"]["basis"], found["limit"]["earlier"]) == ("fixed", 0)
    assert "earlier stays are too few to know what is usual" in page
    assert figures(app)["countersign_cases_standing(fixed,targeting)"] == 1
    assert figures(app)["countersign_cases_standing_oldest_seconds(targeting)"] >= 2 * 86400


def test_a_step_that_takes_longer_than_it_took_others_is_told_with_what_is_usual(
    app: Countersign, desk: Callable[..., Desk]
):
    import sqlalchemy as sa

    from engine.service import usual
    from engine.store.tables import tasks

    case_ids = [submitted(app) for _ in range(usual.LEAST + 1)]
    now = app.now()
    with app.db.begin() as tx:
        step = tx.execute(sa.select(tasks.c.step).where(tasks.c.state == "open")).scalars().first()
        opened = now - timedelta(days=20)
        for n, case_id in enumerate(case_ids[1:], 1):  # they took 1, 2, ... 20 hours
            answered = {"state": "decided", "opened_at": opened, "decided_at": opened + timedelta(hours=n)}
            tx.execute(sa.update(tasks).where(tasks.c.case_id == case_id).values(**answered))
        waits = sa.update(tasks).where(tasks.c.case_id == case_ids[0])
        tx.execute(waits.values(opened_at=now - timedelta(hours=35)))
    admin = desk("machao")
    assert "Cases that stand still" not in admin.get("/admin/operation").text, "twice 18 hours are not over"
    with app.db.begin() as tx:
        tx.execute(waits.values(opened_at=now - timedelta(hours=37)))
    [found] = admin.get("/api/v1/operation/health").json()["standing"]
    assert (found["case_id"], found["step"], found["limit"]["basis"]) == (case_ids[0], step, "usual")
    assert (found["limit"]["earlier"], found["limit"]["most_took"], found["limit"]["after"]) == (
        20,
        "PT64800S",
        "P1DT43200S",
    )
    page = admin.get("/admin/operation").text
    assert "nine in ten of 20 earlier stays took 18 hours at most; told after 1 day 12 hours" in page
    assert "此前 20 次停留中有九成不超过" in desk("machao", "zh").get("/admin/operation").text
    assert figures(app)["countersign_cases_standing(usual,approving)"] == 1
