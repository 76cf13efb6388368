"""What the doors to a test of texts refuse, by page and REST; what the form and the scenarios say of one."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from engine.definition.check import check
from engine.definition.load import load
from engine.definition.scenario_run import run_scenarios
from engine.errors import InvalidForm
from engine.service import proposals
from engine.service.app import Countersign
from tests.acceptance.offices import in_force, key, notices, viewer
from tests.acceptance.sealed_case import FORM, frozen
from tests.acceptance.text_test_case import DAYS, TESTED, begun, later, respond, send, take_in
from tests.api.desk import Desk
from tests.security.signed_in import session
from tests.servers.gateway import RunningGateway

CLICKED = (
    TESTED.replace("metric: response", "metric: click")
    .replace("{variants: {a: {text: 甲款优惠}", '{link: "https://example.com/a", variants: {a: {field: first}')
    .replace("b: {text: 乙款优惠}", 'b: {text: "乙款 {link}"}')
    .replace("  material:", "    first: {type: text, label: {zh: 甲款, en: First text}}\n  material:")
)
WRONG = [
    ({"wave": "none", "variant": "a", "reason": "so"}, "wave", "none"),
    ({"wave": "main", "variant": "a", "reason": "so"}, "wave", "pilot"),
    ({"wave": "pilot", "variant": "c", "reason": "so"}, "variant", "a, b"),
    ({"wave": "pilot", "variant": "a", "reason": " "}, "reason", "200"),
]


@pytest.fixture
def desk(app: Countersign) -> Iterator[Desk]:
    with Desk(create_app(app)) as desk:
        yield desk


def by_rest(desk: Desk, token: str, made: str, named: dict[str, str], **more: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": more["key"]} if more else {})}
    return desk.post(f"/api/v1/cases/{made}/text", json=named, headers=headers)


def by_page(desk: Desk, made: str, named: dict[str, str]) -> Any:
    """The form that stands on the page, sent with something else."""
    csrf = desk.form(desk.get("/inbox"), "/sign-out")["csrf"]
    return desk.post(f"/cases/{made}/text", data=named | {"csrf": csrf, "key": f"a-form-of-the-page-{key()}"})


def test_wrong_input_is_told_at_its_field_and_what_is_decided_says_who_and_when(
    app: Countersign,
    gateway: RunningGateway,
    desk: Desk,
) -> None:
    made = begun(app)
    token = session(app, desk, "wangmin")
    for named, at, told in WRONG:
        answer = by_rest(desk, token, made, named)
        assert (answer.status_code, [one["at"] for one in answer.json()["problems"]]) == (422, [at]), answer.text
        page = by_page(desk, made, named)
        assert page.status_code == 422 and told in page.text
    right = {"wave": "pilot", "variant": "a", "reason": "乙款缺货"}
    for _ in range(2):  # the same key gives the same answer
        assert by_rest(desk, token, made, right, key="choose-the-text-1").status_code == 200
    answer = by_rest(desk, token, made, right | {"variant": "b"})
    assert answer.status_code == 409
    assert (answer.json()["type"], answer.json()["detail"][:20]) == ("TextChosen", "王敏 chose variant a f")
    page = by_page(desk, made, right | {"variant": "b"})
    assert page.status_code == 409 and "王敏" in page.text and "以此为准" in page.text
    send(app)
    assert sum("乙款" in one["text"] for one in gateway.messages()) == 100


def test_after_the_test_has_decided_nobody_chooses(
    app: Countersign,
    gateway: RunningGateway,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = begun(app)
    respond(app, made, gateway, {"甲款": 40, "乙款": 10})
    later(app, monkeypatch)
    send(app)
    token = session(app, desk, "wangmin", by_device=True)
    answer = by_rest(desk, token, made, {"wave": "pilot", "variant": "b", "reason": "so"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "TextFound"
    assert answer.json()["detail"].startswith("The test of pilot was decided at 20")
    page = by_page(desk, made, {"wave": "pilot", "variant": "b", "reason": "so"})
    assert page.status_code == 409 and "继续使用版本 a，以此为准" in page.text


def test_before_the_waves_have_begun_nothing_is_chosen(app: Countersign, desk: Desk) -> None:
    made = frozen(app, TESTED, base=take_in)
    token = session(app, desk, "wangmin")
    answer = by_rest(desk, token, made, {"wave": "pilot", "variant": "b", "reason": "so"})
    assert answer.status_code == 409 and "waves have begun" in answer.json()["detail"]
    page = by_page(desk, made, {"wave": "pilot", "variant": "b", "reason": "so"})
    assert page.status_code == 409


def test_a_text_of_the_form_that_nobody_can_follow_is_refused_where_clicks_decide(app: Countersign) -> None:
    in_force(app, load(CLICKED))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    with pytest.raises(InvalidForm) as refused:
        proposals.submit(app, me, made, FORM | DAYS | {"first": "甲款优惠"}, key=key())
    assert [(problem.code, problem.at) for problem in refused.value.problems] == [("content.no_link", "first")]
    proposals.submit(app, me, made, FORM | DAYS | {"first": "甲款优惠 {link}"}, key=key())
    notices(app)


@pytest.mark.parametrize("text", [TESTED, CLICKED])
def test_scenarios_play_a_case_with_a_test_and_its_guarantees_are_proven(text: str) -> None:
    scenarios = """
tests:
  - name: sent and held on the way
    given: {budget: 100.00, reach: 50}
    do: [head approve, freeze 50/10, start, pause, resume, deliver]
    at: evaluating
guarantees:
  - {never: delivering, before: "head approved"}
  - {always: every case ends}
"""
    checked = check(text + scenarios)
    assert [problem for problem in checked.problems if problem.code.startswith("E")] == []
    assert checked.definition is not None and checked.document is not None
    report = run_scenarios(checked.definition, checked.document)
    assert report.problems == ()
