"""Arbitration between cases through the service: run, supposed otherwise, committed, and held to when lists freeze."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import (
    ArbitrationStale,
    ArbitrationSupposed,
    InvalidForm,
    NoContestants,
    NoPolicyInForce,
    NotFound,
)
from engine.service import answering, arbitrating, arbitration_views, cases, proposals
from engine.service.app import Countersign
from engine.service.arbitration_views import RunView
from engine.service.supposing import Wanted
from engine.store import cases as stored
from engine.store.session import Database
from tests.acceptance.arbitrated_case import CUSTOMERS, approved, by, capped, published, ran, submitted
from tests.acceptance.offices import key, opened, viewer
from tests.warehouse.explained_by_hand import id_of


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        yield app


def shown(app: Countersign, number: int) -> RunView:
    return arbitration_views.show(app, by(app), number)


def got(app: Countersign, number: int) -> dict[str, tuple[int, int]]:
    return {one.case.id: (one.got, one.wanted) for one in shown(app, number).outcomes}


def number_of(app: Countersign, case_id: str) -> str:
    with app.db.read() as tx:
        return stored.load(tx, case_id).number or ""


def test_one_case_wins_the_loser_is_told_and_freezes_without_whom_it_lost(app: Countersign) -> None:
    published(app)
    first, second = submitted(app, rank=5, least=80), submitted(app, "emily", rank=1, least=20, title="Winter voice")
    run = ran(app)
    view = shown(app, run)
    assert got(app, run) == {first: (40, 40), second: (60, 100)}
    for one in view.outcomes:
        assert one.wanted == one.got + sum(loss.customers for loss in one.losses)
    (loss,) = next(one.losses for one in view.outcomes if one.case.id == second)
    assert (loss.winner and loss.winner.id, loss.lost_by, loss.customers) == (first, "priority", 40)
    assert view.may_commit
    arbitrating.commit(app, by(app), run)
    lost = cases.case_page(app, viewer(app, "emily"), second).lost
    assert lost and lost.run == run and (lost.outcome.got, lost.outcome.losses) == (60, (loss,))
    assert approved(app, first) == {id_of(n) for n in range(80, CUSTOMERS)}
    told = answering.explain_customer(app, by(app, "emily"), second, id_of(90))
    assert told.removals[0].name == "arbitration"
    assert told.removals[0].shown == ({"case_number": number_of(app, first), "lost_by": "priority"},)


def test_the_frozen_list_leaves_out_whom_the_case_lost(app: Countersign) -> None:
    published(app)
    first, second = submitted(app, rank=1, least=100), submitted(app, rank=5, least=110)
    arbitrating.commit(app, by(app), ran(app))
    assert approved(app, first) == {id_of(n) for n in range(100, 110)}
    assert approved(app, second) == {id_of(n) for n in range(110, CUSTOMERS)}
    told = answering.explain_customer(app, by(app, "wangmin"), first, id_of(115))
    assert (told.outcome, told.is_estimate) == ("removed", False) and told.agrees


def test_a_case_that_is_not_yours_to_see_wins_without_a_name(app: Countersign) -> None:
    published(app, visibility="confidential")
    first, second = submitted(app, "emily", rank=5), submitted(app, rank=1, least=100)
    arbitrating.commit(app, by(app), ran(app))
    lost = cases.case_page(app, viewer(app, "wangmin"), second).lost
    (loss,) = lost.outcome.losses if lost else ()
    assert loss.winner and (loss.winner.id, loss.winner.number, loss.winner.title) == ("", "", "")
    told = answering.explain_customer(app, by(app, "wangmin"), second, id_of(110))
    assert told.removals[0].shown == ({"case_number": "", "lost_by": "priority"},)
    assert number_of(app, first)


def test_another_priority_is_tried_beside_the_run_and_holds_once_it_is_committed(app: Countersign) -> None:
    published(app)
    first, second = submitted(app, rank=5, least=80), submitted(app, rank=1, least=20)
    run = ran(app)
    supposed = ran(app, base=str(run), priorities={second: "9"})
    view, before = shown(app, supposed), shown(app, run)
    assert {pair.case.id: (pair.there and pair.there.got, pair.here and pair.here.got)
            for pair in arbitration_views.beside(app, view, before)} == {first: (40, 0), second: (60, 100)}  # fmt: skip
    assert [one.is_supposed for one in view.outcomes if one.case.id == second] == [True]
    arbitrating.commit(app, by(app), run)
    arbitrating.commit(app, by(app), supposed)
    holds = {number: {one.holds for one in shown(app, number).outcomes} for number in (run, supposed)}
    assert holds == {run: {False}, supposed: {True}}
    assert shown(app, run).line.committed_at


def test_another_cap_or_capacity_is_tried_and_cannot_be_committed(app: Countersign) -> None:
    published(app, {"caps": [{"most": 1, "within": "7d"}], "capacity": {"sms": 10}})
    first, second = submitted(app, rank=5, least=80), submitted(app, rank=1, least=20)
    run = ran(app)
    assert got(app, run) == {first: (40, 40), second: (30, 100)}  # ten a day for seven days
    view = shown(app, ran(app, base=str(run), caps={"0": "2"}, capacity={"sms": "100"}))
    assert {one.case.id: one.got for one in view.outcomes} == {first: 40, second: 100}
    assert view.is_other_policy and not view.may_commit
    with pytest.raises(ArbitrationSupposed):
        arbitrating.commit(app, by(app), view.line.number)


def test_a_run_that_its_cases_have_outgrown_is_told_and_not_committed(app: Countersign) -> None:
    published(app)
    first = submitted(app, rank=5)
    run = ran(app)
    later = submitted(app, rank=1)
    view = shown(app, run)
    assert (view.is_stale, view.new, view.may_commit) == (True, 1, False)
    with pytest.raises(ArbitrationStale):
        arbitrating.commit(app, by(app), run)
    again = ran(app)
    capped(app, {"caps": [{"most": 2, "within": "7d"}]})
    with pytest.raises(ArbitrationStale):
        arbitrating.commit(app, by(app), again)
    third = ran(app)
    me = viewer(app, "wangmin")
    proposals.withdraw(app, me, first, "not now", key=key())
    assert {one.case.id: one.since for one in shown(app, third).outcomes} == {first: "left", later: ""}


def test_what_is_frozen_and_on_its_way_is_taken(app: Countersign) -> None:
    published(app)
    first = submitted(app, rank=0, least=100)
    there = approved(app, first)
    second = submitted(app, rank=9, least=90)
    run = ran(app)
    outcome = shown(app, run).outcomes[0]
    assert outcome.case.id == second and outcome.wanted == 30
    assert [(loss.winner, loss.lost_by) for loss in outcome.losses] == [(None, "contacts")]
    control = len(there) - outcome.losses[0].customers
    assert 0 < control < len(there) == 20, "the control group of the first case was not contacted"


def test_only_cases_of_the_days_take_part_and_one_without_customers_is_left_out_with_its_reason(
    app: Countersign,
) -> None:
    published(app)
    soon = submitted(app, window=["2030-01-01", "2030-01-31"])
    with pytest.raises(NoContestants):
        ran(app)
    assert got(app, ran(app, since="2030-01-31", until="2030-02-03")) == {soon: (120, 120)}
    with pytest.raises(InvalidForm) as told:
        ran(app, since="tomorrow", until="2030-02-03")
    assert [(one.code, one.at) for one in told.value.problems] == [("arbitration_day", "since")]


def test_nothing_is_run_without_a_policy_or_by_whoever_may_not(app: Countersign) -> None:
    published(app, {"caps": [{"most": 1, "within": "7d"}]})
    submitted(app)
    with pytest.raises(NotFound):
        arbitrating.run(app, by(app, "wangmin"), Wanted())
    run = ran(app)
    with pytest.raises(NotFound):
        arbitrating.commit(app, by(app, "wangmin"), run)
    capped(app, {})
    with pytest.raises(NoPolicyInForce):
        ran(app)


def test_the_same_key_runs_and_commits_once_and_the_same_run_has_the_same_digest(app: Countersign) -> None:
    published(app)
    for rank in (1, 2):
        submitted(app, rank=rank)
    acting = by(app)
    run = arbitrating.run(app, acting, Wanted())
    assert arbitrating.run(app, acting, Wanted()) == run
    assert shown(app, ran(app)).digest == shown(app, run).digest
    acting = by(app)
    arbitrating.commit(app, acting, run)
    arbitrating.commit(app, acting, run)
    with pytest.raises(NotFound):
        arbitrating.commit(app, by(app), run)
