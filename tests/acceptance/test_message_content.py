"""What a case says: seen on its customers before it is sent, a text for each cell, and nothing the house forbids."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from engine.definition.load import load
from engine.errors import InvalidForm, NotFound
from engine.service import cases, delivering, previewing, proposals, stages, studying
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.acceptance.offices import in_force, key, load_people, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, FORM, delivered, frozen, take_in
from tests.servers.gateway import SECRET, RunningGateway

CELLS = (
    DEFINITION.replace("  control:", '  cells: {high: "c.arpu >= 70", base: "true"}\n  control:')
    .replace(
        '  message: {text: "{name}您好", fields: [name]}',
        """  prices: {sms: "0.05"}
  message:
    fields: [name, arpu]
    field: words
    cells:
      high: {text: "{name|cut(2)}尊享{if arpu >= 85}金{else}银{end}卡，月费{arpu|money}元"}""",
    )
    .replace("  material:", "    words: {type: longtext, label: {zh: 短信, en: Message}, max: 2000}\n  material:")
)
HOUSE = 'signature: {text: "【白云移动】"}\nopt_out: {zh: 回T退订}\nforbidden: [稳赚不赔]\nlinks: [example.com]\n'


@pytest.fixture
def app(db: Database, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    url = db.url.render_as_string(hide_password=False)
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET))
    load_people(app)
    rules(app, HOUSE)
    yield app
    app.close()


def rules(app: Countersign, text: str) -> None:
    app.settings.home.mkdir(exist_ok=True)
    (app.settings.home / "content.yaml").write_text(text, encoding="utf-8")


def draft(app: Countersign, **form: str) -> str:
    in_force(app, load(CELLS))
    take_in(app)
    made = proposals.start(app, viewer(app, "wangmin"), "sealed-test-case", key=key())
    proposals.save(app, viewer(app, "wangmin"), made, FORM | form, key=key())
    return made


def test_every_cell_gets_its_own_text_with_what_the_house_puts_around_it(
    app: Countersign, gateway: RunningGateway
) -> None:
    delivered(app, CELLS, words="{name}您好")
    texts = {message["to"]: message["text"] for message in gateway.messages()}
    expected = {
        f"1391357{n:04}": f"【白云移动】客户{n}您好，回T退订"
        if 30 + n < 70
        else f"【白云移动】客户尊享{'金' if 30 + n >= 85 else '银'}卡，月费{30 + n}.00元，回T退订"
        for n in range(60)
    }
    assert texts.items() <= expected.items()
    assert any("尊享" in text for text in texts.values())


def test_the_submitter_sees_the_message_on_masked_customers_of_every_cell_with_its_cost(app: Countersign) -> None:
    made = draft(app, words="{name}您好")
    shown = previewing.preview(app, viewer(app, "wangmin"), made)
    assert [one.cell for one in shown.cells] == ["base", "high"]
    assert {text.text for one in shown.cells for text in one.texts} >= {"【白云移动】客**您好，回T退订"}
    assert all("C00" not in text.customer or "**" in text.customer for one in shown.cells for text in one.texts)
    assert (shown.low, shown.high) == (shown.customers * Decimal("0.05"), shown.customers * Decimal("0.05"))
    typed = proposals.form(app, viewer(app, "wangmin"), made).message
    assert typed is not None
    assert typed.cells == shown.cells


def test_where_lengths_differ_the_cost_is_a_range(app: Countersign) -> None:
    made = draft(app, words="{name}您好" + "{if arpu >= 50}" + "好" * 60 + "{end}")
    base = previewing.preview(app, viewer(app, "wangmin"), made).cells[0]
    assert (base.least, base.most) == (1, 2)
    assert base.low < base.likely < base.high == 2 * base.low


def test_an_approver_sees_it_and_a_stranger_does_not(app: Countersign) -> None:
    made = frozen(app, CELLS, words="{name}您好")
    shown = previewing.preview(app, viewer(app, "liguoqiang"), made)
    assert (shown.is_estimate, len(shown.cells)) == (False, 2)
    assert cases.case_page(app, viewer(app, "liguoqiang"), made).previews
    with pytest.raises(NotFound):
        previewing.preview(app, viewer(app, "wangmin"), "0" * 16)


@pytest.mark.parametrize(
    ("words", "code", "fields"),
    [
        ("您好\n{nmae}", "content.name", {"line": 2, "column": 1, "hint": "did you mean name?"}),
        ("稳赚 不赔", "content.forbidden", {"what": "稳赚不赔"}),
        ("详见 http://evil.cn/a", "content.link", {"what": "http://evil.cn/a"}),
        ("好" * 1001, "content.long", {}),
    ],
)
def test_a_text_that_may_not_go_out_is_said_at_its_field_and_kept(
    app: Countersign, words: str, code: str, fields: dict[str, object]
) -> None:
    made = draft(app, words=words)
    saved = proposals.form(app, viewer(app, "wangmin"), made)
    assert next(one.raw for one in saved.fields if one.name == "words") == words
    with pytest.raises(InvalidForm) as refused:
        proposals.submit(app, viewer(app, "wangmin"), made, FORM | {"words": words}, key=key())
    (problem,) = refused.value.problems
    assert (problem.code, problem.at) == (code, "words")
    assert fields.items() <= problem.fields.items()


def test_a_text_of_the_definition_is_looked_at_by_its_check(app: Countersign) -> None:
    text = CELLS.replace("尊享", "稳赚不赔").replace("high: {text", "hihg: {text")
    found = studying.checked(app, viewer(app, "machao"), text, prove=False)
    assert {"E390", "E392"} <= {problem.code for problem in found.problems}
    alone = studying.checked(app, viewer(app, "machao"), CELLS.replace("    field: words\n", ""), prove=False)
    assert [problem.fields["name"] for problem in alone.problems if problem.code == "E391"] == ["base"]


def test_a_wave_with_a_forbidden_text_does_not_start_until_the_rules_allow_it(
    app: Countersign, gateway: RunningGateway
) -> None:
    made = frozen(app, CELLS, words="{name}您好")
    rules(app, HOUSE.replace("稳赚不赔", "客户1"))  # a word that only a value of a customer brings
    me = viewer(app, "wangmin")
    with app.db.read() as tx:
        target = cases.load_visible(app, tx, me, made).facts["target"]
    stages.start_delivery(app, me, made, target, key=key())
    notices(app)
    page = cases.case_page(app, me, made)
    (wave,) = page.waves
    assert (page.row.state, wave.state) == ("paused", "planned")
    assert wave.wrong_texts is not None
    assert 0 < wave.wrong_texts.wrong < wave.wrong_texts.texts
    assert {(one.kind, one.what) for one in wave.wrong_texts.first} == {("forbidden", "客户1")}
    assert all("**" in one.customer for one in wave.wrong_texts.first)
    assert delivering.work(app, "worker") is None
    assert gateway.messages() == []
    rules(app, HOUSE + "# again\n")
    stages.hold(app, me, made, "resume", "", key=key())
    notices(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
    assert len(gateway.messages()) == target
