"""Who is found by `who`, who is above whom, and what the tree refuses."""

import csv

import pytest

from engine.errors import InvalidFile, InvalidForm
from engine.organisation import Grant, Office, Offices, Organisation, Person
from engine.organisation.who import Holders, Submitter, Superior, parse
from tests.support import shared

OFFICES = [
    Office("44", "省", "province"),
    Office("4401", "市", "city", parent="44"),
    Office("4402", "另一市", "city", parent="44"),
    Office("440111", "县", "county", parent="4401"),
    Office("449001", "直管县", "county", parent="44"),
]


def organisation(*grants: str, closed: tuple[str, ...] = ()) -> Organisation:
    """Grants are written `person role office [weight]`."""
    parts = [grant.split() for grant in grants]
    people = {name for name, *_ in parts}
    return Organisation(
        OFFICES,
        [Person(name, name.title(), active=name not in closed) for name in people],
        [Grant(name, role, office, *map(int, weight)) for name, role, office, *weight in parts],
    )


def test_a_role_is_looked_for_in_the_line_of_the_office() -> None:
    found = organisation("bo finance 4401", "al finance 4401", "cy finance 4402", "di finance 44")
    assert found.resolve("role:finance@city", "440111") == ("al", "bo")
    assert found.resolve("role:finance@city", "4402") == ("cy",)
    assert found.resolve("role:finance@province", "440111") == ("di",)


def test_a_level_that_the_line_leaves_out_is_the_next_one_above() -> None:
    found = organisation("bo finance 4401", "di finance 44")
    assert found.resolve("role:finance@city", "449001") == ("di",)


def test_nobody_is_found_below_the_office_of_the_case() -> None:
    assert organisation("al head 440111").resolve("head@county", "4401") == ()


def test_a_role_without_a_level_is_the_nearest_one_or_anybody() -> None:
    found = organisation("al process_admin 44", "bo process_admin 4401")
    assert found.resolve("role:process_admin", "440111") == ("bo",)
    assert found.resolve("role:process_admin", "449001") == ("al",)
    assert organisation("bo process_admin 4402").resolve("role:process_admin", "440111") == ("bo",)


def test_members_come_with_their_weights_heaviest_first() -> None:
    found = organisation("al committee 44 1", "bo committee 44 3")
    who = "members(committee@province)"
    assert found.resolve(who, "440111") == ("bo", "al")
    assert (found.weight("bo", who, "440111"), found.weight("al", who, "440111")) == (3, 1)


def test_a_closed_account_is_not_asked() -> None:
    assert organisation("al finance 4401", closed=("al",)).resolve("role:finance@city", "440111") == ()


def test_the_superior_is_the_head_of_the_office_or_the_next_one() -> None:
    found = organisation("al head 440111", "bo head 4401", "cy head 44", "di clerk 440111", "ed finance 4401")
    superiors = {person: found.superior(person, "440111") for person in ("di", "al", "ed", "bo", "cy")}
    assert superiors == {"di": "al", "al": "bo", "ed": "bo", "bo": "cy", "cy": None}


def test_an_office_without_a_head_is_passed_over() -> None:
    assert organisation("di clerk 440111", "cy head 44").superior("di", "440111") == "cy"


def test_superior_and_submitter_are_people_of_the_case() -> None:
    found = organisation("di clerk 440111", "al head 440111")
    assert found.resolve("superior", "440111", "di") == ("al",)
    assert found.resolve("submitter", "440111", "di") == ("di",)


def test_who_is_read_or_refused_with_what_can_be_written() -> None:
    assert parse("role:finance@city") == Holders("finance", "city")
    assert parse("role:process_admin") == Holders("process_admin", None)
    assert parse("head@county") == Holders("head", "county")
    assert parse("members(committee@province)") == Holders("committee", "province")
    assert (parse("superior"), parse("submitter")) == (Superior(), Submitter())
    with pytest.raises(InvalidForm) as refused:
        parse("role:finance@town")
    assert refused.value.problems[0].hint == "after @ stands county, city or province, not 'town'"
    for wrong in ("", "wangmin", "role:", "role:Finance@city", "head", "members(a)", "role:a@city "):
        with pytest.raises(InvalidForm):
            parse(wrong)


def test_every_office_and_grant_that_does_not_fit_is_named() -> None:
    with pytest.raises(InvalidFile) as refused:
        Offices([Office("a", "甲", "county", parent="x"), Office("b", "乙", "city", parent="a")])
    assert [problem.code for problem in refused.value.problems] == ["office-parent", "office-level"]
    with pytest.raises(InvalidFile) as refused:
        Organisation(OFFICES, [], [Grant("al", "head", "44")])
    assert "al" in refused.value.problems[0].message
    with pytest.raises(InvalidFile):
        organisation("al head 99")


def test_chinas_divisions_load_as_the_hierarchy() -> None:
    folder = shared("data/china_divisions")
    offices = [Office(row["code"], row["name"], "province") for row in _rows(folder / "provinces.csv")]
    offices += [
        Office(row["code"], row["name"], "city", parent=row["provinceCode"]) for row in _rows(folder / "cities.csv")
    ]
    offices += [
        Office(row["code"], row["name"], "county", parent=row["cityCode"]) for row in _rows(folder / "areas.csv")
    ]
    tree = Offices(offices)
    levels = [office.level for office in tree]
    assert [levels.count(level) for level in ("province", "city", "county")] == [31, 342, 2978]
    assert all(len(tree.line(office.code)) == 3 for office in tree if office.level == "county")


def _rows(path: object) -> list[dict[str, str]]:
    with open(str(path), encoding="utf-8-sig", newline="") as file:  # noqa: PTH123
        return list(csv.DictReader(file))
