"""The walls behind the check of a statement: what the process that runs selections does with the corpus unchecked."""

import contextlib
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest
import sqlglot

from engine.audience.compile import KNOWN_TABLES
from engine.errors import SelectionFailed
from engine.warehouse import child
from engine.warehouse.freeze import freeze
from engine.warehouse.job import Job
from engine.warehouse.run import CHILD, Limits
from tests.security.sql_corpus import BOMBS, REFUSED, placed
from tests.warehouse.selecting_by_hand import Person, compiled, dataset_of

CANARY = "canary-7c1f"


class House:
    """A dataset with the folder of a run in it, and files beside that must be neither read nor changed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.outside = home / "outside"
        self.dataset = dataset_of(home / "data", [Person(arpu=20 + n, contacted_days_ago=1) for n in range(50)])
        self.folder = self.dataset.folder / "run"
        self.spill = self.folder / "spill"
        self.letters = self.dataset.folder / "cases" / "letters.csv"
        for folder in (self.outside, self.folder, self.letters.parent):
            folder.mkdir()
        for file in (self.outside / "people.csv", self.letters):
            file.write_text(f"customer\n{CANARY}\n")

    def state(self) -> dict[str, bytes]:
        """Every file but the list that the program itself writes and what DuckDB spills."""
        own = (self.folder / "list.parquet", self.spill)
        files = [path for path in self.home.rglob("*") if path.is_file() and path not in own]
        return {str(path): path.read_bytes() for path in files if self.spill not in path.parents}

    def job(self, sql: str) -> Job:
        """A job with a text as it is."""
        tables = self.dataset.current().tables
        return Job(
            tables={name: self.dataset.paths(tables[name]) for name in ("customers", "contacts")},
            empty={"owned": dict(KNOWN_TABLES["owned"])},
            sql=sql,
            threshold="",
            control_min=0,
            folder=str(self.folder),
            spill=str(self.spill),
            memory_limit="100MB",
            threads=1,
            parent=os.getppid(),
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


FILES = [
    ("", "select customer from read_csv('{letters}')"),
    ("", "select customer from '{letters}'"),
    ("", "select content as customer from read_text('{letters}')"),
    ("", "copy (select 1) to '{data}' (use_tmp_file false)"),
    ("", "copy (select 1) to '{inside}/list.parquet' (use_tmp_file false)"),
    ("", "copy customers from '{letters}'"),
]
"""What the first wall refuses by the first word of; here each must fail by itself."""


@pytest.mark.parametrize("text", [text for _, text in (*REFUSED, *FILES)])
def test_a_statement_that_nobody_checked_reads_and_writes_nothing_outside(house: House, text: str) -> None:
    before = house.state()
    text = placed(text, outside=house.outside, inside=house.folder)
    customers = house.dataset.paths(house.dataset.current().tables["customers"])[0]
    text = text.replace("{letters}", str(house.letters)).replace("{data}", customers)
    for sql in (
        text,
        f"SELECT 'x' AS customer, 1 AS bits, '' AS cell, '' AS draw; {text}",
        f"SELECT customer, 0 AS bits, 'all' AS cell, '0' AS draw FROM ({text}) AS x",
    ):
        (house.folder / "list.parquet").unlink(missing_ok=True)
        with contextlib.suppress(duckdb.Error, OSError):
            child.run(house.job(sql))
        if (house.folder / "list.parquet").exists():
            assert CANARY not in str(pq.read_table(house.folder / "list.parquet").to_pylist())
    assert house.state() == before


def test_the_same_process_runs_what_it_is_for(house: House) -> None:
    child.run(house.job("SELECT customer, 0 AS bits, 'all' AS cell, '0' AS draw FROM customers"))
    assert pq.read_metadata(house.folder / "list.parquet").num_rows == 51  # one has no number


@pytest.mark.parametrize("name", ["job", "db", "records", "os"])
def test_a_name_in_a_statement_is_no_variable_of_the_program(house: House, name: str) -> None:
    with pytest.raises(duckdb.CatalogException):
        child.run(house.job(f"SELECT * FROM {name}"))


def test_what_could_not_be_converted_is_not_told(house: House, tmp_path: Path) -> None:
    for text in (
        "cast(customer as int) = 1",
        "(select customer from customers) = '1'",
        "regexp_matches('', customer || '(')",
    ):
        statement = sqlglot.parse_one(f"select customer from customers where {text}", read="duckdb")
        selection = replace(compiled(house.dataset), statement=statement)
        with pytest.raises(SelectionFailed) as told:
            freeze(house.dataset, house.dataset.current(), selection, tmp_path / "r1", limits=Limits(threads=1))
        assert "C0" not in told.value.message


@pytest.mark.parametrize("text", BOMBS)
def test_a_statement_without_end_is_ended(house: House, text: str, tmp_path: Path) -> None:
    statement = sqlglot.parse_one(text, read="duckdb")
    selection = replace(compiled(house.dataset), statement=statement)
    began = time.monotonic()
    with pytest.raises(SelectionFailed) as told:
        limits = Limits(memory="100MB", seconds=3, threads=1)
        freeze(house.dataset, house.dataset.current(), selection, tmp_path / "r1", limits=limits)
    assert time.monotonic() - began < 30
    assert str(house.home) not in told.value.message
    assert list(tmp_path.iterdir()) == []


def test_the_system_keeps_limits_of_its_own(house: House) -> None:
    """Where the program that waits is gone: the processor's time ends it all the same."""
    bomb = "SELECT 'x' AS customer, count(*) AS bits, '' AS cell, '' AS draw FROM range(100000000000) a, range(10) b"
    job = msgspec.structs.replace(house.job(bomb), parent=os.getpid(), seconds=0.001)
    began = time.monotonic()
    done = subprocess.run(
        CHILD,
        check=False,
        input=msgspec.json.encode(job),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode < 0
    assert time.monotonic() - began < 60
