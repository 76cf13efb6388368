"""Recommendations in the hall, as whole cases: asked for, told, answered by one of two clerks, ended by time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import InvalidForm, NotFound, RecommendationAnswered, RecommendationOver
from engine.service import delivering, offers, policies, recommended, recommending, stages, suppressing
from engine.service.app import Countersign
from engine.service.authorizing import RULES, allowed
from engine.service.recommended import Said
from engine.service.recommending import HallView, Recommendation
from engine.service.recording import OPERATOR
from engine.service.sealing import dataset_of
from engine.store import permits, visibility
from engine.store.session import Database
from engine.store.tables import recipients, responses, suppressions
from tests.acceptance.hall_case import SMALLER, by, ledger_of, placed, prepare, publish, targets
from tests.acceptance.offices import key, notices, opened, state_of, viewer
from tests.acceptance.sealed_case import phone_of

CONFIRMED = Said("accept", confirmed_by="code", evidence="483920")


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        prepare(app)
        yield app


def look(app: Countersign, customer: str, login: str = "zhaoying") -> HallView:
    return recommending.look_up(app, by(app, login), customer)


def only(app: Countersign, customer: str) -> Recommendation:
    (one,) = look(app, customer).recommendations
    return one


def responses_of(app: Countersign, case_id: str) -> set[tuple[str, str]]:
    columns = sa.select(responses.c.customer, responses.c.kind).where(responses.c.case_id == case_id)
    with app.db.read() as tx:
        return {tuple(row) for row in tx.execute(columns)}


def test_a_whole_case_in_the_hall_adds_up_from_the_first_customer_to_its_evaluation(
    app: Countersign, tmp_path: Path
) -> None:
    case_id = placed(app)
    there = targets(app, case_id)
    first, second, third, fourth, fifth, *others = there
    found = look(app, phone_of(int(first[1:])))
    (one,) = found.recommendations
    assert found.name == "客**" and found.customer == "C**"
    assert one.script == f"客户{int(first[1:])}您好，推荐您使用新套餐，流量更多。"
    assert one.offer is not None and (str(one.offer.monthly_fee), one.offer.filing_number, one.missing) == (
        "59.00", "粤资费备2026-0815", (),
    )  # fmt: skip
    assert timedelta(days=29) < one.until - app.now() <= timedelta(days=30)
    told = recommended.answer(app, by(app), one.id, CONFIRMED)
    assert (told.answer, told.counts_as, told.by) == ("accept", "conversion", "赵颖")
    recommended.answer(app, by(app), only(app, second).id, Said("accept"))
    recommended.answer(app, by(app), only(app, third).id, Said("refuse", reason="price"))
    recommended.answer(app, by(app), only(app, fourth).id, Said("later", days=3))
    assert look(app, fifth).outcome == "found"
    assert look(app, fourth).recommendations == () and len(look(app, fourth).later) == 1
    assert responses_of(app, case_id) == {(first, "response"), (first, "conversion"), (second, "response")}
    assert state_of(app, case_id) == "delivering"

    clock.move(tmp_path / "clock", timedelta(days=3, hours=1))
    assert len(look(app, fourth).recommendations) == 1
    clock.move(tmp_path / "clock", timedelta(days=28))
    assert look(app, others[0]).outcome == "none"
    delivering.settle(app)
    delivering.settle(app)
    rows = ledger_of(app, case_id)
    assert rows[first] == ("delivered", "accepted, confirmed")
    assert rows[second] == ("delivered", "accepted")
    assert rows[third] == ("delivered", "refused: price")
    assert rows[fourth] == ("delivered", "asked to be asked later")
    assert rows[fifth] == ("unknown", "seen by a clerk, nothing written down")
    assert {rows[one] for one in others} == {("failed", "rejected: did not come")}
    assert state_of(app, case_id) == "evaluating"
    assert {row["customer"] for row in contacts_of(app)} == {first, second, third, fourth, fifth}
    with pytest.raises(RecommendationOver):
        recommended.answer(app, by(app), one_of_the_unseen(app, case_id, fifth), CONFIRMED)


def contacts_of(app: Countersign) -> list[dict[str, object]]:
    dataset = dataset_of(app.settings)
    return pq.read_table(list(dataset.paths(dataset.current().tables["contacts"]))).to_pylist()


def one_of_the_unseen(app: Countersign, case_id: str, customer: str) -> str:
    chosen = sa.select(recipients.c.wave, recipients.c.row).where(
        recipients.c.case_id == case_id, recipients.c.customer == customer
    )
    with app.db.read() as tx:
        wave, row = tx.execute(chosen).one()
    return f"{wave}.{row}"


def test_of_two_clerks_at_once_one_wins_and_the_other_is_told_who(app: Countersign) -> None:
    case_id = placed(app)
    one = only(app, targets(app, case_id)[0])
    assert look(app, targets(app, case_id)[0], "second").recommendations[0].id == one.id
    gate = Barrier(2)

    def say(login: str, said: Said) -> str:
        who = by(app, login)
        gate.wait()
        try:
            return recommended.answer(app, who, one.id, said).by
        except RecommendationAnswered as error:
            assert error.fields["at"] is not None
            return f"{error.fields['by']} was faster"

    with ThreadPoolExecutor(2) as both:
        mine = both.submit(say, "zhaoying", CONFIRMED)
        theirs = both.submit(say, "second", Said("refuse", reason="no_need"))
        said = {mine.result(), theirs.result()}
    assert said in ({"赵颖", "赵颖 was faster"}, {"营业员second", "营业员second was faster"})


def test_the_same_key_again_gives_the_same_answer_and_changes_nothing(app: Countersign) -> None:
    case_id = placed(app)
    customer = targets(app, case_id)[0]
    who = by(app)
    number = only(app, customer).id
    first = recommended.answer(app, who, number, CONFIRMED)
    assert recommended.answer(app, who, number, CONFIRMED) == first
    assert responses_of(app, case_id) == {(customer, "response"), (customer, "conversion")}


def test_no_marketing_any_more_holds_at_once_for_everything_that_waits(app: Countersign) -> None:
    publish(app, "pack-20", **SMALLER)
    first, other = placed(app), placed(app, offer="pack-20", title="流量包")
    customer = next(one for one in targets(app, first) if one in targets(app, other))
    dear, cheap = look(app, customer).recommendations
    assert [one.offer.code for one in (dear, cheap) if one.offer] == ["plan-59", "pack-20"]  # the dearer first
    recommended.answer(app, by(app), cheap.id, Said("refuse", reason="no_marketing"))
    assert look(app, customer).outcome == "none"
    assert ledger_of(app, first)[customer] == ("suppressed", "suppressed or opted out")
    assert ledger_of(app, other)[customer] == ("delivered", "refused: no_marketing")
    assert responses_of(app, other) == {(customer, "opt_out")}
    with app.db.read() as tx:
        (entry,) = tx.execute(sa.select(suppressions).where(suppressions.c.customer == customer)).all()
    assert (entry.list, entry.channel, entry.reason, entry.added_by) == ("black", "", "opted out", "zhaoying")
    with pytest.raises(RecommendationOver):
        recommended.answer(app, by(app), dear.id, CONFIRMED)


def test_what_may_not_be_offered_now_is_not_shown(app: Countersign) -> None:
    case_id = placed(app)
    one, other, third = targets(app, case_id)[:3]
    number = only(app, third).id
    suppressing.add(app, OPERATOR, kind="grey", customer=one, reason="asked for quiet", channel="hall")
    suppressing.add(app, OPERATOR, kind="grey", customer=other, reason="no more SMS", channel="sms")
    assert (look(app, one).outcome, look(app, other).outcome) == ("none", "found")
    stages.hold(app, viewer(app, "wangmin"), case_id, "pause", "a mistake", key=key())
    notices(app)
    assert look(app, other).outcome == "none"
    with pytest.raises(RecommendationOver):
        recommended.answer(app, by(app), number, CONFIRMED)
    stages.hold(app, viewer(app, "wangmin"), case_id, "resume", "", key=key())
    notices(app)
    assert look(app, other).outcome == "found"
    offers.withdraw(app, by(app, "wuqian"), "plan-59", 1, reason="too cheap")
    assert look(app, other).outcome == "none"


def test_an_offer_that_is_not_whole_is_told_and_cannot_be_concluded(app: Countersign) -> None:
    publish(app, "bare", filing_number="", valid_from="", valid_until="")
    case_id = placed(app, offer="bare")
    one = only(app, targets(app, case_id)[0])
    assert one.missing == ("validity", "filing_number")
    with pytest.raises(InvalidForm) as refused:
        recommended.answer(app, by(app), one.id, CONFIRMED)
    assert [(each.code, each.fields["missing"]) for each in refused.value.problems] == [
        ("E381", "validity, filing_number")
    ]
    assert recommended.answer(app, by(app), one.id, Said("refuse", reason="other")).counts_as == "refused"


def test_a_clerk_of_another_county_learns_nothing_and_answers_nothing(app: Countersign) -> None:
    case_id = placed(app)
    customer = targets(app, case_id)[0]
    assert look(app, customer, "tianhe") == HallView("none", "C**") == look(app, "C9999", "tianhe")
    number = only(app, customer).id
    for login, wanted in (("tianhe", number), ("zhaoying", number[:-2] + ".99"), ("zhaoying", "x")):
        with pytest.raises(NotFound):
            recommended.answer(app, by(app, login), wanted, CONFIRMED)
    for login in ("wangmin", "machao", "liguoqiang"):
        with pytest.raises(NotFound):
            look(app, customer, login)


def test_what_nobody_has_seen_cannot_be_answered(app: Countersign) -> None:
    case_id = placed(app)
    with pytest.raises(NotFound):
        recommended.answer(app, by(app), one_of_the_unseen(app, case_id, targets(app, case_id)[0]), CONFIRMED)


def test_wrong_answers_are_refused_at_their_fields(app: Countersign) -> None:
    case_id = placed(app)
    number = only(app, targets(app, case_id)[0]).id
    wrong = {
        Said("maybe"): ("answer", "form.not_among"),
        Said("refuse", reason="because"): ("reason", "form.not_among"),
        Said("later", days=0): ("days", "E382"),
        Said("later", days=91): ("days", "E382"),
        Said("accept", confirmed_by="code"): ("evidence", "E380"),
        Said("accept", confirmed_by="code", evidence="<b>" * 9): ("evidence", "E380"),
        Said("accept", evidence="483920"): ("confirmed_by", "E383"),
        Said("accept", confirmed_by="nod", evidence="1"): ("confirmed_by", "form.not_among"),
    }
    for said, expected in wrong.items():
        with pytest.raises(InvalidForm) as refused:
            recommended.answer(app, by(app), number, said)
        assert [(one.at, one.code) for one in refused.value.problems] == [expected]
    assert set(ledger_of(app, case_id).values()) == {("sent", "")}


def test_a_contact_is_held_when_it_is_placed_counts_from_when_it_is_seen_and_is_given_back_unseen(
    app: Countersign, tmp_path: Path
) -> None:
    policies.propose(app, OPERATOR, {"caps": [{"most": 1, "within": "60d"}]}, reason="fewer")
    policies.decide(app, by(app, "machao"), 1, confirm=True)
    case_id = placed(app)
    seen, unseen = targets(app, case_id)[:2]
    clock.move(tmp_path / "clock", timedelta(days=5))
    recommended.answer(app, by(app), only(app, seen).id, Said("refuse", reason="price"))
    held = held_of(app, (seen, unseen))
    assert held[seen] - held[unseen] >= timedelta(days=5)
    again = ledger_of(app, placed(app, title="再来一次"))
    assert {again[one][0] for one in targets(app, case_id) if one in again} == {"suppressed"}
    clock.move(tmp_path / "clock", timedelta(days=26))
    delivering.settle(app)
    assert held_of(app, (seen, unseen)).keys() == {seen}


def held_of(app: Countersign, customers: tuple[str, ...]) -> dict[str, object]:
    with app.db.read() as tx:
        since = app.now() - timedelta(days=300)
        return {one.customer: one.at for one in permits.of_customers(tx, customers, since, wave="")}


def test_a_clerk_who_is_nothing_else_sees_no_case(app: Countersign) -> None:
    case_id = placed(app)
    clerk = viewer(app, "zhaoying")
    assert {action for action in RULES if allowed(clerk, action)} == {"hall.serve", "account.keep"}
    with app.db.read() as tx:
        assert not visibility.may_see(tx, "zhaoying", case_id)
        assert visibility.may_see(tx, "emily", case_id)  # an open one: everybody else does
