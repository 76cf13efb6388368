"""Outcome files and response files: good rows count, every bad one is named, blanks are not 0."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import InvalidFile
from engine.evaluation.groups import Sample
from engine.evaluation.metrics import Measure
from engine.warehouse.lists import ROW_NUMBER
from engine.warehouse.measuring import EVENTS, CellArm, measure_case
from engine.warehouse.outcomes import Outcome, arms, measure
from engine.warehouse.responses import OUTCOMES, Answers, Expected, keep_outcomes, outcome_files, read_answers

FROZEN = datetime(2026, 10, 1, 1, 0, tzinfo=UTC)
VISIT, SPEND = Outcome("visit", "visit", "rate"), Outcome("spend", "spend", "mean")
MEASURED: dict[str, Measure] = {"visit": "rate", "spend": "mean"}


def written(folder: Path, text: str, name: str = "outcomes.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def problems(path: Path, arm: str, *outcomes: Outcome) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        measure(path, arm=arm, outcomes=outcomes)
    return [str(problem) for problem in caught.value.problems]


# Outcome files ---------------------------------------------------------------------------------------------------


def test_blanks_are_unknown_and_not_zero(tmp_path: Path) -> None:
    path = written(tmp_path, "arm,visit,spend\na,1,10\na,,\na,0, \nb,yes,2.5\nb,No,\n,1,1\n")
    measured = measure(path, arm="arm", outcomes=[VISIT, SPEND])
    assert measured.arms["a"].n == 3
    assert measured.arms["a"].samples == {"visit": Sample.counted(2, 1), "spend": Sample(1, 10.0, 0.0)}
    assert measured.arms["b"].samples["visit"] == Sample.counted(2, 1)
    assert measured.unassigned == 1


def test_short_and_long_rows_are_left_out_and_named(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[n % 2]},1,2\n" for n in range(50))
    path = written(tmp_path, f"arm,visit,spend\n{rows}a,1\nb,1,2,3\na,0,1\n")
    measured = measure(path, arm="arm", outcomes=[VISIT])
    assert measured.rejected_count == 2
    assert [problem.line for problem in measured.rejected] == [52, 53]
    assert measured.arms["a"].n + measured.arms["b"].n == 51


def test_a_semicolon_and_a_byte_order_mark_are_no_obstacle(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffarm;visit\na;1\nb;0\n")
    assert arms(path, "arm") == ("a", "b")


def test_all_unknown_columns_are_named_with_what_was_meant(tmp_path: Path) -> None:
    path = written(tmp_path, "segment,visit\na,1\nb,0\n")
    told = problems(path, "segmnt", Outcome("v", "visits", "rate"), Outcome("m", "money", "mean"))
    assert "has no column segmnt (did you mean segment?)" in told[0]
    assert "has no column visits (did you mean visit?)" in told[1]
    assert "has no column money (columns: segment, visit)" in told[2]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "n/a", "1,5", "1e999"])
def test_what_is_not_a_number_is_refused_with_its_row(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, f'arm;spend\na;1\na;"{value}"\n')
    (told,) = problems(path, "arm", SPEND)
    assert f"in column spend 1 value is not numeric, first '{value}' in row 2" in told


def test_a_number_is_no_rate(tmp_path: Path) -> None:
    path = written(tmp_path, "arm,visit\na,29.99\na,3\nb,1\n")
    (told,) = problems(path, "arm", VISIT)
    assert "2 values are neither 0 nor 1" in told
    assert "visit=…:mean" in told


def test_files_that_hold_nothing_are_told_apart(tmp_path: Path) -> None:
    assert "there is no file" in problems(tmp_path / "absent.csv", "arm")[0]
    assert "is empty" in problems(written(tmp_path, ""), "arm")[0]
    assert "cannot be read as CSV" in problems(written(tmp_path, "no gzip", "x.csv.gz"), "arm")[0]


def test_huge_values_do_not_become_infinite(tmp_path: Path) -> None:
    path = written(tmp_path, "arm,spend\n" + "a,1e308\na,-1e308\n" * 3)
    assert any(word in problems(path, "arm", SPEND)[0] for word in ("too large", "cannot be read"))


def test_headings_with_quotes_are_only_names(tmp_path: Path) -> None:
    path = written(tmp_path, 'a"m;"x) FROM y --"\nx;1\ny;0\n')
    measured = measure(path, arm='a"m', outcomes=[Outcome("v", "x) FROM y --", "rate")])
    assert set(measured.arms) == {"x", "y"}


# Response files --------------------------------------------------------------------------------------------------


@pytest.fixture
def expected(tmp_path: Path) -> Expected:
    customers = [f"{n}" for n in range(1, 9)]
    table = pa.table({"customer": customers, "cell": ["x", "y"] * 4, "arm": ["target"] * 6 + ["control"] * 2})
    pq.write_table(table, tmp_path / "list.parquet")
    return Expected(
        audience=tmp_path / "list.parquet",
        key=ROW_NUMBER,
        outcomes=MEASURED,
        since=FROZEN,
        until=FROZEN + timedelta(days=30),
        zone=ZoneInfo("Asia/Shanghai"),
    )


def read(text: str, expected: Expected) -> Answers:
    return read_answers(written(expected.audience.parent, text, "responses.csv"), expected)


def test_a_conversion_is_confirmed_where_its_row_says_how_when_and_under_which_number(expected: Expected) -> None:
    answers = read(
        "customer,kind,at,reference,how,confirmed_at,confirmation\n"
        "1,conversion,2026-10-03,o-1,sms,2026-10-03T10:00,reply-7\n"
        "2,conversion,2026-10-03,o-2,sms,,reply-8\n"
        "2,response,2026-10-03,r-1,,,\n"
        "3,conversion,2026-10-03,o-3,sms,soon,reply-9\n"
        "3,conversion,2026-10-03,o-4,by a letter that somebody wrote,2026-10-03,x\n",
        expected,
    )
    assert [(one.line, one.reference, one.is_unconfirmed) for one in answers.responses] == [
        (2, "o-1", False), (3, "o-2", True), (4, "r-1", False),
    ]  # fmt: skip
    first = answers.responses[0]
    assert (first.how, first.confirmation) == ("sms", "reply-7")
    assert first.confirmed_at is not None and first.confirmed_at.utcoffset() == timedelta(hours=8)
    assert [(one.line, one.column) for one in answers.bad] == [(5, "confirmed_at"), (6, "how")]


def test_events_are_read_with_their_references(expected: Expected) -> None:
    answers = read(
        "customer,kind,at,value,reference\n"
        "1,conversion,2026-10-03T10:00:00+08:00,38.00,o-1\n"
        "2,response,2026-10-03 10:00,,\n"
        "2,response,2026-10-03 10:00,,\n"
        "3,visit,2026-10-03,1,\n",
        expected,
    )
    first, second, third = answers.responses
    assert (first.customer, first.kind, first.value, first.reference) == ("1", "conversion", Decimal("38.00"), "o-1")
    assert second.at.utcoffset() == timedelta(hours=8)
    assert second.reference == third.reference != ""
    assert answers.outcomes.to_pylist() == [{"customer": "3", "metric": "visit", "value": 1.0}]
    assert (answers.rows, answers.bad) == (4, ())


def test_every_bad_row_is_named_and_the_others_count(expected: Expected) -> None:
    answers = read(
        "customer,kind,at,value\n"
        "1,conversion,2026-10-03,38\n"
        "99,conversion,2026-10-03,38\n"
        ",conversion,2026-10-03,38\n"
        "2,convertion,2026-10-03,38\n"
        "2,conversion,soon,38\n"
        "2,conversion,2027-10-03,38\n"
        "2,conversion,2026-09-30,38\n"
        "2,conversion,2026-10-03,38.005\n"
        "2,conversion,2026-10-03,NaN\n"
        "2,visit,2026-10-03,3\n"
        "2,spend,2026-10-03,inf\n"
        "2,conversion,2026-10-03\n",
        expected,
    )
    assert [response.customer for response in answers.responses] == ["1"]
    told = {row.line: str(row) for row in answers.bad}
    assert sorted(told) == list(range(3, 14))
    for line, words in {
        3: "not in the audience", 4: "blank", 5: "did you mean conversion?", 6: "not a time", 7: "in the future",
        8: "before the audience was frozen", 9: "not an amount", 10: "not an amount", 11: "neither 0 nor 1",
        12: "not a number", 13: "has 3 columns",
    }.items():  # fmt: skip
        assert words in told[line]


def test_a_date_alone_on_the_day_of_the_freeze_counts(expected: Expected) -> None:
    (response,) = read("customer,kind,at\n1,response,2026-10-01\n", expected).responses
    assert response.at >= FROZEN


def test_outcomes_of_numbered_rows_find_their_customers(expected: Expected) -> None:
    answers = read("visit,spend,other\n1,29.99,a\n0,0,b\n,,c\nx,1,d\n1,1,e\n1,1,f\n1,1,g\n1,1,h\n1,1,i\n", expected)
    values = {(row["customer"], row["metric"]): row["value"] for row in answers.outcomes.to_pylist()}
    assert values["1", "spend"] == 29.99
    assert values["2", "visit"] == 0.0
    assert ("3", "visit") not in values
    assert ("4", "visit") not in values
    assert values["4", "spend"] == 1.0
    assert [row.line for row in answers.bad] == [5]
    assert answers.outside == 1


def test_a_file_about_other_customers_is_refused(expected: Expected) -> None:
    with pytest.raises(InvalidFile, match="no row is about a customer of this case"):
        read("customer,visit\nC001,1\nC002,0\n", expected)


def test_a_file_of_neither_shape_is_refused_with_what_is_needed(expected: Expected) -> None:
    with pytest.raises(InvalidFile, match=r"neither a column kind nor .*visit, spend"):
        read("customer,opinion\n1,good\n", expected)
    with pytest.raises(InvalidFile, match="there is no column at"):
        read("customer,kind\n1,response\n", expected)


def test_values_that_no_money_and_no_measurement_has_are_told_by_their_line(expected: Expected) -> None:
    rows = "".join(f"1,conversion,2026-10-03,{value}\n" for value in ("1e308", "-1e20", "12%", '"1,200"', "1e999999"))
    answers = read(f"customer,kind,at,value\n{rows}2,spend,2026-10-03,1e308\n", expected)
    assert (answers.responses, answers.outcomes.num_rows) == ((), 0)
    assert [(one.line, one.column) for one in answers.bad] == [(line, "value") for line in range(2, 8)]
    wide = read("customer,spend\n1,1e308\n2,-1e16\n3,inf\n4,nan\n5,5\n", expected)
    assert [one.line for one in wide.bad] == [2, 3, 4, 5]
    assert wide.outcomes.to_pylist() == [{"customer": "5", "metric": "spend", "value": 5.0}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer,kind,at,at\n1,response,2026-10-03,2026-10-04\n", "2 columns are called at: 3, 4"),
        ("customer,visit,visit\n1,1,0\n", "2 columns are called visit: 2, 3 (give each its own heading)"),
    ],
)
def test_a_column_that_stands_twice_is_refused(expected: Expected, text: str, said: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        read(text, expected)
    assert said in str(caught.value.problems[0])


def test_the_same_outcomes_twice_are_one_file(tmp_path: Path) -> None:
    table = pa.table([["1"], ["visit"], [1.0]], schema=OUTCOMES)
    assert keep_outcomes(tmp_path / "o", table) == keep_outcomes(tmp_path / "o", table)
    keep_outcomes(tmp_path / "o", pa.table([["1"], ["visit"], [0.0]], schema=OUTCOMES))
    assert len(outcome_files(tmp_path / "o")) == 2


# The join with the frozen list -----------------------------------------------------------------------------------


def test_customers_are_counted_by_cell_and_arm_whatever_reached_them(expected: Expected) -> None:
    events = pa.table(
        [
            ["1", "1", "2", "7", "stranger"],
            ["conversion", "conversion", "response", "conversion", "conversion"],
            [Decimal("10.00"), None, None, Decimal("1.00"), Decimal("99.00")],
        ],
        schema=EVENTS,
    )
    folder = expected.audience.parent / "outcomes"
    keep_outcomes(folder, pa.table([["1", "3", "2"], ["visit"] * 3, [0.0, 1.0, 1.0]], schema=OUTCOMES))
    keep_outcomes(folder, pa.table([["1"], ["visit"], [1.0]], schema=OUTCOMES))
    groups = measure_case(
        expected.audience,
        events,
        outcome_files(folder),
        outcomes={"visit": "rate"},
        worth={"conversion": Decimal(5), "visit": Decimal(2)},
    )
    target, control = groups[CellArm("x", "target")], groups[CellArm("x", "control")]
    assert (target.n, groups[CellArm("y", "target")].n, control.n) == (3, 3, 1)
    assert target.samples["conversion"] == Sample.counted(3, 1)
    assert target.samples["response"] == Sample.counted(3, 1)
    assert target.samples["revenue"].total == pytest.approx(15.0)
    assert target.samples["visit"] == Sample.counted(2, 2)
    assert groups[CellArm("y", "target")].samples["response"] == Sample.counted(3, 1)
    assert target.value is not None
    assert target.value.n == 2
    assert target.value.total == pytest.approx(15 + 2 * 2)
    assert control.samples["conversion"] == Sample.counted(1, 1)


def test_without_any_price_there_is_no_money(expected: Expected) -> None:
    groups = measure_case(expected.audience, EVENTS.empty_table(), [], outcomes={}, worth={})
    assert {group.value for group in groups.values()} == {None}
    assert sum(group.n for group in groups.values()) == 8
