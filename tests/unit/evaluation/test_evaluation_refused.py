"""What an outcome file lacks is refused in words; what it has is counted, also where it is blank."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidFile, NoControl
from engine.service.outcome_files import TOTAL, Asked, evaluated
from engine.warehouse.outcomes import Outcome

BOUGHT, PAID = Outcome("bought", "bought", "rate"), Outcome("paid", "paid", "mean")
PRICED = Outcome("paid", "paid", "mean", 1.0)
ROWS = "arm,bought,paid,kind\n" + "".join(
    f"{'abc'[n % 3]},{n % 7 == 0:d},{n % 11},{'xy'[n % 2] if n % 5 else ''}\n" for n in range(900)
)


def asked(**more: Any) -> Asked:
    return Asked(**({"arm": "arm", "control": "c", "outcomes": (BOUGHT, PAID)} | more))


def written(folder: Path, text: str) -> Path:
    file = folder / "outcomes.csv"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("arm,bought,paid\n", {}, "has columns and not one row"),
        ("arm,bought,paid\na,1,2\nc,0,two\n", {}, "in column paid 1 value is not numeric, first 'two' in row 2"),
        ("arm,bought,paid\na,1,\nc,0,\n", {"outcomes": (PRICED,)}, "the revenue of paid is missing"),
        ("arm,bought,paid\nc,1,1\nc,0,2\n", {}, "every row of outcomes.csv is in the control group c"),
        (ROWS, {"planned": {"a": 1.0, "b": 1.0}}, "has an arm 'c' that no --share names"),
        (ROWS, {"planned": {"a": 1.0, "bb": 1.0}}, "no row has 'bb' in column arm"),
        (ROWS, {"costs": {"d": 1}}, "no row has 'd' in column arm"),
        (ROWS, {"costs": {"c": 1}}, "the control group c was not contacted"),
        (ROWS, {"messaged": "paid"}, "neither 0 nor 1"),
        (ROWS, {"by": ("colour",)}, "has no column colour"),
        (ROWS, {"by": ("arm",)}, "column arm holds the arms and makes no subgroups"),
        (ROWS, {"control": "C"}, "no row has 'C' in column arm (did you mean 'c'?)"),
        ("arm,bought,paid,who\na,1,2,\nc,0,2,\n", {"by": ("who",)}, "column who is blank in every row"),
        ("arm,bought,paid,Paid\na,1,2,3\nc,0,2,3\n", {}, "outcomes.csv:1:4: F103 2 columns are called paid: 3, 4"),
        ("arm,bought,paid\nA,1,2\na,1,2\nc,0,2\n", {}, "differ in capitals only: A and a (write them alike"),
        ("arm,bought,paid\n" + "".join(f"a{n},1,2\n" for n in range(101)), {}, "has 101 different arms (at most 100"),
        ('arm,bought,paid\n"a\nb",1,2\nc,0,"1,200"\n', {}, "outcomes.csv:4:3: F104 in column paid 1 value is not num"),
        ("arm,bought,paid\nc,1,1\nc,0,2%\n", {}, "outcomes.csv:3:3: F104"),
        ("arm,bought,paid\nc,1,1\n" * 2, {}, "outcomes.csv:3:2: F104 in column bought 1 value is neither 0 nor 1"),
        ("arm,bought,paid,who\n" + "".join(f"a,1,2,{n}\n" for n in range(60)), {"by": ("who",)}, "60 different values"),
    ],
)
def test_what_a_file_lacks_is_refused_in_words(tmp_path: Path, text: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        evaluated(written(tmp_path, text), asked(**more))
    assert said in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("book.xlsx", b"PK\x03\x04 and so on", "it is a workbook or an archive (save the sheet as CSV (UTF-8))"),
        ("gbk.csv", "组,bought,paid\n对照,1,2\n".encode("gbk"), "its first line is not UTF-8 text (save it as CSV"),
        ("wide.csv", ROWS.encode("utf-16"), "its first line is not UTF-8 text"),
        ("plain.csv.gz", ROWS.encode(), "it is not packed with gzip, though its name says so (rename it"),
        ("cut.csv.gz", gzip.compress(ROWS.encode())[:12], "the packed file breaks off or is damaged (fetch it again)"),
        ("noise.csv", bytes(range(256)) * 40, "cannot be read as CSV"),
        ("folder.csv", None, "folder.csv is a folder (name a CSV file in it)"),
    ],
)
def test_what_is_no_file_of_text_says_what_it_is(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    file = tmp_path / name
    if data is None:
        file.mkdir()
    else:
        file.write_bytes(data)
    with pytest.raises(InvalidFile) as caught:
        evaluated(file, asked())
    (told,) = caught.value.problems
    assert said in str(told)


def test_rows_in_another_encoding_are_told_where_that_leaves_nobody_to_compare(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_bytes("arm,bought,paid\nc,1,2\n营销,1,2\n".encode("gbk"))
    with pytest.raises(InvalidFile) as caught:
        evaluated(file, asked())
    assert [str(one) for one in caught.value.problems] == [
        "F108 every row of outcomes.csv is in the control group c",
        "outcomes.csv:3:1: F105 invalid encoding (save the file as UTF-8)",
    ]


def test_the_name_of_a_file_is_no_pattern_and_packed_is_what_begins_so(tmp_path: Path) -> None:
    file = tmp_path / "it's [12]*.csv"
    file.write_bytes(gzip.compress(ROWS.encode()))
    (tmp_path / "it's 1.csv").write_text("arm,bought,paid\nstray,1,2\n")
    found = evaluated(file, asked())
    assert [one.name for one in found.arms] == ["a", "b"]
    assert found.total.group.n == 600


def test_without_a_control_group_the_values_of_the_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoControl, match="a, b, c"):
        evaluated(written(tmp_path, ROWS), asked(control=None))


def test_a_blank_in_the_column_of_subgroups_is_in_no_row_and_counted(tmp_path: Path) -> None:
    found = evaluated(written(tmp_path, ROWS), asked(by=("kind",)))
    table = found.subgroups[0]
    assert [row.value for row in table.rows] == ["x", "y"]
    assert sum(row.n + row.n_control for row in table.rows) + table.unknown == 600
    assert table.unknown == 120


def test_an_arm_that_is_called_as_all_of_them_together_stays_itself(tmp_path: Path) -> None:
    text = ROWS.replace("a,", f"{TOTAL},", 1)
    found = evaluated(written(tmp_path, text), asked())
    assert [one.name for one in found.compared] == ["a", TOTAL, "b", f"{TOTAL}, together"]
    assert found.total.group.n == 600
