"""A case whose cells have offers of their own: selected, delivered, and told in the contact history."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from api.failures import failure
from api.i18n import Words
from engine import clock
from engine.service import cases, delivering
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.store.session import Database
from tests.acceptance.offices import load_people, viewer
from tests.acceptance.rehearsed_case import tariff
from tests.acceptance.sealed_case import DEFINITION, NUMBER, delivered, frozen
from tests.servers.gateway import SECRET, running_gateway

OFFERS = DEFINITION.replace(
    "  material:",
    """    offer: {type: ref, to: offer, label: {zh: 产品, en: Offer}}
    second: {type: ref, to: offer, label: {zh: 第二产品, en: Second offer}}
  material:""",
).replace(
    "  control:",
    """  cells:
    high: {when: "c.arpu >= 70", offer: flow-20g}
    mid: {when: "c.arpu >= 50", offer: form.second}
    base: "true"
  control:""",
)


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    url = db.url.render_as_string(hide_password=False)
    with running_gateway(tmp_path / "sms.log") as gateway:
        settings = Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET)
        app = Countersign.open(settings)
        load_people(app)
        yield app
        app.close()


def offer_of(customer: str) -> str:
    arpu = 30 + int(customer[1:])
    return "flow-20g" if arpu >= 70 else "voice-300" if arpu >= 50 else "flow-10g"


def test_the_contact_history_says_of_each_contact_the_offer_of_its_cell(app: Countersign, tmp_path: Path) -> None:
    case_id = delivered(app, OFFERS, offer="flow-10g", second="voice-300")
    clock.move(tmp_path / "clock", timedelta(days=4))  # the gateway tells nobody what became of its messages
    delivering.settle(app)
    dataset = dataset_of(app.settings)
    files = list(dataset.paths(dataset.current().tables["contacts"]))
    rows = pq.read_table(files).to_pylist()
    assert {row["purpose"] for row in rows} == {"marketing"}
    told = {row["customer"]: row["offer"] for row in rows}
    assert 40 <= len(told) < NUMBER and set(told.values()) == {"flow-10g", "flow-20g", "voice-300"}
    assert told == {customer: offer_of(customer) for customer in told}
    audience = cases.case_page(app, viewer(app, "wangmin"), case_id).audience
    assert audience is not None
    assert [(one.name, one.offer, one.has_own_offer) for one in audience.by_cell] == [
        ("high", "flow-20g", True),
        ("mid", "voice-300", True),
        ("base", "flow-10g", False),
    ]
    assert {one.name: (one.target, one.control) for one in audience.by_cell} == audience.cells
    assert all(one.is_small and one.worst < 0 for one in audience.by_cell), "a cell of 20 customers says nothing"


def test_an_offer_of_a_cell_that_is_not_in_force_stops_the_selection_and_is_named(app: Countersign) -> None:
    tariff(app, "flow-10g")
    case_id = frozen(app, OFFERS, offer="flow-10g", second="flow-10g")
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert page.row.state == "targeting" and "select" in page.waiting.possible
    assert page.waiting.reason == "The selection ended without a result: the offer flow-20g of a cell is not in force."
    assert "客户群的产品 flow-20g 现在不在有效期内" in failure(page.waiting.reason, Words("zh"))
