"""Files as other systems and spreadsheets write them: what stands for no value, yes and no, days, columns that move."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from engine.errors import InvalidFile
from engine.warehouse.blanks import read_blanks
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Staged, Wanted, publish, stage
from engine.warehouse.shapes import shape_of
from engine.warehouse.syncing import sync_all
from tests.support import shared

BANKS = {"bank-full.csv.gz": ("pdays=-1", 45_211 - 8_257), "bank-additional-full.csv.gz": ("pdays=999", 41_188 - 1_515)}
"""File -> what stands for "never contacted", how many were never contacted."""


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data")


def taken(
    dataset: Dataset, file: Path | str, *, key: str = "customer", blank: str = "", kind: str = "customers", **more: Any
) -> Staged:
    shape = shape_of(str(file))
    staged = stage(dataset, shape.records(), shape.name, Wanted(kind, key, blanks=read_blanks(blank), **more))
    publish(dataset, [staged], "system")
    return staged


def file_of(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "f.csv"
    file.write_text(text)
    return file


def rows_of(dataset: Dataset, table: str = "customers") -> list[Mapping[str, Any]]:
    return [row for path in dataset.paths(dataset.current().tables[table]) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("name", BANKS)
def test_what_stands_for_never_is_no_number_of_days(dataset: Dataset, name: str) -> None:
    blank, never = BANKS[name]
    staged = taken(dataset, shared(f"data/uci_bank/{name}"), key="row", blank=blank)
    assert staged.imported.bad == ()
    (path,) = dataset.paths(dataset.current().tables["customers"])
    days = pq.read_table(path, columns=["pdays"])["pdays"]
    assert days.null_count == never and pc.min(days).as_py() >= 0


def test_a_word_for_no_value_counts_in_every_column_and_leaves_numbers_numbers(
    dataset: Dataset, tmp_path: Path
) -> None:
    file = file_of(tmp_path, "customer,score,days\na,NULL,-1\nNULL,2,3\nb,-1,\\N\n")
    staged = taken(dataset, file, blank="NULL，\\N; days=-1")
    assert [str(row) for row in staged.imported.bad] == ["line 3, column customer: the key is blank"]
    assert rows_of(dataset) == [
        {"customer": "a", "score": None, "days": None},
        {"customer": "b", "score": -1, "days": None},
    ]


def test_a_key_that_is_a_word_for_none_is_no_customer(dataset: Dataset, tmp_path: Path) -> None:
    file = file_of(tmp_path, "customer,x\nNULL,1\nn/a,2\nNone,3\nNancy,4\n")
    assert [str(row) for row in taken(dataset, file).imported.bad] == [
        "line 2, column customer: 'NULL' is no key, it stands for none",
        "line 3, column customer: 'n/a' is no key, it stands for none",
        "line 4, column customer: 'None' is no key, it stands for none",
    ]
    assert [row["customer"] for row in rows_of(dataset)] == ["Nancy"]


@pytest.mark.parametrize("blank", ["days=", "=-1", "NULL, days="])
def test_what_is_no_such_value_is_told(blank: str) -> None:
    with pytest.raises(InvalidFile, match=r"D200.*write NULL, or COLUMN=-1"):
        read_blanks(blank)


def test_a_column_that_is_not_there_is_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"D107 there is no column 'day'.*customer, days"):
        taken(dataset, file_of(tmp_path, "customer,days\na,-1\n"), blank="day=-1")


def test_a_sync_says_what_stands_for_no_value(dataset: Dataset, tmp_path: Path) -> None:
    file_of(tmp_path, "customer,days\na,-1\nb,3\n")
    plan = tmp_path / "sync.yaml"
    plan.write_text('sources:\n  - {kind: customers, source: f.csv, key: customer, blank: "days=-1"}\n')
    sync_all(dataset, plan, {}, by="system", label=lambda said: lambda done, of: None)
    assert [row["days"] for row in rows_of(dataset)] == [None, 3]


def test_yes_no_and_days_are_read_as_chinese_systems_write_them(dataset: Dataset, tmp_path: Path) -> None:
    days = ["2026-11-03", "20261103", "2026年11月3日", "2026/11/3"]
    agreed = ["是", "否", "Y", "0"]
    lines = [f"c{n},{day},{said}" for n, (day, said) in enumerate(zip(days, agreed, strict=True))]
    wrong = ["d0,2026-1-32,是", "d1,20261332,是", "d2,2026年11月,是", "d3,2026-11-03,同意"]
    file = file_of(tmp_path, "\n".join(["用户编号,合约到期日,接收短信", *lines, *wrong]) + "\n")
    staged = taken(dataset, file, key="用户编号", columns={"合约到期日": "contract_end", "接收短信": "sms_consent"})
    assert [(row["contract_end"], row["sms_consent"]) for row in rows_of(dataset)] == [
        (date(2026, 11, 3), said) for said in (True, False, True, False)
    ]
    assert [str(row) for row in staged.imported.bad] == [
        "line 6, column 合约到期日: '2026-1-32' is not a date; write 2026-11-30",
        "line 7, column 合约到期日: '20261332' is not a date; write 2026-11-30",
        "line 8, column 合约到期日: '2026年11月' is not a date; write 2026-11-30",
        "line 9, column 接收短信: '同意' is neither true nor false",
    ]


def test_a_heading_stays_the_field_that_it_was_wherever_it_stands(dataset: Dataset, tmp_path: Path) -> None:
    taken(dataset, file_of(tmp_path, "customer,星级,备注,x,x\na,5,好,1,2\n"))
    before = rows_of(dataset)
    assert before == [{"customer": "a", "f": 5, "f_2": "好", "x": 1, "x_2": 2}]
    staged = taken(dataset, file_of(tmp_path, "customer,渠道,备注,x,x,星级\na,厅,好,1,2,5\n"))
    assert staged.lost == ()
    assert rows_of(dataset) == [before[0] | {"f_3": "厅"}]


def test_columns_that_are_gone_or_of_another_kind_are_told(dataset: Dataset, tmp_path: Path) -> None:
    taken(dataset, file_of(tmp_path, "customer,score,level,price\na,1,2,3\n"))
    staged = taken(dataset, file_of(tmp_path, "customer,score,price\na,high,3.25\n"))
    assert [(one.name, one.was, one.now) for one in staged.lost] == [("score", "int", "text"), ("level", "int", "")]
