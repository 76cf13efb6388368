"""Two texts against each other over a real gateway, on both databases: decided once, on time, for good."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import InvalidForm, NotFound, TextChosen
from engine.machine.states import TEXTS
from engine.service import delivering, stages, text_test_showing
from engine.service.app import Countersign
from engine.service.text_test_views import TextTestView
from engine.service.views import Viewer
from engine.store import cases, history, reports, waves
from engine.store.reports import ResponseRow
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.test_faults_delivery import send_all, shown, states_of
from tests.servers.gateway import RunningGateway, running_gateway

TARGET = 1080
TESTED = 600
LI = Viewer("li", "李", "zh", ())
DAY = timedelta(hours=24)
DELIVERY = r"""
  waves:
    - {name: pilot, size: 600, channel: sms, chunk: 50, test: {of: [a, b], metric: response, wait: 24h, else: b}}
    - {name: main, share: rest, channel: sms, chunk: 50, text: winner of pilot}
  message:
    variants:
      a: {text: "{name}您好，{form.message}"}
      b:
        text: "{name}，只剩三天：{form.message}，流量翻倍，话费直减，一年有效，不换号码，不换套餐，随时可以取消，\
          更多优惠请到营业厅咨询办理，详情回复1了解"
    fields: [name]
  prices: {sms: "0.05"}
"""
Make = Callable[..., Countersign]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application with a case of 1,200 customers, 120 of them in the control group."""
    opened: list[Countersign] = []

    def opening(**changes: Any) -> Countersign:
        settings: dict[str, Any] = {"sms_url": gateway.url, "delivery": DELIVERY} | changes
        opened.append(delivering_case(db_url, tmp_path / "home", customers=1200, **settings))
        delivering.begin(opened[-1], CASE)
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def send_pilot(app: Countersign) -> None:
    """Work until the pilot is out; the main wave waits."""
    while any(wave.waiting for wave in shown(app) if wave.name == "pilot"):
        delivering.work(app, "test")
    delivering.settle(app)


def answer(app: Countersign, *, a: int, b: int, from_the_end: bool = False) -> None:
    """So many customers of the pilot who got each text respond now."""
    with app.db.begin() as tx:
        chosen = sa.text('SELECT "row", customer FROM recipients WHERE wave = \'case1-w1\' ORDER BY "row"')
        rows = list(tx.execute(chosen))
        if from_the_end:
            rows.reverse()
        some = [
            row for place, count in ((0, a), (1, b)) for row in [one for one in rows if one.row % 2 == place][:count]
        ]
        told = [ResponseRow(row.customer, "response", app.now(), None, f"test:{row.row}") for row in some]
        reports.record_responses(tx, CASE, told)


def the_test(app: Countersign) -> TextTestView:
    with app.db.read() as tx:
        case = cases.load(tx, CASE)
    with app.db.read() as tx:
        return text_test_showing.views(app, tx, LI, case, frozenset())[0]


def texts_of(gateway: RunningGateway) -> Counter[str]:
    return Counter("b" if "只剩三天" in one["text"] else "a" for one in gateway.messages())


def later(app: Countersign, monkeypatch: pytest.MonkeyPatch, span: timedelta = DAY) -> None:
    now = app.now
    monkeypatch.setattr(Countersign, "now", lambda _self: now() + span + timedelta(minutes=1))


