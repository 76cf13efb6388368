"""Histories as event logs: what is in them and what is not, for whom, and that our own definitions accept them."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.errors import Invalid, NotFound
from engine.service import event_logs, listing, proposals
from engine.service.app import Countersign
from engine.service.event_logs import Form
from engine.store import history
from engine.store.session import Database
from tests.acceptance.offices import PROPOSAL, key, opened, submitted, viewer
from tests.acceptance.test_case_payment import act
from tests.acceptance.test_case_payment import submitted as bill
from tests.api import house, lifecycles

DEFINITIONS = Path(__file__).resolve().parents[2] / "definitions"
OF = "{http://www.xes-standard.org/}"
REMARKS = ("预算太高", "与国庆活动重复", "退回的营销案", "linfang", "liguoqiang", "wangmin", "王敏")
"""What people wrote, and who they are: nothing of it may go out."""


def payments(app: Countersign) -> None:
    """One that was paid and one that was rejected."""
    lifecycles.in_force(app)
    bill(app)
    act(app, "linfang", "approve")
    act(app, "chensi", "approve")
    act(app, "zhouning", "final_approve")
    act(app, "zhanglan", "request_payment")
    act(app, "hejing", "pay")
    bill(app)
    act(app, "zhouning", "reject", remark="与国庆活动重复")


def sent_again(app: Countersign) -> None:
    """The case that was sent back is submitted again; others are withdrawn, one of them to change it."""
    submitter = viewer(app, "wangmin")
    (returned,) = listing.page(app, submitter, {"state": "returned"}).rows
    proposals.submit(app, submitter, returned.id, PROPOSAL | {"budget": "70000.00"}, key=key())
    for again in (False, True):
        proposals.withdraw(app, submitter, submitted(app), "", key=key(), again=again)
    bill(app)


@pytest.fixture(scope="module")
def full(staffed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Countersign]:
    """A house with cases everywhere, one of them closed with its evaluation."""
    home = tmp_path_factory.mktemp("full")
    shutil.copy(staffed, home / "case.db")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COUNTERSIGN_CLOCK_FILE", str(home / "clock"))
        app = house.open_house(home)
        payments(app)
        house.furnish(app, home, home / "clock")
        sent_again(app)
        yield app
        app.close()


def log(app: Countersign, form: Form, login: str = "xuwen", **filters: str) -> bytes:
    """The whole log, as an auditor unless somebody else is named."""
    return b"".join(event_logs.export(app, viewer(app, login), form, filters))


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode().splitlines()))


def replayed(definition: str, file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The figures of a replay without a map, and the state of each case."""
    found = next(DEFINITIONS.rglob(f"{definition}.yaml"))
    out = file.with_suffix(".verdicts")
    words = ["definitions", "replay", str(found), str(file), "--verdicts", str(out), "--json"]
    result = CliRunner().invoke(program, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    with out.open() as text:
        return orjson.loads(result.stdout), {row["case"]: row["state"] for row in csv.DictReader(text)}


@pytest.mark.parametrize("form", ["xes", "csv"])
def test_our_own_export_is_accepted_by_the_definitions_of_its_cases(
    form: Form, full: Countersign, tmp_path: Path
) -> None:
    file = tmp_path / f"cases.{form}"
    file.write_bytes(log(full, form))
    kinds = Counter(row["case:definition"] for row in rows(log(full, "csv")) if row["concept:name"] == "create")
    assert set(kinds) == {"telecom-marketing-case", "payment-approval", "hillstrom-email-case"}
    states: set[str] = set()
    for kind, count in kinds.items():
        figures, found = replayed(kind, file)
        assert (figures["cases"], figures["refused"]) == (count, 0)
        assert figures["accepted"] > 0
        states |= set(found.values())
    assert states >= {"closed", "rejected", "withdrawn", "returned", "draft", "paid", "file_city/city_register"}


def test_a_move_that_the_definition_does_not_have_is_refused_where_it_stands(full: Countersign, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    text = log(full, "csv", kind="payment-approval").decode()
    assert text.count(",paid\n") == 1
    file.write_text(text.replace(",paid\n", ",submitted\n"))
    figures, found = replayed("payment-approval", file)
    assert (figures["refused"], figures["cases"]) == (1, 3)
    assert "payment_requested" in found.values()


def test_a_log_that_does_not_say_where_its_cases_came_needs_a_map(full: Countersign, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(log(full, "csv").replace(b"case:definition", b"case:kind"))
    with pytest.raises(Invalid, match="case:definition"):
        replayed("payment-approval", file)
    file.write_bytes(log(full, "csv", kind="telecom-marketing-case"))
    with pytest.raises(Invalid, match="no case of payment-approval"):
        replayed("payment-approval", file)


def test_xes_has_the_structure_of_the_standard_and_every_entry_of_every_history(full: Countersign) -> None:
    root = ElementTree.fromstring(log(full, "xes"))
    assert (root.tag, root.attrib["xes.version"]) == (f"{OF}log", "1849.2016")
    order = ["extension", "global", "classifier", "string", "trace"]
    tags = [child.tag.removeprefix(OF) for child in root]
    assert sorted(tags, key=order.index) == tags
    prefixes = {one.attrib["prefix"] for one in root.iter(f"{OF}extension")}
    keys = {one.attrib["key"] for one in root.iter() if "key" in one.attrib}
    assert {name.partition(":")[0] for name in keys if ":" in name} == prefixes
    required = {
        scope.attrib["scope"]: {
            one.attrib["key"] for one in scope if one.attrib["value"] == "" or ":" in one.attrib["key"]
        }
        for scope in root.iter(f"{OF}global")
    }
    with full.db.read() as tx:
        expected = {case_id: len(history.load(tx, case_id)) for case_id in history.case_ids(tx)}
    found = {}
    for trace in root.iter(f"{OF}trace"):
        names = {one.attrib["key"]: one.attrib["value"] for one in trace if "key" in one.attrib}
        events = trace.findall(f"{OF}event")
        assert required["trace"] <= set(names)
        found[names["concept:name"]] = len(events)
        times = []
        for event in events:
            values = {one.attrib["key"]: one.attrib["value"] for one in event}
            assert len(values) == len(event)  # no key twice
            assert required["event"] <= set(values)
            times.append(datetime.fromisoformat(values["time:timestamp"]))
        assert times == sorted(times)
    assert found == expected


def test_ocel_has_the_structure_of_the_standard_and_names_nothing_that_is_not_there(full: Countersign) -> None:
    found = json.loads(log(full, "ocel"))
    assert set(found) == {"objectTypes", "objects", "events", "eventTypes"}
    kinds = {one["name"]: {a["name"]: a["type"] for a in one["attributes"]} for one in found["objectTypes"]}
    activities = {one["name"]: {a["name"] for a in one["attributes"]} for one in found["eventTypes"]}
    objects = {one["id"]: one["type"] for one in found["objects"]}
    assert len(objects) == len(found["objects"])
    assert set(objects.values()) == set(kinds) == {"case", "task", "person", "office"}
    for one in found["objects"]:
        assert {attribute["name"] for attribute in one["attributes"]} <= set(kinds[one["type"]])
        assert all(datetime.fromisoformat(attribute["time"]).tzinfo for attribute in one["attributes"])
    events = {one["id"] for one in found["events"]}
    assert len(events) == len(found["events"]) == len(rows(log(full, "csv")))
    for one in found["events"]:
        assert {attribute["name"] for attribute in one["attributes"]} <= activities[one["type"]]
        assert datetime.fromisoformat(one["time"]).tzinfo
        assert [related["qualifier"] for related in one["relationships"]].count("of") == 1
    related = [related["objectId"] for one in (*found["events"], *found["objects"]) for related in one["relationships"]]
    assert set(related) <= set(objects)


@pytest.mark.parametrize("form", ["xes", "ocel", "csv"])
def test_nothing_that_people_wrote_and_nobodys_name_goes_out_and_twice_is_the_same(
    form: Form, full: Countersign
) -> None:
    data = log(full, form)
    assert data == log(full, form)
    assert [word for word in REMARKS if word in data.decode()] == []


def test_people_bear_the_same_name_in_every_log_and_their_own_for_auditors_alone(full: Countersign) -> None:
    of_auditor, of_submitter = rows(log(full, "csv")), rows(log(full, "csv", "wangmin"))
    submitter = {row["org:resource"] for row in of_submitter if row["concept:name"] == "create"}
    assert len(submitter) == 1
    assert submitter == {row["org:resource"] for row in of_auditor if row["concept:name"] == "create"}
    named = b"".join(event_logs.export(full, viewer(full, "xuwen"), "csv", {}, persons="accounts"))
    assert {row["org:resource"] for row in rows(named) if row["concept:name"] == "create"} == {"wangmin"}
    with pytest.raises(NotFound):
        event_logs.export(full, viewer(full, "wangmin"), "csv", {}, persons="accounts")


def test_filters_are_those_of_the_list(full: Countersign) -> None:
    every = rows(log(full, "csv"))
    bills = rows(log(full, "csv", kind="payment-approval"))
    assert {row["case:definition"] for row in bills} == {"payment-approval"}
    assert 0 < len(bills) < len(every)
    assert rows(log(full, "csv", since="2099-01-01")) == []
    with pytest.raises(Invalid):
        log(full, "csv", since="yesterday")


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def test_every_log_holds_the_cases_that_its_reader_may_see_in_pieces_of_any_size(
    app: Countersign, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [submitted(app) for _ in range(5)]
    whole = {form: log(app, form) for form in event_logs.MEDIA}
    monkeypatch.setattr(event_logs, "AT_ONCE", 2)
    assert {form: log(app, form) for form in event_logs.MEDIA} == whole
    assert list(dict.fromkeys(row["case:concept:name"] for row in rows(whole["csv"]))) == ids
    drafts = proposals.start(app, viewer(app, "wangmin"), "telecom-marketing-case", key=key())
    seen = {row["case:concept:name"] for row in rows(log(app, "csv", "wangmin"))}
    assert seen == {*ids, drafts}
    assert drafts not in {row["case:concept:name"] for row in rows(log(app, "csv", "emily"))}


def test_the_command_writes_what_the_service_gives_packed_where_the_name_says_so(
    app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(app)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.db.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    plain, packed = tmp_path / "cases.xes", tmp_path / "cases.xes.gz"
    for file in (plain, packed):
        done = CliRunner().invoke(program, ["export", "xes", str(file), "--as", "xuwen"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    assert plain.read_bytes() == log(app, "xes")
    figures, _ = replayed("telecom-marketing-case", packed)
    assert (figures["cases"], figures["open"]) == (1, 1)
    for words in (["--since", "today"], ["--as", "nobody"]):
        done = CliRunner().invoke(program, ["export", "csv", str(plain), "--as", "xuwen", *words])
        assert done.exit_code != 0
