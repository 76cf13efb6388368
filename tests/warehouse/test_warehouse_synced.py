"""A table of a database that is taken in again after somebody changed it: what is told, and what stays as it was."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow.parquet as pq
import pytest

from engine.errors import InvalidFile
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Staged, Wanted, publish, stage
from engine.warehouse.queries import Query
from tests.servers.postgres import create_database


class Billing:
    """A billing database with one table of customers, and a dataset that takes it in."""

    def __init__(self, link: Any, url: str, dataset: Dataset) -> None:
        self.link, self.url, self.dataset = link, url, dataset

    def runs(self, *statements: str) -> None:
        with self.link.cursor() as cursor:
            for one in statements:
                cursor.execute(one)
        self.link.commit()

    def sync(self, wanted: str = "subscribers", kind: str = "customers", **more: str) -> Staged:
        query = Query("crm", wanted, self.url)
        staged = stage(self.dataset, query.records(), query.name, Wanted(kind, "customer", **more))
        publish(self.dataset, [staged], "system")
        return staged

    def rows(self, table: str = "customers") -> list[tuple[Any, ...]]:
        (path,) = self.dataset.paths(self.dataset.current().tables[table])
        return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def database(pg_server: str, worker: str) -> str:
    return create_database(pg_server, f"billing_{worker}")


@pytest.fixture
def billing(database: str, tmp_path: Path) -> Iterator[Billing]:
    with closing(psycopg2.connect(database.replace("+psycopg2", ""))) as link:
        here = Billing(link, database, Dataset(tmp_path / "data"))
        here.runs(
            "DROP TABLE IF EXISTS subscribers",
            "CREATE TABLE subscribers (customer text, score int, arpu numeric(9, 2))",
            "INSERT INTO subscribers VALUES ('a', 1, 38.5), ('b', 2, 90)",
        )
        here.sync()
        yield here


def test_a_column_of_another_type_is_told_before_a_rule_trips_over_it(billing: Billing) -> None:
    billing.runs("ALTER TABLE subscribers ALTER score TYPE text USING 'level ' || score, DROP COLUMN arpu")
    staged = billing.sync()
    assert [(one.name, one.was, one.now) for one in staged.lost] == [
        ("score", "int", "text"),
        ("arpu", "decimal(2)", ""),
    ]
    assert billing.rows() == [("a", "level 1"), ("b", "level 2")]


def test_a_field_of_the_catalogue_keeps_its_type_and_the_version_stays(billing: Billing) -> None:
    billing.runs("ALTER TABLE subscribers ALTER arpu TYPE text USING arpu || ' yuan'")
    with pytest.raises(InvalidFile, match=r"D110 not one row is good \(row 1, column arpu: '38\.50 yuan' is not a num"):
        billing.sync()
    assert billing.dataset.current().number == 1 and len(billing.rows()) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DROP TABLE subscribers", "does not exist"),
        ("DELETE FROM subscribers", "not one row is good"),
        ("UPDATE subscribers SET customer = NULL", "the key is blank"),
        ("ALTER TABLE subscribers RENAME customer TO user_id", "there is no column 'customer'"),
        ("ALTER TABLE subscribers ADD photos text[]; UPDATE subscribers SET customer = NULL", "not one row is good"),
    ],
)
def test_a_table_that_cannot_be_used_leaves_the_version_as_it_was(billing: Billing, change: str, told: str) -> None:
    billing.runs(change)
    with pytest.raises(InvalidFile, match=told) as refused:
        billing.sync()
    assert billing.url not in str(refused.value)
    assert billing.dataset.current().number == 1 and len(billing.rows()) == 2


def test_rows_without_a_key_and_rows_that_stand_twice_are_named(billing: Billing) -> None:
    billing.runs(
        "INSERT INTO subscribers VALUES (NULL, 3, 1), ('', 4, 1), ('  ', 5, 1), ('b', 6, 1), ('c', NULL, NULL)"
    )
    assert [str(row) for row in billing.sync().imported.bad] == [
        "row 3, column customer: the key is blank",
        "row 4, column customer: the key is blank",
        "row 5, column customer: the key is blank",
        "row 6, column customer: 'b' stands on row 2 already",
    ]
    assert [row[0] for row in billing.rows()] == ["a", "b", "c"]


def test_a_table_of_a_hundred_columns_comes_in_whole(billing: Billing) -> None:
    columns = ", ".join(f"ADD c{n} int DEFAULT {n}" for n in range(97))
    billing.runs(f"ALTER TABLE subscribers {columns}")
    staged = billing.sync()
    assert len(staged.imported.table.columns) == 100 and staged.lost == ()
    assert billing.rows()[0][3:] == tuple(range(97))


def test_a_select_may_end_in_a_remark_and_name_what_it_joins_once(billing: Billing) -> None:
    billing.sync("select customer, score from subscribers -- all of them", "list", name="all")
    assert billing.rows("list_all") == [("a", 1), ("b", 2)]
    both = "select x.customer, y.customer from subscribers as x join subscribers as y using (customer)"
    with pytest.raises(InvalidFile, match=r"D125 two columns of it are called customer"):
        billing.sync(both, "list", name="both")


def test_a_table_may_have_a_chinese_name(billing: Billing) -> None:
    billing.runs("DROP TABLE IF EXISTS 客户", "CREATE TABLE 客户 AS SELECT customer, score AS 星级 FROM subscribers")
    billing.sync("客户", "list", name="stars")
    billing.sync("public.客户", "list", name="stars")
    assert [(column.name, column.heading) for column in billing.dataset.current().tables["list_stars"].columns] == [
        ("customer", "customer"),
        ("f", "星级"),
    ]
