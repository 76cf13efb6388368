"""Recommendations in the hall, as whole cases: asked for, told, answered by one of two clerks, ended by time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine import clock
from engine.definition.load import load
from engine.errors import (
    AcceptanceConfirmed,
    InvalidForm,
    NotAccepted,
    NotFound,
    RecommendationAnswered,
    RecommendationOver,
)
from engine.service import (
    cases,
    delivering,
    evidencing,
    offers,
    policies,
    recommended,
    recommending,
    returning,
    stages,
    suppressing,
)
from engine.service.app import Countersign
from engine.service.authorizing import RULES, allowed
from engine.service.confirmations import Proof
from engine.service.recommended import Said
from engine.service.recommending import HallView, Recommendation
from engine.service.recording import OPERATOR
from engine.service.responses import import_responses
from engine.service.sealing import dataset_of
from engine.store import arbitrations, permits, visibility
from engine.store.arbitrations import CaseRow, RunRow
from engine.store.session import Database
from engine.store.tables import organisation_history, recipients, responses, suppressions
from tests.acceptance.email_case import evaluate_after
from tests.acceptance.hall_case import SMALLER, TEXT, by, ledger_of, placed, prepare, publish, targets
from tests.acceptance.offices import in_force, key, notices, opened, state_of, viewer
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


def values_of(app: Countersign, case_id: str) -> list[tuple[str, str, Decimal | None]]:
    chosen = sa.select(responses.c.customer, responses.c.kind, responses.c.value)
    with app.db.read() as tx:
        return sorted(tuple(row) for row in tx.execute(chosen.where(responses.c.case_id == case_id)))


def test_evidence_that_comes_later_makes_an_acceptance_a_conversion_once(app: Countersign) -> None:
    case_id = placed(app)
    first, second, third = targets(app, case_id)[:3]
    told = recommended.answer(app, by(app), only(app, first).id, Said("accept"))
    assert (told.counts_as, told.value) == ("response", Decimal("59.00"))
    (open_one,) = look(app, first, "second").unproved
    assert (open_one.value, open_one.by, open_one.customer) == (Decimal("59.00"), "赵颖", "C**")
    assert look(app, first, "tianhe") == HallView("none", "C**")
    proof = Proof("signature", "S-17")
    for stranger in ("tianhe", "liguoqiang"):
        with pytest.raises(NotFound):
            evidencing.confirm(app, by(app, stranger), open_one.id, proof)
    with pytest.raises(InvalidForm) as wrong:
        evidencing.confirm(app, by(app, "second"), open_one.id, Proof("", "", "60"))
    assert [one.code for one in wrong.value.problems] == ["E383", "E425"]
    views = [evidencing.confirm(app, by(app, "second"), open_one.id, proof) for _ in range(2)]
    assert views[0] == views[1] and (views[0].by, views[0].value) == ("营业员second", Decimal("59.00"))
    assert values_of(app, case_id) == [(first, "conversion", Decimal("59.00")), (first, "response", None)]
    with pytest.raises(AcceptanceConfirmed):
        evidencing.confirm(app, by(app), open_one.id, Proof("code", "1"))
    assert look(app, first).outcome == "none"
    other = only(app, second).id
    with pytest.raises(NotAccepted):
        evidencing.confirm(app, by(app), other, proof)
    recommended.answer(app, by(app), other, Said("accept"))
    back = returning.of_case(app, viewer(app, "wangmin"), case_id)
    assert (back.unproved, [one.id for one in back.unproved_rows]) == (1, [other])
    evidencing.confirm_of(app, by(app, "wangmin"), case_id, other, proof)
    assert returning.of_case(app, viewer(app, "wangmin"), case_id).unproved == 0
    with pytest.raises(NotFound):
        evidencing.confirm_of(app, by(app, "wangmin"), "0" * 16, only(app, third).id, proof)
    with app.db.read() as tx:
        noted = (
            tx.execute(
                sa.select(organisation_history.c.actor).where(organisation_history.c.kind == "acceptance_confirmed")
            )
            .scalars()
            .all()
        )
    assert sorted(noted) == ["second", "wangmin"]


def test_the_money_of_the_report_is_what_accepted_offers_cost_a_month(app: Countersign, tmp_path: Path) -> None:
    publish(app, "phone", kind="device", monthly_fee="", filing_number="")
    case_id, other = placed(app), placed(app, offer="phone", title="手机")
    first = targets(app, case_id)[0]
    number = next(one.id for one in look(app, first).recommendations if one.offer and one.offer.code == "plan-59")
    with pytest.raises(InvalidForm) as wrong:
        recommended.answer(app, by(app), number, replace(CONFIRMED, value="60"))
    assert [(one.code, one.at) for one in wrong.value.problems] == [("E425", "value")]
    assert recommended.answer(app, by(app), number, CONFIRMED).value == Decimal("59.00")
    bare = next(one.id for one in look(app, first).recommendations if one.offer and one.offer.code == "phone")
    with pytest.raises(InvalidForm) as odd:
        recommended.answer(app, by(app), bare, replace(CONFIRMED, value="a lot"))
    assert [one.code for one in odd.value.problems] == ["E426"]
    assert recommended.answer(app, by(app), bare, replace(CONFIRMED, value="12.5")).value == Decimal("12.50")
    clock.move(tmp_path / "clock", timedelta(days=31))
    for _ in range(3):
        delivering.settle(app)
    assert state_of(app, case_id) == state_of(app, other) == "evaluating"
    evaluate_after(app, tmp_path / "clock", 70)
    for one, money in ((case_id, Decimal("59.00")), (other, Decimal("12.50"))):
        found = cases.case_page(app, viewer(app, "wangmin"), one).evaluations[-1]
        assert found.revenue == money


def test_a_conversion_of_the_submitters_file_counts_once_its_row_says_how_it_was_confirmed(app: Countersign) -> None:
    case_id, me, at = placed(app), viewer(app, "wangmin"), app.now().isoformat()
    first, second = targets(app, case_id)[:2]
    bare = f"customer,kind,at,value,reference\n{first},conversion,{at},38,o-1\n{second},conversion,{at},38,o-2\n"
    for _ in range(2):
        report = import_responses(app, me, case_id, bare.encode())
        assert (report.recorded, report.known, report.unconfirmed, report.bad) == (0, 0, (2, 3), ())
    assert returning.of_case(app, me, case_id).unconfirmed == 2 and values_of(app, case_id) == []
    proved = (
        "customer,kind,at,value,reference,how,confirmed_at,confirmation\n"
        f"{first},conversion,{at},38,o-1,sms,{at},reply-7\n{second},conversion,{at},38,o-2,sms,,\n"
    )
    report = import_responses(app, me, case_id, proved.encode())
    assert (report.recorded, report.unconfirmed) == (1, (3,))
    for again in (proved, bare):
        report = import_responses(app, me, case_id, again.encode())
        assert (report.recorded, report.known, report.unconfirmed) == (0, 1, (3,))
    assert values_of(app, case_id) == [(first, "conversion", Decimal("38.00"))]
    back = returning.of_case(app, me, case_id)
    assert (back.orders, back.unconfirmed) == (1, 1)


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


def test_the_score_of_the_arbitration_that_holds_stands_before_the_fee(app: Countersign) -> None:
    scored = TEXT.replace(
        "[blacklist, greylist]", "[blacklist, arbitration]\n  arbitration: {score: 'c.phone == null ? 0 : 1'}"
    )
    in_force(app, load(scored.replace("\nversion: 1\n", "\nversion: 2\n")))
    publish(app, "pack-20", **SMALLER)
    made = [placed(app), placed(app, offer="pack-20", title="流量包")]
    customer = next(one for one in targets(app, made[0]) if one in targets(app, made[1]))
    folder = app.settings.data / "arbitrations/by-hand"
    folder.mkdir(parents=True)
    rows = [{"contender": place, "customer": customer, "score": score} for place, score in ((0, 3.5), (1, 8.0))]
    pq.write_table(pa.Table.from_pylist(rows), folder / "granted.parquet")
    run = RunRow(
        1,
        app.now().date(),
        app.now().date(),
        0,
        "system",
        app.now(),
        "",
        str(folder.relative_to(app.settings.data)),
        "{}",
        "",
        None,
    )
    of_cases = [CaseRow(1, one, place, 0, "hall", 1, 1, "[]", "") for place, one in enumerate(made)]
    with app.db.begin() as tx:
        arbitrations.lock(tx)
        arbitrations.save(tx, run, of_cases)
        arbitrations.commit(tx, 1, by="system", at=app.now())
    cheap, dear = look(app, customer).recommendations
    assert [(one.offer.code, one.score) for one in (cheap, dear) if one.offer] == [("pack-20", 8.0), ("plan-59", 3.5)]


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
