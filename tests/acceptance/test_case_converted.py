"""A superior makes what was filed a case for approval: durably, with everything that hangs on it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import AlreadyDecided, Invalid, NotFound, NotPossible
from engine.machine.case import Decision
from engine.machine.outcome import SelectAudience
from engine.service import approvals, cases, interventions, proposals, publishing, stages
from engine.service.app import Countersign
from engine.service.selecting import freeze_audience
from engine.store import people as store
from engine.store.session import Database
from engine.store.tables import outbox
from tests.acceptance.email_case import FORM, load_customers
from tests.acceptance.offices import key, notices, open_task, opened, viewer

SHIPPED = Path(__file__).resolve().parents[2] / "definitions/hillstrom-email-case.yaml"
FILED = (
    SHIPPED.read_text("utf-8")
    .partition("\ntests:")[0]
    .replace("name: hillstrom-email-case", "name: filed-emails")
    .replace("{else: to_head}", "{else: file_city}")
    .replace(
        "  chains:\n",
        """  chains:
    file_city:
      - file: city_register
        label: {zh: 市公司备案, en: City register}
        who: "role:marketing@city"
        ack: 5wd
        convert: to_head
""",
    )
)


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        with app.db.begin() as tx:
            store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
        publishing.save_draft(app, viewer(app, "sunli"), FILED)
        publishing.publish(app, viewer(app, "machao"), "filed-emails", 1)
        load_customers(app, tmp_path)
        yield app


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A case that 王敏 filed with the city."""
    submitter = viewer(app, "wangmin")
    made = proposals.start(app, submitter, "filed-emails", key=key())
    proposals.submit(app, submitter, made, FORM, key=key())
    return made


def decide(app: Countersign, person: str, decision: Decision) -> None:
    task, remark = open_task(app, person), "because" if decision == "reject" else ""
    approvals.decide(app, viewer(app, person), task, decision, remark=remark, seen_seq=None, key=key())


def convert(app: Countersign, case_id: str, person: str = "sunli", reason: str = "与省公司活动冲突") -> None:
    interventions.intervene(app, viewer(app, person), case_id, "convert", reason=reason, key=key())


def seen(app: Countersign, case_id: str, person: str = "wangmin") -> cases.CaseView:
    return cases.case_page(app, viewer(app, person), case_id)


def test_what_was_frozen_for_a_filing_is_dropped_and_selected_anew_after_the_approval(
    app: Countersign, case_id: str
) -> None:
    decide(app, "zhengkai", "acknowledge")
    notices(app)
    ready = seen(app, case_id)
    assert (ready.row.state, ready.audience is not None) == ("ready", True)
    (registered,) = ready.registered

    convert(app, case_id)
    page = seen(app, case_id)
    assert (page.row.state, page.route, page.round, page.audience) == ("approving", "to_head", 2, None)
    assert page.registered == (registered,)
    assert (page.history[0].what, page.history[0].remark) == ("converted", "与省公司活动冲突")
    told = {notice.person: (notice.occasion, notice.remark) for notice in notices(app)}
    assert told["wangmin"] == told["zhengkai"] == ("converted", "与省公司活动冲突")
    assert told["liguoqiang"][0] == "task"
    with pytest.raises(NotPossible):
        stages.start_delivery(app, viewer(app, "wangmin"), case_id, 600, key=key())

    decide(app, "liguoqiang", "approve")
    notices(app)
    again = seen(app, case_id)
    assert again.row.state == "ready"
    assert again.audience is not None
    assert ready.audience is not None
    assert again.audience.frozen_at > ready.audience.frozen_at
    stages.start_delivery(app, viewer(app, "wangmin"), case_id, again.audience.target, key=key())
    with pytest.raises(NotPossible):
        convert(app, case_id, "gaoyuan")


def test_a_selection_that_was_asked_for_before_the_conversion_freezes_nothing(app: Countersign, case_id: str) -> None:
    decide(app, "zhengkai", "acknowledge")
    convert(app, case_id)
    freeze_audience(app, case_id, key())
    assert seen(app, case_id).audience is None
    notices(app)  # the effect of the filing is carried out late, and comes to nothing
    assert (seen(app, case_id).row.state, seen(app, case_id).audience) == ("approving", None)
    assert pending(app, case_id) == 0


def test_an_open_filing_is_converted_and_stands_in_no_register(app: Countersign, case_id: str) -> None:
    convert(app, case_id, "gaoyuan")
    (asked,) = seen(app, case_id).waiting.for_nodes
    assert asked.id == "county_head"
    decide(app, "liguoqiang", "approve")
    assert (seen(app, case_id).row.state, seen(app, case_id).registered) == ("targeting", ())


def test_only_a_superior_is_offered_the_conversion_and_may_do_it(app: Countersign, case_id: str) -> None:
    offered = {
        person: "convert" in seen(app, case_id, person).waiting.possible
        for person in ("wangmin", "liguoqiang", "zhengkai", "machao", "sunli", "gaoyuan")
    }
    assert [person for person, is_offered in offered.items() if is_offered] == ["sunli", "gaoyuan"]
    for person in ("wangmin", "liguoqiang", "zhengkai", "machao"):
        with pytest.raises(NotFound):
            convert(app, case_id, person)
    with pytest.raises(Invalid):
        convert(app, case_id, reason=" ")
    convert(app, case_id)
    assert "convert" not in seen(app, case_id, "gaoyuan").waiting.possible
    with pytest.raises(NotPossible):
        convert(app, case_id, "gaoyuan")


def pending(app: Countersign, case_id: str) -> int:
    """How many selections wait to be carried out."""
    with app.db.read() as tx:
        query = sa.select(sa.func.count()).where(
            outbox.c.case_id == case_id, outbox.c.kind == SelectAudience.__name__, outbox.c.state != "done"
        )
        return int(tx.execute(query).scalar_one())


def test_whoever_comes_first_the_filing_is_acknowledged_before_it_is_converted_or_not_at_all(app: Countersign) -> None:
    for _ in range(5):
        submitter = viewer(app, "wangmin")
        made = proposals.start(app, submitter, "filed-emails", key=key())
        proposals.submit(app, submitter, made, FORM, key=key())
        gate, registrar, task = threading.Barrier(2), viewer(app, "zhengkai"), open_task(app, "zhengkai")

        def together(act: Callable[[], object], gate: threading.Barrier = gate) -> None:
            gate.wait(10)
            with suppress(NotPossible, AlreadyDecided):
                act()

        acknowledge = partial(approvals.decide, remark="", seen_seq=None, key=key())
        acts = (partial(acknowledge, app, registrar, task, "acknowledge"), partial(convert, app, made))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(together, acts))
        page = seen(app, made)
        told = [entry.what for entry in page.history]
        assert (page.row.state, page.round, told[0]) == ("approving", 2, "converted")
        assert len(page.registered) == told.count("acknowledge")
        decide(app, "liguoqiang", "reject")
