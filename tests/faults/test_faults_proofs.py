"""Proofs to people and messages to seeds, on both databases: once each, recorded, and in no figure."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.delivery.signature import sign
from engine.errors import InvalidForm, NotFound
from engine.machine.commands import PauseDelivery, ResumeDelivery
from engine.organisation import Office
from engine.service import budgets, delivering, parking, proofs, receiving, replying, running, seed_lists
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.service.stage_views import SeedsView
from engine.service.views import Viewer
from engine.store import budgets as budget_rows
from engine.store import cases, history, ledger, people, preferences, side_letters, suppression
from engine.store.suppression import Suppression
from tests.faults.delivering_case import ACCOUNT, CASE, delivering_case
from tests.faults.test_faults_delivery import send_all, shown
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.support import ROOT, wait_until

Make = Callable[..., Countersign]
WAVES = """
  waves:
    - {name: pilot, size: 20, channel: sms, chunk: 10}
    - {name: main, share: rest, channel: sms, chunk: 50}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.05"}
"""
ASKED = WAVES + '  proofs: {to: "role:marketing@county", need: 1}\n'
TESTED = """
  waves:
    - {name: pilot, size: 20, channel: sms, chunk: 10, test: {of: [a, b], metric: response, wait: 24h, else: b}}
    - {name: main, share: rest, channel: sms, chunk: 50, text: winner of pilot}
  message: {variants: {a: {text: "甲款，{form.message}"}, b: {text: "乙款，{form.message}"}}, fields: [name]}
  prices: {sms: "0.05"}
  proofs: {to: "role:marketing@county", need: 1}
"""
NO_SEEDS = WAVES + "  seeds: none\n"
TARGET = 90
NUMBERS = ("13911110001", "13911110002", "13911110003")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application with a case of 90 customers, and two people of marketing with a mobile number."""
    opened: list[Countersign] = []

    def opening(delivery: str = WAVES, **more: Any) -> Countersign:
        settings = {"sms_url": gateway.url, "public_url": "https://countersign.example"} | more
        app = delivering_case(db_url, tmp_path / "home", customers=100, delivery=delivery, **settings)
        opened.append(app)
        with app.db.begin() as tx:
            if not more.get("budget"):
                people.add_offices(tx, (Office("430102", "芙蓉区分公司", "county"),))
            people.add_people(tx, [_account("wang"), _account("zhao"), _account("quiet")])
            people.add_grants(
                tx, [{"person": name, "role": "marketing", "office": "430102"} for name in ("wang", "zhao")]
            )
            for name, number in (("wang", "13922220001"), ("zhao", "13922220002")):
                chosen = json.dumps({"addresses": {"sms": {"to": number}}})
                preferences.keep_of_person(tx, name, chosen, app.now())
        return app

    yield opening
    for app in opened:
        assert budgets.verify(app) == ()
        app.close()


def _account(name: str) -> dict[str, str]:
    return {"id": name, "name": name.title(), "email": f"{name}@example.org", "language": "en"}


def by(name: str, key: str = "") -> By:
    return By(Viewer(name, name.title(), "en", frozenset()), key=key) if name else replace(OPERATOR, key=key)


def seeded(app: Countersign, *numbers: str) -> None:
    for number in numbers or NUMBERS:
        seed_lists.add(app, OPERATOR, office="430102", name="质检", channel="sms", address=number)


def aside(gateway: RunningGateway, kind: str) -> list[dict[str, str]]:
    return [one for one in gateway.messages() if one["id"].startswith(f"{kind}.")]


def held(app: Countersign) -> tuple[str, str]:
    with app.db.read() as tx:
        case, entries = cases.load(tx, CASE), history.load(tx, CASE)
    return case.state, str(getattr(entries[-1].command, "reason", ""))


def receipts(app: Countersign, *told: tuple[str, str]) -> object:
    items = [{"id": name, "status": status, "at": app.now().isoformat()} for name, status in told]
    body = json.dumps({"receipts": items}).encode()
    return receiving.receive_receipts(app, body, sign(body, SECRET))


