"""A customer with a whole history is erased on request: nothing is left of them but a name that says nothing."""

import contextlib
import io
import re
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import xlsxwriter
from click.testing import Result
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.errors import ErasureOpen, InvalidFile, InvalidForm, NotFound, OwnProposal, SelectionFailed
from engine.service import (
    answering,
    attaching,
    auditing,
    customers,
    datasets,
    delivering,
    erasing,
    forgetting,
    kept_forms,
    people,
    policies,
    selecting,
    stages,
    suppressing,
    waiving,
)
from engine.service.app import Countersign
from engine.service.datasets import Asked
from engine.service.erasing import ErasureView
from engine.service.recording import OPERATOR, By
from engine.service.responses import import_responses
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.store import cases, chunks, ledger
from engine.store.session import database_now
from engine.store.tables import recipients
from engine.warehouse.erased import undisturbed
from engine.warehouse.freeze import verify as verify_list
from engine.warehouse.remains import read_remains
from tests.acceptance.offices import key, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, delivered, frozen, phone_of, started
from tests.acceptance.test_sealed_addresses import rows_of
from tests.servers.gateway import RunningGateway

WITH_PAPERS = DEFINITION.replace(
    "  material:", "    papers: {type: attachment, label: {zh: 附件, en: Papers}}\n  material:"
)
CAPS = {"caps": [{"most": 5, "within": "7d", "channel": "sms"}]}
HISTORY = "customer,at,channel,case_number,outcome\n" + "".join(
    f"C{n:04},2026-10-0{1 + n % 9}T09:00:00,sms,OLD-1,delivered\n" for n in range(20)
)


def by(app: Countersign, login: str = "machao") -> By:
    return By(people.viewer_named(app, login), key=key())


def erased(app: Countersign, customer: str, reason: str = "asked in the hall") -> ErasureView:
    """Asked for by the administrator, confirmed by the operator."""
    number = erasing.ask(app, by(app), customer=customer, typed=customer, reason=reason)
    erasing.decide(app, OPERATOR, number, confirm=True)
    erasing.go_on(app, OPERATOR, number)
    return erasing.view(app, OPERATOR, number)


def places_of(app: Countersign, *words: str) -> set[str]:
    """Where one of the words stands: files below the data folder (Parquet unpacked) and tables."""
    found = set()
    pattern = re.compile("|".join(f"(?<![0-9A-Za-z]){word}(?![0-9A-Za-z])" for word in words))
    for path in app.settings.data.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                text += str(pq.read_table(path).to_pydict())
            if pattern.search(text):
                found.add(str(path.relative_to(app.settings.data)))
    return found | {f"a table: {row}" for row in rows_of(app) if pattern.search(row)}


def in_target(app: Countersign, case_id: str) -> str:
    """Somebody who is in the list and was messaged, and whom nobody else resembles."""
    with app.db.read() as tx:
        chosen = sa.select(recipients.c.customer).where(recipients.c.case_id == case_id).order_by(recipients.c.customer)
        return str(tx.execute(chosen).scalars().first())


def history_of(app: Countersign, case_id: str, customer: str) -> None:
    """A customer with everything that there can be of one: contacts, a response, entries of lists, a waiver, looks."""
    datasets.load(app, by(app), HISTORY.encode(), "history.csv", Asked("contacts", "customer"))
    kept = datasets.keep(app, by(app), HISTORY.encode(), "waits.csv")
    datasets.look(app, by(app), kept)
    suppressing.add(app, by(app), kind="grey", customer=customer, reason="called too often")
    waiving.ask(app, by(app), case=case_id, customer=customer, reason=f"{customer} asked for it")
    customers.ask(app, by(app), customer)
    customers.reveal(app, by(app), customer=customer, field="phone", reason=f"called {customer} back")
    answering.explain_customer(app, by(app), case_id, customer)


