"""Customer groups are saved, tested, used by cases and edited; a case keeps the version it was submitted with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import GroupChanged, InvalidForm, NotFound
from engine.service import answering, cases, estimating, groups, proposals, selecting
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store.session import Database
from engine.warehouse.freeze import Frozen
from tests.acceptance.group_case import FORM, approved, by, drafted, loaded, published, saved, submitted
from tests.acceptance.offices import key, opened, state_of, viewer
from tests.warehouse.explained_by_hand import id_of

VIP = {"rule": "c.arpu >= 80"}
MINORS = {"rule": "c.age < 18"}


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def customers(frozen: Frozen) -> set[str]:
    return {one for batch in frozen.batches(100) for one in batch["customer"].to_pylist()}


def spending(least: int) -> set[str]:
    """Who spends so much and is no minor."""
    return {id_of(n) for n in range(least, 90) if n % 30 + 10 >= 18}


def test_a_case_keeps_the_version_it_was_submitted_with(app: Countersign) -> None:
    published(app)
    saved(app, "vip", VIP)
    saved(app, "minors", MINORS, login="machao")
    case_id = submitted(app)
    saved(app, "vip", {"rule": "c.arpu >= 10"}, base=1)
    groups.end(app, by(app, "machao"), "minors")
    approved(app)
    frozen = selecting.frozen_audience(app, case_id)
    assert customers(frozen) == spending(80)
    assert frozen.manifest.groups == ("minors@1", "vip@1")
    assert [row.label.en for row in cases.case_page(app, viewer(app, "wangmin"), case_id).audience.waterfall][1] == (
        "Customer group MINORS"
    )
    other = saved(app, "grown", {"rule": "c.age >= 18"})
    with pytest.raises(InvalidForm, match="no_group"):
        submitted(app, target="nobody")
    assert other.uses.any == 0 and groups.find(app, viewer(app, "wangmin"), "vip").uses.cases == 1


def test_a_customer_is_told_by_which_version_they_are_in(app: Countersign) -> None:
    published(app)
    saved(app, "rich", VIP)
    saved(app, "vip", {"union": [{"group": "rich"}, {"list": "upload"}]})
    saved(app, "minors", MINORS)
    case_id = submitted(app)
    approved(app)
    told = answering.explain_customer(app, by(app, "wangmin"), case_id, id_of(89))
    parts = [(part.depth, part.kind, part.text, part.holds) for part in told.parts]
    assert parts == [
        (0, "group", "vip@1", True),
        (1, "union", "", True),
        (2, "group", "rich@1", True),
        (3, "rule", "c.arpu >= 80", True),
        (2, "list", "upload", False),
    ]
    young = answering.explain_customer(app, by(app, "wangmin"), case_id, id_of(61))
    assert young.outcome == "not_in_source"


def test_an_estimate_takes_the_newest_version_and_a_resubmission_keeps_it(app: Countersign) -> None:
    published(app)
    saved(app, "vip", VIP)
    saved(app, "minors", MINORS)
    case_id = drafted(app)
    me = viewer(app, "wangmin")
    before = estimating.estimate(app, me, case_id)
    saved(app, "vip", {"rule": "c.arpu >= 70"}, base=1)
    after = estimating.estimate(app, me, case_id)
    assert (before.failed, before.target, after.target) == ("", len(spending(80)), len(spending(70)))
    proposals.submit(app, me, case_id, FORM, key=key())
    saved(app, "vip", {"rule": "c.arpu >= 60"}, base=2)
    proposals.withdraw(app, me, case_id, "again", key=key(), again=True)
    proposals.submit(app, me, case_id, FORM, key=key())
    saved(app, "vip", {"rule": "c.arpu >= 50"}, base=3)
    approved(app)
    frozen = selecting.frozen_audience(app, case_id)
    assert (customers(frozen), frozen.manifest.groups[1]) == (spending(60), "vip@3")


def test_a_pinned_version_stays_whatever_follows(app: Countersign) -> None:
    loaded(app)
    saved(app, "vip", VIP)
    saved(app, "vip", {"rule": "c.arpu >= 10"}, base=1)
    view = saved(app, "both", {"except": [{"group": "vip"}, {"group": "vip@1"}]})
    assert (view.version, view.is_rule) == (1, False)
    assert groups.find(app, viewer(app, "wangmin"), "vip", 1).uses.groups == 1


def test_who_saves_second_is_told_and_nothing_is_lost(app: Countersign) -> None:
    loaded(app)
    saved(app, "vip", VIP)
    saved(app, "vip", {"rule": "c.arpu >= 81"}, base=1)
    with pytest.raises(GroupChanged, match="王敏 saved version 2"):
        saved(app, "vip", {"rule": "c.arpu >= 82"}, base=1)
    with pytest.raises(InvalidForm, match="group_taken"):
        saved(app, "vip", VIP)
    assert [one.version for one in groups.versions(app, viewer(app, "wangmin"), "vip")] == [2, 1]


def test_the_same_key_and_the_same_source_make_no_new_version(app: Countersign) -> None:
    loaded(app)
    me = by(app, "wangmin")
    parts: dict[str, Any] = {"name": "vip", "title": "VIP", "source": VIP, "note": "first"}
    for _ in range(2):
        assert groups.save(app, me, **parts, base=None).version == 1
    assert groups.save(app, by(app, "wangmin"), **parts, base=1).version == 1
    assert groups.save(app, by(app, "wangmin"), **{**parts, "title": "Best"}, base=1).version == 2


def test_others_read_a_group_and_do_not_edit_it(app: Countersign) -> None:
    loaded(app)
    saved(app, "vip", VIP)
    found = groups.find(app, viewer(app, "machao"), "vip")
    assert (found.owner_name, found.may_edit) == ("王敏", True)
    assert [one.name for one in groups.listed(app, viewer(app, "wangmin"))] == ["vip"]
    for login in ("liguoqiang", "xuwen"):
        with pytest.raises(NotFound):
            groups.listed(app, viewer(app, login))
        with pytest.raises(NotFound):
            groups.save(app, by(app, login), name="vip", title="x", source=VIP, note="", base=1)
    saved(app, "vip", {"rule": "c.arpu >= 70"}, base=1, login="machao")
    assert groups.find(app, viewer(app, "wangmin"), "vip").owner == "wangmin"


@pytest.mark.parametrize(
    ("source", "at", "said"),
    [
        ({"rule": "c.arpuu >= 1"}, "source.rule", "arpuu"),
        ({"union": [VIP, {"rule": "c.arpu"}]}, "source.union.1.rule", "E302|bool|yes or no|true"),
        ({"union": []}, "source.union", "at least 1"),
        ({"rulle": "true"}, "source", "rulle"),
        ({"group": "nobody"}, "source.group", "E216"),
        ({"group": "form.target"}, "source.group", "E330"),
        (
            {"intersect": [{"feedback": {"of": "form.prior", "outcome": "responded"}}]},
            "source.intersect.0.feedback",
            "E330",
        ),
        ({"list": "nobody"}, "source", "E207"),
        ({"sql": "DROP TABLE customers"}, "source.sql", "E32"),
        ({"rule": "c.arpu >= form.reach"}, "source.rule", "form"),
        ({"group": "self"}, "source", "circle: self -> self"),
        ("rule", "source", "mapping"),
    ],
)
def test_a_source_that_is_not_in_order_is_told_at_its_place(app: Countersign, source: Any, at: str, said: str) -> None:
    loaded(app)
    with pytest.raises(InvalidForm, match=said) as error:
        saved(app, "self", source)
    assert error.value.problems[0].at == at
    assert groups.listed(app, viewer(app, "wangmin")) == ()


def test_groups_that_would_name_each_other_in_a_circle_are_refused(app: Countersign) -> None:
    loaded(app)
    saved(app, "one", VIP)
    saved(app, "two", {"union": [{"group": "one"}, MINORS]})
    with pytest.raises(InvalidForm, match="one -> two -> one"):
        saved(app, "one", {"except": [VIP, {"group": "two"}]}, base=1)


def test_too_many_sources_in_one_another_are_refused(app: Countersign) -> None:
    loaded(app)
    saved(app, "g0", VIP)
    for n in range(1, 9):
        saved(app, f"g{n}", {"union": [{"group": f"g{n - 1}"}, {"group": f"g{n - 1}"}]})
        if n == 6:
            break
    deep = {"union": [{"group": "g6"}] * 8}
    with pytest.raises(InvalidForm, match="E218"):
        saved(app, "deep", deep)


def test_a_version_that_fails_its_tests_is_refused_with_the_row(app: Countersign) -> None:
    loaded(app)
    tests = [{"in": {"arpu": 80, "age": 30}}, {"out": {"arpu": 79}}, {"out": {}}]
    saved(app, "vip", VIP, tests=tests)
    with pytest.raises(InvalidForm) as error:
        saved(app, "vip", {"rule": "c.arpu >= 70"}, base=1)
    (problem,) = error.value.problems
    assert (problem.code, problem.at) == ("D150", "tests.1") and "arpu: 79 should be out" in problem.message
    assert groups.find(app, viewer(app, "wangmin"), "vip").version == 1
    again = saved(app, "vip", {"rule": "c.arpu >= 70"}, base=1, tests=[{"in": {"arpu": 70}}, {"out": {"arpu": 69}}])
    assert (again.version, again.tests[0]) == (2, {"in": {"arpu": 70}})


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ({"in": {"arpuu": 1}}, "D152"),
        ({"in": {"arpu": "much"}}, "D153"),
        ({"in": {"arpu": 1.5}}, "D153"),
        ({"in": {"arpu": True}}, "D153"),
        ({"in": {"sms_consent": 1}}, "D153"),
        ({"in": {"arpu": [1]}}, "D153"),
        ({"in": 1}, "D151"),
        ({"maybe": {}}, "D151"),
        ({"in": {}, "out": {}}, "D151"),
        ("in", "D151"),
    ],
)
def test_a_test_that_cannot_be_read_is_told(app: Countersign, test: Any, code: str) -> None:
    loaded(app)
    with pytest.raises(InvalidForm) as error:
        saved(app, "vip", VIP, tests=[test])
    assert [problem.code for problem in error.value.problems] == [code]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"name": "Vip"}, "name"),
        ({"name": "new"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"title": " "}, "title"),
        ({"title": "x" * 61}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"note": "x" * 201}, "note"),
        ({"note": "a\nb"}, "note"),
    ],
)
def test_wrong_fields_are_named(app: Countersign, change: dict[str, str], at: str) -> None:
    loaded(app)
    parts: dict[str, Any] = {"name": "vip", "title": "VIP", "note": "", **change}
    with pytest.raises(InvalidForm) as error:
        groups.save(app, by(app, "wangmin"), **parts, source=VIP, base=None)
    assert [problem.at for problem in error.value.problems] == [at]


def test_an_ended_group_is_offered_no_more_and_saved_again_it_is(app: Countersign) -> None:
    published(app)
    saved(app, "vip", VIP)
    saved(app, "minors", MINORS)
    case_id = drafted(app)
    with pytest.raises(NotFound):
        groups.end(app, by(app, "xuwen"), "vip")
    groups.end(app, by(app, "wangmin"), "vip")
    me = viewer(app, "wangmin")
    with pytest.raises(InvalidForm, match="no_group"):
        proposals.submit(app, me, case_id, FORM, key=key())
    (target,) = [field for field in proposals.form(app, me, case_id).fields if field.name == "target"]
    assert [code for code, _ in target.choices] == ["minors", "vip"]  # what was chosen is still shown
    assert groups.listed(app, me)[-1].ended
    assert saved(app, "vip", VIP, base=1).ended is False
    proposals.submit(app, me, case_id, FORM, key=key())
    assert state_of(app, case_id) == "approving"


def test_the_operator_saves_for_an_owner(app: Countersign) -> None:
    loaded(app)
    parts: dict[str, Any] = {"name": "vip", "title": "VIP", "note": "", "source": VIP, "base": None}
    with pytest.raises(InvalidForm, match="nobody"):
        groups.save(app, OPERATOR, **parts)
    assert groups.save(app, OPERATOR, **parts, owner="wangmin").owner_name == "王敏"
