"""The selection against the same worked out one customer at a time, and the promises about its process."""

import contextlib
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audience.compile import Selection
from engine.errors import InvalidDefinition, InvalidFile, SelectionFailed
from engine.warehouse import child
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import Frozen, freeze, open_frozen, verify
from engine.warehouse.job import Failure, Job
from engine.warehouse.run import Limits
from tests.warehouse.selecting_by_hand import PLAN, Person, compiled, dataset_of, worked_out

people = st.builds(
    Person,
    arpu=st.none() | st.integers(20, 120),
    tenure=st.none() | st.integers(0, 30),
    arrears=st.none() | st.booleans(),
    uploaded=st.booleans(),
    black=st.integers(0, 9).map(lambda n: n == 0),
    grey_channel=st.sampled_from([None, None, None, "", "sms", "call"]),
    contacted_days_ago=st.none() | st.integers(0, 70),
    category=st.sampled_from(["data", "voice"]),
    owns=st.sampled_from([None, None, "flow-10g", "flow-20g", "voice-300"]),
    owned_until=st.none() | st.integers(-5, 5),
)


def frozen(dataset: Dataset, folder: Path, plan: dict[str, Any] | None = None, **limits: Any) -> Frozen:
    given_limits = Limits(**{"threads": 2, "seconds": 60} | limits)
    return freeze(dataset, dataset.current(), compiled(dataset, plan), folder, limits=given_limits)[0]


def rows_of(found: Frozen) -> list[tuple[str, str, str]]:
    return [tuple(row.values()) for batch in found.batches() for row in batch.to_pylist()]


@settings(max_examples=10)
@given(st.lists(people, max_size=40))
def test_list_and_waterfall_equal_those_worked_out_customer_by_customer(everyone: list[Person]) -> None:
    with TemporaryDirectory() as scratch:
        found = frozen(dataset_of(Path(scratch) / "data", everyone), Path(scratch) / "r1")
        expected = worked_out(everyone)
        assert rows_of(found) == expected.rows
        fall = {row.name: row for row in found.manifest.waterfall}
        assert fall["base"].entered == len(everyone) and fall["base"].out == expected.base
        assert {name: fall[name].removed for name in expected.removed} == expected.removed
        assert fall["target"].out == sum(arm == "target" for _, _, arm in expected.rows)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    everyone = [Person(arpu=20 + n % 100, tenure=n % 30, black=n % 17 == 0, uploaded=n % 50 == 0) for n in range(3000)]
    return dataset_of(tmp_path / "data", everyone)


