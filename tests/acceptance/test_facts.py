"""Facts beside the ledger: what a refresh takes, what it replaces, what a viewer is told of them and what not."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from engine import clock
from engine.cli.main import app as program
from engine.errors import InvalidForm
from engine.service import drilling, facts, metrics
from engine.service.app import Countersign
from engine.service.facts import FactsBusy
from engine.service.metrics import Answer, Wanted
from engine.service.recording import OPERATOR, By
from engine.service.responses import import_responses
from engine.store import ledger, moves, waves
from engine.store.session import Database
from engine.store.tables import cases, recipients
from engine.warehouse.star import Star
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import opened, viewer
from tests.security.signed_in import session
from tests.support import THIS_YEAR


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A case whose 600 e-mails were handed off."""
    return handed_off(app)


def asked(app: Countersign, *names: str, by: tuple[str, ...] = (), login: str = "", **where: str) -> Answer:
    """The answer for a person, or for the operator."""
    who = By(viewer(app, login), "page") if login else OPERATOR
    return metrics.ask(app, who, Wanted(names, by, {name: (value,) for name, value in where.items()}))


def figures(answer: Answer) -> dict[str, float | None]:
    """The values of an answer without dimensions."""
    assert answer.only is not None
    return {cell.metric: cell.value for cell in answer.only.cells}


def one_wave(app: Countersign, case_id: str) -> str:
    with app.db.read() as tx:
        return waves.of_case(tx, case_id)[0].id


def test_facts_say_what_the_ledger_says_and_a_second_refresh_finds_nothing(app: Countersign, case_id: str) -> None:
    first, second = facts.refresh(app), facts.refresh(app)
    assert (first.deliveries, first.cases, second.rows) == (600, 1, 0)
    with app.db.read() as tx:
        sums = ledger.sums(tx, case_id)
    found = figures(asked(app, "messages", "sent", "delivered", "customers", "delivery_rate"))
    assert found["messages"] == sum(one.audience for one in sums.values()) == 600
    assert found["delivered"] == sum(one.delivered for one in sums.values())
    assert (found["customers"], found["delivery_rate"]) == (600, 1.0)
    (row,) = asked(app, "sent", by=("office", "cell"), office="440100", cell="mens").rows
    assert (row.keys, row.labels[0].en, row.cells[0].numerator) == (("440111", "mens"), "Baiyun county", 300)
    assert asked(app, "sent", by=("office",), office="440106").rows == ()


def test_rows_whose_state_changed_late_are_replaced_and_the_others_stay(app: Countersign, case_id: str) -> None:
    facts.refresh(app)
    wave = one_wave(app, case_id)
    with app.db.begin() as tx:
        waves.lock(tx, wave)
        late = (recipients.c.wave == wave) & recipients.c.row.in_((3, 4, 5))
        tx.execute(sa.update(recipients).where(late).values(state="failed", reason="late bounce"))
        moves.exchange(tx, wave, {("delivered", "failed"): 3})
    assert facts.refresh(app).deliveries == 600
    assert figures(asked(app, "messages", "delivered", "failed")) == {"messages": 600, "delivered": 597, "failed": 3}
    reasons = {row.keys[0]: row.cells[0].numerator for row in asked(app, "failed", by=("reason",)).rows}
    assert reasons["late bounce"] == 3


def test_no_customer_is_named_in_the_files(app: Countersign, case_id: str) -> None:
    facts.refresh(app)
    star = Star(app.settings.data)
    with star.opened() as db, app.db.read() as tx:
        star.view(db, star.current(), "fact_delivery")
        hashes = {row[0] for row in db.execute("SELECT customer FROM fact_delivery").fetchall()}
        named = set(tx.execute(sa.select(recipients.c.customer)).scalars())
    assert len(hashes) == len(named) == 600
    assert not {str(one) for one in hashes} & named


def test_a_response_counts_within_its_window_and_late_ones_stand_apart(
    app: Countersign, case_id: str, tmp_path: Path
) -> None:
    sent = app.now()
    clock.move(tmp_path / "clock", timedelta(days=45))
    moments = {1: sent + timedelta(days=2), 2: sent + timedelta(days=40)}
    lines = [f"{n},response,{at.isoformat()},,o-{n}" for n, at in moments.items()]
    report = import_responses(
        app, viewer(app, "wangmin"), case_id, "\n".join(["customer,kind,at,value,reference", *lines]).encode()
    )
    assert report.recorded == 2
    facts.refresh(app)
    assert figures(asked(app, "responses", "late_responses", "early_responses")) == {
        "responses": 1,
        "late_responses": 1,
        "early_responses": 0,
    }
    by_timing = {row.keys[0]: row.cells[0].denominator for row in asked(app, "responses", by=("timing",)).rows}
    assert by_timing == {"in_time": 1, "late": 1}
    (by_channel,) = asked(app, "responses", by=("channel",)).rows
    assert (by_channel.keys, by_channel.cells[0].denominator) == (("file",), 2)


