"""Saved views and scheduled reports: kept, shared, opened by those who see less, mailed with the reader's rights."""

import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from engine import clock
from engine.errors import Invalid, InvalidForm, NotFound
from engine.service import case_table, definitions, mailing, mailings, messaging, people, personnel, saved_views
from engine.service.app import Countersign
from engine.service.mailings import Wanted
from engine.service.recording import By
from engine.service.saved_views import Sharing
from engine.service.tabling import Table
from engine.store.session import Database
from notifications.channels import sender
from tests.acceptance.offices import key, submitted, viewer
from tests.acceptance.telling_staff import MailServer, staffed, tick
from tests.support import ROOT


def opened(db: Database, home: Path, server: MailServer, **settings: object) -> Countersign:
    app = staffed(db, home, mail_url=server.url, **settings)
    definitions.publish_shipped(app)
    return app


@pytest.fixture
def app(db: Database, tmp_path: Path, hands: Path, server: MailServer) -> Iterator[Countersign]:
    made = opened(db, tmp_path, server, report_attachment_mb=1)
    yield made
    made.close()


def by(app: Countersign, login: str) -> By:
    return By(viewer(app, login), "page", "10.0.0.1", key())


def mailed(app: Countersign, login: str, view: int, *to: str, **said: object) -> int:
    """Have a view mailed daily at 11:00."""
    usual = {"every": "daily", "day": 0, "at": "11:00", "zone": "Asia/Shanghai", "workdays": False, "form": "xlsx"}
    return mailings.add(app, by(app, login), Wanted(view=view, recipients=to, **{**usual, **said}))  # type: ignore[arg-type]


def rounds(app: Countersign) -> int:
    """Queue and send what is due, as the flow does; how many reports went."""
    went = 0
    for _ in range(20):
        queued = mailing.queue_due(app)
        sent, _ = messaging.send_reports(app, sender(app.settings))
        went += sent
        if not queued and not sent:
            return went
    raise AssertionError("there is always something to do")


def titles(table: Table) -> list[object]:
    at = [column.key for column in table.columns].index("title")
    return [row[at] for row in table.rows]


def test_a_view_is_kept_under_a_name_renamed_and_taken_away(app: Countersign) -> None:
    me, other = viewer(app, "wangmin"), viewer(app, "liguoqiang")
    first = saved_views.save(app, me, " 我的 草稿 ", "cases", "state=draft&mine=1&nonsense=x")
    again = saved_views.save(app, me, "我的 草稿", "cases", "state=approving")
    assert first == again
    [view] = saved_views.listed(app, me)
    assert (view.name, view.query, view.path, view.is_own) == ("我的 草稿", "state=approving", "/cases", True)
    assert saved_views.listed(app, other) == ()
    for look in (saved_views.shown, saved_views.mine, saved_views.remove):
        with pytest.raises(NotFound):
            look(app, other, first)
    saved_views.change(app, me, first, "在审", [])
    assert saved_views.shown(app, me, first).name == "在审"
    for name, page, query in (
        ("", "cases", ""),
        ("x" * 61, "cases", ""),
        ("x", "/admin", ""),
        ("x", "audit", ""),
        ("x", "cases", "sort=y"),
        ("x", "cases", "q=" + "y" * 1001),
    ):
        with pytest.raises(Invalid):
            saved_views.save(app, me, name, page, query)
    saved_views.remove(app, me, first)
    assert saved_views.listed(app, me) == ()


def test_a_shared_view_shows_each_reader_their_own_part_and_says_so(app: Countersign) -> None:
    submitted(app, title="春季流量包")
    auditor = viewer(app, "xuwen")
    number = saved_views.save(app, auditor, "全部", "cases", "sort=title")
    saved_views.change(app, auditor, number, "全部", [Sharing("440111", ""), Sharing("", "marketing")])
    assert [(one.office, one.role) for one in saved_views.shown(app, auditor, number).shares] == [
        ("", "marketing"),
        ("440111", ""),
    ]
    own_office = saved_views.shown(app, viewer(app, "wangmin"), number)
    assert (own_office.sees_more, own_office.is_own, own_office.owner_name) == (True, False, "徐文")
    with pytest.raises(NotFound):
        saved_views.shown(app, viewer(app, "emily"), number)
    assert titles(saved_views.table(app, viewer(app, "wangmin"), number)) == ["春季流量包"]
    assert not saved_views.shown(app, auditor, number).sees_more
    for shares in ([Sharing("", "")], [Sharing("nowhere", "")], [Sharing("", "nobody")]):
        with pytest.raises(Invalid):
            saved_views.change(app, auditor, number, "全部", shares)


