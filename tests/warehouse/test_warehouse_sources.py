"""Sources of an audience on real files: rules, SQL and their algebra equal plain Python, feedback equals the file."""

import csv
import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audience.compile import Selection, Subject, compile_audience
from engine.audience.plan import AudiencePlan
from engine.errors import ExpressionFailed, InvalidDefinition, InvalidFile
from engine.expr import Scope
from engine.expr.types import DATE, DECIMAL, TEXT, Record
from engine.warehouse import child, contacts
from engine.warehouse.dataset import Dataset
from engine.warehouse.earlier import from_history
from engine.warehouse.freeze import Frozen, freeze
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.job import Job, Result
from engine.warehouse.run import Limits
from engine.warehouse.shapes import shape_of
from tests.support import shared
from tests.warehouse.selecting_by_hand import AS_OF, SALT, add, texts

Row = Mapping[str, str]
Source = dict[str, Any]


def compiled(dataset: Dataset, source: Source, remove: tuple[Any, ...] = ()) -> Selection:
    version = dataset.current()
    return compile_audience(
        AudiencePlan.model_validate({"source": source, "remove": remove}),
        fields=version.columns["customers"],
        tables=frozenset(version.tables),
        subject=Subject(),
        as_of=AS_OF,
        salt=SALT,
        columns=version.columns,
    )


def selected(dataset: Dataset, source: Source, folder: Path) -> set[str]:
    """The customers of a source, by the program that selects; run here, because one of its own takes a second."""
    selection = compiled(dataset, source)
    tables = dataset.current().tables
    job = Job(
        tables={name: dataset.paths(tables[name]) for name in selection.tables},
        empty={},
        sql=selection.sql(),
        threshold=selection.threshold,
        control_min=0,
        folder=str(folder),
        spill=str(folder / "spill"),
        memory_limit="200MB",
        threads=1,
        parent=os.getppid(),
    )
    assert isinstance(child.run(job), Result)
    return set(pq.read_table(folder / "list.parquet")["customer"].to_pylist())


@dataclass(frozen=True)
class Telco:
    """The file as a dataset, and as plain rows by customer."""

    dataset: Dataset
    rows: Mapping[str, Row]
    folder: Path


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Telco:
    folder = tmp_path_factory.mktemp("telco")
    file = shared("data/telco/telco_customer_churn.csv.gz")
    dataset = Dataset(folder / "data")
    import_file(dataset, shape_of(file), Wanted("customers", "customerID"))
    with gzip.open(file, "rt") as text:
        rows = {row["customerID"]: row for row in csv.DictReader(text)}
    add(dataset, "list_odd", texts(customer=[name for name in rows if int(name[:4]) % 2]))
    return Telco(dataset, rows, folder)


def total(row: Row) -> Decimal | None:
    return Decimal(row["TotalCharges"]) if row["TotalCharges"].strip() else None


def over(row: Row, limit: int) -> bool:
    """A blank is not met, whichever way it is asked."""
    found = total(row)
    return found is not None and found > limit


def odd(row: Row) -> bool:
    return int(row["customerID"][:4]) % 2 == 1


def sql(rest: str) -> Source:
    return {"sql": f"select customer from {rest}"}


ODD_WOMEN = "select o.customer from list_odd o join customers k on k.customer = o.customer where k.gender = 'Female'"
LIBRARY: list[tuple[Source, Callable[[Row], bool]]] = [
    ({"rule": "c.Contract == 'Month-to-month'"}, lambda row: row["Contract"] == "Month-to-month"),
    ({"rule": "c.InternetService == 'Fiber optic'"}, lambda row: row["InternetService"] == "Fiber optic"),
    ({"rule": "c.MonthlyCharges >= 80"}, lambda row: Decimal(row["MonthlyCharges"]) >= 80),
    ({"rule": "c.TotalCharges > 500"}, lambda row: over(row, 500)),
    ({"rule": "!(c.TotalCharges > 500)"}, lambda row: total(row) is not None and not over(row, 500)),
    ({"rule": "!has(c.TotalCharges)"}, lambda row: total(row) is None),
    ({"list": "odd"}, odd),
    (sql("customers where tenure between 3 and 40"), lambda row: 3 <= int(row["tenure"]) <= 40),
    (sql("customers where TotalCharges < 500"), lambda row: (total(row) or 500) < 500),
    ({"sql": ODD_WOMEN}, lambda row: odd(row) and row["gender"] == "Female"),
    (sql("customers where customer not in (select customer from list_odd)"), lambda row: not odd(row)),
]

leaves = st.sampled_from(range(len(LIBRARY)))
operations = st.sampled_from(["union", "intersect", "except", "symmetric"])
trees: st.SearchStrategy[Any] = st.recursive(leaves, lambda inner: st.tuples(operations, inner, inner), max_leaves=8)


