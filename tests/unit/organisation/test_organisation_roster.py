"""What a table of offices or people would change, row by row."""

from engine.organisation import Grant, Office, Person
from engine.organisation.roster import OFFICE_COLUMNS, PEOPLE_COLUMNS, Known, Member, Row, plan_offices, plan_people

PROVINCE, CITY = Office("44", "广东", "province"), Office("4401", "广州", "city", parent="44")
LI = Member(Person("li", "李"), "li@x.org", "zh", frozenset({Grant("li", "head", "4401")}))
KNOWN = Known({"44": PROVINCE, "4401": CITY}, {"li": LI})


def offices(*rows: tuple[str, ...], headings: tuple[str, ...] = OFFICE_COLUMNS):
    table = [Row(n, dict(zip(headings, row, strict=True))) for n, row in enumerate(rows, 2)]
    return plan_offices(headings, table, KNOWN, "offices.csv")


def people(*rows: tuple[str, ...], headings: tuple[str, ...] = PEOPLE_COLUMNS):
    table = [Row(n, dict(zip(headings, row, strict=True))) for n, row in enumerate(rows, 2)]
    return plan_people(headings, table, KNOWN, "people.csv")


def test_a_county_may_stand_before_its_city():
    plan = offices(("450101", "甲县", "", "county", "4501"), ("4501", "乙市", "", "city", "44"))
    assert [one.code for one in plan.added] == ["4501", "450101"]
    assert plan.problems == ()


def test_every_wrong_row_is_named_by_line_column_and_reason():
    plan = offices(
        ("45", "", "", "province", ""),
        ("4501", "乙", "", "village", ""),
        ("4502", "丙", "", "city", "99"),
        ("4503", "丁", "", "city", "4401"),
        ("44", "广东", "", "province", ""),
        ("44", "广东", "", "province", ""),
        ("a b", "戊", "", "county", ""),
    )
    assert [(one.line, one.column, one.code) for one in plan.problems] == [
        (2, 2, "roster.name"),
        (3, 4, "roster.level"),
        (7, 1, "roster.twice"),
        (8, 1, "roster.code"),
        (4, 5, "roster.parent"),
        (5, 5, "roster.above"),
    ]


def test_an_office_does_not_sink_below_those_that_report_to_it():
    plan = offices(("44", "广东", "", "city", ""))
    assert [one.code for one in plan.problems] == ["roster.above"]


def test_counties_of_municipalities_and_those_the_province_administers_report_to_the_province():
    headings = ("code", "name", "cityCode", "provinceCode")
    known = Known({code: Office(code, code, "province") for code in ("11", "42", "44")} | {"4401": CITY}, {})
    rows = [("110101", "东城区", "1101", "11"), ("429004", "仙桃市", "4290", "42"), ("440106", "天河区", "4401", "44")]
    table = [Row(n, dict(zip(headings, row, strict=True))) for n, row in enumerate(rows, 2)]
    plan = plan_offices(headings, table, known, "areas.csv")
    assert plan.problems == ()
    assert [one.parent for one in plan.added] == ["11", "42", "4401"]


def test_the_roles_column_says_all_roles_of_a_person():
    plan = people(("li", "李", "li@x.org", "zh", "", "finance@4401*3"))
    ((old, new),) = plan.changed
    assert old.grants == LI.grants
    assert new.grants == frozenset({Grant("li", "finance", "4401", 3)})


def test_without_the_roles_column_roles_stay():
    plan = people(("li", "李强"), headings=("id", "name"))
    ((_, new),) = plan.changed
    assert new.grants == LI.grants
    assert new.email == "li@x.org"


def test_the_same_again_changes_nothing():
    plan = people(("li", "李", "li@x.org", "zh", "", "head@4401"))
    assert (plan.added, plan.changed, plan.unchanged) == ((), (), 1)


def test_wrong_people_are_named():
    plan = people(
        ("Li Ming", "李", "", "", "", ""),
        ("wu", "吴", "no address", "fr", "nobody", "head"),
        ("xu", "徐", "", "", "xu", "head@99"),
    )
    assert {(one.line, one.column, one.code) for one in plan.problems} == {
        (2, 1, "roster.account"),
        (3, 3, "roster.mail"),
        (3, 4, "roster.language"),
        (3, 6, "roster.role"),
        (4, 5, "roster.same_as"),
        (4, 6, "roster.office"),
    }