def test_a_view_whose_page_or_filter_is_gone_says_so(app: Countersign) -> None:
    me = viewer(app, "wangmin")
    number = saved_views.save(app, me, "a", "cases", "state=draft")
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE saved_views SET query = 'state=draft&colour=red&since=never'"))
    assert [one.code for one in saved_views.shown(app, me, number).wrong] == ["view_filter_gone", "form.not_date"]
    with pytest.raises(Invalid):
        saved_views.table(app, me, number)
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE saved_views SET page = 'gone'"))
    view = saved_views.shown(app, me, number)
    assert ([one.code for one in view.wrong], view.path) == (["view_page_gone"], "")


def test_the_table_of_cases_is_the_list_with_the_same_filters(app: Countersign) -> None:
    for number in range(3):
        submitted(app, title=f"第{number}案")
    me = viewer(app, "wangmin")
    assert titles(case_table.table(app, me, {"sort": "title"})) == ["第0案", "第1案", "第2案"]
    assert titles(case_table.table(app, me, {"q": "第1"})) == ["第1案"]
    assert titles(case_table.table(app, me, {"state": "closed"})) == []
    chosen = case_table.table(app, me, {"state": "approving", "office": "440111", "mine": "1"})
    assert [name.en for name, _ in chosen.filters] == ["state", "office and those below it", "only their own"]
    with pytest.raises(Invalid):
        case_table.table(app, me, {"office": "nowhere"})


def test_a_report_goes_once_to_each_recipient_with_what_they_may_see(
    app: Countersign, hands: Path, server: MailServer
) -> None:
    server.start()
    submitted(app, title="春季流量包")
    view = saved_views.save(app, viewer(app, "xuwen"), "全部", "audit", "")
    number = mailed(app, "xuwen", view, "徐文", "wangmin")
    assert rounds(app) == 0  # before its time
    clock.move(hands, timedelta(hours=2))
    assert rounds(app) == 2  # wangmin's has nothing to tell: the audit is not for them
    [mail] = server.mails()
    assert mail["To"].endswith("xuwen@example.org") or "xuwen" in mail["X-Envelope-To"]
    assert "定期报表：全部" in str(mail["Subject"])
    [file] = mail.iter_attachments()
    assert file.get_filename() == "audit-2026-12-01.xlsx"
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.get_content())).get_sheet_by_index(0).to_python()
    assert "mailing_made" in [row[4] for row in rows]
    assert rounds(app) == 0  # once a period
    clock.move(hands, timedelta(days=3))  # three periods passed while nothing ran: one mail
    rounds(app)
    assert len(server.mails()) == 2
    assert len({mail["Message-ID"] for mail in server.mails()}) == 2
    mailings.decline(app, viewer(app, "xuwen"), number)
    clock.move(hands, timedelta(days=1))
    rounds(app)
    assert len(server.mails()) == 2


def test_a_report_with_nothing_in_it_says_so(app: Countersign, hands: Path, server: MailServer) -> None:
    server.start()
    me = viewer(app, "wangmin")
    people.set_language(app, me, "en")
    view = saved_views.save(app, viewer(app, "wangmin"), "Closed ones", "cases", "state=closed")
    mailed(app, "wangmin", view, "wangmin", form="csv")
    clock.move(hands, timedelta(hours=2))
    rounds(app)
    [mail] = server.mails()
    body = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "has nothing in it this time" in body
    assert f"http://testserver/views/{view}" in body
    assert [file.get_filename() for file in mail.iter_attachments()] == ["cases-2026-12-01.csv"]


