"""A selection on Spark against the same over the files: the same list to the byte. Runs where PySpark and Java are."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import clock
from engine.errors import InvalidFile, SelectionFailed
from engine.service import selecting, whereabouts
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import cases
from engine.warehouse.contacts import COLUMNS
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import LIST, verify
from engine.warehouse.places import fields_there
from engine.warehouse.postgres import Server
from engine.warehouse.run import Limits
from engine.warehouse.spark import Lake
from engine.warehouse.why import of_frozen
from tests.acceptance import placed_case as placed
from tests.acceptance.offices import load_people
from tests.warehouse.test_warehouse_cli import countersign
from tests.warehouse.test_warehouse_postgres import (
    CUSTOMERS,
    EVERYTHING,
    THERE,
    dataset,
    frozen,
    rows_of,
    server,
    told_by_sms,
)

PYSPARK = find_spec("pyspark")
MISSING = [name for name, there in (("PySpark", PYSPARK), ("Java", shutil.which("java"))) if not there]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} missing: no selection on Spark tried"),
    pytest.mark.timeout(900),
]
PATIENT = 400.0  # a machine that runs other suites beside takes a minute to start and plan
__all__ = ["dataset", "server"]


@pytest.fixture(scope="module", autouse=True)
def started_quickly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Java compiles what it runs for a moment only, as for a program that ends soon."""
    folder = tmp_path_factory.mktemp("spark")
    java = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    (folder / "spark-defaults.conf").write_text(
        f"spark.driver.extraJavaOptions {java}\nspark.executor.extraJavaOptions {java}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield
        end_of_java()


def end_of_java() -> None:
    """A statement that was given up may go on in a loop for hours, and take a processor from all later tests; Java may
    not end for it either."""
    from pyspark import SparkContext

    if SparkContext._gateway is not None:
        java = SparkContext._gateway.proc
        java.stdin.close()
        try:
            java.wait(30)
        except subprocess.TimeoutExpired:
            java.kill()
            java.wait(30)
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None


@pytest.fixture(scope="module")
def lake(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same customers as Parquet files of a folder, with a row whose customer is unknown."""
    folder = tmp_path_factory.mktemp("lake")
    version = dataset.current()
    for name in THERE:
        (folder / name).mkdir()
        files = [pq.read_table(path) for path in dataset.paths(version.tables[name])]
        pq.write_table(pa.concat_tables(files, promote_options="default"), folder / name / "0.parquet")
    schema = pq.read_schema(next((folder / "customers").iterdir()))
    unknown = pa.table({n: pa.array([99 if n == "arpu" else None], schema.field(n).type) for n in schema.names})
    pq.write_table(unknown, folder / "customers" / "unknown.parquet")
    return Lake("lake", "local[2]", str(folder))


def test_every_source_and_exclusion_give_the_same_list_on_all_three(
    dataset: Dataset, server: Server, lake: Lake, tmp_path: Path
) -> None:
    here, there = (
        frozen(dataset, tmp_path / "here", EVERYTHING),
        frozen(dataset, tmp_path / "there", EVERYTHING, lake, seconds=PATIENT),
    )
    served = frozen(dataset, tmp_path / "served", EVERYTHING, server)
    ours, theirs = here.manifest, there.manifest
    assert theirs.digest == served.manifest.digest == ours.digest
    assert (there.folder / LIST).read_bytes() == (here.folder / LIST).read_bytes()
    assert theirs.waterfall == ours.waterfall and ours.rows == theirs.rows > 300
    assert theirs.counts.overlaps() == ours.counts.overlaps()
    assert (theirs.threshold, theirs.thresholds, theirs.cells) == (ours.threshold, ours.thresholds, ours.cells)
    assert theirs.balanced == ours.balanced
    for one, other in zip(theirs.balance, ours.balance, strict=True):
        assert (one.field, one.difference) == (other.field, pytest.approx(other.difference))
    assert theirs.balance_of_cells.keys() == ours.balance_of_cells.keys() == ours.cells.keys()
    for cell, its in ours.balance_of_cells.items():
        their = theirs.balance_of_cells[cell]
        assert (their.target, their.control) == (its.target, its.control)
        assert [one.difference for one in their.fields] == pytest.approx([one.difference for one in its.fields])
    assert theirs.versions["engine"].startswith("spark 4")
    assert verify(there.folder) == theirs
    read_there = {one.table: one.rows for one in theirs.inputs if one.path.startswith("lake:/")}
    assert read_there.keys() == set(THERE) and read_there["customers"] == CUSTOMERS + 1


def test_a_database_of_the_catalogue_that_knows_no_purposes_is_read_like_a_folder(
    dataset: Dataset, lake: Lake, tmp_path: Path, catalogued: Lake
) -> None:
    plan = {"source": {"rule": "c.arpu >= 38"}, "remove": ["policy", {"contacted_within": "30d", "similar": "family"}]}
    here, there = (
        frozen(told_by_sms(dataset, tmp_path / "data", "known"), tmp_path / "here", plan),
        frozen(dataset, tmp_path / "there", plan, catalogued, seconds=PATIENT),
    )
    assert rows_of(there) == rows_of(here) != []


@pytest.fixture
def catalogued(lake: Lake) -> Iterator[Lake]:
    session = lake._session()
    session.sql("CREATE DATABASE crm")
    for name in set(THERE) - {"contacts"}:
        session.sql(f"CREATE TABLE crm.{name} USING parquet LOCATION '{lake.source}/{name}'")
    known = ", ".join(f"`{column.name}`" for column in COLUMNS if column.name != "purpose")
    path = f"{lake.source}/contacts"
    session.sql(f"CREATE VIEW crm.contacts AS SELECT {known} FROM parquet.`{path}` WHERE channel = 'sms'")
    yield Lake("lake", lake.master, "crm")
    session.sql("DROP DATABASE crm CASCADE")


def test_spark_is_not_waited_for_when_it_takes_too_long(dataset: Dataset, lake: Lake, tmp_path: Path) -> None:
    slow = {
        "source": {
            "sql": "SELECT a.customer FROM customers AS a JOIN customers AS b ON a.sms_consent ="
            " b.sms_consent JOIN customers AS c ON b.sms_consent = c.sms_consent GROUP BY a.customer"
            " HAVING sum(a.arpu * b.arpu * c.arpu) > 0"
        }
    }
    with pytest.raises(SelectionFailed, match=r"longer than 3 seconds"):
        frozen(dataset, tmp_path / "there", slow, lake, seconds=3)
    assert not list(tmp_path.iterdir())


def test_no_value_of_a_customer_is_told_where_one_does_not_fit(dataset: Dataset, lake: Lake, tmp_path: Path) -> None:
    wrong = {"source": {"sql": "SELECT customer FROM customers WHERE CAST(phone AS DATE) > :as_of"}}
    with pytest.raises(SelectionFailed) as told:
        frozen(dataset, tmp_path / "there", wrong, lake, seconds=PATIENT)
    assert "does not fit" in str(told.value) and "1380013" not in str(told.value)


def test_a_cluster_that_cannot_be_reached_is_told_without_its_host(tmp_path: Path) -> None:
    (tmp_path / "connections.yaml").write_text('lake: "spark:nosuch://secret.example:7077"\n')
    named = {"COUNTERSIGN_CONNECTIONS": str(tmp_path / "connections.yaml")}
    told = countersign("audience", "count", "true", "--on", "lake:crm", environment=named)
    assert told.returncode == 1 and "The customers of lake cannot be read just now" in told.stderr
    assert not any(word in told.stdout + told.stderr.partition("The customers")[2] for word in ("secret", "7077"))


def test_nothing_is_kept_in_the_memory_of_the_cluster(dataset: Dataset, lake: Lake, tmp_path: Path) -> None:
    frozen(dataset, tmp_path / "there", {"source": {"rule": "c.arpu >= 38"}}, lake, seconds=PATIENT)
    assert lake._session().sparkContext._jsc.getPersistentRDDs().size() == 0


def test_a_case_is_estimated_counted_frozen_and_explained_over_the_customers_of_a_cluster(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "lake").mkdir()
    placed.as_files(tmp_path / "lake", clock.now())
    found = placed.connections(tmp_path, "spark:local[2]")
    settings = {"connections": found, "customers": f"crm:{tmp_path}/lake", "selection_seconds": PATIENT}
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=sqlite_url, **settings))
    try:
        load_people(app)
        placed.published(app)
        made = placed.drafted(app)
        base = whereabouts.customers_of(app)
        with app.db.read() as tx:
            selection = selecting.estimate_of(app, cases.load(tx, made), base)
        limits = Limits(seconds=PATIENT)
        beside = selecting.suppressions(app, tmp_path, app.now())
        numbers = base.count(selection, tmp_path, beside=beside, limits=limits)
        assert numbers[:3] == (placed.NUMBER, 90, 90)
        placed.approved(app, made)
        there = selecting.frozen_audience(app, made)
        assert {row["customer"] for batch in there.batches() for row in batch.to_pylist()} == placed.by_hand()
        assert verify(there.folder).versions["engine"].startswith("spark")
        rules = of_frozen(there)
        why = base.why(there.folder, rules, placed.id_of(40), limits=limits)
        assert why.removals[0].shown[0].values["case_number"] == placed.TOLD_THERE and why.agrees
        assert base.why(there.folder, rules, placed.id_of(35), limits=limits).removals[0].name == "contacted_30d"
        turn = tmp_path / "turn.parquet"
        pq.write_table(pa.table({"place": [1, 2], "customer": [placed.id_of(9), "C9999"], "cell": ["", ""]}), turn)
        assert base.place is not None
        (batch,) = fields_there(base.place, limits, turn, ["phone", "arpu"])
        assert batch.to_pydict()["phone"] == [placed.phone_of(9), None]
    finally:
        app.close()


def test_a_folder_without_customers_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no table customers"):
        Lake("lake", "local[2]", str(tmp_path)).version()


def test_the_command_selects_on_spark_what_it_selects_from_the_files(
    dataset: Dataset, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "connections.yaml").write_text('lake: "spark:local-cluster[1,1,1024]"\n')  # does not see our memory
    (tmp_path / "a.yaml").write_text(
        "audience:\n  source: {union: [{rule: c.arpu >= 38}, {list: upload}]}\n  control: {share: 10%}\n"
    )
    run = (
        "audience",
        "run",
        str(tmp_path / "a.yaml"),
        "--data",
        str(dataset.folder),
        "--as-of",
        "2026-11-01",
        "--json",
    )
    named = {"COUNTERSIGN_CONNECTIONS": str(tmp_path / "connections.yaml")} | {
        name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ
    }
    try:
        here, there = countersign(*run), countersign(*run, "--on", f"lake:{lake.source}", environment=named)
    finally:  # a cluster on one machine keeps its logs beside its programs
        shutil.rmtree(Path(str(PYSPARK and PYSPARK.origin)).parent / "work", ignore_errors=True)
    assert there.returncode == 0, there.stderr
    ours, theirs = json.loads(here.stdout), json.loads(there.stdout)
    assert theirs["digest"] == ours["digest"] and theirs["waterfall"][1:] == ours["waterfall"][1:]