def depth(tree: Any) -> int:
    return 1 if isinstance(tree, int) else 1 + max(depth(tree[1]), depth(tree[2]))


def written(tree: Any) -> Source:
    return LIBRARY[tree][0] if isinstance(tree, int) else {tree[0]: [written(tree[1]), written(tree[2])]}


def by_hand(tree: Any, rows: Mapping[str, Row]) -> set[str]:
    if isinstance(tree, int):
        return {name for name, row in rows.items() if LIBRARY[tree][1](row)}
    one, other = by_hand(tree[1], rows), by_hand(tree[2], rows)
    return {"union": one | other, "intersect": one & other, "except": one - other, "symmetric": one ^ other}[tree[0]]


@settings(max_examples=30)
@given(tree=trees.filter(lambda tree: depth(tree) <= 4))
def test_the_algebra_of_sources_is_that_of_sets(telco: Telco, tree: Any) -> None:
    assert selected(telco.dataset, written(tree), telco.folder) == by_hand(tree, telco.rows)


@pytest.mark.parametrize("n", range(len(LIBRARY)))
def test_a_source_gives_whom_plain_python_gives(telco: Telco, n: int) -> None:
    assert selected(telco.dataset, written(n), telco.folder) == by_hand(n, telco.rows) != set()


@pytest.mark.parametrize(
    "source",
    [
        {"rule": "c.Contract == 'Month-to-month' && c.InternetService == 'Fiber optic' && c.MonthlyCharges >= 80"},
        {
            "sql": "select customer from customers where Contract = 'Month-to-month'"
            " and InternetService = 'Fiber optic' and MonthlyCharges >= 80"
        },
        {"intersect": [written(0), written(1), written(2)]},
    ],
)
def test_the_fact_of_the_file_comes_out_however_it_is_asked(telco: Telco, source: Source) -> None:
    assert len(selected(telco.dataset, source, telco.folder)) == 1459


def test_a_blank_is_neither_zero_nor_a_number_nor_an_error(telco: Telco) -> None:
    def count(source: Source) -> int:
        return len(selected(telco.dataset, source, telco.folder))

    assert count({"sql": "select customer from customers where TotalCharges is null"}) == 11
    assert count({"sql": "select customer from customers where TotalCharges < 1"}) == 0
    assert count({"rule": "c.TotalCharges >= 0"}) == len(telco.rows) - 11
    everybody = {"symmetric": [{"rule": "c.TotalCharges >= 0"}, {"rule": "!has(c.TotalCharges)"}]}
    assert count(everybody) == len(telco.rows)


def test_a_customer_without_a_number_is_in_no_list(telco: Telco, tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "data")
    add(dataset, "customers", texts(customer=["a", "b", None]))
    add(dataset, "list_some", texts(customer=["a", None]))
    for source in (sql("list_some"), sql("list_some union select customer from customers")):
        assert "a" in selected(dataset, source, tmp_path)
        assert None not in selected(dataset, source, tmp_path)
    outside = {"except": [{"rule": "true"}, {"sql": "select customer from list_some"}]}
    assert selected(dataset, outside, tmp_path) == {"b"}


def test_a_parameter_is_the_moment_of_the_selection(telco: Telco) -> None:
    source = {"sql": "select customer from customers where :as_of = timestamp '2026-11-01 00:00:00'"}
    assert len(selected(telco.dataset, source, telco.folder)) == len(telco.rows)
    assert "2026-11-01" in compiled(telco.dataset, source).sql()


def test_a_field_of_the_form_is_a_parameter(telco: Telco) -> None:
    version = telco.dataset.current()
    record = Record({"least": DECIMAL, "kind": TEXT, "day": DATE}, "form", frozenset({"kind"}))
    text = (
        "customers where MonthlyCharges >= :form_least and Contract = :form_kind and :form_day < cast(:as_of as date)"
    )

    def asked(form: dict[str, Any]) -> Selection:
        return compile_audience(
            AudiencePlan.model_validate({"source": sql(text)}),
            fields=version.columns["customers"],
            tables=frozenset(version.tables),
            subject=Subject(),
            as_of=AS_OF,
            salt=SALT,
            columns=version.columns,
            scope=Scope({"form": record}),
            values={"form": form},
        )

    form = {"least": Decimal("80.00"), "kind": "Month-to-month'; drop", "day": AS_OF.date() - timedelta(days=1)}
    written = "".join(asked(form).sql().split())
    assert "'Month-to-month'';drop'" in written and ">=(80.00)" in written and "CAST('2026-10-31'ASDATE)" in written
    with pytest.raises(ExpressionFailed, match=r"form\.kind"):
        asked({name: value for name, value in form.items() if name != "kind"})


