"""An approver changes fields together with the approval: what stands, who is asked again, what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import InvalidForm, OwnCase
from engine.machine.asking import Ask, Choice
from engine.machine.chains import Column, Countersign, Placed
from engine.machine.commands import Decide, Delegate
from engine.machine.deadlines import Timeout
from engine.machine.outcome import FormSaved, Turned
from engine.machine.process import Row
from engine.machine.steps import Approval
from engine.machine.tally import AllOf, Quorum, Vote
from engine.values import Duration
from tests.unit.machine.board import add, do
from tests.unit.machine.trial import MIDDLE, PEOPLE, Trial, approve, file, process, rule

WRITE = (("budget", "write"), ("*", "read"))


def trial(*columns: Column, shorten: bool = False, **aspects: tuple[str, ...]) -> Trial:
    return Trial(replace(process({"only": columns}), aspects=aspects, may_shorten=shorten))


def three(**more: Any) -> tuple[Column, ...]:
    """Head, finance that may write the budget, vice-president."""
    return (
        approve("head", "head@county"),
        approve("finance", "role:finance@city", fields=WRITE, **more),
        approve("vp", "role:vp_market@city"),
    )


def amend(case: Trial, person: str, decision: str = "approve", **values: Any) -> None:
    task = next(task for task in case.open_tasks() if task.person == person)
    remark = "" if decision == "approve" else "because"
    case.do(Decide(actor=person, task=task.id, decision=decision, remark=remark, form=values))  # type: ignore[arg-type]  # a decision by name


def turned(case: Trial) -> list[Turned]:
    return [event for entry in case.entries for event in entry.events if isinstance(event, Turned)]


def test_a_change_of_what_others_looked_at_asks_them_again_and_the_rest_stands() -> None:
    case = trial(*three())
    case.submit()
    case.approve("county_head")
    amend(case, "fin_a", budget=60_000)
    assert case.case.form["budget"] == 60_000
    assert (case.asked(), case.case.round) == ({"county_head"}, 2)
    assert turned(case)[0].void == ("head",)
    case.approve("county_head")
    assert case.asked() == {"city_vp"}
    carried = [task for task in case.case.tasks if task.reason == "carried"]
    assert [(task.step, task.decided_by) for task in carried] == [("finance", "fin_a")]
    case.approve("city_vp")
    assert case.case.state == "targeting"
    assert case.replayed() == case.case


def test_the_first_to_decide_changes_it_and_the_case_goes_on() -> None:
    case = trial(approve("finance", "role:finance@city", fields=WRITE), approve("vp", "role:vp_market@city"))
    case.submit()
    amend(case, "fin_a", budget=60_000)
    assert (case.asked(), case.case.round, case.case.editor) == ({"city_vp"}, 1, "fin_a")
    assert case.case.form == MIDDLE | {"budget": 60_000}


def test_a_change_of_what_nobody_looks_at_voids_nothing_and_makes_nobody_its_editor() -> None:
    case = trial(approve("head", "head@county"), approve("vp", "role:vp_market@city", fields=(("title", "write"),)))
    case.submit()
    case.approve("county_head")
    amend(case, "city_vp", title=1)
    assert (case.case.state, case.case.form["title"], case.case.editor) == ("targeting", 1, "clerk")
    saved = [event for entry in case.entries for event in entry.events if isinstance(event, FormSaved)]
    assert saved[-1].material is False


def test_a_change_of_one_aspect_asks_only_those_again_who_looked_at_it() -> None:
    columns = (
        approve("head", "head@county", aspects=("target",)),
        approve("network", "role:network@city", aspects=("money",)),
        approve("finance", "role:finance@city", fields=WRITE),
    )
    case = trial(*columns, target=("reach",), money=("budget",))
    case.submit()
    case.approve("county_head", "net_a")
    amend(case, "fin_a", budget=60_000)
    assert case.asked() == {"net_a", "net_b"}
    case.approve("net_b")
    assert case.case.state == "targeting"


def test_who_changed_it_is_asked_for_no_later_approval_of_it() -> None:
    case = trial(approve("first", "role:vp_market@city", fields=WRITE), approve("second", "role:vp_market@city"))
    case.submit()
    amend(case, "city_vp", budget=60_000)
    assert case.asked() == {"city_head"}  # the superior of who changed it, not of the submitter


def test_the_only_approver_of_a_change_gets_a_second_one_at_their_own_step() -> None:
    case = trial(approve("finance", "role:finance@city", fields=WRITE))
    case.submit()
    amend(case, "fin_a", budget=60_000)
    assert (case.case.state, case.asked()) == ("approving", {"fin_b", "fin_c"})
    case.approve("fin_b")
    assert case.case.state == "targeting"


def test_alone_with_the_right_to_write_the_superior_is_the_second() -> None:
    case = trial(approve("vp", "role:vp_market@city", fields=WRITE))
    case.submit()
    amend(case, "city_vp", budget=60_000)
    assert case.asked() == {"city_head"}
    assert turned(case)[0].void == ("vp",)


def test_a_filing_is_no_second_opinion() -> None:
    case = trial(approve("vp", "role:vp_market@city", fields=WRITE), file("register", "role:marketing@city"))
    case.submit()
    amend(case, "city_vp", budget=60_000)
    assert case.asked() == {"city_head"}


def test_a_branch_that_need_not_be_waited_for_is_no_second_opinion() -> None:
    branches = (approve("vp", "role:vp_market@city", fields=WRITE), approve("network", "role:network@city"))
    case = trial(Countersign("sign", branches, join=1))
    case.submit()
    amend(case, "city_vp", budget=60_000)
    assert case.case.state == "approving"
    assert case.asked() == {"city_head", "net_a", "net_b"}
    case.approve("net_a")
    assert case.case.state == "targeting"


@pytest.mark.parametrize(
    ("tally", "second"),
    [(AllOf(), True), (Quorum(2), True), (Quorum(1), False), (Vote(is_weighted=False), True)],
)
def test_colleagues_who_must_approve_as_well_are_the_second_opinion(tally: Any, second: bool) -> None:
    case = trial(approve("finance", "role:finance@city", tally, fields=WRITE))
    case.submit()
    amend(case, "fin_a", budget=60_000)
    assert case.case.round == (1 if second else 2)
    assert case.asked() == {"fin_b", "fin_c"} | (set() if second else {"city_head"})


def test_colleagues_who_approved_before_the_change_are_asked_again() -> None:
    case = trial(approve("finance", "role:finance@city", AllOf(), fields=WRITE))
    case.submit()
    case.approve("fin_b")
    amend(case, "fin_a", budget=60_000)
    assert case.asked() == {"fin_b", "fin_c"}
    case.approve("fin_b", "fin_c")
    assert case.case.state == "targeting"


def test_who_has_two_seats_loses_the_open_one_by_their_own_change() -> None:
    branches = (approve("vp", "role:vp_market@city", fields=WRITE), approve("also", "role:vp_market@city"))
    case = trial(Countersign("sign", branches))
    case.submit()
    amend(case, "city_vp", budget=60_000)
    assert [task.person for task in case.open_tasks("also")] == ["city_head"]


def test_a_case_takes_the_chain_of_the_changed_form_and_what_stands_stands() -> None:
    head = approve("head", "head@county", aspects=("target",))
    finance = approve("finance", "role:finance@city", fields=WRITE)
    chains = {"small": (head, finance), "large": (head, finance, approve("vp", "role:vp_market@city"))}
    route = (Row("large", rule("form.budget > 100000")), Row("small"))
    running = replace(process(chains, route=route), aspects={"target": ("reach",), "money": ("budget",)})
    case = Trial(running)
    case.submit()
    case.approve("county_head")
    amend(case, "fin_a", budget=120_000)
    assert (case.case.route, case.asked()) == ("large", {"city_vp"})
    assert turned(case)[0].reasons == ("form.budget 120000 > 100000: true",)
    assert case.replayed() == case.case


def lowered(*, shorten: bool) -> Trial:
    finance = approve("finance", "role:finance@city", fields=WRITE)
    chains = {
        "small": (approve("head", "head@county"), finance),
        "large": (approve("head", "head@county"), finance, approve("vp", "role:vp_market@city")),
    }
    route = (Row("large", rule("form.budget > 70000")), Row("small"))
    case = Trial(replace(process(chains, route=route), may_shorten=shorten))
    case.submit()
    case.approve("county_head")
    return case


def test_no_approval_is_left_out_by_lowering_a_figure() -> None:
    case = lowered(shorten=False)
    with pytest.raises(InvalidForm, match="would not come to vp any more"):
        amend(case, "fin_a", budget=60_000)
    assert (case.case.form, case.asked()) == (MIDDLE, {"fin_a", "fin_b", "fin_c"})


def test_unless_the_definition_follows_the_changed_form() -> None:
    case = lowered(shorten=True)
    amend(case, "fin_a", budget=60_000)
    assert (case.case.route, case.asked()) == ("small", {"county_head"})
    case.approve("county_head")
    assert case.case.state == "targeting"


def test_a_condition_of_a_step_is_no_way_around_it_either() -> None:
    columns = (
        approve("head", "head@county"),
        approve("finance", "role:finance@city", fields=WRITE),
        approve("vp", "role:vp_market@city", when="form.budget > 70000"),
    )
    case = trial(*columns)
    case.submit()
    case.approve("county_head")
    with pytest.raises(InvalidForm, match="vp"):
        amend(case, "fin_a", budget=60_000)


def test_a_step_before_that_a_higher_figure_wants_is_asked() -> None:
    columns = (
        approve("network", "role:network@city", when="form.budget > 100000"),
        approve("finance", "role:finance@city", fields=WRITE),
        approve("vp", "role:vp_market@city"),
    )
    case = trial(*columns)
    case.submit()
    assert case.asked() == {"fin_a", "fin_b", "fin_c"}
    amend(case, "fin_a", budget=120_000)
    assert case.asked() == {"net_a", "net_b"}
    case.approve("net_a", "city_vp")
    assert case.case.state == "targeting"


def test_an_approval_does_not_stand_where_the_step_asks_others_for_the_new_figure() -> None:
    table = (Choice("head@city", _Holds("form.budget > 100000")),)
    step = Approval(name="boss", ask=Ask("head@county", table=table), fields=WRITE)
    case = trial(Placed(step), approve("vp", "role:vp_market@city"))
    case.submit()
    amend(case, "county_head", budget=120_000)
    assert case.asked() == {"city_head"}


def test_a_second_change_voids_the_approval_of_the_first() -> None:
    case = trial(approve("head", "head@county", fields=WRITE), *three()[1:])
    case.submit()
    case.approve("county_head")
    amend(case, "fin_a", budget=60_000)
    amend(case, "county_head", budget=70_000)
    assert case.asked() == {"fin_a", "fin_b", "fin_c"}
    case.approve("fin_a", "city_vp")
    assert (case.case.state, case.case.form["budget"]) == ("targeting", 70_000)


def test_silence_is_no_second_opinion() -> None:
    passing = Timeout(at=Duration.parse("1wd"), do="approve", passes=_Holds("form.budget > 0"), limit=1)
    case = trial(
        approve("finance", "role:finance@city", fields=WRITE), approve("vp", "role:vp_market@city", timeout=passing)
    )
    case.submit()
    amend(case, "fin_a", budget=60_000)
    case.wait("2wd")
    assert (case.case.state, case.asked()) == ("approving", {"city_head"})


def test_the_opinion_of_a_delegate_is_no_second_opinion_either() -> None:
    passing = Timeout(at=Duration.parse("1wd"), do="approve", passes=_Holds("form.budget > 0"), limit=1)
    case = trial(
        approve("finance", "role:finance@city", fields=WRITE), approve("vp", "role:vp_market@city", timeout=passing)
    )
    case.submit()
    amend(case, "fin_a", budget=60_000)
    do(case, "city_vp", Delegate, to="ann")
    case.approve("ann")
    case.wait("2wd")
    assert (case.case.state, case.asked()) == ("approving", {"city_head"})


def test_who_signs_with_a_delegate_gives_an_opinion_and_changes_nothing() -> None:
    case = trial(*three())
    case.submit()
    case.approve("county_head")
    do(case, "fin_a", Delegate, to="ann")
    add(case, "ann", "beside", "bob")
    with pytest.raises(InvalidForm, match="budget: you cannot change this"):
        amend(case, "bob", budget=60_000)


def test_one_who_approved_something_else_before_is_asked_about_the_change() -> None:
    columns = (
        approve("head", "role:vp_market@city", aspects=("target",)),
        approve("finance", "role:finance@city", fields=WRITE),
        approve("vp", "role:vp_market@city", repeat="carry"),
    )
    case = trial(*columns, target=("reach",), money=("budget",))
    case.submit()
    case.approve("city_vp")
    amend(case, "fin_a", budget=60_000)
    assert case.asked() == {"city_vp"}


@pytest.mark.parametrize("decision", ["reject", "return"])
def test_only_an_approval_changes_the_proposal(decision: str) -> None:
    case = trial(*three())
    case.submit()
    case.approve("county_head")
    with pytest.raises(InvalidForm, match="only an approval changes"):
        amend(case, "fin_a", decision, budget=60_000)


def test_a_field_that_may_not_be_written_is_refused_with_who_may() -> None:
    case = trial(*three())
    case.submit()
    with pytest.raises(InvalidForm, match="budget: you cannot change this; who may: finance, and the submitter"):
        amend(case, "county_head", budget=60_000)
    case.approve("county_head")
    with pytest.raises(InvalidForm) as refused:
        amend(case, "fin_a", budget=60_000, reach=1, title=2)
    assert [problem.at for problem in refused.value.problems] == ["reach", "title"]
    assert case.case.form == MIDDLE


def test_values_as_they_were_are_no_change() -> None:
    case = trial(*three())
    case.submit()
    case.approve("county_head")
    amend(case, "fin_a", budget=MIDDLE["budget"], reach=MIDDLE["reach"])
    assert (case.asked(), case.case.round, case.case.editor) == ({"city_vp"}, 1, "clerk")


def test_a_stand_in_who_changed_it_is_its_editor() -> None:
    people = replace(PEOPLE, represented={"fin_a": ("city_vp",)})
    columns = (approve("finance", "role:finance@city", fields=WRITE), approve("vp", "role:vp_market@city"))
    case = Trial(process({"only": columns}, people=people))
    case.submit()
    task = next(task for task in case.open_tasks() if task.person == "fin_a")
    case.do(Decide(actor="city_vp", on_behalf_of="fin_a", task=task.id, decision="approve", form={"budget": 60_000}))
    assert (case.case.editor, case.asked()) == ("city_vp", {"city_head"})


def test_the_submitter_adopts_a_change_by_submitting_it_again() -> None:
    case = Trial(replace(process({"only": three()}), resume="changed_aspects"))
    case.submit()
    case.approve("county_head")
    amend(case, "fin_a", budget=60_000)
    case.decide("county_head", "return")
    case.submit(case.case.form)
    assert (case.case.editor, case.asked()) == ("clerk", {"county_head"})
    case.approve("county_head", "city_vp")
    assert case.case.state == "targeting"


def test_nobody_decides_on_a_change_of_their_own_by_another_account() -> None:
    people = replace(PEOPLE, twins={"fin_a": "city_vp"})
    columns = (approve("finance", "role:finance@city", fields=WRITE), approve("vp", "role:vp_market@city"))
    case = Trial(process({"only": columns}, people=people))
    case.submit()
    amend(case, "fin_a", budget=60_000)
    assert case.asked() == {"city_head"}
    with pytest.raises(OwnCase):
        case.do(Decide(actor="fin_a", on_behalf_of="city_head", task=case.open_tasks()[0].id, decision="approve"))


class _Holds:
    """A rule of the form, as the machine asks it."""

    def __init__(self, text: str) -> None:
        self.rule = rule(text)

    def holds(self, form: dict[str, Any]) -> bool:
        return self.rule.evaluate({"form": form}) is True

    is_within = holds
