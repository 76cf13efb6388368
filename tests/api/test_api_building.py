"""A customer group built on its page without scripts: rows, counts at each, all mistakes at once, saved and opened."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from engine.service import groups, people
from engine.service.app import Countersign
from engine.service.recording import By
from tests.acceptance.offices import key
from tests.api.cases import viewer
from tests.api.desk import Desk
from tests.warehouse.explained_by_hand import One, dataset_of

Desks = Callable[..., Desk]
PAGE = "/groups/build"
NUMBER = 100
NAMED = re.compile(r'<(?:input|select|textarea)[^>]*? name="([^"]+)"')


@pytest.fixture
def filled(app: Countersign) -> Countersign:
    """100 customers: number n spends n and is n % 30 + 10 years old; every fourth stands on the list."""
    people = [One(arpu=n, age=n % 30 + 10, uploaded=n % 4 == 0, agrees=n % 2 == 0) for n in range(NUMBER)]
    dataset_of(app.settings.data, people)
    return app


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def row(at: str, field: str, operator: str, value: str) -> dict[str, str]:
    return {f"{at}.kind": "condition", f"{at}.field": field, f"{at}.operator": operator, f"{at}.value": value}


def block(at: str, *, join: str = "all", how: str = "or") -> dict[str, str]:
    return {f"{at}.join": join, f"{at}.how": how}


def sent(desk: Desk, action: str, **form: Any) -> Any:
    found = desk.form(desk.get(PAGE), PAGE)
    kept = {name: value for name, value in found.items() if name in ("csrf", "key")}
    return desk.post(PAGE, data=kept | {"action": action} | form)


RICH = block("0") | row("0.0", "arpu", "ge", "38")


def test_each_row_shows_its_customers_and_the_whole_is_said_in_words(filled: Countersign, desk: Desks) -> None:
    both = RICH | row("0.1", "age", "lt", "20") | row("0.2", "", "", "")
    page = sent(desk("wangmin"), "count", **both)
    told = plain(page.text)
    assert page.status_code == 200
    assert "62 customers Remove" in told
    assert "40 customers; with what stands above 22" in told
    assert "not finished, so not counted yet" in told
    assert "22 of 100 customers, 22.0%" in told
    assert "Average monthly spending at least 38 CNY; and Age less than 20 years." in told
    assert "rule: c.arpu >= 38 && c.age < 20" in told


def test_blocks_are_joined_one_after_the_other(filled: Countersign, desk: Desks) -> None:
    form = RICH | block("1", how="without") | {"1.0.kind": "list", "1.0.value": "upload"}
    form |= block("2") | row("2.0", "arpu", "lt", "2")
    told = plain(sent(desk("wangmin"), "count", **form).text)
    rich = {n for n in range(NUMBER) if n >= 38} - {n for n in range(NUMBER) if n % 4 == 0}
    assert f"{len(rich) + 2} of 100 customers" in told
    assert f"25 customers; with what stands above {len(rich)}" in told


def test_buttons_add_and_remove_rows_groups_of_rows_and_blocks(filled: Countersign, desk: Desks) -> None:
    browser = desk("wangmin")

    def names(action: str, **form: Any) -> set[str]:
        found = set(NAMED.findall(sent(browser, action, **form).text))
        return {name for name in found if name[0].isdigit()}

    first = {"0.how", "0.join", "0.0.kind", "0.0.field", "0.0.operator", "0.0.value"}
    assert names("count", **RICH) == first
    assert names("add:0:condition", **RICH) == first | {"0.1.kind", "0.1.field"}
    assert names("add:0:list", **RICH) == first | {"0.1.kind", "0.1.value"}
    nest = {"0.1.kind", "0.1.join", "0.1.0.kind", "0.1.0.field", "0.1.1.kind", "0.1.1.field"}
    assert names("add:0:nest", **RICH) == first | nest
    assert names("block", **RICH) == first | {"1.how", "1.join", "1.0.kind", "1.0.field"}
    two = RICH | row("0.1", "age", "lt", "20")
    assert names("remove:0.0", **two) == first
    assert names("remove:0", **two) == {"0.how", "0.join", "0.0.kind", "0.0.field"}
    for nonsense in ("add:9:list", "add:0.0:list", "remove:5.5.5", "remove:", "add:0:nonsense", "remove:0.0.0.0"):
        assert "0.join" in names(nonsense, **RICH)


def test_another_field_keeps_the_row_and_asks_in_its_own_way(filled: Countersign, desk: Desks) -> None:
    page = sent(desk("wangmin"), "count", **block("0"), **row("0.0", "sms_consent", "ge", "38"))
    assert "50 customers" in plain(page.text)
    assert '<option value="yes" selected>' in page.text and 'value="ge"' not in page.text


def test_numbers_are_understood_as_people_write_them(filled: Countersign, desk: Desks) -> None:
    for typed, customers in (("38", 62), (" 3 8 ", 62), ("３８", 62), ("0.0038万", 62), ("1,000", 0), ("-1", 100)):
        told = plain(sent(desk("wangmin"), "count", **block("0"), **row("0.0", "arpu", "ge", typed)).text)
        assert f"{customers} of 100 customers" in told, typed


def test_everything_wrong_is_told_at_once_at_its_field_and_nothing_is_lost(filled: Countersign, desk: Desks) -> None:
    evil = "<script>alert(1)</script>"
    form = block("0") | row("0.0", "arpu", "ge", evil) | row("0.1", "gone", "eq", evil)
    form |= row("0.2", "age", "ge", "1.5") | {"0.3.kind": "list", "0.3.value": evil}
    form |= {"0.4.kind": "expression", "0.4.text": "c.arpu >\n= 38 && c.agee > 1"}
    form |= {"0.5.kind": "group", "0.5.value": "nobody"}
    form |= {"0.6.kind": "earlier", "0.6.case": "form.prior", "0.6.outcome": "responded"}
    form |= {"0.7.kind": "earlier", "0.7.case": "1", "0.7.outcome": "responded", "0.7.within": "for ever"}
    form |= {"title": evil, "note": evil, "name": evil}
    page = sent(desk("wangmin"), "save", **form)
    told = plain(page.text)
    assert page.status_code == 422
    assert "8 things to correct; nothing was lost" in told
    for one in (
        "A number, as 38, 38.5 or 3万.",
        "The customer data has no such field any more.",
        "A whole number, as 38 or 3万.",
        "There is no such list any more.",
        "Line 2, column 1: ",
        "There is no such group any more.",
        "Only a case has a form.",
        "A number of days, as 30d",
    ):
        assert one in told
    assert "<script>alert" not in page.text and page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    assert groups.listed(filled, viewer(filled, "wangmin")) == ()


def test_a_huge_or_broken_form_is_answered_in_words(filled: Countersign, desk: Desks) -> None:
    browser = desk("wangmin")
    many = block("0")
    for n in range(99):
        many |= row(f"0.{n}", "arpu", "ge", "1")
    assert "At most 60 rows in 10 blocks." in plain(sent(browser, "count", **many).text)
    assert "At most 10000 characters." in plain(
        sent(browser, "count", **block("0"), **row("0.0", "arpu", "ge", "9" * 10_001)).text
    )
    broken = block("0") | {"0.0.kind": "other", "0.0.text": "{nonsense"}
    assert sent(browser, "count", **broken).status_code == 200
    assert sent(browser, "count").status_code == 200
    deep = block("0") | {"0.0.kind": "nest", "0.0.0.kind": "nest", "0.0.0.0.kind": "nest"}
    assert sent(browser, "count", **deep).status_code == 200


def test_a_group_is_saved_opened_again_and_saved_as_its_next_version(filled: Countersign, desk: Desks) -> None:
    browser, me = desk("wangmin"), viewer(filled, "wangmin")
    page = sent(browser, "save", **RICH, title="High spenders", name="vip", note="autumn")
    assert page.url.path == PAGE and page.url.params["group"] == "vip"
    assert "Saved: High spenders, version 1." in plain(page.text)
    assert '<option value="arpu" selected>' in page.text and 'value="38"' in page.text
    changed = block("0") | row("0.0", "arpu", "ge", "50") | {"group": "vip", "base": "1", "title": "High spenders"}
    assert "version 2" in plain(sent(browser, "save", **changed).text)
    found = groups.find(filled, me, "vip")
    assert (found.version, dict(found.source), found.is_rule) == (2, {"rule": "c.arpu >= 50"}, True)
    late = sent(browser, "save", **changed | row("0.0", "arpu", "ge", "60"))
    assert late.status_code == 412 and "saved version 2" in plain(late.text) and 'value="60"' in late.text
    assert '<input type="hidden" name="base" value="2">' in late.text
    copied = sent(browser, "copy", **changed, name="vip")
    assert copied.url.params["group"] != "vip"
    assert len(groups.listed(filled, me)) == 2


def test_a_form_sent_twice_saves_one_group(filled: Countersign, desk: Desks) -> None:
    browser = desk("wangmin")
    form = browser.form(browser.get(PAGE), PAGE) | RICH | {"action": "save", "title": "High spenders"}
    addresses = {str(browser.post(PAGE, data=form).url) for _ in range(2)}
    assert len(addresses) == 1
    assert len(groups.listed(filled, viewer(filled, "wangmin"))) == 1


def test_a_statement_is_for_authors_and_its_mistakes_have_a_line(filled: Countersign, desk: Desks) -> None:
    statement = block("0") | {"0.0.kind": "sql", "0.0.text": "select customer\nfrom customers where arpuu >= 38"}
    refused = plain(sent(desk("wangmin"), "count", **statement).text)
    assert "Statements are written by the authors of definitions." in refused
    author = desk("machao")
    assert "Line 2, column" in plain(sent(author, "count", **statement).text)
    right = statement | {"0.0.text": "select customer\nfrom customers where arpu >= 38"}
    assert "62 of 100 customers" in plain(sent(author, "count", **right).text)
    saved = sent(author, "save", **right, title="By hand", name="byhand")
    assert saved.url.params["group"] == "byhand"
    opened = desk("wangmin")
    assert "62 of 100 customers" in plain(opened.get(f"{PAGE}?group=byhand").text)
    narrower = right | {"group": "byhand", "base": "1"} | row("0.1", "age", "lt", "20")
    assert "22 of 100 customers" in plain(sent(opened, "count", **narrower).text)


def test_a_saved_group_stands_in_another_and_what_no_row_can_say_stays(filled: Countersign, desk: Desks) -> None:
    by = By(people.viewer_named(filled, "wangmin"), key=key())
    groups.save(filled, by, name="vip", title="VIP", source={"rule": "c.arpu >= 38"}, note="", base=None)
    deep = {"union": [{"group": "vip"}, {"except": [{"rule": "c.age < 12"}, {"list": "upload"}]}]}
    by = By(people.viewer_named(filled, "wangmin"), key=key())
    groups.save(filled, by, name="deep", title="Deep", source=deep, note="", base=None)
    browser = desk("wangmin")
    page = browser.get(f"{PAGE}?group=deep")
    young = {n for n in range(NUMBER) if n % 30 < 2} - {n for n in range(NUMBER) if n % 4 == 0}
    assert f"{len(young | set(range(38, 100)))} of 100 customers" in plain(page.text)
    assert "It is kept and counted as it is." in plain(page.text)
    names = browser.form(page, PAGE)
    texts = {"0.0.value": "vip", "0.join": "all", "1.join": "all", "1.how": "or"}
    saved = browser.post(PAGE, data=names | texts | {"action": "save", "title": "Deep", "note": "again"})
    assert saved.url.params["saved"] == "1"
    assert dict(groups.find(filled, viewer(filled, "wangmin"), "deep").source) == deep


def test_without_customers_and_without_the_role_the_page_says_so(app: Countersign, desk: Desks) -> None:
    assert "There are no customers yet" in plain(desk("wangmin").get(PAGE).text)
    assert desk("liguoqiang").get(PAGE).status_code == 404
    assert desk("wangmin").get(f"{PAGE}?group=nobody").status_code == 404


def test_a_person_is_not_to_be_asked_about_by_name_or_number(filled: Countersign, desk: Desks) -> None:
    page = desk("wangmin").get(PAGE)
    assert '<option value="arpu"' in page.text
    for personal in ("customer", "phone", "name", "household_id"):
        assert f'<option value="{personal}"' not in page.text
