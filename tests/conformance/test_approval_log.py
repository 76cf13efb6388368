"""The approval log: our definition accepts and refuses what the reference says, in memory and as real transitions.

BPI Challenge 2020, requests for payment (van Dongen 2020), cleaned: 6,760 cases, 36,072 events.
"""

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.definition.document import read
from engine.errors import InvalidFile
from engine.store import history
from engine.store.session import Database
from tests.support import shared

EXAMPLES = Path(__file__).resolve().parents[2] / "definitions/examples"
DEFINITION = EXAMPLES / "payment-approval.yaml"
MAP = EXAMPLES / "payment-approval.map.yaml"
COMPARED = ("verdict", "state", "first_refused_index", "first_refused_event")

Replayed = tuple[dict[str, Any], dict[str, dict[str, str]]]


def rows_of(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") if file.suffix == ".gz" else file.open() as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def replay(tmp_path: Path) -> Callable[..., Replayed]:
    """The figures of a replay and its verdicts by case."""

    def run(log: Path, *options: str, definition: Path = DEFINITION, map_: Path = MAP) -> Replayed:
        out = tmp_path / "verdicts.csv"
        words = ["definitions", "replay", str(definition), str(log), "--map", str(map_), "--verdicts", str(out)]
        result = CliRunner().invoke(app, [*words, "--json", *options], catch_exceptions=False)
        if isinstance(result.exception, BaseException) and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout), {row["case"]: row for row in rows_of(out)}

    return run


@pytest.fixture(scope="module")
def log() -> Path:
    return shared("data/approval_log/events.csv.gz")


@pytest.fixture(scope="module")
def expected(log: Path) -> dict[str, dict[str, str]]:
    return {row["case"]: row for row in rows_of(log.with_name("expected_verdicts.csv.gz"))}


def some_of(log: Path, cases: set[str], file: Path, change: Callable[[dict[str, str]], dict[str, str]] = dict) -> Path:
    """A log of these cases alone, each row changed."""
    rows = [change(row) for row in rows_of(log) if row["case"] in cases]
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def of_verdict(expected: dict[str, dict[str, str]], verdict: str, count: int) -> set[str]:
    return set([case for case, row in expected.items() if row["verdict"] == verdict][:count])


def test_every_case_of_the_log_is_judged_as_the_reference_says(
    log: Path, expected: dict[str, dict[str, str]], replay: Callable[..., Replayed]
) -> None:
    figures, found = replay(log)
    assert {name: figures[name] for name in ("cases", "events", "refused")} == {
        "cases": 6760,
        "events": 36072,
        "refused": 22,
    }
    assert (figures["accepted"], figures["open"]) == (6728, 10)
    assert list(found) == list(expected)
    differing = [case for case in expected if any(found[case][name] != expected[case][name] for name in COMPARED)]
    assert differing == []


def test_the_states_and_what_they_allow_are_those_of_the_reference(log: Path) -> None:
    """Every transition of the automaton, and no other, in the words of our map."""
    automaton = read((log.parent / "reference_automaton.yaml").read_text()).value
    meant = read(MAP.read_text()).value["events"]
    reference = {
        (one["from"], meant[one["event"]]["event"], meant[one["event"]]["role"], one["to"])
        for one in automaton["transitions"]
    }
    states = read(DEFINITION.read_text()).value["lifecycle"]["states"]
    ours = {
        (name, event["event"], role, event["to"])
        for name, state in states.items()
        for event in state.get("events", [])
        for role in ([event["role"]] if isinstance(event["role"], str) else event["role"])
    }
    assert ours == reference
    ends = {name for name, state in states.items() if state["kind"] == "final" or state.get("may_end")}
    assert (set(states), ends) == (set(automaton["states"]), set(automaton["final"]))


