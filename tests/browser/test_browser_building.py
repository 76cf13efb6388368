"""A customer group built in a real Chromium by somebody who knows no SQL: counts while it is typed, and from the first
condition to the frozen list of a case that names the group."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import effects, groups, people, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.values import Language
from tests.acceptance.offices import in_force, key, open_task, viewer
from tests.browser.looking import look, sign_in
from tests.browser.person import Person, Way
from tests.warehouse.explained_by_hand import One, dataset_of, id_of

Windows = Callable[..., Any]
NUMBER = 200
DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: built-test-case
version: 1
title: {zh: 客户群营销案, en: Case for a group}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    target: {type: ref, to: group, label: {zh: 客户群, en: Customer group}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1}
  material: [target, reach]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {group: form.target}
  remove: [blacklist, {consent: sms}]
  control: {share: 20%}
  drift: {from: reach, over: 100%, then: warn}
delivery:
  message: {text: "Hello"}
  waves:
    - {name: main, share: rest, channel: sms}
"""
WAYS = (Way(390, "zh", "pointer"), Way(1280, "zh", "keyboard"), Way(390, "zh", "no scripts"))


def everybody() -> list[One]:
    """Number n spends n % 100, is n % 60 + 10 years old; every fifth stands on the list, every ninth has not agreed."""
    return [One(arpu=n % 100, age=n % 60 + 10, uploaded=n % 5 == 0, agrees=n % 9 != 0) for n in range(NUMBER)]


@pytest.fixture
def filled(app: Countersign) -> Countersign:
    dataset_of(app.settings.data, everybody(), told_at=app.now())
    return app


def wanted() -> list[int]:
    """The numbers of those whom the group has: big spenders, young or old, not on the list."""
    each = enumerate(everybody())
    return [n for n, one in each if (one.arpu or 0) >= 38 and ((one.age or 0) < 30 or (one.age or 0) >= 60) and n % 5]


def place(at: str) -> str:
    return f"[id='r-{at}']"


