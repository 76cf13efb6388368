"""docs/patterns.md lists every pattern with how it is written; each has exactly one scenario."""

import re
from pathlib import Path

from tests.conformance.patterns import test_patterns

PAGE = Path(__file__).resolve().parents[3] / "docs" / "patterns.md"
NEEDED = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 25, 26, 27, 34, 36)
FURTHER = (8, 22, 23, 24, 29, 30, 32, 35)


def test_every_pattern_has_one_scenario_and_one_row():
    scenarios = {int(name[5:7]): name for name in vars(test_patterns) if re.match(r"test_\d\d_", name)}
    rows = re.findall(r"^\| (\d+) \| \S+ \| [^|]+ \| [^|]+ \| `(test_\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(scenarios) == 31
    assert {int(number): test for number, test in rows} == scenarios
    assert sorted(scenarios) == sorted((*NEEDED, *FURTHER))