@pytest.fixture
def case_database(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A fresh case database that the settings name."""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path / "home"))
    return db


def test_the_durable_replay_says_the_same(
    case_database: Database,
    log: Path,
    expected: dict[str, dict[str, str]],
    replay: Callable[..., Replayed],
    tmp_path: Path,
) -> None:
    cases = of_verdict(expected, "refuse", 22) | of_verdict(expected, "accept", 20) | of_verdict(expected, "open", 10)
    part = some_of(log, cases, tmp_path / "part.csv")
    in_memory, durable = replay(part), replay(part, "--durable")
    assert durable[0] | {"seconds": 0} == in_memory[0] | {"seconds": 0}
    assert durable[1] == in_memory[1]
    assert durable[0]["refused"] == 22
    for case in cases:
        assert [durable[1][case][name] for name in COMPARED] == [expected[case][name] for name in COMPARED]
    with case_database.read() as tx:
        ids = history.case_ids(tx)
        entries = {case_id: len(history.load(tx, case_id)) for case_id in ids}
    accepted = [expected[case] for case in cases if expected[case]["verdict"] != "refuse"]
    refused = [expected[case] for case in cases if expected[case]["verdict"] == "refuse"]
    committed = sum(int(row["events"]) for row in accepted) + sum(int(row["first_refused_index"]) for row in refused)
    assert (len(ids), sum(entries.values())) == (len(cases), len(cases) + committed)


def test_another_type_of_document_needs_a_map_alone(
    log: Path, expected: dict[str, dict[str, str]], replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    cases = of_verdict(expected, "refuse", 22) | of_verdict(expected, "accept", 200)

    def declared(row: dict[str, str]) -> dict[str, str]:
        activity = row["activity"].replace("Request For Payment", "Declaration").upper()
        return {"document": row["case"], "what": activity, "when": row["timestamp"]}

    other = some_of(log, cases, tmp_path / "declarations.csv", declared)
    text = MAP.read_text().replace("case: case", "case: document").replace("event: activity", "event: what")
    lines = [line for line in text.splitlines() if "role: role" not in line and "time: timestamp" not in line]
    upper = [
        line.split(":")[0].replace("Request For Payment", "Declaration").upper() + ":" + line.split(":", 1)[1]
        if "{event:" in line
        else line
        for line in lines
    ]
    map_ = tmp_path / "declarations.map.yaml"
    map_.write_text("\n".join(upper) + "\n")
    found = replay(other, map_=map_)[1]
    assert {case: [row["verdict"], row["state"], row["first_refused_index"]] for case, row in found.items()} == {
        case: [expected[case][name] for name in COMPARED[:3]] for case in cases
    }


@pytest.mark.parametrize("by", ["the log", "the map"])
def test_the_same_event_under_another_role_is_refused(
    by: str, log: Path, expected: dict[str, dict[str, str]], replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    cases = {case for case, row in expected.items() if row["verdict"] == "accept"}
    approvals = {row["case"] for row in rows_of(log) if row["activity"].endswith("APPROVED by BUDGET OWNER")}
    few = set(sorted(cases & approvals)[:20])
    map_ = tmp_path / "changed.map.yaml"
    map_.write_text(MAP.read_text())

    def by_director(row: dict[str, str]) -> dict[str, str]:
        is_budget = row["activity"].endswith("APPROVED by BUDGET OWNER")
        return row | ({"role": "DIRECTOR"} if is_budget and by == "the log" else {})

    if by == "the map":
        text = MAP.read_text().replace("role: budget_owner}", "role: director}").replace("  role: role\n", "")
        map_.write_text(text)
    found = replay(some_of(log, few, tmp_path / "few.csv", by_director), map_=map_)[1]
    assert {(row["verdict"], row["state"]) for row in found.values()} == {("refuse", "admin_approved")}
    assert all(row["first_refused_event"].endswith("APPROVED by BUDGET OWNER") for row in found.values())
    assert all("approve by budget_owner" in row["allowed"] for row in found.values())


def test_the_times_of_a_log_do_not_count_but_its_order_does(
    log: Path, expected: dict[str, dict[str, str]], replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    cases = of_verdict(expected, "accept", 5)
    same = some_of(log, cases, tmp_path / "t.csv", lambda row: row | {"timestamp": "2001-01-01"})
    assert {row["verdict"] for row in replay(same)[1].values()} == {"accept"}


BAD_LOGS = [
    ("", "the log is empty"),
    ("case,activity,role,timestamp\n", "the log has no events"),
    ("id,activity,role,timestamp\n1,a,b,c\n", "there is no column 'case' for the case"),
    ("case,activity,role,timestamp\n1,Payment Handled,UNDEFINED,t\n1,Payment Handeld,UNDEFINED,t\n", "Payment Handeld"),
    ("case,activity,role,timestamp\n1,Payment Handled\n", "the row has 2 columns, the headings 4"),
    ("case,activity,role,timestamp\n,Payment Handled,UNDEFINED,t\n", "the row names no case"),
]


@pytest.mark.parametrize(("text", "said"), BAD_LOGS, ids=[said for _, said in BAD_LOGS])
def test_a_log_that_cannot_be_read_is_refused_at_its_line(
    text: str, said: str, replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(text)
    with pytest.raises(InvalidFile) as error:
        replay(log)
    assert said in str(error.value)
    assert str(error.value).startswith(f"{log}:")


def test_an_unknown_event_comes_with_its_line_and_the_nearest_one(
    replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(BAD_LOGS[3][0])
    with pytest.raises(InvalidFile) as error:
        replay(log)
    (problem,) = error.value.problems
    assert (problem.line, problem.hint) == (3, "did you mean Payment Handled?")


def test_a_damaged_packed_log_is_refused(log: Path, replay: Callable[..., Replayed], tmp_path: Path) -> None:
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(log.read_bytes()[:100_000])
    with pytest.raises(InvalidFile, match="damaged"):
        replay(cut)
    plain = tmp_path / "plain.csv.gz"
    plain.write_text("case,activity\n")
    with pytest.raises(InvalidFile, match="not packed with gzip"):
        replay(plain)
    unpacked = tmp_path / "named-otherwise.csv"
    shutil.copy(log, unpacked)
    assert replay(unpacked)[0]["cases"] == 6760
    with pytest.raises(InvalidFile, match="cannot be read"):
        replay(tmp_path / "absent.csv")


BAD_MAPS = [
    ("event: final_approve, role: supervisor", "event: final_aprove, role: supervisor", "did you mean final_approve?"),
    ("event: final_approve, role: supervisor", "event: final_approve, role: superviser", "did you mean supervisor?"),
    ("  EMPLOYEE: requester", "  EMPLOYEE: requestor", "did you mean requester?"),
    ("columns:", "colums:", "did you mean columns?"),
    ("  event: activity\n", "", "columns has no event"),
    ("  Payment Handled: {event: pay, role: finance}", "  Payment Handled: pay", "has no event and role"),
    ("  role: role\n", "  rol: role\n", "did you mean role?"),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD_MAPS, ids=[said for _, _, said in BAD_MAPS])
def test_a_mistake_in_the_map_is_told_at_its_line(
    old: str, new: str, said: str, replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    text = MAP.read_text()
    assert text.count(old) == 1
    map_, log = tmp_path / "bad.map.yaml", tmp_path / "log.csv"
    map_.write_text(text.replace(old, new))
    log.write_text(BAD_LOGS[1][0])
    with pytest.raises(InvalidFile) as error:
        replay(log, map_=map_)
    assert said in str(error.value)
    assert all(problem.file == str(map_) and problem.line for problem in error.value.problems)


def test_a_definition_without_states_of_its_own_is_not_replayed(
    replay: Callable[..., Replayed], tmp_path: Path
) -> None:
    with pytest.raises(InvalidFile, match="has no lifecycle of its own"):
        replay(tmp_path / "log.csv", definition=EXAMPLES.parent / "telecom-marketing-case.yaml")