def figures(app: Countersign) -> object:
    """Every figure of the delivery: waves as shown but for the line of seeds, sums, metrics, contacts."""
    with app.db.read() as tx:
        waves = [replace(one, seeds=None, id="", started_at=None, finished_at=None) for one in shown(app)]
        answers = ledger.answers(tx, CASE, [one.id for one in shown(app)])
        contacts = [sorted(one.customer for one in ledger.contacts(tx, wave.id)) for wave in shown(app)]
    return waves, answers, contacts


def test_a_proof_goes_out_once_says_what_it_is_and_hides_the_customer(make: Make, gateway: RunningGateway) -> None:
    app = make()
    assert proofs.send(app, by("", "form-1"), CASE, ["wang", "zhao"]) == 2
    assert proofs.send(app, by("", "form-1"), CASE, ["wang", "zhao"]) == 0  # the same form again
    delivering.work(app, "test")
    delivering.work(app, "test")
    sent = aside(gateway, "proof")
    assert sorted(one["to"] for one in sent) == ["13922220001", "13922220002"]
    assert all(one["text"].startswith("〔样张，非正式消息〕客**您好，国庆流量包8折") for one in sent)
    assert all(f"https://countersign.example/proofs/{one['id']} " in one["text"] for one in sent)
    receipts(app, (sent[0]["id"], "delivered"), (sent[0]["id"], "delivered"))
    view = proofs.for_operator(app, CASE)
    assert sorted(one.state for one in view.proofs) == ["delivered", "sent"]
    assert {one.address for one in view.proofs} == {"139****0001", "139****0002"}
    assert parking.listed(app, OPERATOR).count == 0


