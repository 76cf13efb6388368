"""Why an expression failed is said in the reader's language, at every page where that can be in view."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.failures import failure
from api.i18n import Words
from engine.definition.load import load
from engine.errors import ExpressionFailed, InvalidExpression
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, DECIMAL, Record
from engine.machine.commands import AudienceFailed
from engine.service import proposals
from engine.service.app import Countersign
from engine.service.running import carry_out
from engine.warehouse.job import Failure
from engine.warehouse.lockdown import answered
from tests.acceptance.offices import in_force
from tests.api.cases import FORM, PROPOSAL, decide, key, submitted, viewer
from tests.api.desk import Desk
from tests.support import ROOT

CHINESE, ENGLISH = Words("zh"), Words("en")
WHERE = {"wrong": 3, "problem": 2, "need": 3, "error": 2, "refused": 1, "Misfit": 0, "ValueError": 0}
Desks = Callable[..., Desk]


def said_by(path: Path) -> list[str]:
    """Every message that a file of the expression language gives, a name standing in each place."""
    found = []
    for call in ast.walk(ast.parse(path.read_text())):
        name = getattr(call.func, "id", getattr(call.func, "attr", "")) if isinstance(call, ast.Call) else ""
        place = WHERE.get(name)
        if isinstance(call, ast.Call) and place is not None and place < len(call.args):
            found += [text for text in (filled(call.args[place]),) if text]
    return found


def filled(message: ast.expr) -> str:
    match message:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "some_name" for part in parts)
        case _:
            return ""


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


@pytest.mark.parametrize("path", sorted((ROOT / "engine/expr").glob("*.py")), ids=lambda path: path.name)
def test_every_message_of_the_expression_language_has_its_chinese(path: Path):
    asked = [f"{text}, this is some_name" if text.endswith("a condition") else text for text in said_by(path)]
    assert [text for text in asked if not has_chinese(failure(text, CHINESE))] == []
    assert [text for text in asked if failure(text, ENGLISH) != text] == []


def test_what_goes_wrong_while_a_rule_runs_is_said_whole():
    scope = Scope({"form": Record({"discount": DECIMAL}, "form", frozenset({"discount"}))})
    rule = compile_expression("form.discount < 0.7", scope, gives=BOOL)
    with pytest.raises(ExpressionFailed) as caught:
        rule.evaluate({"form": {}})
    assert failure(caught.value.message, CHINESE) == "规则 `form.discount < 0.7` 无法计算：discount 为空。"
    assert failure(caught.value.message, ENGLISH) == caught.value.message


def test_several_problems_keep_their_codes_and_what_was_meant():
    scope = Scope({"c": Record({"arpu": DECIMAL}, "c")})
    with pytest.raises(InvalidExpression) as caught:
        compile_expression("c.arpuu > 3 && c.arpu", scope, gives=BOOL)
    said = failure(caught.value.message, CHINESE)
    assert said == "c 没有字段 arpuu（是否想写 arpu？；E303）；&& 连接的应是条件，这里是 decimal（E304）"


def test_words_that_nobody_knows_stay_as_they_are():
    assert failure("Serialization Error: no such thing", CHINESE) == "Serialization Error: no such thing"
    assert failure("The selection ended without a result: Trouble.", CHINESE) == "筛选没有得出结果：Trouble。"


OF_DUCKDB = {
    "SELECT nope FROM customers": "没有字段 nope",
    "SELECT c.nope FROM customers AS c": "表 c 中没有字段 nope",
    "SELECT k.customer FROM customers": "没有表 k",
    "SELECT customer FROM customers JOIN others ON true": "有几张表都有字段 customer",
    "SELECT customer, sum(arpu) FROM customers": "字段 customer 须写入 GROUP BY",
    "SELECT sum(customer) FROM customers": "函数 sum(VARCHAR) 不接受",
    "SELECT customer FROM customers WHERE born > 5": "类型 DATE 与 INTEGER_LITERAL 不能比较",
    "SELECT customer, arpu FROM customers UNION SELECT customer FROM others": "同样多的字段",
    "SELECT customer FROM customers WHERE sum(arpu) > 3": "改用 HAVING",
    "SELECT sum(sum(arpu)) FROM customers": "不能嵌套",
    "SELECT customer FROM customers WHERE arpu IN (SELECT customer, 1 FROM others)": "子查询给出 2 个字段",
    "SELECT customer FROM customers ORDER BY 7": "应为 1 至 1",
    "SELECT 1::DECIMAL(50, 2)": "名称或类型有误",
    "SELECT customer FROM nowhere": "没有名为 nowhere 的表",
    "SELECT nofunc(arpu) FROM customers": "没有名为 nofunc 的函数",
    "SELEC 1": "语法错误",
    "SELECT customer::INT FROM customers": "值不能转换为所需的类型",
    "SELECT 9223372036854775807 + arpu FROM customers": "数值超出范围",
    "SELECT regexp_matches(customer, '(') FROM customers": "输入的值无效",
}


def test_what_the_database_says_of_a_statement_has_its_own_words_beside_and_no_value():
    with duckdb.connect() as db:
        db.execute("CREATE TABLE customers AS SELECT 'C77001' AS customer, 58 AS arpu, DATE '2001-01-01' AS born")
        db.execute("CREATE TABLE others AS SELECT 'C77001' AS customer")
        for statement, said in OF_DUCKDB.items():
            found = answered(lambda text=statement: db.execute(text).fetchall())
            assert isinstance(found, Failure)
            message = f"The selection ended without a result: {found.reason}."
            told = failure(message, CHINESE)
            assert said in told and "（DuckDB：" in told and "Error" in told and "C77001" not in told, statement
            assert failure(message, ENGLISH) == message


@pytest.fixture
def lenient(app: Countersign) -> Countersign:
    """The telecom definition with a route that reads a field which may be left empty."""
    text = (ROOT / "definitions/telecom-marketing-case.yaml").read_text()
    optional = re.sub(r"(    discount:\n(?:      .*\n)*?)      required: true\n", r"\1", text)
    assert optional != text
    in_force(app, load(optional.replace("version: 3\n", "version: 4\n", 1), prove=False))
    return app


LEFT_EMPTY: dict[str, Any] = FORM | {"discount": "", "budget": "4000.00", "reach": "900"}
NOT_NOW = "discount 为空"


def test_a_rule_that_cannot_be_worked_out_leaves_the_form_open_and_says_why(desk: Desks, lenient: Countersign):
    browser = desk("wangmin", "zh")
    case_id = proposals.start(lenient, viewer(lenient, "wangmin"), "telecom-marketing-case", key=key())
    edit = f"/cases/{case_id}/edit"
    saved = browser.fill_in(edit, edit, action="save", **LEFT_EMPTY | {"title": "留下的案名"})
    assert saved.status_code == 200
    refused = browser.fill_in(edit, edit, action="submit", **LEFT_EMPTY | {"title": "又改的案名"})
    assert refused.status_code == 422
    again = browser.get(edit)
    for answer in (saved, refused, again):
        assert NOT_NOW in answer.text
        assert "暂时无法为此方案选定审批链" in answer.text
        assert "is empty" not in answer.text
    assert 'value="又改的案名"' in again.text
    done = browser.fill_in(edit, edit, action="submit", **LEFT_EMPTY | {"discount": "0.8"})
    assert done.url.path == f"/cases/{case_id}"


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "c 没有字段 arpuu（是否想写 arpu？；E303）"), ("en", "c has no field arpuu (did you mean arpu?; E303)")],
)
def test_a_selection_that_failed_says_why_on_the_case(desk: Desks, app: Countersign, language: str, said: str):
    case_id = submitted(app, budget="4000.00", reach="900")
    decide(app, "zhengkai", "acknowledge")
    scope = Scope({"c": Record({"arpu": DECIMAL}, "c")})
    with pytest.raises(InvalidExpression) as caught:
        compile_expression("c.arpuu > 3", scope, gives=BOOL)
    failed = AudienceFailed(actor="system", via="timer", reason=caught.value.message)
    carry_out(app, case_id, failed, key=key())
    page = desk("wangmin", language).get(f"/cases/{case_id}").text
    assert page.count(said) == 2, "above, and in the timeline"


def test_a_script_is_told_with_the_fault_of_its_form(lenient: Countersign):
    case_id = proposals.start(lenient, viewer(lenient, "wangmin"), "telecom-marketing-case", key=key())
    form = {**PROPOSAL, "discount": "", "budget": "4000.00", "reach": "900"}
    with pytest.raises(ExpressionFailed) as caught:
        proposals.submit(lenient, viewer(lenient, "wangmin"), case_id, form, key=key())
    assert caught.value.status == 422
    assert proposals.form(lenient, viewer(lenient, "wangmin"), case_id).failed == caught.value.message