def test_a_report_that_is_too_large_for_a_mail_goes_as_a_link_that_says_so(
    db: Database, tmp_path: Path, hands: Path, server: MailServer
) -> None:
    server.start()
    app = opened(db, tmp_path, server, report_attachment_mb=0.0001)  # a hundred bytes
    submitted(app, title="春季流量包")
    mailed(app, "wangmin", saved_views.save(app, viewer(app, "wangmin"), "全部", "cases", ""), "wangmin", form="csv")
    clock.move(hands, timedelta(hours=2))
    assert rounds(app) == 1
    [mail] = server.mails()
    assert list(mail.iter_attachments()) == []
    assert "报表超出邮件允许的大小" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    app.close()


def test_a_house_that_allows_links_alone_sends_links(
    db: Database, tmp_path: Path, hands: Path, server: MailServer
) -> None:
    server.start()
    app = opened(db, tmp_path, server)
    submitted(app, title="春季流量包")
    view = saved_views.save(app, viewer(app, "wangmin"), "全部", "cases", "")
    with pytest.raises(InvalidForm):
        mailed(app, "wangmin", view, "wangmin", form="xlsx")
    mailed(app, "wangmin", view, "wangmin", form="link")
    clock.move(hands, timedelta(hours=2))
    assert rounds(app) == 1
    [mail] = server.mails()
    assert list(mail.iter_attachments()) == []
    assert "共 1 行" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    app.close()


def test_an_owner_without_the_right_any_more_stops_it_and_is_told(
    app: Countersign, hands: Path, server: MailServer
) -> None:
    server.start()
    view = saved_views.save(app, viewer(app, "xuwen"), "全部", "audit", "")
    mailed(app, "xuwen", view, "machao")
    for grant in viewer(app, "xuwen").grants:
        if grant.role == "auditor":
            personnel.take_role(app, "xuwen", grant.role, grant.office)
    personnel.give_role(app, "xuwen", "analyst", "440111")
    clock.move(hands, timedelta(hours=2))
    assert rounds(app) == 0
    [line] = mailings.listed(app, viewer(app, "xuwen"))
    assert (line.state, line.reason) == ("stopped", "page")
    tick(app)
    [mail] = server.mails()
    assert "定期报表已停止：全部" in str(mail["Subject"])
    assert "xuwen" in str(mail["To"])


def test_who_is_no_recipient_and_what_is_no_time_is_named(app: Countersign) -> None:
    view = saved_views.save(app, viewer(app, "wangmin"), "全部", "cases", "")
    with pytest.raises(InvalidForm) as refused:
        mailed(app, "wangmin", view, "a@example.org", at="25:00", zone="Moon/Base", every="weekly", day=9)
    assert {one.code for one in refused.value.problems} == {
        "mailing_stranger",
        "mailing_at",
        "mailing_zone",
        "mailing_day",
    }
    with pytest.raises(NotFound):
        mailed(app, "liguoqiang", view, "wangmin")


KILLED = """
import os, sys
from engine.service import mailing, messaging
from engine.service.app import Countersign
app = Countersign.open()
where = sys.argv[1]
mailing.queue_due(app)
def die(letter):
    os._exit(9)
if where == "sending":
    messaging.send_reports(app, die)
os._exit(9)
"""


@pytest.mark.parametrize("where", ["queued", "sending"])
def test_a_kill_neither_loses_a_report_nor_doubles_it(
    app: Countersign, hands: Path, server: MailServer, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    submitted(app, title="春季流量包")
    view = saved_views.save(app, viewer(app, "wangmin"), "全部", "cases", "")
    mailed(app, "wangmin", view, "wangmin", "liguoqiang")
    clock.move(hands, timedelta(hours=2))
    settings = app.settings
    for name in ("home", "database_url", "mail_url", "public_url", "report_attachment_mb"):
        monkeypatch.setenv(f"COUNTERSIGN_{name.upper()}", str(getattr(settings, name)))
    done = subprocess.run([sys.executable, "-c", KILLED, where], cwd=ROOT, check=False)
    assert done.returncode == 9
    with app.db.begin() as tx:  # the lease of the dead passes
        tx.execute(sa.text("UPDATE messages SET lease_until = NULL WHERE state = 'pending'"))
    rounds(app)
    assert sorted(str(mail["To"]) for mail in server.mails()) == sorted({str(mail["To"]) for mail in server.mails()})
    assert len(server.mails()) == 2