def test_the_same_selection_gives_the_same_bytes(dataset: Dataset, tmp_path: Path) -> None:
    first = frozen(dataset, tmp_path / "r1", threads=1)
    second = frozen(dataset, tmp_path / "r2", threads=2)
    for name in ("list.parquet", "manifest.json"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert verify(first.folder) == first.manifest == open_frozen(first.folder).manifest


def test_another_salt_draws_another_control_group_of_about_the_same_size(dataset: Dataset, tmp_path: Path) -> None:
    one = frozen(dataset, tmp_path / "r1")
    other, _ = freeze(dataset, dataset.current(), compiled(dataset, salt="440111-2026-00001-2"), tmp_path / "r2")
    drawn = [{customer for customer, _, arm in rows_of(found) if arm == "control"} for found in (one, other)]
    assert drawn[0] != drawn[1]
    assert all(0.15 < len(some) / one.manifest.rows < 0.25 for some in drawn)


def test_the_control_group_has_at_least_its_minimum(dataset: Dataset, tmp_path: Path) -> None:
    plan = PLAN | {"control": {"share": "1%", "min": 100}}
    found = frozen(dataset, tmp_path / "r1", plan)
    assert found.manifest.control == 100
    by_share = frozen(dataset, tmp_path / "r2", PLAN | {"control": {"share": "20%", "min": 100}})
    assert by_share.manifest.control > 100


def test_a_control_group_larger_than_the_audience_fails_with_both_numbers(dataset: Dataset, tmp_path: Path) -> None:
    plan = PLAN | {"control": {"share": "1%", "min": 100_000}}
    with pytest.raises(SelectionFailed, match=r"needs 100000 customers, \d+ are left"):
        frozen(dataset, tmp_path / "r1", plan)
    assert not (tmp_path / "r1").exists()


def test_customers_in_no_cell_are_a_row_of_the_waterfall(dataset: Dataset, tmp_path: Path) -> None:
    found = frozen(dataset, tmp_path / "r1", PLAN | {"cells": {"high": "c.arpu >= 88"}})
    row = next(row for row in found.manifest.waterfall if row.name == "no_cell")
    assert row.removed > 0
    assert {cell for _, cell, _ in rows_of(found)} == {"high"}


def test_an_imported_control_group_is_taken_as_it_is_and_needs_no_cell(dataset: Dataset, tmp_path: Path) -> None:
    plan = PLAN | {"remove": [], "cells": {"high": "c.arpu >= 88"}, "control": {"assigned": "c.arpu < 50"}}
    manifest = frozen(dataset, tmp_path / "r1", plan).manifest
    assert manifest.control > 0
    assert manifest.cells["high"][1] == 0 and manifest.cells[""] == (0, manifest.control)


def test_except_leaves_out_whom_the_other_source_has(dataset: Dataset, tmp_path: Path) -> None:
    source = {"except": [{"rule": "c.arpu >= 38"}, {"list": "upload"}, {"rule": "c.tenure < 10"}]}
    with_list = {"intersect": [{"rule": "c.arpu >= 38"}, {"list": "upload"}]}
    plain = {"remove": [], "control": None}
    one = rows_of(frozen(dataset, tmp_path / "r1", PLAN | plain | {"source": source}))
    other = rows_of(frozen(dataset, tmp_path / "r2", PLAN | plain | {"source": with_list}))
    assert one and other
    assert not {row[0] for row in one} & {row[0] for row in other}


def test_an_unknown_list_and_a_misspelt_field_are_told_together(dataset: Dataset) -> None:
    source = {"union": [{"list": "uplaod"}, {"rule": "c.arpo >= 38"}]}
    with pytest.raises(InvalidDefinition) as refused:
        compiled(dataset, PLAN | {"source": source})
    told = " ".join(f"{problem.message} {problem.hint}" for problem in refused.value.problems)
    assert "uplaod" in told and "upload" in told and "arpo" in told and "arpu" in told


def test_a_dataset_without_customers_says_how_to_import_them(dataset: Dataset, tmp_path: Path) -> None:
    empty = Dataset(tmp_path / "empty")
    with pytest.raises(InvalidFile, match="data import customers"):
        freeze(empty, empty.current(), compiled(dataset), tmp_path / "r1")


def endless(selection: Selection) -> Selection:
    """The same selection over a source that would take hours."""
    from dataclasses import replace

    from sqlglot import parse_one

    slow = parse_one(
        "SELECT 0::BIGINT AS bits, 'x' AS customer, '' AS cell, 'f' AS draw"
        " FROM range(10000000) a(i), range(1000000) b(j) WHERE hash(i, j) = 1",
        dialect="duckdb",
    )
    return replace(selection, statement=slow)


def test_a_selection_that_takes_too_long_is_killed_and_leaves_nothing(dataset: Dataset, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SelectionFailed, match="longer than 2 seconds"):
        freeze(
            dataset, dataset.current(), endless(compiled(dataset)), tmp_path / "out" / "r1", limits=Limits(seconds=2)
        )
    assert time.monotonic() - began < 15
    assert list((tmp_path / "out").iterdir()) == []
    assert not [line for line in processes() if "engine.warehouse" in line]


def processes() -> list[str]:
    """The command lines of the processes below this one; a zombie has none, but is named."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name, rest = stat.read_text().rsplit(")", 1)
            if int(rest.split()[1]) == os.getpid():
                found.append(name + stat.with_name("cmdline").read_text().replace("\0", " "))
    return found


def job(dataset: Dataset, folder: Path, sql: str, memory_limit: str = "100MB") -> Job:
    customers = dataset.current().tables["customers"]
    return Job(
        tables={"customers": dataset.paths(customers)},
        empty={},
        sql=sql,
        threshold="",
        control_min=0,
        folder=str(folder),
        spill=str(folder / "spill"),
        memory_limit=memory_limit,
        threads=1,
        parent=os.getppid(),
    )


def test_the_memory_limit_holds(dataset: Dataset, tmp_path: Path) -> None:
    big = "SELECT list(md5(i::VARCHAR)) AS bits FROM range(20000000) t(i)"
    with pytest.raises(child.duckdb.OutOfMemoryException):
        child.run(job(dataset, tmp_path, big))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/countersign-escape.csv'",
        "SELECT 1; ATTACH '/tmp/countersign-escape.db'",
        "SELECT 1; INSTALL httpfs",
        "SELECT 1; SET memory_limit = '10GB'",
    ],
)
def test_the_child_reads_and_writes_nothing_outside_its_folders(dataset: Dataset, tmp_path: Path, sql: str) -> None:
    with pytest.raises(child.duckdb.Error, match=r"disabled by configuration|one statement"):
        child.run(job(dataset, tmp_path, sql))


def test_what_ended_the_child_is_told_in_words(dataset: Dataset, tmp_path: Path) -> None:
    from dataclasses import replace

    from sqlglot import parse_one

    broken = replace(compiled(dataset), statement=parse_one("SELECT nothing FROM customers"))
    with pytest.raises(SelectionFailed, match="nothing"):
        freeze(dataset, dataset.current(), broken, tmp_path / "r1")


def test_a_changed_list_is_found_out(dataset: Dataset, tmp_path: Path) -> None:
    found = frozen(dataset, tmp_path / "r1")
    path = found.folder / "list.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match=r"list\.parquet differs"):
        verify(found.folder)


def test_a_manifest_with_other_counts_is_found_out(dataset: Dataset, tmp_path: Path) -> None:
    found = frozen(dataset, tmp_path / "r1")
    path = found.folder / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(found.manifest, target=1)))
    with pytest.raises(InvalidFile, match="number of customers differs"):
        verify(found.folder)


def test_answers_of_the_child_are_read_back_as_they_were_written() -> None:
    failure = Failure("memory", "out of memory")
    assert msgspec.json.decode(msgspec.json.encode(failure), type=child.Answer) == failure


def test_a_frozen_folder_is_never_written_again(dataset: Dataset, tmp_path: Path) -> None:
    frozen(dataset, tmp_path / "r1")
    with pytest.raises(FileExistsError):
        frozen(dataset, tmp_path / "r1")
