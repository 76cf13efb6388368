"""What submitters do, on both databases: every kind of field, files, copies, comments, lists, the calendar."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Invalid, InvalidForm, NotFound, SavedElsewhere, UrgedAlready
from engine.service import (
    approvals,
    attaching,
    calendars,
    cases,
    commenting,
    copying,
    drawings,
    estimating,
    interventions,
    listing,
    lookups,
    proposals,
    starting,
)
from engine.service.app import Countersign
from engine.service.views import FormView
from engine.store.attachments import place
from tests.acceptance.all_fields import FORM, NAME, PDF, published
from tests.acceptance.offices import key, notices, open_task, opened, viewer
from tests.support import THIS_YEAR


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path, shipped=False) as app:
        published(app, visibility="confidential")
        yield app


def started(app: Countersign, login: str = "wangmin") -> str:
    return proposals.start(app, viewer(app, login), NAME, key=key())


def saved(app: Countersign, case_id: str, seen: str = "", **form: Any) -> FormView:
    return proposals.save(app, viewer(app, "wangmin"), case_id, {**FORM, **form}, key=key(), seen=seen)


def submitted(app: Countersign, **form: Any) -> str:
    case_id = started(app)
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, **form}, key=key())
    return case_id


def returned(app: Countersign, remark: str) -> None:
    """李国强 returns the first case that waits for them."""
    task = open_task(app, "liguoqiang")
    approvals.decide(app, viewer(app, "liguoqiang"), task, "return", remark=remark, seen_seq=None, key=key())


def added(app: Countersign, case_id: str, name: str = "合同.pdf", content: bytes = PDF, login: str = "wangmin") -> str:
    record = attaching.add(app, viewer(app, login), case_id, field="papers", name=name, chunks=[content])
    return str(record["id"])


def archive(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


def test_every_kind_of_field_is_kept_shown_and_compared(app: Countersign):
    case_id = started(app)
    file = added(app, case_id)
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "papers": [file]}, key=key())
    kept = {field.name: field.raw for field in cases.case_page(app, viewer(app, "liguoqiang"), case_id).fields}
    assert kept["papers"][0]["name"] == "合同.pdf"
    assert {name: kept[name] for name in FORM if name != "shops"} == {
        **{name: value for name, value in FORM.items() if name != "shops"},
        "reach": 1200,
    }
    assert kept["shops"][0] == {"shop": "白云一店", "gifts": 20, "cost": "300.00"}
    returned(app, "一店太贵")
    changed = saved(app, case_id, papers=[file], shops=[{"shop": "白云一店", "cost": "100"}]).changes
    assert [(one.label.en, one.now) for one in changed] == [("Shops", [{"shop": "白云一店", "cost": "100"}])]


def test_a_name_does_for_an_account_or_a_code_where_it_means_one(app: Countersign):
    case_id = started(app)
    view = saved(app, case_id, owner="郑凯", place="天河")
    assert view.problems == ()
    assert {field.name: field.raw for field in view.fields if field.lookup} == {"owner": "zhengkai", "place": "440106"}
    view = saved(app, case_id, place="公司", owner="nobody")
    assert {one.at: one.code for one in view.problems} == {"owner": "form.none", "place": "form.several"}
    place_field = next(field for field in view.fields if field.name == "place")
    assert (place_field.raw, len(place_field.found)) == ("公司", 4)
    with pytest.raises(InvalidForm) as refused:
        proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "place": "公司"}, key=key())
    assert [one.code for one in refused.value.problems] == ["form.several"]


def test_people_and_offices_are_found_by_a_part_of_their_name(app: Countersign):
    found = lookups.named(app, viewer(app, "wangmin"), "people", "郑")
    assert [(one.value, one.label.zh) for one in found] == [("zhengkai", "郑凯 · 广州市分公司")]
    assert [one.value for one in lookups.named(app, viewer(app, "wangmin"), "offices", "4401")] == [
        "440100", "440106", "440111",
    ]  # fmt: skip


def test_who_saves_second_in_another_window_loses_nothing_and_overwrites_nothing(app: Countersign):
    case_id = started(app)
    seen = saved(app, case_id).seen
    saved(app, case_id, seen, title="第一个窗口")
    with pytest.raises(SavedElsewhere):
        saved(app, case_id, seen, title="第二个窗口")
    with pytest.raises(SavedElsewhere):
        proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "title": "第二个窗口"}, key=key(), seen=seen)
    view = proposals.form(app, viewer(app, "wangmin"), case_id, typed={**FORM, "title": "第二个窗口"})
    title = view.fields[0]
    assert (title.raw, title.was) == ("第二个窗口", "第一个窗口")
    assert [field.name for field in view.fields if field.was is not None] == ["title"]
    assert saved(app, case_id, view.seen, title="第二个窗口").fields[0].raw == "第二个窗口"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("plan.exe", b"MZ\x90\x00" + b"\0" * 100, "form.file_type"),
        ("plan.pdf", b"MZ\x90\x00" + b"\0" * 100, "form.file_lies"),
        ("plan.png", PDF, "form.file_lies"),
        ("plan.docx", archive(a=b"x"), "form.file_lies"),
        ("plan.xlsx", archive(**{"[Content_Types].xml": b"x", "word/document.xml": b"x"}), "form.file_lies"),
        ("plan.docx", archive(**{"[Content_Types].xml": b"", "word/vbaProject.bin": b"x"}), "form.file_macros"),
        ("plan.xlsx", archive(**{"[Content_Types].xml": b"\0" * 9_000_000, "xl/workbook.xml": b""}), "form.file_bomb"),
        ("plan.txt", b"\0\1\2", "form.file_lies"),
        ("plan.pdf", b"", "form.file_empty"),
        ("plan.pdf", PDF + b"\0" * 21 * 1024 * 1024, "form.file_large"),
    ],
)
def test_a_file_that_is_no_good_is_refused_and_leaves_nothing(app: Countersign, name: str, content: bytes, code: str):
    with pytest.raises(InvalidForm) as refused:
        added(app, started(app), name, content)
    assert [(one.code, one.at) for one in refused.value.problems] == [(code, "papers")]
    assert [path for path in (app.settings.home / "attachments").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("活动方案.docx", archive(**{"[Content_Types].xml": b"x", "word/document.xml": b"x"})),
        ("表.XLSX", archive(**{"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"})),
        ("清单.csv", "姓名,数量\n王,1\n".encode("gb18030")),
        ("../../etc/说明.txt", "说明".encode()),
    ],
)
def test_good_files_are_kept_by_their_digest(app: Countersign, name: str, content: bytes):
    case_id = started(app)
    file = added(app, case_id, name, content)
    assert added(app, case_id, name, content) == file
    stored, path = attaching.hand_out(app, viewer(app, "wangmin"), case_id, file)
    assert (stored.name, path.read_bytes()) == (Path(name).name, content)
    assert path == place(app.settings.home / "attachments", stored.sha256)


def test_a_file_is_for_who_sees_the_case_and_nobody_names_one_they_did_not_bring(app: Countersign):
    case_id = started(app)
    file = added(app, case_id)
    with pytest.raises(NotFound):
        attaching.hand_out(app, viewer(app, "emily"), case_id, file)
    for other_person in ("emily", "liguoqiang"):
        with pytest.raises(NotFound):
            added(app, case_id, login=other_person)
    other = started(app, "emily")
    for forged in (file, {"id": file, "name": "x.pdf", "size": 1, "type": "text/plain", "sha256": "0" * 64}):
        view = proposals.save(app, viewer(app, "emily"), other, {"papers": [forged]}, key=key())
        assert [one.code for one in view.problems] == ["form.no_file"]
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "papers": [file]}, key=key())
    assert attaching.hand_out(app, viewer(app, "liguoqiang"), case_id, file)[0].id == file


def test_another_file_of_the_same_name_is_a_change_that_is_shown(app: Countersign):
    case_id = started(app)
    first, second = added(app, case_id), added(app, case_id, "合同.pdf", PDF + b"y")
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "papers": [first]}, key=key())
    before = cases.case_page(app, viewer(app, "wangmin"), case_id)
    returned(app, "合同不对")
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "papers": [second]}, key=key())
    after = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert [change.label.en for change in after.turns[0].changes] == ["Papers"]
    assert (after.fields[-2].raw[0]["id"], after.row.number) == (second, before.row.number)


def test_what_changed_since_the_submission_is_told_where_the_draft_was_saved_before_it(app: Countersign):
    case_id, me = started(app), viewer(app, "wangmin")
    saved(app, case_id)
    proposals.submit(app, me, case_id, FORM, key=key())
    returned(app, "预算请说明")
    changed = saved(app, case_id, budget="9000").changes
    assert [(one.label.en, one.was, one.now) for one in changed] == [("Budget", "12000.00", "9000")]
    proposals.submit(app, me, case_id, {**FORM, "budget": "9000"}, key=key())
    (turn,) = cases.case_page(app, me, case_id).turns
    assert [one.label.en for one in turn.changes] == ["Budget"]


def test_a_copy_takes_what_fits_and_says_what_does_not(app: Countersign):
    source = started(app)
    file = added(app, source)
    proposals.submit(app, viewer(app, "wangmin"), source, {**FORM, "papers": [file]}, key=key())
    assert [row.id for row in copying.offered(app, viewer(app, "wangmin"), "元旦")] == [source]
    same = key()
    copy = copying.copy(app, viewer(app, "wangmin"), source, key=same)
    assert copying.copy(app, viewer(app, "wangmin"), source, key=same) == copy
    view = proposals.form(app, viewer(app, "wangmin"), copy, copied_from=source)
    fields = {field.name: field.raw for field in view.fields}
    assert (fields["title"], fields["papers"][0]["name"]) == (FORM["title"], "合同.pdf")
    assert view.taken is not None and view.taken.left == ()
    assert attaching.hand_out(app, viewer(app, "wangmin"), copy, fields["papers"][0]["id"])
    with pytest.raises(NotFound):
        copying.copy(app, viewer(app, "emily"), source, key=key())


def test_comments_are_for_who_sees_the_case_and_are_settled_once(app: Countersign):
    case_id = submitted(app)
    one = commenting.add(app, viewer(app, "liguoqiang"), case_id, "budget", "  太高了 ", key="same-key")
    assert commenting.add(app, viewer(app, "liguoqiang"), case_id, "budget", "太高了", key="same-key") == one
    (seen,) = cases.case_page(app, viewer(app, "wangmin"), case_id).comments
    assert (seen.by, seen.text, seen.settled_by) == ("李国强", "太高了", "")
    commenting.settle(app, viewer(app, "wangmin"), case_id, one)
    commenting.settle(app, viewer(app, "liguoqiang"), case_id, one)
    assert commenting.of_case(app, viewer(app, "liguoqiang"), case_id)[0].settled_by == "王敏"
    with pytest.raises(NotFound):
        commenting.add(app, viewer(app, "emily"), case_id, "budget", "?", key=key())
    with pytest.raises(NotFound):
        commenting.settle(app, viewer(app, "emily"), case_id, one)
    with pytest.raises(NotFound):
        commenting.add(app, viewer(app, "wangmin"), case_id, "no_such_field", "?", key=key())
    with pytest.raises(InvalidForm):
        commenting.add(app, viewer(app, "wangmin"), case_id, "budget", " ", key=key())


def test_cases_at_the_same_time_are_named_with_what_they_share(app: Countersign):
    first = submitted(app, title="先行")
    submitted(app, title="错开", window=["2027-03-01", "2027-03-02"])
    submitted(app, title="不同", offer="other", channels=["hall"], kind="cut")
    view = saved(app, started(app), channels=["sms"])
    assert [(one.row.id, one.shares) for one in view.clashes] == [(first, ("offer", "channels"))]


def test_the_submitter_urges_and_those_who_wait_are_told(app: Countersign):
    case_id = submitted(app)
    assert "urge" in cases.case_page(app, viewer(app, "wangmin"), case_id).waiting.possible
    notices(app)
    interventions.intervene(app, viewer(app, "wangmin"), case_id, "urge", reason="", key=key())
    assert [(one.person, one.occasion) for one in notices(app)] == [("liguoqiang", "urged")]
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert page.history[0].what == "urged"
    assert "urge" not in page.waiting.possible
    with pytest.raises(UrgedAlready):
        interventions.intervene(app, viewer(app, "wangmin"), case_id, "urge", reason="", key=key())
    with pytest.raises(NotFound):
        interventions.intervene(app, viewer(app, "liguoqiang"), case_id, "urge", reason="", key=key())


def test_a_case_that_was_taken_back_is_changed_and_submitted_again(app: Countersign):
    case_id = submitted(app)
    assert {"recall", "withdraw"} <= set(cases.case_page(app, viewer(app, "wangmin"), case_id).waiting.possible)
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, "改预算", key=key(), again=True)
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, "budget": "9000"}, key=key())
    assert cases.case_page(app, viewer(app, "wangmin"), case_id).row.state == "approving"


def test_the_list_is_filtered_sorted_by_pinyin_and_read_page_by_page(app: Countersign):
    titles = ["重庆", "安徽", "长沙", "北京", "Zhuhai"]
    for title in titles:
        submitted(app, title=title)
    me = viewer(app, "wangmin")

    def read(**filters: str) -> list[str]:
        found, after = [], ""
        while True:
            page = listing.page(app, me, filters, after=after, limit=2)
            found += [row.title for row in page.rows]
            after = page.after
            if not after:
                return found

    assert read(sort="title") == ["安徽", "北京", "长沙", "重庆", "Zhuhai"]
    assert read() == titles[::-1]
    assert read(sort="oldest") == titles
    assert read(q="安") == ["安徽"]
    assert read(office="白云", mine="1", state="approving", kind=NAME) == titles[::-1]
    assert read(state="draft") == read(kind="other") == read(office="天河") == read(until="2020-01-01") == []
    assert listing.page(app, viewer(app, "emily"), {}).rows == ()
    for wrong in ({"sort": "x"}, {"since": "never"}, {"office": "nowhere"}):
        with pytest.raises(Invalid):
            listing.page(app, me, wrong)
    for place_of in ("x", "W10", "WyJhIiwgMV0", "WyJhIiwgImIiXQ"):
        with pytest.raises(Invalid):
            listing.page(app, me, {}, after=place_of)


def test_the_calendar_shows_a_month_and_its_feed_ends_with_its_address(app: Countersign):
    case_id = submitted(app)
    started(app)
    me = viewer(app, "wangmin")
    month = calendars.month(app, me, "2026-12")
    (planned,) = month.cases
    assert (planned.row.id, planned.first, planned.last) == (case_id, 20, 31)
    assert (month.days[18], month.days[19]) == (0, 1)
    assert calendars.month(app, me, "2027-01").cases[0].last == 3
    assert (
        calendars.month(app, me, "2027-02").cases == calendars.month(app, viewer(app, "emily"), "2026-12").cases == ()
    )
    for wrong in ("2026-13", "x", "0001-01"):
        with pytest.raises(Invalid):
            calendars.month(app, me, wrong)
    first = calendars.make_address(app, me).rpartition("/")[2].removesuffix(".ics")
    second = calendars.make_address(app, me).rpartition("/")[2].removesuffix(".ics")
    text = calendars.feed(app, second).decode()
    assert f"SUMMARY:440111-{THIS_YEAR}-00001" in text
    assert "元旦门店促销" not in text  # a confidential title stays in the house
    assert "DTSTART;VALUE=DATE:20261220" in text and "DTEND;VALUE=DATE:20270104" in text
    calendars.revoke(app, me)
    for token in (first, second, "x"):
        with pytest.raises(NotFound):
            calendars.feed(app, token)


def test_the_picker_says_who_usually_approves_and_what_drafts_there_are(app: Countersign):
    draft = started(app)
    picker = starting.picker(app, viewer(app, "wangmin"))
    assert [(kind.name, kind.drafts, [one.en for one in kind.approves]) for kind in picker.kinds] == [
        (NAME, 1, ["County head", "Vice-president"])
    ]
    assert [row.id for row in picker.drafts] == [draft]
    assert starting.picker(app, viewer(app, "liguoqiang")).kinds == ()


def test_the_process_is_drawn_with_where_the_case_is(app: Countersign):
    case_id = submitted(app)
    assert 'current"' in drawings.drawing(app, viewer(app, "liguoqiang"), case_id)
    with pytest.raises(NotFound):
        drawings.drawing(app, viewer(app, "emily"), case_id)


def test_where_nobody_is_selected_nobody_is_counted(app: Countersign):
    with pytest.raises(NotFound):
        estimating.estimate(app, viewer(app, "wangmin"), started(app))
