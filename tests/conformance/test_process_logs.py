"""Process figures of two real logs against a plain recomputation, and logs and maps that are wrong.

Requests for payment (van Dongen 2020) and the receipt phase of building permits (Buijs).
"""

import csv
import gzip
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.errors import InvalidFile
from engine.service import sheets
from tests.support import shared

PAYMENTS = """
columns: {case: case, event: activity, time: timestamp, role: role, person: resource}
order: file
lead_times:
  to payment: {from: Request For Payment SUBMITTED by EMPLOYEE, to: Payment Handled}
  to decision: {from: Request For Payment SUBMITTED by EMPLOYEE, to: Request For Payment FINAL_APPROVED by SUPERVISOR}
working_time: {calendar: weekdays, hours: 09:00-17:30}
"""
PERMITS = """
lead_times:
  to decision: {from: Confirmation of receipt, to: T10 Determine necessity to stop indication}
"""


def run(log: Path, *words: str) -> dict[str, Any]:
    result = CliRunner().invoke(program, ["process", str(log), "--json", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


def plainly(log: Path, case: str, event: str, time: str, *, by_time: bool) -> dict[str, list[tuple[str, datetime]]]:
    """The events of each case, read without any part of ours."""
    found: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    with gzip.open(log, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            found[row[case]].append((row[event], datetime.fromisoformat(row[time])))
    if by_time:
        for events in found.values():
            events.sort(key=lambda one: one[1])
    return found


def spans(cases: dict[str, list[tuple[str, datetime]]], start: str, end: str) -> list[float]:
    found = []
    for events in cases.values():
        names = [name for name, _ in events]
        if start in names:
            first = names.index(start)
            if end in names[first + 1 :]:
                last = names.index(end, first + 1)
                found.append((events[last][1] - events[first][1]).total_seconds())
    return found


@pytest.mark.parametrize(
    ("file", "columns", "map_text", "counts"),
    [
        ("approval_log/events.csv.gz", ("case", "activity", "timestamp"), PAYMENTS, (6760, 36072, 16)),
        (
            "permit_receipt/receipt.csv.gz",
            ("case:concept:name", "concept:name", "time:timestamp"),
            PERMITS,
            (1434, 8577, 27),
        ),
    ],
    ids=["payments", "permits"],
)
def test_the_figures_of_a_real_log_are_those_of_a_plain_recomputation(
    file: str, columns: tuple[str, str, str], map_text: str, counts: tuple[int, int, int], tmp_path: Path
) -> None:
    log, map_ = shared(f"data/{file}"), tmp_path / "log.map.yaml"
    map_.write_text(map_text)
    found = run(log, "--map", str(map_))
    cases = plainly(log, *columns, by_time=map_text is PERMITS)
    assert (found["cases"], found["events"], len(found["activities"])) == counts
    assert len(cases) == counts[0]
    for lead in found["lead_times"].values():
        expected = spans(cases, lead["from"], lead["to"])
        assert lead["elapsed"]["count"] == len(expected) > 0
        assert lead["elapsed"]["p50"] == pytest.approx(float(np.percentile(expected, 50)))
        assert lead["elapsed"]["p90"] == pytest.approx(float(np.percentile(expected, 90)))
        assert lead["open"] + lead["absent"] == counts[0] - len(expected)
    ways = Counter(tuple(name for name, _ in events) for events in cases.values())
    assert {tuple(one["sequence"]): one["cases"] for one in found["variants"]} == ways
    assert [one["cases"] for one in found["variants"]] == sorted(ways.values(), reverse=True)
    assert sum(one["share"] for one in found["variants"]) == pytest.approx(1)
    again = {case: len(events) - len({name for name, _ in events}) for case, events in cases.items()}
    assert found["rework"] == {"cases": sum(count > 0 for count in again.values()), "repeats": sum(again.values())}
    each = Counter(name for events in cases.values() for name, _ in events)
    assert {name: one["events"] for name, one in found["activities"].items()} == each


def test_tables_say_the_same_in_both_languages() -> None:
    log = shared("data/permit_receipt/receipt.csv.gz")
    for language, said in (("en", "1,434 cases, 8,577 events"), ("zh", "1,434 个案例、8,577 个事件")):
        result = CliRunner().invoke(program, ["process", str(log), "--language", language], catch_exceptions=False)
        assert said in result.stdout
        assert "49.7%" in result.stdout


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <global scope="event"><string key="concept:name" value="none"/></global>
  <trace><string key="concept:name" value="a"/>
    <event><string key="concept:name" value="submit"><string key="note" value="nested"/></string>
      <date key="time:timestamp" value="2026-03-02T09:00:00+08:00"/><string key="org:group" value="county"/></event>
    <event><string key="concept:name" value="approve"/><string key="org:resource" value="li"/>
      <date key="time:timestamp" value="2026-03-02T11:00:00+08:00"/></event>
  </trace>
</log>
"""
LOG = "case,what,when\na,submit,2026-03-02T09:00:00+08:00\na,approve,2026-03-02T11:00:00+08:00\n"
MAP = "columns: {case: case, event: what, time: when}\nlead_times:\n  decision: {from: submit, to: approve}\n"


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xes", "xes.gz", "xlsx"])
def test_a_log_is_taken_for_what_it_is(kind: str, tmp_path: Path) -> None:
    log, map_ = tmp_path / f"log.{kind}", tmp_path / "log.map.yaml"
    standard = "columns: {case: case:concept:name, event: concept:name, time: time:timestamp}\n"
    map_.write_text(MAP if "xes" not in kind else standard + MAP.split("\n", 1)[1])
    text = XES if "xes" in kind else LOG
    if kind == "xlsx":
        heading, *lines = [line.split(",") for line in LOG.splitlines()]
        log.write_bytes(sheets.write("xlsx", heading, lines, title="log"))
    else:
        log.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    found = run(log, "--map", str(map_))
    assert (found["cases"], found["events"]) == (1, 2)
    assert found["lead_times"]["decision"]["elapsed"] == {"count": 1, "p50": 7200, "p90": 7200}


def test_an_xes_log_needs_no_map(tmp_path: Path) -> None:
    log = tmp_path / "log.xes"
    log.write_text(XES)
    found = run(log)
    assert list(found["activities"]) == ["approve", "submit"]
    assert (found["people"], found["offices"]) == (
        {"li": {"events": 1, "cases": 1}},
        {"county": {"events": 1, "cases": 1}},
    )


def refused(tmp_path: Path, log: str, map_text: str = MAP, *words: str) -> list[str]:
    file, map_ = tmp_path / "log.csv", tmp_path / "log.map.yaml"
    file.write_text(log)
    map_.write_text(map_text)
    with pytest.raises(InvalidFile) as error:
        run(file, "--map", str(map_), *words)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in error.value.problems]


BAD_ROWS = LOG + ",submit,2026-03-02\nb,,2026-03-02\nc,submit,yesterday\nd,submit,\n"


def test_every_row_that_cannot_be_read_is_told_with_line_column_and_reason(tmp_path: Path) -> None:
    assert [text.split(" (")[0] for text in refused(tmp_path, BAD_ROWS)] == [
        "log.csv:4:1: F123 the row names no case: case is blank",
        "log.csv:5:2: F123 the row names no event: what is blank",
        "log.csv:6:3: F124 when is no time: 'yesterday'",
        "log.csv:7:3: F123 the row names no time: when is blank",
    ]


def test_cases_with_such_rows_are_left_out_whole_where_that_is_asked_for(tmp_path: Path) -> None:
    file, map_ = tmp_path / "log.csv", tmp_path / "log.map.yaml"
    file.write_text(BAD_ROWS + "b,approve,2026-03-02\n")
    map_.write_text(MAP)
    found = run(file, "--map", str(map_), "--leave-out")
    assert (found["cases"], found["events"], found["left_out"]) == (1, 2, {"cases": 3, "rows": 4})
    only_bad = "\n".join(["case,what,when", "c,submit,yesterday\n"])
    assert "no case that can be read" in refused(tmp_path, only_bad, MAP, "--leave-out")[-1]


def test_events_before_the_one_that_every_case_begins_with_are_told(tmp_path: Path) -> None:
    late = LOG + "a,file,2026-03-01T09:00:00+08:00\n"
    (said,) = refused(tmp_path, late, MAP + "first: submit\n")
    assert said == "log.csv:4:2: F127 'file' of case 'a' comes before its first 'submit'"


BAD = [
    (LOG.replace("what", "activity"), MAP, "log.csv:1:1: R116 there is no column 'what' for the event"),
    (LOG.replace("when", "what"), MAP, "R116 2 columns are called 'what', the event (give each its own heading)"),
    (LOG + "b,submit,9999-12-31\n", MAP, "F124 when is no time: '9999-12-31'"),
    (LOG + "b,submit,0001-01-01T00:00:00+14:00\n", MAP, "in the years 1900 to 2200"),
    (LOG, "", "log.map.yaml:1:1: E108 the file is empty (it has columns, and perhaps lead_times)"),
    (LOG, MAP.replace("to: approve", "to: aprove"), "log.map.yaml:3:13: F125 lead time decision: no event of the log"),
    (LOG, MAP.replace("to: approve", "too: approve"), "log.map.yaml:3:"),
    (LOG, MAP.replace(", time: when", ""), "columns has no time"),
    (LOG, MAP + "time: {zone: Mars/Olympus}\n", "there is no time zone Mars/Olympus"),
    (LOG, MAP + "order: random\n", "order cannot be random"),
    (LOG, MAP + "working_time: {calendar: cn, hours: 9-17}\n", "not office hours: '9-17'"),
    (LOG, MAP + "colums: {}\n", "did you mean columns?"),
    (LOG, "- case\n", "a map is keys with values"),
    (LOG, MAP + "lead_times: {}\n", "log.map.yaml:4:1:"),
    (XES.replace("<log", "<!DOCTYPE log>\n<log"), MAP, "F126 the log declares a document type"),
    (XES.replace("</trace>", ""), MAP, "F126 this is not XML: mismatched tag"),
    (XES.replace("log", "html"), MAP, "F126 this is no event log: it begins with <html>"),
    ("<log></log>", MAP, "the log has no events"),
]


@pytest.mark.parametrize(("log", "map_text", "said"), BAD, ids=[said for *_, said in BAD])
def test_a_mistake_is_told_where_it_stands(log: str, map_text: str, said: str, tmp_path: Path) -> None:
    assert said in "\n".join(refused(tmp_path, log, map_text))


def test_a_log_without_the_headings_of_xes_is_led_to_the_map(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(LOG)
    with pytest.raises(InvalidFile) as caught:
        CliRunner().invoke(program, ["process", str(file)], catch_exceptions=False)
    assert str(caught.value.problems[-1]).endswith("(name a map of its columns (YAML) with --map)")


def test_times_are_read_as_the_map_says(tmp_path: Path) -> None:
    file, map_ = tmp_path / "log.csv", tmp_path / "log.map.yaml"
    file.write_text("case,what,when\na,submit,28.03.2026 23:00\na,approve,29.03.2026 05:00\n")
    map_.write_text(MAP + 'time: {format: "%d.%m.%Y %H:%M", zone: Europe/Amsterdam}\n')
    found = run(file, "--map", str(map_))
    assert found["lead_times"]["decision"]["elapsed"]["p50"] == 5 * 3600  # the clocks went forward that night
