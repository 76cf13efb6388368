"""A selection on a PostgreSQL server against the same over the files: the same list to the byte, the same counts."""

import io
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.audience.capping import PolicyInForce
from engine.audience.compile import Selection, compile_audience
from engine.audience.exclusions import Exclusion
from engine.audience.grouping import HoldoutInForce
from engine.audience.groups import GroupVersion, expanded, name_of, version_of
from engine.audience.plan import AudiencePlan
from engine.audience.policy import ContactPolicy
from engine.audience.sources import Source
from engine.errors import CustomersUnavailable, InvalidFile, SelectionFailed
from engine.service.group_pins import source_in
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset, Table, Version
from engine.warehouse.earlier import from_history
from engine.warehouse.elsewhere import Elsewhere
from engine.warehouse.freeze import LIST, Frozen, freeze, verify
from engine.warehouse.places import CustomerBase, place_of
from engine.warehouse.postgres import Server
from engine.warehouse.run import Limits
from engine.warehouse.subjects import subject_of
from engine.warehouse.why import of_frozen, why
from tests.servers.postgres import create_database
from tests.support import vault
from tests.warehouse.explained_by_hand import AS_OF, One, dataset_of, id_of
from tests.warehouse.selecting_by_hand import add, texts, written_by_an_earlier_release
from tests.warehouse.test_warehouse_cli import countersign

