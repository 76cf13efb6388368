"""A whole case whose customers stand on a PostgreSQL server and never come here."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import CustomersUnavailable, InvalidFile
from engine.service import (
    answering,
    building,
    cases,
    counting,
    customers,
    delivering,
    estimating,
    evaluating,
    people,
    selecting,
    stages,
)
from engine.service.app import Countersign
from engine.service.recording import By
from engine.service.responses import import_responses
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.store import cases as stored
from engine.store.session import Database
from engine.store.tables import outbox
from engine.warehouse.freeze import verify
from tests.acceptance import placed_case as placed
from tests.acceptance.offices import key, load_people, notices, viewer
from tests.acceptance.placed_case import Crm
from tests.servers.gateway import SECRET, RunningGateway
from tests.warehouse.test_warehouse_cli import countersign

ON_SQLITE = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)


@pytest.fixture
def crm(pg_server: str, worker: str) -> Crm:
    """The server with the customers."""
    return placed.served(pg_server, f"crm_{worker}", clock.now())


@pytest.fixture
def app(
    db: Database, tmp_path: Path, crm: Crm, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    settings = Settings(
        home=tmp_path / "home",
        database_url=db.url.render_as_string(hide_password=False),
        connections=placed.connections(tmp_path, crm.reader),
        customers="crm:crm",
        sms_url=gateway.url,
        sms_secret=SECRET,
    )
    app = Countersign.open(settings)
    load_people(app)
    placed.published(app)
    yield app
    app.close()


def unreachable(app: Countersign, tmp_path: Path) -> Countersign:
    """The same application after the server went away."""
    (tmp_path / "gone.yaml").write_text("crm: postgresql://reader:reads-all@127.0.0.1:1/crm\n")
    gone = Countersign(app.settings.model_copy(update={"connections": tmp_path / "gone.yaml"}), app.db)
    gone.seen_customers = app.seen_customers
    return gone


def open_numbers(folder: Path) -> set[str]:
    """The files in which a phone of a customer, or the password of the server, stands in full."""
    found = set()
    for path in folder.rglob("*"):
        text = path.read_bytes().decode("latin-1") if path.is_file() else ""
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pydict())
        if "1391357" in text or "reads-all" in text:
            found.add(str(path.relative_to(folder)))
    return found


@ON_SQLITE
def test_a_whole_case_goes_over_the_customers_of_a_server(
    app: Countersign, crm: Crm, gateway: RunningGateway, tmp_path: Path
) -> None:
    me, made = viewer(app, "wangmin"), placed.drafted(app)
    found = estimating.estimate(app, me, made)
    assert found.failed == "" and found.target + found.control == len(placed.by_hand())
    assert [(part.kind, part.customers) for part in found.parts[1:]] == [("rule", 84), ("list", 6)]
    assert len(found.sample) == 10 and not any("1391357" in str(one) for one in found.sample)

    placed.approved(app, made)
    frozen = selecting.frozen_audience(app, made)
    manifest = verify(frozen.folder)
    rows = [row for batch in frozen.batches() for row in batch.to_pylist()]
    assert {row["customer"] for row in rows} == placed.by_hand()
    assert manifest.versions["engine"].startswith("postgresql")
    inputs = {(one.table, one.path.partition("/")[0]): one.rows for one in manifest.inputs}
    assert inputs["customers", "crm:crm.customers"] == placed.NUMBER
    assert inputs["contacts", "crm:crm.contacts"] == len(placed.told_there())
    assert inputs["contacts", "contacts"] == len(placed.told_here())
    told = countersign("audience", "verify", str(frozen.folder))
    assert "intact" in told.stdout and "not looked at again: crm:crm.customers, 120 rows then" in told.stdout

    # Another system writes to one of them after the freeze: the policy leaves no contact.
    late = next(row["customer"] for row in rows if row["arm"] == "target")
    placed.contacted(crm.owner, int(late[1:]), app.now() - timedelta(minutes=1), "X-1")
    stages.start_delivery(app, me, made, manifest.target, key=key())
    notices(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
        notices(app)
    targets = {row["customer"] for row in rows if row["arm"] == "target"} - {late}
    assert set(gateway.times()) == {placed.phone_of(int(one[1:])) for one in targets}
    assert open_numbers(tmp_path / "home") == set()
    clock.move(tmp_path / "clock", timedelta(days=4))  # the gateway tells nobody what became of its messages
    delivering.settle(app)
    notices(app)
    page = cases.case_page(app, me, made)
    assert page.row.state == "evaluating"
    assert [(wave.audience, wave.capped) for wave in page.waves] == [(manifest.target, 1)]

    answered = io.StringIO()
    csv.writer(answered).writerows(
        [["customer", "kind", "at", "reference"], *([one, "response", app.now().isoformat(), one] for one in targets)]
    )
    assert import_responses(app, me, made, answered.getvalue().encode()).recorded == len(targets)
    evaluating.evaluate(app, made, "1d", True, key())
    (report,) = cases.case_page(app, me, made).evaluations
    answered_by = {row.arm: row for row in report.uplift if row.metric == "response"}
    assert answered_by["total"].n == manifest.target
    assert answered_by["total"].value == pytest.approx(len(targets) / manifest.target)

    # Its own contacts count for the next case, beside those of the server: who was in the control group is left.
    following = estimating.estimate(app, me, placed.drafted(app))
    assert following.target + following.control == manifest.control


@ON_SQLITE
def test_the_same_customers_in_a_dataset_give_the_same_waterfall_and_the_same_digest(
    app: Countersign, tmp_path: Path
) -> None:
    here = Countersign(app.settings.model_copy(update={"customers": "", "data_dir": tmp_path / "copy"}), app.db)
    placed.copied_here(dataset_of(here.settings), app.now())
    me, made = viewer(app, "wangmin"), placed.drafted(app)
    there, copied = estimating.estimate(app, me, made), estimating.estimate(here, me, made)
    assert there.waterfall == copied.waterfall and there.parts == copied.parts
    assert (there.target, there.control, there.overlaps) == (copied.target, copied.control, copied.overlaps)
    assert there.sample == copied.sample
    pairs = zip(there.balance, copied.balance, strict=True)
    assert all(one.difference == pytest.approx(other.difference) for one, other in pairs)

    with app.db.read() as tx:
        case = stored.load(tx, made)
    with estimating.counted(app, case) as one, estimating.counted(here, case) as other:
        assert one.selected.result.digest == other.selected.result.digest != ""


@ON_SQLITE
def test_why_is_answered_by_the_server_and_by_what_was_used(app: Countersign, tmp_path: Path) -> None:
    made = placed.drafted(app)
    by = By(viewer(app, "wangmin"), key=key())
    before = answering.explain_customer(app, by, made, placed.id_of(40))
    assert (before.outcome, before.is_estimate) == ("removed", True)
    placed.approved(app, made)

    def why(wanted: str) -> answering.WhyView:
        return answering.explain_customer(app, By(viewer(app, "wangmin"), key=key()), made, wanted)

    removed = why(placed.id_of(40))
    assert removed.removals[0].name == "contacted_30d" and removed.agrees
    assert removed.removals[0].shown[0]["case_number"] == placed.TOLD_THERE
    assert why(placed.id_of(35)).removals[0].shown[0]["case_number"] == placed.TOLD_HERE
    assert why(placed.id_of(27)).removals[0].name == "blacklist"
    inside = why(placed.phone_of(29))
    assert inside.outcome in ("target", "control") and inside.agrees and inside.draw
    assert inside.customer == "C**"
    assert [part.holds for part in inside.parts] == [True, True, False]
    assert why(placed.id_of(4)).outcome == "not_in_source"
    assert why("13999999999").outcome == "unknown"
    gone = unreachable(app, tmp_path)
    with pytest.raises(CustomersUnavailable, match="nothing listens"):
        answering.explain_customer(gone, By(viewer(app, "wangmin"), key=key()), made, placed.id_of(40))


@ON_SQLITE
def test_the_customer_query_finds_who_is_on_the_server_masked(app: Countersign) -> None:
    def asked(wanted: str) -> customers.CustomerView:
        return customers.ask(app, By(people.viewer_named(app, "machao"), key=key()), wanted)

    found = asked(placed.phone_of(50))
    assert (found.outcome, found.customer) == ("found", "C**")
    assert "139****0050" in str(found) and "1391357" not in str(found)
    (table,) = found.tables
    assert {row["case_number"] for row in table.rows} == {placed.TOLD_THERE, placed.TOLD_HERE}
    assert asked(placed.id_of(1)).lists == ("vip",)
    assert asked("13999999999").outcome == "nobody"


@ON_SQLITE
def test_feedback_that_another_system_reported_is_read_on_the_server(app: Countersign) -> None:
    machao = people.viewer_named(app, "machao")
    counted = counting.count(app, machao, {"feedback": {"of": placed.TOLD_THERE, "outcome": "contacted"}})
    assert counted.customers == len(placed.told_there())
    with pytest.raises(InvalidFile, match="there is no case 440111-2025-00009"):
        counting.count(app, machao, {"feedback": {"of": "440111-2025-00009", "outcome": "contacted"}})


@ON_SQLITE
def test_the_command_counts_a_rule_there_and_a_group_in_a_file(app: Countersign, tmp_path: Path) -> None:
    named = {
        "COUNTERSIGN_HOME": str(app.settings.home),
        "COUNTERSIGN_CONNECTIONS": str(app.settings.connections),
        "COUNTERSIGN_CUSTOMERS": "crm:crm",
    }
    told = countersign("audience", "count", "c.arpu >= 38", "--json", environment=named)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["everybody"], found["customers"]) == (placed.NUMBER, 84)
    (tmp_path / "plan.yaml").write_text("audience: {source: {union: [{rule: c.arpu >= 38}, {list: vip}]}}\n")
    told = countersign("audience", "count", "--file", str(tmp_path / "plan.yaml"), environment=named)
    assert "90  union" in told.stdout and "6    list vip" in told.stdout and "120  customers in all" in told.stdout
    wrong = countersign("audience", "count", "c.phone.startsWith('139')", environment=named)
    assert wrong.returncode == 1 and "E35" in wrong.stderr
    assert countersign("audience", "count", environment=named).returncode == 2


@ON_SQLITE
def test_counts_of_the_builder_come_from_the_server_and_what_was_typed_outlives_it(
    app: Countersign, tmp_path: Path
) -> None:
    machao = people.viewer_named(app, "machao")
    counted = counting.count(app, machao, {"union": [{"rule": "c.arpu >= 38"}, {"list": "vip"}]})
    assert (counted.everybody, counted.customers) == (placed.NUMBER, 90)
    offered = building.offered(app, machao)
    assert {field.name: field.kind for field in offered.fields}["arpu"] == "int"
    gone = unreachable(app, tmp_path)
    assert building.offered(gone, machao) == offered
    blocks = building.opened(gone, machao, {"rule": "c.arpu >= 38"})
    looked = building.look(gone, machao, blocks)
    assert isinstance(looked.failed, CustomersUnavailable) and looked.source == {"rule": "c.arpu >= 38"}
    assert not any(word in looked.failed.message for word in ("127.0.0.1", "reads-all", "reader"))


@ON_SQLITE
def test_a_server_that_is_away_fails_no_case_and_the_list_is_frozen_when_it_is_back(
    app: Countersign, tmp_path: Path
) -> None:
    me, made = viewer(app, "wangmin"), placed.drafted(app)
    gone = unreachable(app, tmp_path)
    assert "nothing listens at its address" in estimating.estimate(gone, me, made).failed
    placed.approved(gone, made)
    page = cases.case_page(gone, me, made)
    assert page.row.state == "targeting" and page.waiting.reason == ""
    with app.db.begin() as tx:  # the pause before the next try is over
        tx.execute(sa.update(outbox).values(available_at=app.now() - timedelta(minutes=1)))
    notices(app)
    assert verify(selecting.frozen_audience(app, made).folder).rows == len(placed.by_hand())
    assert cases.case_page(app, me, made).row.state == "ready"
