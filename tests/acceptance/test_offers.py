"""Offers with versions and four eyes, files of them, and rehearsals of cases: on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine import clock
from engine.definition.load import load
from engine.errors import InvalidFile, InvalidForm, NotFound, OfferChanged, OwnOffer, TooFewCustomers
from engine.service import (
    approvals,
    cases,
    effects,
    estimating,
    offer_files,
    offering,
    offers,
    proposals,
    rehearsals,
    selecting,
    using,
)
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.service.rehearsals import Wanted
from engine.warehouse.dataset import Dataset
from tests.acceptance.explained_case import DEFINITION, FORM, asked, drafted, published
from tests.acceptance.offices import PROPOSAL, in_force, key, open_task, opened, viewer
from tests.acceptance.rehearsed_case import CODE, MONTHS, TERMS, by, prepared, rehearsed, tariff, usage


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path) as application:
        yield application


def problems(app: Countersign, code: str = CODE, **changes: str) -> set[tuple[str, str]]:
    with pytest.raises(InvalidForm) as error:
        offers.propose(app, OPERATOR, code, TERMS | changes, seen=0)
    return {(one.at, one.code) for one in error.value.problems}


def test_a_version_holds_once_somebody_else_publishes_it_and_until_it_is_withdrawn(app: Countersign) -> None:
    mine = by(app, "zhengkai")
    assert offers.propose(app, mine, CODE, TERMS, seen=0) == 1
    assert offers.propose(app, mine, CODE, TERMS, seen=0) == 1, "the same key again is the same proposal"
    with pytest.raises(OwnOffer):
        offers.decide(app, by(app, "zhengkai"), CODE, 1, publish=True)
    assert offers.show(app, mine, CODE).shown.state == "open"
    other = by(app, "wuqian")
    offers.decide(app, other, CODE, 1, publish=True)
    offers.decide(app, other, CODE, 1, publish=True)
    assert offers.show(app, mine, CODE).shown.state == "in_force"
    assert tariff(app, monthly_fee="49.00") == 2
    page = offers.show(app, mine, CODE)
    assert [one.state for one in page.versions] == ["in_force", "over"]
    assert page.versions[0].changes == (("monthly_fee", "59.00", "49.00"),)
    with app.db.read() as tx:
        assert offers.in_force(app, tx, app.now())[CODE].tariff.monthly_fee == Decimal("49.00")
    with pytest.raises(NotFound):
        offers.withdraw(app, by(app, "wuqian"), CODE, 1, reason="old")
    offers.withdraw(app, by(app, "wuqian"), CODE, 2, reason="the regulator objects")
    with app.db.read() as tx:
        assert offers.in_force(app, tx, app.now()) == {}
    assert [one.state for one in offers.show(app, mine, CODE).versions] == ["withdrawn", "over"]


def test_its_days_decide_whether_a_published_version_holds(app: Countersign, tmp_path: Path) -> None:
    today = app.now().astimezone(app.settings.zone).date()
    tomorrow, after = today + timedelta(days=1), today + timedelta(days=2)
    tariff(app, valid_from=str(tomorrow), valid_until=str(tomorrow))
    states = []
    for _ in (today, tomorrow, after):
        states.append(offers.show(app, OPERATOR, CODE).shown.state)
        clock.move(tmp_path / "clock", timedelta(days=1))
    assert states == ["coming", "in_force", "expired"]


def test_who_was_overtaken_is_told_and_nothing_is_overwritten(app: Countersign) -> None:
    offers.propose(app, by(app, "zhengkai"), CODE, TERMS, seen=0)
    offers.propose(app, by(app, "wuqian"), CODE, TERMS | {"monthly_fee": "50"}, seen=1)
    with pytest.raises(OfferChanged, match="吴倩"):
        offers.propose(app, by(app, "zhengkai"), CODE, TERMS | {"monthly_fee": "40"}, seen=1)
    assert [one.state for one in offers.show(app, OPERATOR, CODE).versions] == ["open", "replaced"]


def test_nonsense_is_refused_at_its_field_all_at_once(app: Countersign) -> None:
    wrong = {"monthly_fee": "-1", "data_price": "-0.5", "valid_from": "2026-12-02", "valid_until": "2026-12-01"}
    wrong |= {"incompatible": f"other, {CODE}", "requires": "c.nonsense > 1 && c.arpu >= 'x'", "contract_months": "1.5"}
    found = problems(app, **wrong)
    assert found >= {("monthly_fee", "D182"), ("data_price", "D182"), ("valid_until", "D184"), ("incompatible", "D185")}
    assert {("requires", "D186"), ("contract_months", "form.scale")} <= found
    assert problems(app, monthly_fee="") == {("monthly_fee", "D183")}
    assert problems(app, code="../x", monthly_fee="NaN", kind="tarif", name_zh="", name_en=" ") == {
        ("code", "D180"),
        ("monthly_fee", "form.not_number"),
        ("kind", "form.not_among"),
        ("name_zh", "D181"),
    }
    assert problems(app, requires="c.arpu") == {("requires", "D186")}
    assert problems(app, monthly_fee="1e9", name_zh="长" * 61, voice_price="0.00001") == {
        ("monthly_fee", "form.too_large"),
        ("name_zh", "form.too_long"),
        ("voice_price", "form.scale"),
    }
    assert problems(app, valid_from="yesterday") == {("valid_from", "form.not_date")}


def test_only_marketing_and_administrators_change_offers_and_others_are_told_nothing(app: Countersign) -> None:
    tariff(app)
    for login in ("wangmin", "liguoqiang", "xuwen"):
        with pytest.raises(NotFound):
            offers.propose(app, by(app, login), CODE, TERMS, seen=1)
        with pytest.raises(NotFound):
            offers.withdraw(app, by(app, login), CODE, 1, reason="x")
        assert offers.show(app, by(app, login), CODE).may_manage is False


def test_a_file_of_offers_comes_back_as_it_was_exported_and_one_wrong_row_changes_nothing(app: Countersign) -> None:
    tariff(app)
    tariff(app, "voice-19", name_zh="=1+1", monthly_fee="19")
    for form in ("csv", "xlsx"):
        data = offer_files.export(app, OPERATOR, form)
        assert offer_files.load(app, OPERATOR, data, f"o.{form}") == offer_files.Imported(0, 2)
    text = offer_files.export(app, OPERATOR, "csv").decode("utf-8-sig").replace(",19.00,", ",18.00,")
    wrong = text + "x y,,,tariff\r\nvoice-19,A,,tariff,,,,,,,,,-3\r\n"
    with pytest.raises(InvalidFile) as error:
        offer_files.load(app, OPERATOR, wrong.encode(), "o.csv")
    assert {(one.line, one.column, one.code) for one in error.value.problems} == {
        (4, 1, "D180"),
        (4, 2, "D181"),
        (4, 13, "D183"),
        (5, 13, "D182"),
        (5, 1, "offer_twice"),
    }
    assert offers.show(app, OPERATOR, "voice-19").newest == 1
    assert offer_files.load(app, by(app, "zhengkai"), text.encode(), "o.csv") == offer_files.Imported(1, 1)
    assert offers.show(app, OPERATOR, "voice-19").waits is not None


def test_a_rehearsal_of_an_estimate_and_of_the_frozen_list_is_seen_by_approvers(app: Countersign) -> None:
    prepared(app)
    draft = drafted(app)
    first = rehearsed(app, case=draft, fixed_cost="1,000", margin="40%")
    view = rehearsals.show(app, by(app, "wangmin"), first)
    assert (view.line.target, view.line.months) == ("estimate", MONTHS)
    assert view.all.customers == view.all.known + view.all.unknown
    assert view.all.unknown > 0 and view.all.partial > 0
    assert sum(band.customers for band in view.all.bands) == view.all.known
    assert sum(cell.customers for cell in view.cells) == view.all.customers
    assert view.break_even.fixed_cost == 1000 and view.break_even.margin == Decimal("0.4")
    with pytest.raises(NotFound):
        rehearsals.show(app, by(app, "emily"), first)
    with pytest.raises(NotFound):
        rehearsed(app, "emily", case=draft)
    proposals.submit(app, viewer(app, "wangmin"), draft, FORM, key=key())
    sheet = approvals.sheet(app, viewer(app, "liguoqiang"), open_task(app, "liguoqiang"))
    assert [line.number for line in sheet.case.rehearsals] == [first]
    assert rehearsals.show(app, by(app, "liguoqiang"), first).digest == view.digest
    approvals.decide(app, viewer(app, "liguoqiang"), sheet.task.id, "approve", remark="", seen_seq=None, key=key())
    while effects.work(app, lambda notice: None).any:
        pass
    second = rehearsed(app, case=draft)
    again = rehearsals.show(app, by(app, "wangmin"), second)
    case = cases.case_page(app, viewer(app, "wangmin"), draft)
    assert case.audience is not None
    assert (again.line.target, again.all.customers, again.list) == ("list", case.audience.target, case.audience.digest)


def test_the_same_inputs_give_the_same_digest_and_the_same_key_the_same_rehearsal(app: Countersign) -> None:
    prepared(app)
    mine, wanted = by(app, "wangmin"), Wanted(CODE, "1", rule="c.arpu >= 38")
    first = rehearsals.run(app, mine, wanted)
    assert rehearsals.run(app, mine, wanted) == first
    second = rehearsed(app, rule=" c.arpu  >= 38 ")
    assert second == first + 1
    shown = [rehearsals.show(app, by(app, "wangmin"), number) for number in (first, second)]
    assert shown[0].digest == shown[1].digest
    assert [one.number for one in rehearsals.beside(app, by(app, "wangmin"), shown[0])] == [second]
    with pytest.raises(NotFound):
        rehearsals.show(app, by(app, "liguoqiang"), first)  # of no case: seen by who made it, and by who keeps offers
    assert rehearsals.show(app, by(app, "wuqian"), first).line.number == first


def test_a_rehearsal_that_cannot_be_is_refused_with_what_can(app: Countersign) -> None:
    prepared(app)
    for wrong, at in (
        ({"months": "4"}, {"months"}),
        ({"months": "0"}, {"months"}),
        ({"months": "three"}, {"months"}),
        ({"rule": "c.nothing"}, {"rule"}),
        ({"rule": "c.arpu"}, {"rule"}),
        ({"version": "7"}, {"tariff"}),
        ({"fixed_cost": "-1", "margin": "101"}, {"fixed_cost", "margin"}),
        ({"fixed_cost": "a lot", "offer": "<b>"}, {"fixed_cost", "tariff"}),
    ):
        with pytest.raises(InvalidForm) as error:
            rehearsed(app, **wrong)
        assert {one.at for one in error.value.problems} == at
    with pytest.raises(InvalidForm, match="there are 2026-08, 2026-09, 2026-10"):
        rehearsed(app, months="4")
    with pytest.raises(TooFewCustomers):
        rehearsed(app, rule="c.customer == 'C00000011'")
    with pytest.raises(NotFound):
        rehearsed(app, "xuwen")
    assert rehearsals.of_offer(app, OPERATOR, CODE) == ()


def test_a_case_of_another_offer_says_so_beside_its_rehearsal(app: Countersign) -> None:
    prepared(app)
    case_id = asked(app)
    tariff(app, "other", monthly_fee="29")
    with pytest.raises(NotFound):
        rehearsed(app, "liguoqiang", case=case_id)  # who approves looks; who submits rehearses
    rehearsed(app, case=case_id, offer="other")
    page = cases.case_page(app, viewer(app, "liguoqiang"), case_id)
    assert [line.other_offer for line in page.rehearsals] == [True]
    assert (page.may_rehearse, cases.case_page(app, viewer(app, "wangmin"), case_id).may_rehearse) == (False, True)


def test_a_newer_dataset_is_another_rehearsal_and_the_earlier_one_stays(app: Countersign) -> None:
    prepared(app)
    first = rehearsed(app)
    usage(app, months=("2026-09", "2026-10", "2026-11"))
    second = rehearsed(app)
    one, two = (rehearsals.show(app, OPERATOR, number) for number in (first, second))
    assert (one.line.months, two.line.months) == (MONTHS, ("2026-09", "2026-10", "2026-11"))
    assert one.dataset < two.dataset and one.digest != two.digest


def test_a_selection_uses_the_version_in_force_and_keeps_it_as_evidence(app: Countersign) -> None:
    prepared(app)
    one_offer = DEFINITION.replace(", offer: flow-20g", "").replace("{eligible: cell}", "{eligible: offer}")
    in_force(app, load(one_offer.replace("version: 1", "version: 2")))
    draft = drafted(app)
    before = estimating.estimate(app, viewer(app, "wangmin"), draft)
    removed = {row.name: row.alone for row in before.waterfall}
    assert removed["eligible"] == 0, "the first version requires nothing"
    tariff(app, requires="c.age >= 30", family="lonely")
    after = estimating.estimate(app, viewer(app, "wangmin"), draft)
    told = {row.name: row.alone for row in after.waterfall}
    assert told["eligible"] > 0
    assert told["contacted_60d_family"] == 0 < removed["contacted_60d_family"], "no other offer is of this family"
    proposals.submit(app, viewer(app, "wangmin"), draft, FORM, key=key())
    offers.withdraw(app, by(app, "wuqian"), CODE, 2, reason="over")  # the case keeps what its offer requires
    task = open_task(app, "liguoqiang")
    approvals.decide(app, viewer(app, "liguoqiang"), task, "approve", remark="", seen_seq=None, key=key())
    while effects.work(app, lambda notice: None).any:
        pass
    kept = selecting.frozen_audience(app, draft)
    assert kept.manifest.versions["offer flow-10g"] == "2"
    assert kept.manifest.counts.alone("eligible") == told["eligible"]
    rows = pq.read_table(kept.folder / "offers.parquet").to_pylist()
    assert {row["offer"]: row["family"] for row in rows}["flow-10g"] == "lonely"
    assert {row["offer"] for row in rows} > {"flow-10g"}, "codes that the catalogue never had are still the dataset's"


def test_imported_offers_alone_go_on_working_and_no_file_of_the_catalogue_is_written(app: Countersign) -> None:
    published(app)
    draft = drafted(app)
    found = estimating.estimate(app, viewer(app, "wangmin"), draft)
    assert found.failed == "" and found.target > 0
    with app.db.read() as tx:
        dataset = Dataset(app.settings.data)
        assert offering.tables(tx, app.now(), dataset=dataset, version=dataset.current()) is None


def test_a_form_offers_what_is_in_force_and_refuses_what_is_not_at_its_field(app: Countersign) -> None:
    me = viewer(app, "wangmin")
    case_id = proposals.start(app, me, "telecom-marketing-case", key=key())

    def offered() -> dict[str, str]:
        fields = {field.name: field for field in proposals.form(app, me, case_id).fields}
        return {code: label.zh for code, label in fields["offer"].choices}

    assert offered() == {}, "nothing was ever published: any code may be typed"
    tariff(app)
    tariff(app, "voice-19", name_zh="语音19元", name_en="Voice 19", monthly_fee="19")
    assert offered() == {"flow-10g": "畅享套餐59元 · flow-10g", "voice-19": "语音19元 · voice-19"}
    with pytest.raises(InvalidForm) as error:
        proposals.submit(app, me, case_id, PROPOSAL | {"offer": "no-such"}, key=key())
    assert [(one.at, one.code) for one in error.value.problems] == [("offer", "form.offer")]
    assert "no-such" in offered(), "what was typed is kept"
    proposals.submit(app, me, case_id, PROPOSAL | {"offer": "voice-19"}, key=key())
    assert [row.id for row in using.cases_of(app, me, "voice-19")] == [case_id]
    assert using.cases_of(app, viewer(app, "emily"), "voice-19") == ()
    offers.withdraw(app, by(app, "wuqian"), "voice-19", 1, reason="too cheap")
    page = cases.case_page(app, me, case_id)
    assert dict(next(field for field in page.fields if field.name == "offer").choices)["voice-19"].en == (
        "Voice 19 · voice-19"
    )