def test_who_has_no_number_is_named_and_too_many_in_a_day_are_refused(make: Make) -> None:
    app = make()
    with pytest.raises(InvalidForm) as wrong:
        proofs.send(app, by(""), CASE, ["wang", "quiet", "nobody"])
    assert [(one.code, one.fields["who"]) for one in wrong.value.problems] == [("E411", "Quiet"), ("E411", "nobody")]
    for turn in range(proofs.A_DAY // 2):
        proofs.send(app, by("", f"form-{turn}"), CASE, ["wang", "zhao"])
    with pytest.raises(InvalidForm) as many:
        proofs.send(app, by("", "one more"), CASE, ["wang"])
    assert many.value.problems[0].code == "E412"


def test_the_first_wave_waits_until_somebody_named_says_that_the_text_fits(make: Make, gateway: RunningGateway) -> None:
    app = make(ASKED)
    delivering.begin(app, CASE)
    assert held(app) == ("paused", "proofs: 0 of 1 said that it fits")
    proofs.send(app, by(""), CASE)  # those whom the definition names
    delivering.work(app, "test")
    mine = proofs.waiting(app, by("wang").viewer)  # type: ignore[arg-type]
    assert [one.person for one in mine] == ["wang"]
    with pytest.raises(NotFound):
        proofs.answer(app, by("zhao"), mine[0].name, fits=True)
    with pytest.raises(InvalidForm):
        proofs.answer(app, by("wang"), mine[0].name, fits=False)
    proofs.answer(app, by("wang"), mine[0].name, fits=False, because="价格不对")
    delivering.hold(app, CASE, "resume")
    assert not [one for one in shown(app) if one.started_at]
    assert shown(app)[0].held_because == "proofs: 0 of 1 said that it fits"
    delivering.settle(app)
    assert held(app)[0] == "paused"
    proofs.answer(app, by("wang"), mine[0].name, fits=True)
    assert proofs.waiting(app, by("wang").viewer) == ()  # type: ignore[arg-type]
    assert held(app)[0] == "delivering"  # nobody has to resume it
    delivering.hold(app, CASE, "resume")
    assert [(one.state, one.held_because) for one in shown(app)] == [("running", ""), ("planned", "")]
    assert aside(gateway, "proof")


def test_an_answer_whose_process_is_killed_is_followed_by_the_next_look(make: Make) -> None:
    app = make(ASKED)
    delivering.begin(app, CASE)
    proofs.send(app, by(""), CASE)
    (mine,) = proofs.waiting(app, by("wang").viewer)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(proofs, "go_on", lambda *_: None)
        proofs.answer(app, by("wang"), mine.name, fits=True)
    assert held(app)[0] == "paused"
    delivering.settle(app)
    delivering.settle(app)
    assert held(app)[0] == "delivering"
    with app.db.read() as tx:
        commands = [type(one.command).__name__ for one in history.load(tx, CASE)]
    assert commands.count("ResumeDelivery") == 1


def test_where_a_person_holds_the_delivery_proofs_let_nothing_go(make: Make) -> None:
    app = make(ASKED)
    delivering.begin(app, CASE)
    proofs.send(app, by(""), CASE)
    running.carry_out(app, CASE, ResumeDelivery(actor="li"), key="resume")
    running.carry_out(app, CASE, PauseDelivery(actor="li", reason="再想想"), key="pause")
    (mine,) = proofs.waiting(app, by("wang").viewer)  # type: ignore[arg-type]
    proofs.answer(app, by("wang"), mine.name, fits=True)
    delivering.settle(app)
    assert held(app) == ("paused", "再想想")
    resume(app)
    assert shown(app)[0].state == "running"


def test_two_are_needed_of_every_variant_and_the_wave_says_how_many(make: Make) -> None:
    app = make(TESTED.replace("need: 1", "need: 2"))
    delivering.begin(app, CASE)
    assert proofs.send(app, by(""), CASE) == 4  # two variants to two people
    letters = proofs.for_operator(app, CASE).proofs
    assert sorted((one.variant, one.person) for one in letters) == [
        (variant, person) for variant in "ab" for person in ("wang", "zhao")
    ]
    for one in letters:
        assert held(app)[0] == "paused"
        proofs.answer(app, by(one.person), one.name, fits=True)
    assert held(app)[0] == "delivering"


def test_the_pilot_shows_seeds_every_variant_and_the_next_wave_the_winner(
    make: Make, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(TESTED.partition("  proofs")[0])
    seeded(app)
    delivering.begin(app, CASE)
    gateway.behave(drop_share=0.3)
    for _ in range(40):  # claims that nobody ended are taken over by who comes next
        delivering.work(app, "test")
        end_leases(app)
        with app.db.begin() as tx:
            tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))
        if not any(one.waiting for one in shown(app) if one.name == "pilot"):
            break
    gateway.behave()
    delivering.settle(app)
    pilot = [(one["to"], "甲" if "甲款" in one["text"] else "乙") for one in aside(gateway, "seed")]
    assert sorted(pilot) == [(number, word) for number in NUMBERS for word in ("乙", "甲")]
    assert shown(app)[1].seeds == SeedsView(3, 0, 0, 0, 0, 3, shown(app)[1].seeds.cost)  # type: ignore[union-attr]
    now = Countersign.now
    monkeypatch.setattr(Countersign, "now", lambda self: now(self) + timedelta(hours=25))
    delivering.settle(app)
    for _ in range(3):
        send_all(app)
        end_leases(app)
    every = aside(gateway, "seed")
    assert len({one["id"] for one in every}) == len(every) == 9
    assert sorted(one["to"] for one in every if "乙款" in one["text"]) == sorted(NUMBERS * 2)  # declared for no winner
    assert len({one["id"] for one in gateway.messages()}) == len(gateway.messages()) == TARGET + 9
    assert [one.seeds.count for one in shown(app) if one.seeds] == [6, 3]


def resume(app: Countersign) -> None:
    """Somebody resumes the delivery."""
    running.carry_out(app, CASE, ResumeDelivery(actor="li"), key=f"resume {app.now()}")
    delivering.hold(app, CASE, "resume")


def test_a_text_that_changed_is_asked_anew(make: Make) -> None:
    app = make(ASKED)
    proofs.send(app, by(""), CASE, ["wang"])
    (mine,) = proofs.waiting(app, by("wang").viewer)  # type: ignore[arg-type]
    proofs.answer(app, by("wang"), mine.name, fits=True)
    assert proofs.for_operator(app, CASE).fits == 1
    with app.db.begin() as tx:  # as an approver's change writes it
        body = tx.execute(sa.text("SELECT body FROM cases")).scalar_one()
        tx.execute(sa.text("UPDATE cases SET body = :body"), {"body": body.replace("流量包8折", "流量包7折")})
    view = proofs.for_operator(app, CASE)
    assert (view.fits, [one.is_current for one in view.proofs]) == (0, [False])