def test_a_column_that_the_dataset_lacks_is_told_before_anything_runs(telco: Telco) -> None:
    with pytest.raises(InvalidDefinition, match=r"E324.*no column Contrct.*did you mean Contract"):
        compiled(telco.dataset, {"sql": "select customer from customers where Contrct = 'x'"})


def test_a_statement_over_contacts_reads_them_all(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "data")
    add(dataset, "customers", texts(customer=["a", "b", "c"]))
    moment = AS_OF.replace(tzinfo=None)
    past = texts(customer=["a", "b"]).append_column(
        "at", pa.array([moment - timedelta(days=400), moment - timedelta(days=1)], pa.timestamp("us"))
    )
    contacts.append(dataset, past)
    source = {"sql": "select customer from contacts"}
    assert compiled(dataset, source, ({"contacted_within": "30d"},)).contacts_since is None
    assert selected(dataset, source, tmp_path) == {"a", "b"}
    assert selected(dataset, {"symmetric": [source, {"rule": "true"}]}, tmp_path) == {"c"}


# Feedback ---------------------------------------------------------------------------------------------------------


BANKS = {"bank-full.csv.gz": (",", "-1", 8257, 1511), "bank-additional-full.csv.gz": (";", "999", 1515, 1373)}
"""File -> separator, what stands for "never contacted", how many were contacted, how many of those with success."""


@pytest.fixture(scope="module", params=BANKS)
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Dataset]:
    """The file's customers, and what it says of the campaign before as contacts."""
    name = str(request.param)
    separator, never, _, _ = BANKS[name]
    folder = tmp_path_factory.mktemp("bank")
    file = shared(f"data/uci_bank/{name}")
    dataset = Dataset(folder / "data")
    import_file(dataset, shape_of(file), Wanted("customers", "row"))
    with gzip.open(file, "rt") as text, (folder / "contacts.csv").open("w") as past:
        past.write("customer,at,case_number,outcome\n")
        for number, row in enumerate(csv.DictReader(text, delimiter=separator), start=1):
            if row["pdays"] != never:
                at = AS_OF - timedelta(days=int(row["pdays"]))
                past.write(f"{number},{at:%Y-%m-%d %H:%M:%S},campaign-before,{row['poutcome']}\n")
    import_file(dataset, shape_of(folder / "contacts.csv"), Wanted("contacts", "customer"))
    return name, dataset


def frozen(dataset: Dataset, source: Source, folder: Path, remove: tuple[Any, ...] = ()) -> Frozen:
    version, selection = dataset.current(), compiled(dataset, source, remove)
    return freeze(
        dataset,
        version,
        selection,
        folder / "r1",
        besides=lambda run: from_history(dataset, version, selection, run),
        limits=Limits(threads=1),
    )[0]


def feedback(outcome: str, **more: str) -> Source:
    return {"feedback": {"of": "campaign-before", "outcome": outcome, **more}}


def test_feedback_of_the_campaign_before_gives_its_successes(bank: tuple[str, Dataset], tmp_path: Path) -> None:
    name, dataset = bank
    manifest = frozen(dataset, feedback("success"), tmp_path).manifest
    assert manifest.rows == BANKS[name][3]
    (told,) = [one for one in manifest.inputs if one.lineage]
    assert told.lineage == {"case": "campaign-before", "outcome": "success"}
    assert told.rows == BANKS[name][3]


def test_who_was_never_contacted_is_no_number_of_days(bank: tuple[str, Dataset], tmp_path: Path) -> None:
    name, dataset = bank
    source = {"except": [{"rule": "true"}, feedback("contacted")]}
    manifest = frozen(dataset, source, tmp_path, ({"contacted_within": "3000d"},)).manifest
    rows = {row.name: row for row in manifest.waterfall}
    assert rows["base"].out == manifest.universe - BANKS[name][2]
    assert rows["contacted_3000d"].removed == 0


def test_a_window_counts_back_from_the_moment_of_the_selection(bank: tuple[str, Dataset], tmp_path: Path) -> None:
    name, dataset = bank
    few = frozen(dataset, feedback("success", within="7d"), tmp_path).manifest
    assert 0 < few.rows < BANKS[name][3]
    assert [one.lineage["since"] for one in few.inputs if one.lineage] == ["2026-10-25 00:00:00"]


def test_a_case_that_nobody_knows_is_told(bank: tuple[str, Dataset], tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no case campaign-after"):
        frozen(bank[1], {"feedback": {"of": "campaign-after", "outcome": "success"}}, tmp_path)
    assert list(tmp_path.iterdir()) == []