@pytest.mark.tampers
def test_who_may_not_see_a_case_sees_neither_its_rows_nor_its_sums(app: Countersign, case_id: str) -> None:
    """Every metric by every dimension: for who may not see the one case it is as if there were none."""
    view = metrics.catalogue(viewer(app, "emily"))
    of_fact = {one.fact: one.dimensions for one in view.metrics}
    questions = [
        Wanted(tuple(one.name for one in view.metrics if one.fact == fact), by)
        for fact, dimensions in of_fact.items()
        for by in ((), *((name,) for name in dimensions))
    ]
    empty = metrics.ask_all(app, By(viewer(app, "emily")), questions)
    rows = f"customer,kind,at,value,reference\n1,response,{app.now().isoformat()},,o-1\n"
    import_responses(app, viewer(app, "wangmin"), case_id, rows.encode())
    facts.refresh(app)
    with app.db.begin() as tx:
        tx.execute(sa.update(cases).values(confidential=True))
    hidden = metrics.ask_all(app, By(viewer(app, "emily")), questions)
    assert [one.rows for one in hidden] == [one.rows for one in empty]
    shown = metrics.ask_all(app, By(viewer(app, "wangmin")), [one for one in questions if "clerk" not in one.by])
    told = {cell.metric for answer in shown for row in answer.rows for cell in row.cells if cell.numerator}
    assert {"sent", "customers", "responses", "cases"} <= told


def test_page_api_and_command_say_the_same(
    app: Countersign, case_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts.refresh(app)
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        page = browser.get("/dashboards/sends?office=440111").text
        board = browser.get("/api/v1/dashboards/sends?office=440111").json()
        names = {"metric": "sent,delivery_rate", "where": "office=440111"}
        api = browser.get("/api/v1/metrics/query", params=names).json()
        table = browser.get("/dashboards/sends?office=440111&format=csv").text
        assert browser.get("/dashboards/sends?since=yesterday").status_code == 422
        assert browser.get("/dashboards/nothing").status_code == 404
        assert browser.get("/api/v1/metrics/query?metric=nothing").status_code == 422
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.db.url.render_as_string(hide_password=False))
    command = ["metrics", "query", "sent,delivery_rate", "--where", "office=440111", "--as", "wangmin", "--json"]
    told = CliRunner().invoke(program, command)
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["rows"] == api["rows"]
    assert [cell["numerator"] for cell in board["figures"]][:2] == ["600", "600"]
    assert [cell["numerator"] for cell in api["rows"][0]["cells"]] == ["600", "600"]
    assert "<dd>600</dd>" in page
    assert f"{case_id},440111-{THIS_YEAR}-00001,白云区分公司,600,1.0,0.99" in table


def test_the_messages_behind_a_figure_are_those_of_the_filters_and_masked(app: Countersign, case_id: str) -> None:
    asking = By(viewer(app, "machao"), key="a-look-at-rows")
    found = drilling.rows(app, asking, "sends", case_id, {"channel": "file", "office": "440106"})
    assert (len(found.rows), found.cut, {row.state for row in found.rows}) == (50, True, {"delivered"})
    assert all("*" in row.customer for row in found.rows)
    assert drilling.rows(app, asking, "sends", case_id, {"channel": "sms"}).rows == ()
    assert drilling.rows(app, asking, "sends", case_id, {"since": "2030-01-01"}).rows == ()
    with pytest.raises(InvalidForm):
        drilling.rows(app, asking, "sends", case_id, {"until": "soon"})


def test_names_that_are_not_known_are_all_told(app: Countersign) -> None:
    with pytest.raises(InvalidForm) as told:
        metrics.ask(app, OPERATOR, Wanted(("sent",), ("weather",), {"hall": ("1",)}, "tomorrow"))
    assert [one.code for one in told.value.problems] == ["E432", "E432", "E434"]
    with pytest.raises(InvalidForm) as mixed:
        metrics.ask(app, OPERATOR, Wanted(("sent", "responses")))
    assert [one.code for one in mixed.value.problems] == ["E431"]


def test_before_the_first_refresh_there_is_nothing_and_two_at_a_time_are_refused(app: Countersign) -> None:
    answer = asked(app, "sent", "delivery_rate")
    assert answer.as_of is None
    assert figures(answer) == {"sent": 0, "delivery_rate": None}
    with Star(app.settings.data).only_one() as mine:
        assert mine
        with pytest.raises(FactsBusy):
            facts.refresh(app)
    assert facts.refresh_due(app) == 0
    assert asked(app, "sent").as_of is not None


def test_what_a_refresh_that_died_left_is_swept_and_the_next_takes_the_same(app: Countersign, case_id: str) -> None:
    folder = Star(app.settings.data).folder / "fact_delivery"
    folder.mkdir(parents=True)
    left = folder / ".0123456789abcdef.new"
    left.write_bytes(b"half a file")
    os.utime(left, (1, 1))
    assert facts.refresh(app).deliveries == 600
    assert not left.exists()
    assert figures(asked(app, "sent"))["sent"] == 600