def test_every_wave_also_goes_to_the_seeds_and_no_figure_knows(make: Make, gateway: RunningGateway) -> None:
    app = make()
    seeded(app)
    delivering.begin(app, CASE)
    send_all(app)
    sent = aside(gateway, "seed")
    assert len(sent) == len({one["id"] for one in sent}) == 6  # three seeds, two waves
    assert all(one["text"].startswith("〔样张，非正式消息〕客**您好") for one in sent)
    assert len(gateway.messages()) == TARGET + 6
    receipts(app, (sent[0]["id"], "delivered"), (sent[1]["id"], "failed"))
    first = shown(app)[0].seeds
    assert first is not None
    assert (first.count, first.delivered, first.failed, first.without_receipt) == (3, 1, 1, 1)
    assert str(first.cost) == "0.15"
    assert sum(one.audience for one in shown(app)) == TARGET


@pytest.mark.parametrize("budget", ["", "20.00"])
def test_figures_with_and_without_seeds_are_equal(
    db_url: str, tmp_path: Path, make: Make, gateway: RunningGateway, budget: str
) -> None:
    app = make(budget=budget)
    seeded(app)
    delivering.begin(app, CASE)
    send_all(app)
    assert len(aside(gateway, "seed")) == 6
    receipts(app, *((one["id"], "delivered") for one in gateway.messages() if one["to"] != "13800000007"))
    replies = [
        {"id": f"r{n}", "from": number, "text": "T", "at": app.now().isoformat()} for n, number in enumerate(NUMBERS)
    ]
    body = json.dumps({"replies": replies}).encode()
    replying.receive_replies(app, body, sign(body, SECRET))
    with_seeds = figures(app)
    with app.db.begin() as tx:
        letters = tx.execute(sa.text("SELECT count(*) FROM side_letters WHERE state = 'delivered'")).scalar_one()
        kept = tx.execute(sa.select(side_letters.side_letters)).mappings().all()
        tx.execute(sa.delete(side_letters.side_letters))
    assert letters == 6
    assert figures(app) == with_seeds
    with app.db.begin() as tx:
        tx.execute(sa.insert(side_letters.side_letters), [dict(row) for row in kept])
    assert with_seeds[1] == {}  # type: ignore[index]
    sums = [(one.audience, one.delivered, one.sent) for one in with_seeds[0]]  # type: ignore[index]
    assert sums in ([(20, 20, 0), (70, 69, 1)], [(20, 19, 1), (70, 70, 0)])
    assert {str(one.cost) for one in with_seeds[0]} == {"1.00", "3.50"}  # type: ignore[index]
    if budget:
        with app.db.read() as tx:
            assert f"{budget_rows.holding(tx, CASE, ACCOUNT).actual:.2f}" == "4.80"  # 90 customers and 6 seeds


def test_a_seed_never_takes_the_money_of_a_customer(make: Make, gateway: RunningGateway) -> None:
    app = make(budget="4.55")  # 90 customers and one seed, at 0.05
    seeded(app)
    delivering.begin(app, CASE)
    send_all(app)
    assert len(aside(gateway, "seed")) == 1
    assert [one.state for one in shown(app)] == ["done", "done"]
    assert sum(one.seeds.left_out for one in shown(app) if one.seeds) == 5


def test_seeds_that_ended_opted_out_or_are_on_the_black_list_get_nothing(make: Make, gateway: RunningGateway) -> None:
    app = make()
    seeded(app, *NUMBERS, "13911110004")
    delivering.begin(app, CASE)
    seed_lists.end(app, OPERATOR, seed_lists.listed(app, OPERATOR)[0].id)
    reply = {"id": "r", "from": NUMBERS[1], "text": "退订", "at": app.now().isoformat()}
    body = json.dumps({"replies": [reply]}).encode()
    replying.receive_replies(app, body, sign(body, SECRET))
    with app.db.begin() as tx:
        entry = Suppression("black", NUMBERS[2], "complained")
        suppression.add(tx, [entry], by="test", at=app.now())
    send_all(app)
    assert {one["to"] for one in aside(gateway, "seed")} == {"13911110004"}


