"""Two texts against each other in a whole case, by the doors that people use: declared, approved, tested, decided."""

import re

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.definition.load import load
from engine.errors import InvalidForm
from engine.service import cases, previewing, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import in_force, key, open_task, viewer
from tests.acceptance.sealed_case import FORM
from tests.acceptance.text_test_case import TESTED, A, B, begun, later, respond, send, take_in
from tests.security.signed_in import session
from tests.servers.gateway import RunningGateway


def page(app: Countersign, made: str, *, again: bool = False) -> str:
    """What the submitter reads; `again`: in a session of another day."""
    client = TestClient(create_app(app))
    session(app, client, "wangmin", by_device=again)
    text = client.get(f"/cases/{made}?tab=delivery").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_approver_sees_what_the_test_can_tell_and_every_text(app: Countersign) -> None:
    in_force(app, load(TESTED))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    with pytest.raises(InvalidForm) as refused:
        proposals.submit(app, me, made, FORM | {"days": {"from": "2027-03-01", "to": "2027-03-01"}}, key=key())
    assert [(problem.code, problem.at) for problem in refused.value.problems] == [("test_wait", "days")]
    proposals.submit(app, me, made, FORM, key=key())
    client = TestClient(create_app(app))
    session(app, client, "liguoqiang")
    sheet = client.get(f"/tasks/{open_task(app, 'liguoqiang')}").text
    assert "文字测试" in sheet
    assert "每个版本 25 户，低于" in sheet
    (test,) = cases.case_page(app, viewer(app, "liguoqiang"), made).tests
    assert (test.otherwise, test.followed_by, test.decision, test.may_choose) == ("b", ("main",), None, False)
    shown = previewing.preview(app, me, made)
    assert [(one.variant, one.texts[0].text) for one in shown.cells] == [("a", A), ("b", B)]
    assert shown.customers == shown.cells[0].customers


def test_a_true_difference_chooses_the_text_of_the_next_wave(
    app: Countersign, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begun(app)
    respond(app, made, gateway, {"甲款": 40, "乙款": 10})
    before = page(app, made)
    assert "版本 a 100 户中 40 户 版本 b 100 户中 10 户" in before
    assert "在此之前只有计数" in before
    later(app, monkeypatch)
    send(app)
    words = page(app, made, again=True)
    assert "版本 a 优于其他各版本，继续使用。" in words
    assert "100 户中的 40.0%（40 户） 版本 b 100 户中的 10.0%（10 户）" in words
    texts = [one["text"] for one in gateway.messages()]
    assert texts.count(B) == 100
    assert len(texts) - 100 == texts.count(A) > 100
    history = cases.case_page(app, viewer(app, "wangmin"), made).history
    assert [one.remark for one in history if one.what == "text_found"] == ["pilot: a"]


def test_without_a_difference_the_declared_text_goes_on_and_the_page_says_why(
    app: Countersign, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begun(app)
    respond(app, made, gateway, {"甲款": 12, "乙款": 9})
    later(app, monkeypatch)
    send(app)
    words = page(app, made)
    assert "各版本分不出高下：a 为 100 户中的 12.0%，b 为 100 户中的 9.0%；以这样的户数，低于" in words
    assert "100 户中的 12.0%（12 户） 版本 b 100 户中的 9.0%（9 户）" in words
    assert [one["text"] for one in gateway.messages()].count(A) == 100


def test_the_submitter_chooses_on_the_page(app: Countersign, gateway: RunningGateway) -> None:
    made = begun(app)
    client = TestClient(create_app(app))
    session(app, client, "wangmin")
    shown = client.get(f"/cases/{made}?tab=delivery").text
    form = shown[shown.index(f'action="/cases/{made}/text"') :]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    done = client.post(f"/cases/{made}/text", data=hidden | {"variant": "a", "reason": "乙款缺货"})
    assert done.status_code == 200, re.sub(r"<[^>]+>", " ", done.text)
    send(app)
    assert [one["text"] for one in gateway.messages()].count(A) > 100
    (test,) = cases.case_page(app, viewer(app, "wangmin"), made).tests
    assert test.decision is not None
    assert (test.decision.how, test.decision.reason, test.decision.variant) == ("person", "乙款缺货", "a")
