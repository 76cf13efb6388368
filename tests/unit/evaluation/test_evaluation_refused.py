"""What an outcome file lacks is refused in words; what it has is counted, also where it is blank."""

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
        ("arm,bought,paid,who\n" + "".join(f"a,1,2,{n}\n" for n in range(60)), {"by": ("who",)}, "60 different values"),
    ],
)
def test_what_a_file_lacks_is_refused_in_words(tmp_path: Path, text: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        evaluated(written(tmp_path, text), asked(**more))
    assert said in str(caught.value.problems[0])


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
