"""Roles that nobody holds today are told at their line, with the offices, and with who would be asked instead."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from engine.definition.check import check
from engine.definition.staffing import Staff
from engine.errors import Problem
from engine.organisation import Grant, Office, Organisation, Person, StandIn

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
OFFICES = (
    Office("44", "省公司", "province"),
    Office("4401", "东市", "city", parent="44"),
    Office("4402", "西市", "city", parent="44"),
    Office("440101", "东一县", "county", parent="4401"),
    Office("440201", "西一县", "county", parent="4402"),
)
GRANTS = (
    "su1 submitter 440101",
    "su2 submitter 440201",
    "ha head 440101",
    "hb head 440201",
    "ma marketing 4401",
    "mb marketing 4402",
    "fa finance 4401",
    "fb finance 4402",
    "sa service 4401",
    "sb service 4402",
    "ad process_admin 44",
)


def staff(*, without: tuple[str, ...] = (), closed: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> Staff:
    """Everybody whom the small definition asks, less the grants and accounts that are named."""
    grants = [Grant(*line.split()) for line in (*GRANTS, *more) if line not in without]
    names = {grant.person for grant in grants}
    people = [Person(name, name.upper(), active=name not in closed) for name in names]
    return Staff(Organisation(OFFICES, people, grants), NOW)


@pytest.fixture
def told(small: str) -> Callable[..., list[Problem]]:
    """What the check says of the small definition with some texts replaced and these people."""

    def problems(people: Staff, *replacements: str, add: str = "") -> list[Problem]:
        text = small
        for old, new in zip(replacements[::2], replacements[1::2], strict=True):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return list(check(text + add, "small.yaml", staff=people).problems)

    return problems


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_definition_whose_roles_are_all_held_has_no_problem(told: Callable[..., list[Problem]]):
    assert told(staff()) == []


def test_a_role_that_nobody_holds_anywhere_is_an_error_with_the_nearest_one(
    told: Callable[..., list[Problem]], small: str
):
    (problem,) = told(staff(), "role:finance@city", "role:finanse@city")
    assert (problem.code, problem.severity, problem.hint) == ("E606", "error", "did you mean finance?")
    assert problem.message == "nobody in the organisation holds the role finanse"
    assert problem.line == line_of(small, "role:finance@city")


def test_a_closed_account_holds_nothing(told: Callable[..., list[Problem]]):
    (problem,) = told(staff(closed=("fa", "fb")))
    assert (problem.code, problem.fields["role"]) == ("E606", "finance")


def test_a_role_that_is_empty_for_one_office_is_told_with_who_is_asked_instead(told: Callable[..., list[Problem]]):
    (problem,) = told(staff(without=("fb finance 4402",)))
    assert (problem.code, problem.severity) == ("W808", "warning")
    assert problem.message == (
        "nobody is found by role:finance@city for cases of 440201 西一县: AD (ad) is asked, by role:process_admin"
    )


def test_nobody_to_be_asked_instead_is_an_error_for_those_offices_alone(told: Callable[..., list[Problem]]):
    people = staff(
        without=("fb finance 4402", "sa service 4401", "ad process_admin 44"), more=("ad process_admin 4401",)
    )
    own_admin = '      - {approve: head, label: {zh: 经理, en: Head}, who: "head@county"}'
    kept = own_admin.replace('"head@county"}', '"head@county", empty: {assign: "role:process_admin@city"}}')
    found = told(
        people,
        own_admin,
        kept,
        'who: "role:finance@city"}',
        'who: "role:finance@city", empty: {assign: "role:process_admin@city"}}',
    )
    assert [(problem.code, problem.fields["offices"]) for problem in found] == [
        ("E607", "440201 西一县"),
        ("W808", "440101 东一县"),
    ]
    assert "role:process_admin@city" in found[0].message


def test_several_who_are_all_asked_are_missed_only_together(told: Callable[..., list[Problem]]):
    people = staff(without=("fb finance 4402",))
    assert told(people, 'who: "role:finance@city"', 'who: ["role:finance@city", "role:service@city"]') == []
    (problem,) = told(
        staff(without=("fb finance 4402", "sb service 4402")),
        'who: "role:finance@city"',
        'who: ["role:finance@city", "role:service@city"]',
        'who: "role:service@city"}\n',
        'who: "head@county"}\n',
    )
    assert problem.fields["who"] == "role:finance@city, role:service@city"


def test_each_row_of_a_table_is_looked_at_by_itself(told: Callable[..., list[Problem]], small: str):
    table = 'who: [{when: "form.budget > 5", who: "role:vp@city"}, {else: "role:finance@city"}]'
    (problem,) = told(staff(more=("vp vp 4401",)), 'who: "role:finance@city"', table)
    assert (problem.code, problem.at) == ("W808", "approval.blocks.both.parallel.0.who.0.who")
    assert problem.line == line_of(small, "role:finance@city")


def test_who_is_told_of_silence_and_who_may_be_chosen_are_looked_at_too(told: Callable[..., list[Problem]]):
    (late,) = told(staff(more=("gm gm 4401",)), "at: 3wd}", 'at: 3wd, to: "role:gm@city"}')
    assert late.message.endswith("of silence role:process_admin is told")
    (chosen,) = told(
        staff(more=("gm gm 4401",)),
        "    goal: {type: longtext, label: {zh: 目标, en: Goal}}",
        '    goal: {type: person, among: "role:gm@city", label: {zh: 负责人, en: Owner}}',
    )
    assert chosen.message.endswith("nobody can be chosen")


def test_the_superior_of_a_submitter_without_one_is_told(told: Callable[..., list[Problem]]):
    (problem,) = told(staff(without=("hb head 440201",)), 'who: "head@county"', "who: superior")
    assert (problem.code, problem.fields["offices"]) == ("W808", "440201 西一县")


def test_before_anybody_submits_every_office_counts(told: Callable[..., list[Problem]]):
    submitters = ("su1 submitter 440101", "su2 submitter 440201")
    problems = told(staff(without=submitters))
    # the offices above the county have no head of a county
    assert {problem.code for problem in problems} == {"W808"}
    assert "44 省公司, 4401 东市, 4402 西市" in {problem.fields["offices"] for problem in problems}


def test_a_stand_in_does_not_hold_the_role(small: str):
    people = staff(without=("fb finance 4402",))
    away = StandIn("fa", "sb", NOW, NOW.replace(year=2027))
    there = people.organisation
    with_one = Organisation(OFFICES, there.people.values(), there.grants, [away])
    assert [problem.code for problem in check(small, staff=Staff(with_one, NOW)).problems] == ["W808"]


def test_a_check_without_an_organisation_asks_nothing_of_people(small: str):
    assert check(small.replace("role:finance@city", "role:finanse@city")).problems == ()