def papers_of(app: Countersign, case_id: str, customer: str, phone: str) -> dict[str, str]:
    """What people attached to the case: lists with the customer, and a picture of one; name -> id."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        sheet = made.add_worksheet()
        for row, values in enumerate((["客户", "手机"], ["C9000", 13800000000], [customer, int(phone)])):
            sheet.write_row(row, 0, values)
    rows = f"客户,手机\r\nC9000,13800000000\r\n{customer},{phone}\r\n".encode("gb18030")
    picture = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001") + phone.encode()
    contents = {"list.csv": rows, "list.xlsx": book.getvalue(), "scan.png": picture}
    me = viewer(app, "wangmin")
    return {
        name: attaching.add(app, me, case_id, field="papers", name=name, chunks=[content])["id"]
        for name, content in contents.items()
    }


def opened(app: Countersign, case_id: str, paper: str) -> bytes:
    return attaching.hand_out(app, viewer(app, "wangmin"), case_id, paper)[1].read_bytes()


def left_behind(app: Countersign, phone: str) -> None:
    """Rows that an earlier release deleted and that SQLite left where they were."""
    if app.db.dialect_name == "sqlite":
        with contextlib.closing(sqlite3.connect(app.db.url.database or "")) as raw:
            raw.execute("PRAGMA secure_delete=OFF")
            raw.execute("CREATE TABLE gone AS SELECT ? AS word", [phone * 500])
            raw.execute("DROP TABLE gone")
            raw.commit()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert phone.encode() in bytes_of(app)


def bytes_of(app: Countersign) -> bytes:
    """The file of the case database and what SQLite keeps beside it; nothing of a server."""
    if app.db.dialect_name != "sqlite":
        return b""
    file = Path(app.db.url.database or "")
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_nothing_of_them_is_left_in_any_file_or_table_and_everything_still_adds_up(
    app: Countersign, gateway: RunningGateway
) -> None:
    policies.propose(app, OPERATOR, CAPS, reason="fewer messages")
    policies.decide(app, by(app), 1, confirm=True)
    case_id = delivered(app, WITH_PAPERS)
    one = in_target(app, case_id)
    phone = phone_of(int(one[1:]))
    assert phone in gateway.times()
    history_of(app, case_id, one)
    papers = papers_of(app, case_id, one, phone)
    typed = [("text", f"{one} rang"), ("other", "kept")]
    form = kept_forms.keep(app, "/x", typed, had_files=False, person="", address="10.0.0.1")
    answers = f"customer,kind,at,reference\n{one},response,{app.now().isoformat()},{one}-7\n"
    assert import_responses(app, viewer(app, "wangmin"), case_id, answers.encode()).recorded == 1
    with app.db.read() as tx:
        before = ledger.sums(tx, case_id)
    versions = dataset_of(app.settings).current().number
    assert len(places_of(app, one, phone)) > 10

    left_behind(app, phone)

    done = erased(app, one)

    assert phone.encode() not in bytes_of(app)
    assert done.state == "done" and done.customer.startswith("erased-")
    assert places_of(app, one, phone) == set()
    with app.db.read() as tx:
        assert ledger.sums(tx, case_id) == before
    said = {place.name: place.rows for place in done.places}
    assert {"customers", "contacts", "frozen", "waves", "table_recipients", "table_permits"} <= said.keys()
    assert {"table_responses", "table_waivers", "table_suppressions", "table_history"} <= said.keys()
    assert said["table_recipients"] == 1 and not done.left_texts and not done.left_files
    assert said["attachments"] == 2 and said["table_kept_forms"] == 1
    (asked,) = done.unsearched
    assert asked.files == 1 and asked.case and asked.person == people.viewer_named(app, "wangmin").name
    assert opened(app, case_id, papers["list.csv"]).decode("gb18030").splitlines()[1:] == [
        "C9000,13800000000",
        f"{done.customer},",
    ]
    (header, kept, gone) = (
        CalamineWorkbook.from_filelike(io.BytesIO(opened(app, case_id, papers["list.xlsx"])))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert header == ["客户", "手机"] and kept == ["C9000", 13800000000.0] and gone == [done.customer, ""]
    found = kept_forms.kept(app, viewer(app, "wangmin"), form)
    assert dict(found.fields) == {"text": f"{done.customer} rang", "other": "kept"}

    dataset = dataset_of(app.settings)
    newest = dataset.current()
    assert newest.number == versions + 1 and newest.tables["customers"].rows == 59
    assert dataset.without_erased(newest) == 0
    for number in range(1, newest.number + 1):
        datasets.verify(app, by(app), number)
    assert dataset.without_erased(dataset.version(versions)) >= 2
    folder = selecting.frozen_audience(app, case_id).folder
    manifest, remains = verify_list(folder), read_remains(folder)
    assert manifest.rows == 60 and remains is not None and remains.erased == 1
    assert remains.certificates == (done.number,) and remains.digest != manifest.digest
    checked = auditing.verify(app, OPERATOR)
    assert checked.broken == () and auditing.erased_from(app, OPERATOR) >= 4


def test_whoever_was_erased_is_told_and_refused_wherever_they_come_in_again(app: Countersign) -> None:
    case_id = delivered(app)
    one = in_target(app, case_id)
    phone = phone_of(int(one[1:]))
    erased(app, one)
    base = f"用户编号,手机号码,姓名,arpu\n{one},{phone},客户,30\nC9000,13800000000,别人,30\n"
    done = datasets.load(app, by(app), base.encode(), "again.csv", Asked("customers", "用户编号"))
    assert [(row.line, row.code) for row in done.bad] == [(2, "D190")] and done.rows == 1
    kept = datasets.keep(app, by(app), base.encode(), "again.csv")
    assert [row.code for row in datasets.look(app, by(app), kept, Asked("customers", "用户编号")).bad] == ["D190"]
    vip = f"客户,手机号码\n{one},{phone}\nC9000,13800000000\n"
    done = datasets.load(app, by(app), vip.encode(), "vip.csv", Asked("list", "客户", "vip"))
    assert [(row.line, row.code) for row in done.bad] == [(2, "D190")]
    done = datasets.load(app, by(app), HISTORY.replace("C0000", one).encode(), "h.csv", Asked("contacts", "customer"))
    assert {row.code for row in done.bad} == {"D190"}
    answers = f"customer,kind,at\n{one},response,{app.now().isoformat()}\n"
    report = import_responses(app, viewer(app, "wangmin"), case_id, answers.encode())
    assert report.recorded == 0 and "erased" in report.bad[0].reason
    with pytest.raises(InvalidForm) as refused:
        suppressing.add(app, by(app), kind="grey", customer=one, reason="again")
    assert refused.value.problems[0].code == "D190"
    with pytest.raises(InvalidFile):
        suppressing.load(app, by(app), f"list,customer,reason\nblack,{one},x\n".encode(), "lists.csv")
    assert selecting.import_suppressions(app, "blacklist", {one: "x", "C9000": "x"}, by="import") == 1
    assert customers.ask(app, by(app), one).outcome == "erased"
    with pytest.raises(InvalidForm) as refused:
        erasing.ask(app, by(app), customer=one, typed=one, reason="again")
    assert refused.value.problems[0].code == "erased_already"
    with pytest.raises(NotFound):
        name = erasing.listed(app, by(app))[0].customer
        suppressing.end(app, by(app), kind="black", customer=name, channel="", reason="x")
    assert places_of(app, one, phone) == set()


def test_a_wave_that_waits_does_not_message_them(app: Countersign, gateway: RunningGateway) -> None:
    case_id = started(app)
    one = in_target(app, case_id)
    erased(app, one)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
        notices(app)
    assert phone_of(int(one[1:])) not in gateway.times() and len(gateway.times()) >= 40
    with app.db.read() as tx:
        (sums,) = ledger.sums(tx, case_id).values()
    assert sums.suppressed == 1 and sums.waiting == 0


def test_a_message_that_a_worker_holds_is_waited_for(app: Countersign) -> None:
    case_id = started(app)
    one = in_target(app, case_id)
    with app.db.begin() as tx:
        (wave,) = ledger.sums(tx, case_id)
        held = chunks.claim(tx, wave, database_now(tx), timedelta(minutes=5))
        while held is not None and one not in ledger.waiting(tx, wave, held.first, held.last).values():
            held = chunks.claim(tx, wave, database_now(tx), timedelta(minutes=5))
        assert held is not None
    confirming = threading.Thread(target=erased, args=(app, one))
    confirming.start()
    confirming.join(2)
    assert confirming.is_alive() and [view.state for view in erasing.listed(app, OPERATOR)] == ["running"]
    with app.db.begin() as tx:
        ledger.mark_sent(tx, wave, held.first, held.last, at=app.now())
        chunks.close(tx, held)
    confirming.join(30)
    assert [view.state for view in erasing.listed(app, OPERATOR)] == ["done"]
    with app.db.read() as tx:
        assert ledger.sums(tx, case_id)[wave].suppressed == 0  # it had gone, and counts as sent


def test_while_a_list_is_being_made_it_waits_and_goes_on_later(app: Countersign) -> None:
    case_id = started(app)
    one = in_target(app, case_id)
    with undisturbed(app.settings.data):
        assert erased(app, one).state == "running"
        assert not erasing.go_on(app, OPERATOR, 1)
        assert forgetting.catch_up(app) == 0
    assert forgetting.catch_up(app) == 1 and erasing.view(app, OPERATOR, 1).state == "done"
    assert places_of(app, one, phone_of(int(one[1:]))) == set()


def test_between_the_freeze_and_the_waves_they_are_taken_out_and_the_waves_are_as_large(
    app: Countersign, gateway: RunningGateway
) -> None:
    case_id = frozen(app)
    with app.db.read() as tx:
        target = cases.load(tx, case_id).facts["target"]
    rows = [row for batch in selecting.frozen_list(app, case_id) for row in batch.to_pylist()]
    names = [row["customer"] for row in rows if row["arm"] == "target"]
    erased(app, names[0])
    stages.start_delivery(app, viewer(app, "wangmin"), case_id, target, key=key())
    notices(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
    assert phone_of(int(names[0][1:])) not in gateway.times()
    assert set(gateway.times()) == {phone_of(int(name[1:])) for name in names[1:]}


def at_the_terminal(app: Countersign, patch: pytest.MonkeyPatch, *words: str, typed: str = "") -> Result:
    url = app.db.url.render_as_string(hide_password=False)
    patch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    patch.setenv("COUNTERSIGN_DATABASE_URL", url)
    return CliRunner().invoke(program, ["customers", *words], input=typed)


def test_two_people_and_the_number_typed_out(app: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    started(app)
    for wrong, code in (
        ({"customer": "C0007", "typed": "C0008", "reason": "x"}, "erase_typed"),
        ({"customer": phone_of(7), "typed": phone_of(7), "reason": "x"}, "erase_typed"),
        ({"customer": "C0007", "typed": "C0007", "reason": "C0007 asked"}, "erase_reason"),
        ({"customer": "C0007", "typed": "C0007", "reason": " "}, "reason_missing"),
        ({"customer": "C00*", "typed": "C00*", "reason": "x"}, "customer_whole"),
        ({"customer": "C0077", "typed": "C0077", "reason": "x"}, "erase_nowhere"),
    ):
        with pytest.raises(InvalidForm) as refused:
            erasing.ask(app, by(app), **wrong)
        assert code in [one.code for one in refused.value.problems]
    everywhere = ("table_recipients", "customers", "list", "frozen", "waves")
    assert erasing.looked_for(app, OPERATOR, phone_of(7)) == dict.fromkeys(everywhere, 1)
    form = by(app)
    number = erasing.ask(app, form, customer=phone_of(7), typed="C0007", reason="asked")
    assert erasing.ask(app, form, customer=phone_of(7), typed="C0007", reason="asked") == number
    with pytest.raises(ErasureOpen):
        erasing.ask(app, OPERATOR, customer="C0007", typed="C0007", reason="again")
    with pytest.raises(OwnProposal):
        erasing.decide(app, by(app), number, confirm=True)
    for login in ("wangmin", "liguoqiang"):
        with pytest.raises(NotFound):
            erasing.decide(app, by(app, login), number, confirm=True)
        with pytest.raises(NotFound):
            erasing.listed(app, by(app, login))
    erasing.decide(app, by(app), number, confirm=False)
    assert erasing.view(app, by(app), number).state == "refused"
    with pytest.raises(NotFound):
        erasing.certificate(app, by(app), number)
    assert customers.ask(app, by(app), "C0007").outcome == "found"
    for words, typed in ((("C0077",), "C0077\n"), (("C0007",), "C0008\n"), (("C0007",), ""), (("C00*", "--yes"), "")):
        refused = at_the_terminal(app, monkeypatch, "erase", *words, "--reason", "again", typed=typed)
        assert refused.exit_code == 1 and not refused.output.startswith("Erasure")
    told = at_the_terminal(app, monkeypatch, "erase", phone_of(7), "--reason", "again", typed="C0007\n").output
    assert "139****0007 stands in customers: 1" in told and "Erasure 2 waits" in told and phone_of(7) not in told
    erasing.decide(app, by(app), 2, confirm=True)
    assert erasing.view(app, by(app), 2).state == "running"
    assert forgetting.catch_up(app) == 1
    assert erasing.view(app, by(app), 2).state == "done"


def test_a_changed_entry_or_certificate_is_found_all_the_same(app: Countersign) -> None:
    started(app)
    customers.ask(app, by(app), "C0007")
    erased(app, "C0007")
    assert auditing.verify(app, OPERATOR).broken == ()
    stray = Countersign(Settings(**app.settings.model_dump()), app.db)
    (app.settings.home / "secret.key").write_text("22" * 32)  # who has the database alone cannot certify
    assert [one.reason for one in auditing.verify(stray, OPERATOR).broken]


def test_who_was_brought_back_by_a_backup_is_not_selected_and_erased_once_more(app: Countersign) -> None:
    case_id = delivered(app)
    one = in_target(app, case_id)
    erased(app, one)
    dataset = dataset_of(app.settings)
    marker = (app.settings.data / "erased.json").read_bytes()
    (app.settings.data / "erased.json").unlink()  # a folder from before
    base = "用户编号,手机号码,姓名,arpu\n" + "".join(f"C{n:04},{phone_of(n)},客户{n},{30 + n}\n" for n in range(60))
    datasets.load(app, by(app), base.encode(), "base.csv", Asked("customers", "用户编号"))
    (app.settings.data / "erased.json").write_bytes(marker)
    assert one in pq.read_table(list(dataset.paths(dataset.current().tables["customers"])))["customer"].to_pylist()
    with pytest.raises(SelectionFailed, match="erased"):
        selecting.refuse_brought_back(dataset, dataset.current())
    assert erasing.again(app, OPERATOR) == 1
    assert places_of(app, one, phone_of(int(one[1:]))) == set()
    assert erasing.again(app, OPERATOR) == 0