def condition(me: Person, at: str, field: str, operator: str, value: str) -> None:
    me.choose(me.said("Field"), field, place(at)).press(me.said("Count"), "main")
    me.choose(me.said("Comparison"), operator, place(at)).write(me.said("Value"), value, place(at))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_who_knows_no_sql_builds_explains_and_freezes_an_audience(
    filled: Countersign, window: Windows, way: Way
) -> None:
    in_force(filled, load(DEFINITION))
    in_group = wanted()
    suppressing.add(filled, OPERATOR, kind="black", customer=id_of(in_group[0]), reason="complaint")

    me = Person(window, way).sign_in("wangmin")
    me.unfold(me.said("More")).press(me.said("Customer groups")).press(me.said("Build a customer group"))
    condition(me, "0.0", "月均消费", me.said("at least"), "38")
    me.unfold(me.said("Add something else")).press(me.said("Conditions together"), "main")
    condition(me, "0.1.0", "年龄", me.said("less than"), "30")
    condition(me, "0.1.1", "年龄", me.said("at least"), "60")
    me.press(me.said("Add a block"), "main")
    me.unfold(me.said("Add something else"), "#b-1").press(me.said("Imported list"), "#b-1")
    me.press(me.said("Remove"), place("1.0"))
    me.choose(me.said("Joined to the above"), me.said("but not in this block"))
    me.choose(me.said("Imported list"), "upload", place("1.0"))
    me.press(me.said("Count"), "main").sees(str(len(in_group)), f"连同以上共 {len(in_group)} 户")
    me.sees("月均消费不低于 38 元，且（年龄小于 30 岁，或年龄不低于 60 岁）。", "但不含：在名单 upload 中。")
    me.write(me.said("Name of the group"), "两端高消费").write(me.said("Short name"), "two_ends")
    me.press(me.said("Save the group"), "main").sees("已保存：两端高消费，第 1 版。")
    expected = {"except": [{"rule": "c.arpu >= 38 && (c.age < 30 || c.age >= 60)"}, {"list": "upload"}]}
    assert dict(groups.find(filled, viewer(filled, "wangmin"), "two_ends").source) == expected

    me.press(me.said("Start a case")).press(me.said("Start: %(kind)s", kind="客户群营销案"))
    me.write("案名", "国庆回馈").choose("客户群", "两端高消费 (two_ends)").write("目标客户数", str(len(in_group)))
    me.press(me.said("Count the customers now"), "main").sees("黑名单", str(len(in_group)))
    me.press(me.said("Submit for approval"), "main").sees("国庆回馈", "李国强")
    case_id = me.page.url.split("/cases/")[1].split("?")[0].split("/")[0]

    head = Person(window, way).sign_in("liguoqiang")
    head.go(f"/tasks/{open_task(filled, 'liguoqiang')}").press(head.said("Approve"))
    while effects.work(filled, lambda notice: None).any:
        pass

    me.go(f"/cases/{case_id}?tab=customers").sees("黑名单", me.said("Control group"), str(len(in_group)))
    me.write(me.said("Customer number or phone"), id_of(in_group[0])).press(me.said("Why in or out?"))
    me.sees("黑名单", "two_ends@1")
    me.go(f"/cases/{case_id}?tab=customers")
    outside = next(n for n in range(NUMBER) if n not in in_group)
    me.write(me.said("Customer number or phone"), id_of(outside)).press(me.said("Why in or out?"))
    me.sees(me.said("Not in the source"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_right_empty_filled_and_wrong(filled: Countersign, window: Windows, language: Language) -> None:
    for login in ("wangmin", "machao"):
        people.set_language(filled, viewer(filled, login), language)
    by = By(people.viewer_named(filled, "machao"), key=key())
    every = {
        "union": [
            {"rule": "c.arpu >= 38 && (c.age < 30 || c.sms_consent || has(c.home)) && c.age + 1 > 20"},
            {"intersect": [{"list": "upload"}, {"sql": "select customer from customers where arpu > 90"}]},
            {"except": [{"rule": "c.age in [20, 30]"}, {"list": "upload"}]},
            {"feedback": {"of": "440111-2026-00001", "outcome": "contacted", "within": "30d"}},
        ]
    }
    every["union"][0]["rule"] = every["union"][0]["rule"].replace("has(c.home)", "has(c.household_id)")
    groups.save(filled, by, name="every", title="<b>每一种</b>", source=every, note="", base=None)
    page = window()
    sign_in(page, "machao")
    page.goto("/groups/build")
    found = look(page, f"build-empty-{language}")
    page.goto("/groups/build?group=every")
    found += look(page, f"build-every-{language}")
    page.select_option("[name='0.0.field']", "age")
    page.fill("[name='0.0.value']", "sixty")
    page.click("button[value=save]")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("[name='0.0.value']") == "sixty"
    found += look(page, f"build-wrong-{language}")
    page.goto("/groups")
    found += look(page, f"groups-{language}")
    assert found == []


def test_counts_follow_what_is_typed_and_nothing_typed_is_lost(filled: Countersign, window: Windows) -> None:
    page = window()
    sign_in(page, "wangmin")
    page.goto("/groups/build")
    page.select_option("[name='0.0.field']", "arpu")
    page.wait_for_selector("[name='0.0.operator']")
    page.wait_for_selector("[name='0.0.value']")
    for typed, customers in (("38", 124), ("90", 20)):
        page.fill("[name='0.0.value']", typed)
        page.wait_for_function(
            "n => document.querySelector('[data-preview] .big')?.textContent === n", arg=f"{customers}"
        )
        assert page.input_value("[name='0.0.value']") == typed
        assert f"{customers}" in page.inner_text("[id='c-0.0']")
    page.fill("[name='0.0.value']", "many")
    page.wait_for_selector("[data-preview] .alert")
    page.select_option("[name='0.0.operator']", "lt")
    page.fill("[name='0.0.value']", "1")
    page.wait_for_function("() => document.querySelector('[data-preview] .big')?.textContent === '2'")
    page.select_option("[name='0.0.field']", "sms_consent")
    page.wait_for_function("() => document.querySelector(\"[name='0.0.operator']\")?.value === 'yes'")
    page.click("button[value='add:0:condition']:not([aria-hidden])")
    page.wait_for_selector("[name='0.1.field']")
    page.select_option("[name='0.1.field']", "age")
    page.wait_for_selector("[name='0.1.value']")
    page.go_back()
    assert page.locator("[name='0.0.field']").count() == 1