def test_a_definition_may_leave_seeds_out(make: Make, gateway: RunningGateway) -> None:
    app = make(NO_SEEDS)
    seeded(app)
    delivering.begin(app, CASE)
    send_all(app)
    assert aside(gateway, "seed") == []


@pytest.mark.parametrize(
    ("guarantee", "state"), [("exactly_once_effect", "sent"), ("query_then_send", "sent"), ("at_most_once", "unknown")]
)
def test_a_lost_answer_costs_what_the_channel_promises(
    make: Make, gateway: RunningGateway, guarantee: str, state: str
) -> None:
    app = make(sms_guarantee=guarantee)
    gateway.behave(drop_answers=1, forgets=guarantee != "exactly_once_effect")
    proofs.send(app, by(""), CASE, ["wang"])
    for _ in range(3):
        delivering.work(app, "test")
        end_leases(app)
    assert len(aside(gateway, "proof")) == 1
    assert [one.state for one in proofs.for_operator(app, CASE).proofs] == [state]


def end_leases(app: Countersign) -> None:
    with app.db.begin() as tx:
        past = app.now() - timedelta(days=1)
        letters = side_letters.side_letters
        tx.execute(sa.update(letters).values(available_at=None))
        tx.execute(sa.update(letters).where(letters.c.state == "claimed").values(lease_until=past))


def test_workers_killed_while_they_send_reach_nobody_twice(db_url: str, make: Make, gateway: RunningGateway) -> None:
    app = make()
    seeded(app, *(f"1391111{n:04}" for n in range(40)))
    proofs.send(app, by(""), CASE, ["wang", "zhao"])
    delivering.begin(app, CASE)
    claimed = 0
    for _ in range(4):
        gateway.behave(slow_seconds=0.3, drop_share=0.5)
        program = [sys.executable, "-m", "tests.faults.delivery_worker", db_url, str(app.settings.home), gateway.url]
        worker = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert worker.stdout is not None
        try:
            assert worker.stdout.readline().startswith("working ")
            _until_claimed(app, worker)
        finally:
            worker.kill()
            worker.wait(10)
            worker.stdout.close()
        claimed += _claimed(app)
        end_leases(app)
        with app.db.begin() as tx:
            tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))
            tx.execute(sa.text("UPDATE chunks SET lease_until = :past"), {"past": "2020-01-01T00:00:00.000000+00:00"})
        if not _open(app):
            break
    gateway.behave()
    for _ in range(40):
        end_leases(app)
        send_all(app)
        if not _open(app):
            break
    assert claimed > 0
    names = [one["id"] for one in gateway.messages()]
    assert len(names) == len(set(names)) == TARGET + 2 + 80
    assert _states(app) == {("proof", "sent"): 2, ("seed", "sent"): 80}


def _until_claimed(app: Countersign, worker: "subprocess.Popen[str]") -> None:
    """It has letters in hand, or has found nothing to do and ended."""
    wait_until(lambda: _claimed(app) or worker.poll() is not None, what="letters are claimed")


def _claimed(app: Countersign) -> int:
    with app.db.read() as tx:
        return tx.execute(sa.text("SELECT count(*) FROM side_letters WHERE state = 'claimed'")).scalar_one()


def _open(app: Countersign) -> int:
    with app.db.read() as tx:
        query = "SELECT count(*) FROM side_letters WHERE state IN ('claimed', 'waiting')"
        return tx.execute(sa.text(query)).scalar_one()


def _states(app: Countersign) -> dict[tuple[str, str], int]:
    with app.db.read() as tx:
        rows = tx.execute(sa.text("SELECT kind, state, count(*) FROM side_letters GROUP BY kind, state"))
        return {(row[0], row[1]): row[2] for row in rows}