def test_the_better_text_goes_on(make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    send_pilot(app)
    assert texts_of(gateway) == {"a": 300, "b": 300}
    first = gateway.messages()[:100]
    assert 40 <= sum("只剩三天" in one["text"] for one in first) <= 60  # no part of the wave has one text alone
    answer(app, a=45, b=9)
    delivering.settle(app)
    before = the_test(app)
    assert (before.decision, [one.did for one in before.variants], before.variants[0].rate) == (None, [45, 9], None)
    (main,) = [wave for wave in shown(app) if wave.name == "main"]
    assert (main.state, main.held_because) == ("planned", "waits for the test of its text")
    later(app, monkeypatch)
    delivering.settle(app)
    delivering.settle(app)
    found = the_test(app)
    assert found.decision is not None
    assert (found.decision.variant, found.decision.how, found.decision.by) == ("a", "winner", "")
    (pair,) = found.decision.pairs
    assert 0 < pair.low < 0.12 < pair.high
    assert pair.p_adjusted < 0.001
    send_all(app)
    assert texts_of(gateway) == {"a": 300 + TARGET - TESTED, "b": 300}
    assert set(gateway.times().values()) == {1}
    with app.db.read() as tx:
        entries = [one for one in history.load(tx, CASE) if one.kind == "TextDecided"]
    assert len(entries) == 1
    assert entries[0].command.found["variants"]["a"] == {"customers": 300, "contacted": 300, "did": 45}


def test_late_answers_are_shown_apart_and_decide_nothing(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    answer(app, a=9, b=8)
    later(app, monkeypatch)
    answer(app, a=0, b=60, from_the_end=True)  # after the wait, and before a worker looks
    delivering.settle(app)
    found = the_test(app)
    assert found.decision is not None
    assert (found.decision.variant, found.decision.how) == ("b", "no_difference")
    assert found.decision.detectable == pytest.approx(0.05, abs=0.02)
    assert [(one.did, one.late) for one in found.variants] == [(9, 0), (8, 60)]
    delivering.settle(app)
    assert the_test(app) == found
    send_all(app)
    assert texts_of(gateway) == {"a": 300, "b": 300 + TARGET - TESTED}


def test_a_person_chooses_with_a_reason_and_only_once(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    monkeypatch.setattr(
        "engine.service.stages.load_visible", lambda _app, tx, _viewer, case_id: cases.load(tx, case_id)
    )
    with pytest.raises(NotFound):
        stages.choose_text(app, Viewer("zhao", "赵", "zh", ()), CASE, wave="pilot", variant="a", reason="so", key="k0")
    with pytest.raises(InvalidForm) as refused:
        stages.choose_text(app, LI, CASE, wave="pilot", variant="c", reason=" ", key="k1")
    assert [problem.at for problem in refused.value.problems] == ["variant", "reason"]
    stages.choose_text(app, LI, CASE, wave="pilot", variant="a", reason="b 的说法有误", key="k2")
    with pytest.raises(TextChosen) as stands:
        stages.choose_text(app, LI, CASE, wave="pilot", variant="b", reason="or not", key="k3")
    assert stands.value.fields["variant"] == "a"
    stages.choose_text(app, LI, CASE, wave="pilot", variant="a", reason="b 的说法有误", key="k2")  # the same form again
    later(app, monkeypatch)
    delivering.settle(app)
    found = the_test(app)
    assert found.decision is not None
    assert (found.decision.how, found.decision.variant, found.decision.reason) == ("person", "a", "b 的说法有误")
    send_all(app)
    assert texts_of(gateway) == {"a": 300 + TARGET - TESTED, "b": 300}


def test_a_worker_that_dies_between_the_decision_and_the_next_wave_changes_nothing(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    answer(app, a=45, b=9)
    later(app, monkeypatch)

    def die(*_: object, **__: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr("engine.service.settling.start_next", die)
        with pytest.raises(ConnectionAbortedError):
            delivering.settle(app)
    with app.db.read() as tx:
        rows = {row.name: row for row in waves.of_case(tx, CASE)}
        assert cases.load(tx, CASE).facts[TEXTS]["pilot"]["variant"] == "a"
    assert (rows["main"].variant, rows["main"].state) == ("a", "planned")
    answer(app, a=0, b=90, from_the_end=True)
    send_all(app)
    assert texts_of(gateway) == {"a": 300 + TARGET - TESTED, "b": 300}


def test_a_decision_that_cannot_be_recorded_leaves_no_text_behind(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    answer(app, a=45, b=9)
    later(app, monkeypatch)

    def die(*_: object, **__: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr("engine.store.cases.rows_of", die)
        with pytest.raises(ConnectionAbortedError):
            delivering.settle(app)
    with app.db.read() as tx:
        assert [row.variant for row in waves.of_case(tx, CASE)] == ["", ""]
        assert TEXTS not in cases.load(tx, CASE).facts
    send_all(app)
    assert texts_of(gateway)["a"] == 300 + TARGET - TESTED


def test_a_split_that_was_broken_gives_no_verdict(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    with app.db.begin() as tx:  # the gateway refused most of one text
        tx.execute(
            sa.text(
                "UPDATE recipients SET state = 'failed', reason = 'rejected: content'"
                ' WHERE wave = \'case1-w1\' AND "row" % 2 = 0 AND "row" < 400'
            )
        )
    answer(app, a=90, b=9)
    later(app, monkeypatch)
    delivering.settle(app)
    found = the_test(app)
    assert found.decision is not None
    assert (found.decision.how, found.decision.variant) == ("sample_ratio", "b")


def test_the_budget_is_asked_for_the_dearest_text(make: Make, gateway: RunningGateway) -> None:
    app = make(budget="60.00")
    with app.db.read() as tx:
        planned = dict(tx.execute(sa.text("SELECT wave, sum(segments) FROM chunks GROUP BY wave")).all())
    assert planned == {"case1-w1": 300 + 600, "case1-w2": 2 * (TARGET - TESTED)}  # b has two segments
    send_pilot(app)
    assert {str(wave.cost) for wave in shown(app) if wave.name == "pilot"} == {str(Decimal("45.00"))}


def test_every_text_is_looked_at_before_the_first_wave(make: Make, gateway: RunningGateway, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "content.yaml").write_text("forbidden: [流量翻倍]\n", encoding="utf-8")
    app = make()
    assert not gateway.messages()
    assert [wave.wrong_texts.wrong for wave in shown(app) if wave.wrong_texts] == [300, TARGET - TESTED]
    assert states_of(app) == {"waiting": TARGET}


def test_a_page_counts_no_more_responses_than_it_can_look_up_at_once(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    send_pilot(app)
    answer(app, a=45, b=9)
    monkeypatch.setattr("engine.store.text_tests.LOOKED_UP_BY_A_PAGE", 53)
    assert [one.did for one in the_test(app).variants] == [None, None]
    later(app, monkeypatch)
    delivering.settle(app)
    found = the_test(app)
    assert [(one.did, one.late) for one in found.variants] == [(45, None), (9, None)]
    assert found.decision is not None and found.decision.how == "winner"
    monkeypatch.setattr("engine.store.text_tests.LOOKED_UP_BY_A_PAGE", 54)
    assert [(one.did, one.late) for one in the_test(app).variants] == [(45, 0), (9, 0)]
