"""What each role does in a working day, from the sign-in to what has come of it: on a phone and at a desk, in Chinese
and English, with a pointer, by the keyboard alone, and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.service import approvals, cases, commenting, operations
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.store import people as store
from engine.store.tables import outbox
from tests.acceptance import all_fields, amending_case
from tests.acceptance.offices import notices, token_of
from tests.api.cases import decide, key, submitted, task_of, viewer
from tests.browser.person import WAYS, Person, Way

pytestmark = pytest.mark.parametrize("way", WAYS, ids=str)
Windows = Callable[..., Any]


def in_words(way: Way, zh: str, en: str) -> str:
    """A word of a definition."""
    return zh if way.language == "zh" else en


def test_a_submitter_brings_a_case_to_its_approvers_and_mends_it(app: Countersign, window: Windows, way: Way):
    amending_case.publish(app, all_fields.TEXT.replace("route: [", 'route: [{when: "form.budget > 5000", use: one}, '))
    kind, title = in_words(way, "门店促销案", "Shop promotion"), "元旦 <b>促销</b>"
    me = Person(window, way).sign_in("wangmin")
    me.press(me.said("Start a case")).press(me.said("Start: %(kind)s", kind=kind))
    me.write(in_words(way, "案名", "Title"), title)
    me.write(in_words(way, "预算", "Budget"), "a lot")
    me.tick(in_words(way, "短信", "SMS"))
    me.attach(me.said("Add files"), {"name": "合同.pdf", "mimeType": "application/pdf", "buffer": all_fields.PDF})
    me.press(me.said("Submit for approval"))
    me.sees(me.said("required"), in_words(way, "执行时间", "Period"))
    case_id = me.page.url.split("/cases/")[1].split("/")[0]
    me.write(in_words(way, "预算", "Budget"), "12000")
    me.write(me.said("from"), "2026-12-20").write(me.said("to"), "2027-01-03")
    me.press(me.said("Save the draft")).sees("李国强", "周宁", me.said("Why this way"), "合同.pdf")
    me.press(me.said("Submit for approval")).sees(title, "李国强")
    assert task_of(app, "liguoqiang").case.id == case_id

    decide(app, "liguoqiang", "return", "预算请说明")
    commenting.add(app, viewer(app, "liguoqiang"), case_id, "budget", "12,000 for what?", key=key())
    me.press(me.said("Inbox")).press(me.said("My cases"), "main").press(title)
    me.sees("预算请说明").press(me.said("Edit the proposal"))
    me.sees("预算请说明", "12,000 for what?")
    me.write(in_words(way, "预算", "Budget"), "9000").press(me.said("Save the draft"))
    me.sees(me.said("Changed since you submitted it"), "9,000")
    me.press(me.said("Submit for approval")).press(me.said("Urge"))
    me.press(me.said("History")).sees("预算请说明", "9,000")
    found = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert [entry.what for entry in found.history[:2]] == ["urged", "resubmitted"]
    assert (found.row.state, found.round) == ("approving", 2)


def test_an_approver_decides_on_what_comes_by_mail(app: Countersign, window: Windows, way: Way):
    titles = ("A first", "B second", "C third", "D fourth")
    for title in titles:
        submitted(app, title=title)
        decide(app, "liguoqiang")
    mailed = [notice for notice in notices(app) if notice.person == "zhanglan"]
    me = Person(window, way).go(f"/l/{token_of(mailed[0])}").sign_in("zhanglan")
    me.sees("A first").press(me.said("Approve")).sees("张岚")
    me.press(me.said("Next: %(title)s", title="B second"))
    me.write(me.said("Remark"), "请核对名单").unfold(me.said("Where a return goes"))
    me.tick(me.said("to the step before")).press(me.said("Return")).sees("张岚", "李国强")
    me.press(me.said("Next: %(title)s", title="C third"))
    me.write(me.said("Remark"), "与国庆活动重复").press(me.said("Reject")).sees("与国庆活动重复")
    me.press(me.said("Next: %(title)s", title="D fourth"))
    asked = me.page.url.rpartition("/")[2].partition("?")[0]
    me.unfold(me.said("Something else than deciding")).press(me.said("Ask a question"), "main")
    me.write(me.said("Your question"), "去年的办理率？").write(me.said("Find somebody else"), "王敏")
    me.press(me.said("Find"), "main").tick("王敏").press(me.said("Ask a question"), "main")
    me.sees("去年的办理率？", me.said("Open"))
    open_one = approvals.sheet(app, viewer(app, "zhanglan"), asked)
    case_id, question = open_one.case.row.id, open_one.questions[0].id
    operations.answer(app, Door(viewer(app, "wangmin"), key()), case_id, question, text="百分之三")

    me.leave()
    later = next(token_of(one) for one in mailed if one.case_id == case_id)
    me.page.goto(f"/l/{later}")
    me.press(me.said("Continue")).sees("百分之三")
    me.press(me.said("Approve")).sees("张岚")
    me.press(me.said("Back to the inbox")).press(me.said("Done"), "main").sees(*titles)
    assert task_of(app, "liguoqiang").case.title == "B second"


def test_an_author_changes_a_definition_and_another_puts_it_in_force(app: Countersign, window: Windows, way: Way):
    amending_case.publish(app)
    amending_case.started(app)
    with app.db.begin() as tx:
        for person in ("sunli", "zhengkai"):
            store.add_grants(tx, [{"person": person, "role": "definition_author", "office": "440100"}])
    me = Person(window, way).sign_in("sunli")
    me.unfold(me.said("More")).press(me.said("Definitions"))
    me.press("v1", f"[aria-labelledby=of-{amending_case.NAME}]").press(me.said("Write the next version"))
    source = me.page.locator("#source")
    before = source.input_value()
    wrong = '\nguarantees:\n  - {never: approved, befor: "county approved"}\n'
    if way.by == "keyboard":
        me._go_to(source)
        me.page.keyboard.press("Control+End")
        me.page.keyboard.type(wrong)
    else:
        source.fill(before + wrong)
    if not me.has_scripts:
        me.press(me.said("Save and check all"))
    me.sees("befor").unfold(me.said("Line %(line)s", line=len((before + wrong).splitlines())))
    if me.has_scripts:
        chosen = me.page.evaluate("source.value.slice(source.selectionStart, source.selectionEnd)")
        assert me.page.evaluate("document.activeElement.id") == "source"
        assert "befor:" in chosen
        me.page.keyboard.type(chosen.replace("befor:", "before:"))
        me.sees(me.said("Nothing is wrong with the text."))
    else:
        assert "befor:" in me.page.locator(":target").inner_text()
        source.fill(before + wrong.replace("befor:", "before:"))
        me.press(me.said("Save")).sees(me.said("Nothing is wrong with the text."))
    me.press(me.said("Diagram"), ".tabs")
    assert me.page.locator("main img").evaluate("async one => { await one.decode(); return one.naturalWidth }") > 100
    me.press(me.said("Try a proposal"))
    me.write(in_words(way, "预算", "Budget"), "80000").write(in_words(way, "户数", "Customers"), "9000")
    me.press(me.said("Try it")).sees("small", in_words(way, "县经理", "County head"))
    me.press(me.said("Scenarios")).sees(me.said("passes"))
    me.press(me.said("Guarantees"), ".tabs").sees("never approved")
    me.press(me.said("Changes")).sees("county approved")
    me.press(me.said("Edit")).press(me.said("Offer for publication"))
    me.sees(me.said("You wrote it, so another author publishes it."))
    address = me.page.url
    me.leave()

    me.sign_in("zhengkai").go(address)
    me.unfold(me.said("Publish")).press(me.said("Publish version %(version)s", version=2))
    me.sees(me.said("Write the next version")).press(me.said("Definitions"), "main")
    me.press("1", f"[aria-labelledby=of-{amending_case.NAME}]")
    me.sees(in_words(way, "县经理", "County head"), "国庆流量包")


def test_an_administrator_keeps_people_lists_and_the_operation(app: Countersign, window: Windows, way: Way):
    submitted(app, title="A task that waits")
    with app.db.begin() as tx:
        tx.execute(sa.update(outbox).values(state="dead", attempts=12, error="Connection refused"))
    me = Person(window, way).sign_in("machao")

    def more(entry: str) -> Person:
        return me.unfold(me.said("More")).press(me.said(entry), "nav")

    more("People").press(me.said("Add a person"))
    me.write(me.said("Account"), "newcomer").write(me.said("Full name"), "新人 <i>x</i>").press(me.said("Add"), "main")
    me.write(me.said("Role"), "finance").write(me.said("Office"), "nowhere").press(me.said("Go on"))
    me.sees(me.said("No office has that code or name."))
    me.write(me.said("Office"), "440100").press(me.said("Go on"))
    me.sees(me.said("What follows")).press(me.said("Give the role")).sees("新人 <i>x</i>", "finance")
    more("Stand-ins").write(me.said("Who is away (account or name)"), "zhouning")
    me.write(me.said("Who decides for them (account or name)"), "newcomer")
    me.write(me.said("First day"), "2027-02-01").write(me.said("Last day, it included"), "2027-02-05")
    me.press(me.said("Arrange a stand-in"), "main")
    me.sees(me.said("%(by)s stands in for %(person)s.", by="新人 <i>x</i>", person="周宁"))
    more("Hand-over").write(me.said("Who leaves (account)"), "liguoqiang")
    me.write(me.said("Who takes over (account)"), "zhengkai").write(me.said("Reason"), "离职")
    me.press(me.said("Show what moves")).sees("A task that waits")
    me.press(me.words.plural("Hand %(count)s task over to %(who)s", "", 1, who="zhengkai"))
    assert task_of(app, "zhengkai").case.title == "A task that waits"
    more("People").write(me.said("Name, account or mail"), "李国强").press(me.said("Search")).press("李国强")
    me.press(me.said("Close the account")).write(me.said("Reason"), "离职").press(me.said("Close the account"))
    me.sees(me.said("Account closed"))
    more("Suppression lists").write(me.said("Customer"), "c-1")
    me.press(me.said("Look up")).sees(me.said("On no list."))
    putting = "form.stack[action='/admin/suppressions']"
    me.write(me.said("Customer"), "c-1", putting).write(me.said("Reason"), "投诉", putting)
    me.press(me.said("Put on the list")).write(me.said("Customer"), "c-1").press(me.said("Look up"))
    me.sees("投诉", me.said("in force"))
    more("Operation").press(me.said("Effects given up")).sees(me.said("Try again"))
    me.press(me.said("Try again"))
    more("Audit").sees("新人").press(me.said("Verify"), "main").press(me.said("Verify now"))
    assert me.page.locator("main .alert.go[role=status]").count() == 1
    more("Operation").sees(me.said("Health"))
