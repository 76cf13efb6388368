"""A delivery held for want of money goes on once more is approved: nobody twice, and the books are whole."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from engine.delivery.plan import DeliveryPlan
from engine.errors import CountersignError, InvalidForm, NotFound, NotPossible
from engine.machine.replay import replay
from engine.service import approvals, budgets, cases, interventions, proposals, stages, widening
from engine.service.app import Countersign
from engine.service.replying import receive_replies
from engine.settings import Settings
from engine.store import history, ledger
from engine.store.session import Database
from tests.acceptance.budgeted_case import decide, occasions
from tests.acceptance.offices import key, load_people, notices, viewer
from tests.acceptance.test_inbound import post
from tests.acceptance.widened_case import ask, case_of, cents, held_case, work_on
from tests.faults.test_faults_children_killed import end_leases, killed_at_a_notice
from tests.invariants import check_invariants
from tests.servers.gateway import SECRET, RunningGateway


@pytest.fixture
def app(db: Database, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    url = db.url.render_as_string(hide_password=False)
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET))
    load_people(app)
    yield app
    assert budgets.verify(app) == ()
    check_invariants(app.db)
    app.close()


def waves(app: Countersign, case_id: str) -> dict[str, str]:
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    return {wave.name: wave.state for wave in view.waves}


def test_more_is_asked_for_and_approved_and_the_delivery_goes_on_where_it_was_held(
    app: Countersign, gateway: RunningGateway
) -> None:
    case_id, me = held_case(app), viewer(app, "wangmin")
    held = cases.case_page(app, me, case_id)
    everybody = sum(wave.audience for wave in held.waves)
    needed = everybody * 5 - 100
    assert (held.row.state, held.waiting.reason) == ("paused", f"budget: {needed / 100:.2f} > 0.20")
    assert "widen" in held.waiting.possible
    assert held.missing * 100 == needed - 20
    assert cents(app) == (9880, 0, 20, 100)

    form = widening.form(app, me, case_id)
    assert {field.name: (field.raw, field.was) for field in form.fields} == {
        "budget": (f"{everybody * 5 / 100:.2f}", "1.20")
    }
    ask(app, case_id, budget="3.00")
    assert cents(app) == (9700, 180, 20, 100)
    asked = cases.case_page(app, viewer(app, "zhanglan"), case_id)
    assert asked.widening is not None
    assert [(one.was, one.now) for one in asked.widening.changes] == [("1.20", "3.00")]
    assert (asked.widening.sent, asked.widening.audience, asked.widening.spent) == (20, everybody, 1)
    assert approvals.inbox(app, viewer(app, "liguoqiang")).to_do == ()  # what he looked at is as it was

    work_on(app)
    assert waves(app, case_id) == {"pilot": "done", "main": "planned"}
    with pytest.raises(NotPossible, match="Cannot resume the delivery while approving"):
        stages.hold(app, me, case_id, "resume", "", key=key())

    decide(app, "zhanglan", case_id)
    assert case_of(app, case_id).state == "delivering"
    assert cents(app) == (9700, 0, 200, 100)
    told = [notice.occasion for notice in notices(app) if notice.person == "wangmin"]
    assert told == ["widened"]
    work_on(app)
    assert waves(app, case_id) == {"pilot": "done", "main": "done"}
    sent = Counter(message["to"] for message in gateway.messages())
    assert (len(sent), max(sent.values())) == (everybody, 1)
    assert cents(app)[3] == everybody * 5
    assert occasions(app, case_id)["reserve"] == 2
    with app.db.read() as tx:
        assert replay(history.load(tx, case_id)) == case_of(app, case_id)
    story = [entry.what for entry in cases.case_page(app, me, case_id).history]
    assert story[:4] == ["approve", "asked_for_more", "paused", "started"]


def test_refused_it_stays_paused_as_it_was_approved_and_may_be_ended(app: Countersign, gateway: RunningGateway) -> None:
    case_id, me = held_case(app), viewer(app, "wangmin")
    before = case_of(app, case_id)
    ask(app, case_id, budget="2.40")
    decide(app, "zhanglan", case_id, "reject")
    after = case_of(app, case_id)
    assert (after.state, after.form) == ("paused", before.form)
    assert cents(app) == (9880, 0, 20, 100)
    assert [notice.occasion for notice in notices(app) if notice.person == "wangmin"] == ["not_widened"]
    page = cases.case_page(app, me, case_id)
    assert (page.amended, page.widening, page.waiting.reason[:8]) == ((), None, "budget: ")
    stages.hold(app, me, case_id, "resume", "", key=key())
    work_on(app)
    assert case_of(app, case_id).state == "paused"  # there is no more money than before
    assert len(gateway.messages()) == 20
    interventions.intervene(app, me, case_id, "void", reason="钱不够", key=key())
    work_on(app)
    assert waves(app, case_id) == {"pilot": "done", "main": "cancelled"}
    assert cents(app) == (9900, 0, 0, 100)


def test_what_may_not_be_asked_two_at_once_what_customers_do_meanwhile_and_taking_it_back(
    app: Countersign, gateway: RunningGateway
) -> None:
    case_id, me = held_case(app), viewer(app, "wangmin")
    with pytest.raises(InvalidForm) as refused:
        ask(app, case_id, budget="101.00")
    (problem,) = refused.value.problems
    assert (problem.code, problem.at, problem.fields) == (
        "budget_short",
        "budget",
        {"left": "100.00", "wanted": "101.00"},
    )
    assert (case_of(app, case_id).state, cents(app)) == ("paused", (9880, 0, 20, 100))
    for values in ({"reach": "60"}, {"budget": "1.19"}, {"title": "另一个"}):
        with pytest.raises(InvalidForm) as refused:
            ask(app, case_id, **values)
        assert [one.at for one in refused.value.problems] == list(values)
    with pytest.raises(NotFound):
        widening.ask(app, viewer(app, "zhanglan"), case_id, {"budget": "2.40"}, "more", key=key())
    with pytest.raises(NotFound):
        widening.form(app, viewer(app, "zhanglan"), case_id)
    assert cases.case_page(app, viewer(app, "zhanglan"), case_id).missing == 0

    ready = Barrier(2)

    def asking(amount: str) -> str:
        ready.wait()
        try:
            ask(app, case_id, budget=amount)
        except CountersignError as refused:
            return type(refused).__name__
        return amount

    with ThreadPoolExecutor(2) as pool:
        came = sorted(pool.map(asking, ("2.40", "3.40")))
    assert came[1] == "NotPossible"
    assert case_of(app, case_id).form["budget"] == came[0]
    assert cents(app)[1] == int(came[0].replace(".", "")) - 120
    with pytest.raises(NotPossible, match="Cannot ask for more while approving; possible: withdraw"):
        widening.form(app, me, case_id)

    first = gateway.messages()[0]
    said = {"id": "r1", "from": first["to"], "text": "T", "at": app.now().isoformat(), "message": first["id"]}
    assert post(app, receive_replies, "replies", [said]) == (1, 0, 0)
    with app.db.read() as tx:
        assert ledger.answers(tx, case_id, [first["id"].rpartition(".")[0]]) == {"opt_out": 1}

    with pytest.raises(NotPossible):
        proposals.withdraw(app, me, case_id, "", key=key(), again=True)
    proposals.withdraw(app, me, case_id, "算错了", key=key())
    assert (case_of(app, case_id).state, cents(app)) == ("paused", (9880, 0, 20, 100))
    assert cases.case_page(app, me, case_id).history[0].what == "more_taken_back"
    ask(app, case_id, budget="9.00")
    interventions.intervene(app, viewer(app, "machao"), case_id, "terminate", reason="停办", key=key())
    work_on(app)
    assert waves(app, case_id) == {"pilot": "done", "main": "cancelled"}
    assert cents(app) == (9900, 0, 0, 100)


def test_killed_between_the_approval_and_going_on_it_goes_on_all_the_same(
    app: Countersign, gateway: RunningGateway
) -> None:
    case_id = held_case(app)
    ask(app, case_id, budget="5.00")
    notices(app)
    decide(app, "zhanglan", case_id)
    for _ in range(2):
        assert killed_at_a_notice(app) == "widened"
        assert end_leases(app) > 0
    work_on(app)
    sent = Counter(message["to"] for message in gateway.messages())
    assert (len(sent), max(sent.values())) == (case_of(app, case_id).facts["target"], 1)
    assert cents(app)[3] == len(sent) * 5


def test_what_any_text_subject_or_link_says_cannot_be_asked_for(app: Countersign) -> None:
    case = case_of(app, held_case(app))
    message = {
        "variants": {"a": "满{form.budget}送10", "b": "限{form.reach}人"},
        "email": {"subject": "{form.title}"},
        "link": "{form.page}",
    }
    wave = {
        "name": "all",
        "share": "rest",
        "channel": "sms",
        "test": {"of": ["a", "b"], "metric": "click", "wait": "1d"},
    }
    plan = DeliveryPlan.model_validate({"waves": [wave], "message": message})
    definition = app.definition(case.process).model_copy(update={"delivery": plan})
    assert widening.told_of(definition, case) == {"budget", "reach", "title", "page"}