CUSTOMERS = 3_000
POLICY = ContactPolicy.model_validate(
    {
        "caps": [
            {"most": 2, "within": "20d", "channel": "sms"},
            {"most": 1, "within": "12d", "channel": "call"},
            {"most": 4, "within": "30d"},
            {"most": 2, "within": "9d", "purpose": "marketing"},
        ]
    }
)
THERE = ("customers", "contacts", "owned", "conflicts")
NAMES = {"text": "text", "int": "bigint", "bool": "boolean", "timestamp": "timestamp"}
EVERYTHING: dict[str, Any] = {
    "source": {
        "except": [
            {
                "union": [
                    {"rule": "c.arpu >= 38 && c.age > 20"},
                    {"list": "upload"},
                    {"symmetric": [{"rule": "c.sms_consent"}, {"rule": "c.name.startsWith('欧')"}]},
                    {"sql": "SELECT c.customer FROM customers AS c JOIN contacts AS k ON k.customer = c.customer"
                     " WHERE k.at > :as_of - INTERVAL 20 DAY GROUP BY c.customer HAVING count(*) >= 1"},
                    {"feedback": {"of": "440111-2026-00002", "outcome": "responded"}},
                    {"group": "mixed"},
                ]
            },
            {"intersect": [{"rule": "c.age < 15"}, {"rule": "c.arpu > 100"}]},
        ]
    },
    "remove": [
        "blacklist", "greylist", "holdout", "policy", {"contacted_within": "30d", "similar": "family"},
        {"contacted_within": "10d", "similar": "tag"}, {"conflicts": "cell"}, {"conflicts": "offer"},
        {"eligible": "cell"}, {"eligible": "offer"}, {"consent": "sms"}, "arbitration", {"list": "staff"},
        {"group": "kept@2"}, {"rule": "c.arpu / 3 > 35", "name": "dear"},
        {"household": "c.household_id", "keep": "c.arpu"},
    ],
    "cells": {
        "high": {"when": "c.arpu >= 88", "offer": "voice-300"}, "old": {"when": "c.age >= 50", "offer": "flow-20g"},
        "base": "true",
    },
    "control": {"share": "10%", "min": 60, "min_per_cell": 40},
}  # fmt: skip
GROUPS: dict[str, dict[str, Any]] = {
    "mixed": {"except": [{"union": [{"group": "young"}, {"list": "staff"}]}, {"group": "kept@2"}]},
    "young": {"rule": "c.age < 20 && c.arpu > 30"},
    "kept@2": {"intersect": [{"rule": "c.arpu % 7 == 0"}, {"sql": "SELECT customer FROM customers WHERE age > 25"}]},
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Customers with everything that selections ask about, by a fixed chance."""
    chance = random.Random(7)
    people = [
        One(
            arpu=chance.choice([None, *range(20, 120)]),
            age=chance.choice([None, *range(8, 80)]),
            agrees=chance.choice([True, True, True, False, None]),
            home=chance.choice([None, f"h{chance.randrange(900)}"]),
            black=chance.random() < 0.04,
            uploaded=chance.random() < 0.1,
            told=chance.choice([None, None, None, "flow-10g", "flow-20g", "voice-300"]),
        )
        for _ in range(CUSTOMERS)
    ]
    made = dataset_of(tmp_path_factory.mktemp("files") / "data", people)
    ids = [id_of(n) for n in range(CUSTOMERS)]
    add(made, "list_staff", texts(customer=[*chance.sample(ids, 60), None]))
    add(made, "greylist", texts(customer=chance.sample(ids, 90), channel=["", "sms", "call"] * 30))
    losses = texts(
        customer=chance.sample(ids, 200), case_number=["440111-2026-00003", ""] * 100, lost_by=["score"] * 200
    )
    add(made, "arbitration", losses)
    owners = chance.sample(ids, 300)
    now = AS_OF.astimezone(UTC).replace(tzinfo=None)
    until = pa.array([chance.choice([None, now + timedelta(days=d)]) for d in range(-150, 150)], pa.timestamp("us"))
    owned = texts(customer=owners, offer=chance.choices(["flow-10g", "flow-20g", "voice-300"], k=300))
    kinds = [Column("customer", "text"), Column("offer", "text"), Column("until", "timestamp")]
    add(made, "owned", owned.append_column("until", until), kinds)
    add(made, "conflicts", texts(offer=["flow-10g"], other=["flow-20g"]))
    answered = texts(
        customer=chance.sample(ids, 200), case_number=["440111-2026-00002"] * 200, outcome=["responded", "lost"] * 100
    )
    long_ago = pa.array([now - timedelta(days=200)] * 200, pa.timestamp("us"))
    written_by_an_earlier_release(made, answered.append_column("at", long_ago))
    reached = texts(customer=chance.choices(ids[:600], k=1500), channel=["sms", "sms", "call"] * 500)
    days = pa.array([now - timedelta(days=chance.random() * 30) for _ in range(1500)], pa.timestamp("us"))
    purposes = texts(purpose=chance.choices(["marketing", "service", None, "winback"], k=1500))["purpose"]
    contacts.append(made, reached.append_column("at", days).append_column("purpose", purposes))
    return made


@pytest.fixture(scope="module")
def server(pg_server: str, worker: str, dataset: Dataset) -> Iterator[Server]:
    """The same customers on a server, whose user may read them and make temporary tables, and nothing else."""
    url = create_database(pg_server, f"customers_{worker}")
    version = dataset.current()
    with closing(_link(url)) as link, link.cursor() as cursor:
        cursor.execute("CREATE SCHEMA crm")
        for name in THERE:
            table = version.tables[name]
            columns = ", ".join(f'"{column.name}" {NAMES[column.type]}' for column in table.columns)
            cursor.execute(f"CREATE TABLE crm.{name} ({columns})")
            files = [pq.read_table(path) for path in dataset.paths(table)]
            rows = pa.concat_tables(files, promote_options="default")
            text = io.BytesIO()
            wanted = [column.name for column in table.columns]
            pa_csv.write_csv(rows.select(wanted), text, pa_csv.WriteOptions(include_header=False))
            text.seek(0)
            cursor.copy_expert(f"COPY crm.{name} FROM STDIN (FORMAT csv)", text)
        cursor.execute("INSERT INTO crm.customers (customer, arpu) VALUES (NULL, 99)")
        cursor.execute(f"DROP ROLE IF EXISTS reader_{worker}")
        cursor.execute(f"CREATE ROLE reader_{worker} LOGIN PASSWORD 'reads'")
        cursor.execute(f"GRANT USAGE ON SCHEMA crm TO reader_{worker}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA crm TO reader_{worker}")
        known = ", ".join(f'"{column.name}"' for column in contacts.COLUMNS if column.name != "purpose")
        cursor.execute(
            "CREATE SCHEMA old; CREATE VIEW old.customers AS SELECT * FROM crm.customers WHERE customer IS NOT NULL;"
            f" CREATE VIEW old.contacts AS SELECT {known} FROM crm.contacts WHERE channel = 'sms';"
            "CREATE SCHEMA odd; CREATE VIEW odd.customers AS SELECT * FROM old.customers;"
            f" CREATE VIEW odd.contacts AS SELECT 7 AS purpose, {known} FROM crm.contacts WHERE channel = 'sms';"
            f" GRANT USAGE ON SCHEMA old, odd TO reader_{worker};"
            f" GRANT SELECT ON ALL TABLES IN SCHEMA old, odd TO reader_{worker}"
        )
        link.commit()
        host = url.rpartition("@")[2]
        yield Server("crm", f"postgresql+psycopg2://reader_{worker}:reads@{host}", "crm")


def _link(url: str) -> Any:
    return psycopg2.connect(url.replace("+psycopg2", ""))


def group(reference: str) -> GroupVersion:
    return GroupVersion(name_of(reference), version_of(reference) or 1, reference, source_in(GROUPS[reference]))


def compiled(dataset: Dataset, version: Version, plan: dict[str, Any]) -> Selection:
    return compile_audience(
        expanded(AudiencePlan.model_validate(plan), {}, group),
        fields={column.name: column.type for column in version.tables["customers"].columns},
        tables=frozenset(version.tables),
        subject=replace(subject_of(dataset, version, offers=("flow-10g",)), channels=("sms",)),
        as_of=AS_OF,
        salt="440111-2026-00007-1",
        columns=version.columns,
        consents={"sms": "sms_consent"},
        holdout=HoldoutInForce(3, Decimal("0.1"), "holdout-x"),
        policy=PolicyInForce(2, POLICY, ("sms", "call")),
    )


def frozen(
    dataset: Dataset, folder: Path, plan: dict[str, Any], server: Elsewhere | None = None, **limits: Any
) -> Frozen:
    version = server.version(dataset.current()) if server else dataset.current()
    selection = compiled(dataset, version, plan)
    more: dict[str, Any] = {"selecting": server.select} if server else {}
    found, _ = freeze(
        dataset,
        version,
        selection,
        folder,
        besides=lambda unfinished: from_history(dataset, dataset.current(), selection, unfinished),
        limits=Limits(**{"threads": 2, "seconds": 60.0} | limits),
        **more,
    )
    return found


def rows_of(found: Frozen) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for batch in found.batches() for row in batch.to_pylist()]


def kinds(union: Any) -> set[str]:
    """The kinds of a registry: of what its discriminated union is made."""
    return {get_args(one)[0].kind for one in get_args(get_args(union)[0])}


def named(source: Any) -> set[str]:
    """The kinds that a source is made of."""
    if isinstance(source, dict):
        return set(source) & kinds(Source) | {kind for part in source.values() for kind in named(part)}
    return {kind for part in source for kind in named(part)} if isinstance(source, list) else set()


def test_the_selection_that_is_compared_has_every_kind_of_source_and_exclusion() -> None:
    assert {one.kind for one in AudiencePlan.model_validate(EVERYTHING).remove} == kinds(Exclusion)
    assert named(EVERYTHING["source"]) == kinds(Source)


def test_every_source_and_exclusion_give_the_same_list_to_the_byte(
    dataset: Dataset, server: Server, tmp_path: Path
) -> None:
    here = frozen(dataset, tmp_path / "here", EVERYTHING)
    there = frozen(dataset, tmp_path / "there", EVERYTHING, server)
    ours, theirs = here.manifest, there.manifest
    assert (theirs.digest, theirs.rows) == (ours.digest, ours.rows)
    assert (there.folder / LIST).read_bytes() == (here.folder / LIST).read_bytes()
    assert theirs.waterfall == ours.waterfall
    assert theirs.counts.overlaps() == ours.counts.overlaps()
    assert (theirs.threshold, theirs.thresholds, theirs.cells) == (ours.threshold, ours.thresholds, ours.cells)
    assert theirs.thresholds and len(ours.rungs) == 16
    assert theirs.groups == ours.groups == ("kept@2", "mixed@1", "young@1")
    assert all(row.removed for row in ours.waterfall if row.name not in ("base", "target"))
    assert theirs.balanced == ours.balanced
    for one, other in zip(theirs.balance, ours.balance, strict=True):
        assert (one.field, one.difference) == (other.field, pytest.approx(other.difference))
    assert theirs.balance_of_cells.keys() == ours.balance_of_cells.keys() == ours.cells.keys()
    for cell, its in ours.balance_of_cells.items():
        their = theirs.balance_of_cells[cell]
        assert (their.target, their.control) == (its.target, its.control)
        assert [one.difference for one in their.fields] == pytest.approx([one.difference for one in its.fields])
    assert theirs.versions["engine"].startswith("postgresql 1") and ours.versions["engine"].startswith("duckdb")
    assert verify(there.folder) == theirs
    read_there = {one.table: one.rows for one in theirs.inputs if one.path.startswith("crm:crm.")}
    assert read_there.keys() == set(THERE) and read_there["customers"] == CUSTOMERS + 1


def told_by_sms(dataset: Dataset, folder: Path, others: str) -> Dataset:
    """The same customers; of contacts by SMS nobody knows what they were for. `others`: what becomes of all others."""
    copied = Dataset(shutil.copytree(dataset.folder, folder), vault)
    files = copied.paths(copied.current().tables["contacts"])
    rows = pa.concat_tables([pq.read_table(path) for path in files], promote_options="default")
    by_sms = pc.fill_null(pc.equal(rows["channel"], "sms"), fill_value=False)
    copied.replace("contacts", Table(contacts.COLUMNS, ()))
    written_by_an_earlier_release(copied, rows if others == "unknown" else rows.filter(by_sms))
    if others == "known":
        contacts.append(copied, rows.filter(pc.invert(by_sms)))
    return copied


@pytest.mark.parametrize(("schema", "others"), [("old", "known"), ("old", "none"), ("odd", "unknown")])
def test_contacts_of_a_server_that_knows_no_purposes_count_for_every_purpose(
    dataset: Dataset, server: Server, tmp_path: Path, schema: str, others: str
) -> None:
    by_hand = "SELECT c.customer FROM customers AS c LEFT JOIN contacts AS k ON k.customer = c.customer WHERE"
    names_it = {"sql": f"{by_hand} k.purpose IS NULL OR k.purpose <> 'x'"}
    source = names_it if others == "none" else {"rule": "true"}
    plan = {"source": source, "remove": ["policy"], "cells": {"all": "true"}}
    old, here = replace(server, schema=schema), told_by_sms(dataset, tmp_path / "data", others)
    own = dataset if others != "none" else Dataset(tmp_path / "none", vault)
    listed, there = frozen(here, tmp_path / "here", plan), frozen(own, tmp_path / "there", plan, old)
    assert (there.folder / LIST).read_bytes() == (listed.folder / LIST).read_bytes()
    assert there.manifest.waterfall[1:] == listed.manifest.waterfall[1:]
    assert there.manifest.digest != frozen(dataset, tmp_path / "known", plan).manifest.digest
    removed = min({id_of(n) for n in range(600)} - {row[0] for row in rows_of(there)})
    base, limits = CustomerBase(own, old.version(own.current()), old), Limits(threads=2, seconds=60)
    theirs = base.why(there.folder, of_frozen(there), removed, limits=limits)
    ours = why(here, listed.folder, of_frozen(listed), removed, limits=limits)
    assert theirs.agrees and ours.agrees
    told, same = (
        {(row.values["at"], row.values.get("case_number")) for row in one.removals[0].shown} for one in (theirs, ours)
    )
    assert told == same != set()


@pytest.mark.parametrize("source", EVERYTHING["source"]["except"][0]["union"], ids=lambda one: next(iter(one)))
def test_each_source_gives_the_same_customers(
    dataset: Dataset, server: Server, tmp_path: Path, source: dict[str, Any]
) -> None:
    plan = {"source": source, "cells": {"many": "c.arpu > 60", "few": "true"}}
    here, there = frozen(dataset, tmp_path / "here", plan), frozen(dataset, tmp_path / "there", plan, server)
    assert rows_of(there) == rows_of(here) != []


def test_the_server_is_left_as_it_was(dataset: Dataset, server: Server, pg_server: str, tmp_path: Path) -> None:
    frozen(dataset, tmp_path / "there", EVERYTHING, server)
    with closing(_link(server.url)) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog',"
            " 'information_schema', 'crm', 'old', 'odd')"
        )
        assert cursor.fetchone() == (0,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM crm.customers")


def test_a_server_that_takes_too_long_is_not_waited_for(dataset: Dataset, server: Server, tmp_path: Path) -> None:
    slow = {
        "source": {
            "sql": "SELECT a.customer FROM customers AS a JOIN customers AS b ON a.sms_consent ="
            " b.sms_consent JOIN customers AS c ON b.sms_consent = c.sms_consent GROUP BY a.customer"
            " HAVING sum(a.arpu * b.arpu * c.arpu) > 0"
        }
    }
    with pytest.raises(SelectionFailed, match=r"longer than 0\.5 seconds"):
        frozen(dataset, tmp_path / "there", slow, server, seconds=0.5)
    assert not list(tmp_path.iterdir())


def test_no_value_of_a_customer_is_told_where_one_does_not_fit(
    dataset: Dataset, server: Server, tmp_path: Path
) -> None:
    wrong = {"source": {"sql": "SELECT customer FROM customers WHERE CAST(phone AS DATE) > :as_of"}}
    with pytest.raises(SelectionFailed) as told:
        frozen(dataset, tmp_path / "there", wrong, server)
    assert "does not fit" in str(told.value) and "1380013" not in str(told.value)


def test_a_control_group_that_is_too_small_is_told(dataset: Dataset, server: Server, tmp_path: Path) -> None:
    with pytest.raises(SelectionFailed, match="needs 5000 customers"):
        frozen(
            dataset, tmp_path / "there", {"source": {"rule": "true"}, "control": {"share": "1%", "min": 5000}}, server
        )


def test_a_server_without_customers_and_an_unknown_one_are_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no table customers"):
        replace(server, schema="public").version()
    with pytest.raises(CustomersUnavailable, match="nothing listens at its address") as told:
        Server("crm", "postgresql://nobody:secret@127.0.0.1:1/none").version()
    assert not any(word in str(told.value) for word in ("nobody", "secret", "127.0.0.1", "none"))
    (tmp_path / "connections.yaml").write_text(f"crm: {server.url}\n")
    assert place_of("crm:crm", tmp_path / "connections.yaml") == server
    with pytest.raises(InvalidFile, match="no connection 'erp'"):
        place_of("erp", tmp_path / "connections.yaml")


def test_the_command_selects_on_the_server_what_it_selects_from_the_files(
    dataset: Dataset, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "connections.yaml").write_text(f"crm: {server.url}\n")
    (tmp_path / "a.yaml").write_text(
        "audience:\n  source: {union: [{rule: c.arpu >= 38}, {list: upload}]}\n"
        "  remove: [{contacted_within: 30d, similar: family}, {conflicts: offer}]\n  control: {share: 10%}\n"
    )
    run = ("audience", "run", str(tmp_path / "a.yaml"), "--data", str(dataset.folder), "--as-of", "2026-11-01",
           "--offer", "flow-10g", "--json")  # fmt: skip
    named = {"COUNTERSIGN_CONNECTIONS": str(tmp_path / "connections.yaml")}
    here, there = countersign(*run), countersign(*run, "--on", "crm:crm", environment=named)
    assert there.returncode == 0, there.stderr
    ours, theirs = json.loads(here.stdout), json.loads(there.stdout)
    assert theirs["digest"] == ours["digest"] and theirs["waterfall"][1:] == ours["waterfall"][1:]
    unknown = countersign(*run, "--on", "erp", environment=named)
    assert unknown.returncode == 1 and "there is no connection 'erp'" in unknown.stderr
