"""Addresses in the files of the dataset: sealed on the way in, found by the whole of them, sealed anew."""

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import clock
from engine.audience.compile import customer_type
from engine.audience.sql import check_sql
from engine.errors import AddressUnreadable, InvalidExpression
from engine.expr.expression import compile_expression
from engine.expr.types import BOOL, TEXT, Record, Scope
from engine.masking import masked
from engine.warehouse.addresses import Vault
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.freeze import Frozen, freeze, verify
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.run import Limits
from engine.warehouse.sealed import seal_versions, sealed_texts
from engine.warehouse.shapes import shape_of
from engine.warehouse.why import of_frozen, why
from tests.support import vault
from tests.warehouse.explained_by_hand import One, compiled, dataset_of, id_of

LIMITS = Limits(threads=2, seconds=60)
NEW, OLD = bytes(range(64, 128)), bytes(range(64))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data", vault)


def take(dataset: Dataset, content: str, kind: str = "customers", name: str = "") -> bool:
    path = dataset.folder.parent / "file.csv"
    path.write_text(content)
    return import_file(dataset, shape_of(path), Wanted(kind, "customer", name))[1].is_new


def phones(dataset: Dataset, table: str = "customers") -> dict[str, str | None]:
    rows = (row for path in dataset.paths(dataset.current().tables[table]) for row in pq.read_table(path).to_pylist())
    return {row["customer"]: row["phone"] for row in rows}


def test_a_phone_is_sealed_in_the_file_and_opens_to_what_it_was(dataset: Dataset) -> None:
    take(dataset, "customer,phone,arpu\na,13800138000,30\nb,,31\nc,+86 138-0013-8001,32\n")
    found = phones(dataset)
    assert found["b"] is None
    assert all(one is None or one.startswith("sealed.0badcafe.") for one in found.values())
    assert [dataset.vault.open(found[one] or "") for one in "ac"] == ["13800138000", "+86 138-0013-8001"]
    (column,) = [one for one in dataset.current().tables["customers"].columns if one.name == "phone"]
    assert column.type == "address"


def test_the_same_file_again_is_no_new_version_although_it_is_sealed(dataset: Dataset) -> None:
    content = "customer,phone\n" + "".join(f"c{n},138{n:08}\n" for n in range(500))
    assert take(dataset, content) and not take(dataset, content)


@settings(max_examples=60)
@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=24), max_size=40))
def test_a_column_is_sealed_as_its_values_one_by_one(texts: list[str | None]) -> None:
    one = vault()
    expected = [None if text is None else one.seal(text) for text in texts]
    assert sealed_texts(pa.array(texts, pa.string()), one).to_pylist() == expected
    assert sealed_texts(pa.array(["x", None, *texts], pa.string())[2:], one).to_pylist() == expected
    assert [None if text is None else one.open(text) for text in expected] == texts


def test_a_column_of_every_length_is_what_the_library_gives() -> None:
    one, texts = vault(), ["1" * length for length in range(40)]
    column = sealed_texts(pa.array(texts, pa.string()), one).to_pylist()
    library = AESSIV(bytes(range(64)))
    assert [base64.b64decode(text.removeprefix("sealed.0badcafe.")) for text in column] == [
        library.encrypt(text.encode(), None) for text in texts
    ]


def test_a_list_with_a_column_of_phones_is_sealed_by_name_or_label(dataset: Dataset) -> None:
    take(dataset, "customer,手机号码\na,13800138000\n", kind="list", name="vip")
    assert (phones(dataset, "list_vip")["a"] or "").startswith("sealed.")


def test_an_address_of_mail_is_sealed_as_a_phone_is(dataset: Dataset) -> None:
    take(dataset, "customer,email\na,li@mail.example\nb,\n")
    (column,) = [one for one in dataset.current().tables["customers"].columns if one.name == "email"]
    assert column.type == "address"
    files = dataset.paths(dataset.current().tables["customers"])
    found = {row["customer"]: row["email"] for file in files for row in pq.read_table(file).to_pylist()}
    assert found["b"] is None
    assert found["a"].startswith("sealed.")
    assert dataset.vault.open(found["a"]) == "li@mail.example"


def test_a_phone_that_looks_like_a_sealed_one_is_a_text_like_any_other(dataset: Dataset) -> None:
    take(dataset, "customer,phone\na,sealed.0badcafe.AAAA\n")
    assert dataset.vault.open(phones(dataset)["a"] or "") == "sealed.0badcafe.AAAA"


def test_a_dataset_without_keys_takes_no_address_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vault"):
        take(Dataset(tmp_path / "data"), "customer,phone\na,13800138000\n")


def test_a_changed_or_foreign_value_is_never_opened_to_something_else(dataset: Dataset) -> None:
    value = dataset.vault.seal("13800138000")
    for wrong in (value[:-4] + "AAAA", value.replace("0badcafe", "ffffffff"), "sealed.", "sealed.0badcafe.%%"):
        with pytest.raises(AddressUnreadable):
            dataset.vault.open(wrong)


def old_and_frozen(folder: Path) -> tuple[Dataset, Frozen]:
    """A dataset of an earlier release, phones open, and a list frozen from it."""
    dataset = dataset_of(folder, [One(arpu=90)] * 12)
    return dataset, freeze(dataset, dataset.current(), compiled(dataset), folder / "cases/x/r1", limits=LIMITS)[0]


def test_a_dataset_of_an_earlier_release_is_sealed_in_every_version_and_still_answers(tmp_path: Path) -> None:
    dataset, frozen = old_and_frozen(tmp_path)
    before = why(dataset, frozen.folder, of_frozen(frozen), "13800130002", limits=LIMITS)
    files, count = seal_versions(dataset, ["phone"], by="operator", at=clock.now())
    assert (files, count) == (1, 12)
    assert not [path for path in tmp_path.rglob("*.parquet") if "1380013" in str(pq.read_table(path).to_pydict())]
    for version in dataset.versions(99):
        dataset.verify(version)
    assert verify(frozen.folder) == frozen.manifest
    after = why(dataset, frozen.folder, of_frozen(frozen), "13800130002", limits=LIMITS)
    assert before.customer == after.customer == id_of(2) and before == after
    assert seal_versions(dataset, ["phone"], by="operator", at=clock.now()) == (0, 0)
    assert dataset.sweep() == 0


def test_a_replacement_that_was_changed_is_found_by_verify(tmp_path: Path) -> None:
    dataset, _ = old_and_frozen(tmp_path)
    old = dataset.current()
    seal_versions(dataset, ["phone"], by="operator", at=clock.now())
    path = dataset.path(old.tables["customers"].files[0])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Exception, match="differs from the manifest"):
        dataset.verify(old)


def test_a_new_key_opens_what_the_old_one_sealed_and_sealing_moves_to_it(tmp_path: Path) -> None:
    take(Dataset(tmp_path / "data", lambda: Vault({"aaaaaaaa": OLD})), "customer,phone\na,13800138000\n")
    both = Dataset(tmp_path / "data", lambda: Vault({"bbbbbbbb": NEW, "aaaaaaaa": OLD}))
    assert both.vault.open(phones(both)["a"] or "") == "13800138000"
    assert phones(both)["a"] in both.vault.forms("13800138000")
    assert seal_versions(both, ["phone"], by="operator", at=clock.now()) == (1, 1)
    only_new = Dataset(tmp_path / "data", lambda: Vault({"bbbbbbbb": NEW}))
    assert only_new.vault.open(phones(only_new)["a"] or "") == "13800138000"


def test_the_sample_of_a_sealed_dataset_is_masked_like_that_of_an_open_one(tmp_path: Path) -> None:
    dataset, frozen = old_and_frozen(tmp_path)
    seal_versions(dataset, ["phone"], by="operator", at=clock.now())
    again, _ = freeze(dataset, dataset.current(), compiled(dataset), tmp_path / "cases/x/r2", limits=LIMITS)
    assert again.manifest.sample == frozen.manifest.sample and again.manifest.digest == frozen.manifest.digest
    possible = {masked(f"1380013{number:04}") for number in range(12)}
    assert again.manifest.sample and {one.shown["phone"] for one in again.manifest.sample} <= possible


def codes_of(rule: str) -> list[str]:
    customer = customer_type({"customer": "text", "phone": "address", "other": "address"})
    try:
        compile_expression(rule, Scope({"c": customer, "form": Record({"title": TEXT}, "form")}), gives=BOOL)
    except InvalidExpression as error:
        return [one.code for one in error.problems]
    return []


@pytest.mark.parametrize(
    "rule",
    [
        "c.phone == '13800138000'",
        "c.phone in ['13800138000']",
        "c.phone.startsWith('138')",
        "c.phone > '138'",
        "c.phone < c.phone",
        "c.phone + 'x' == 'y'",
        "c.phone == form.title",
        "size(c.phone) == 11",
        "string(dyn(c.phone)) == '1'",
    ],
)
def test_a_rule_that_reads_an_address_is_told_what_is_possible(rule: str) -> None:
    assert "E350" in codes_of(rule)


@pytest.mark.parametrize("rule", ["c.phone != null", "c.phone == null", "has(c.phone)", "c.phone == c.other"])
def test_a_rule_may_ask_whether_there_is_an_address(rule: str) -> None:
    assert codes_of(rule) == []


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ("SELECT customer FROM customers WHERE phone IS NOT NULL", set()),
        ("SELECT customer FROM customers WHERE phone = '13800138000'", {"E351"}),
        ("SELECT customer FROM customers WHERE phone LIKE '138%'", {"E351"}),
        ("SELECT customer FROM (SELECT customer, phone AS p FROM customers) AS x WHERE p > '1'", {"E351"}),
        ("SELECT customer FROM customers ORDER BY phone", {"E351"}),
    ],
)
def test_a_statement_may_ask_no_more_of_an_address(statement: str, codes: set[str]) -> None:
    found = check_sql(statement, {"customers": {"customer": "text", "phone": "address"}})
    assert {one.code for one in found} == codes if isinstance(found, tuple) else not codes


def test_an_old_open_file_beside_a_sealed_one_is_read_as_both_are(tmp_path: Path) -> None:
    """The next import of customers replaces the file, so both forms never stand in one table; the vault reads both."""
    table = pa.table({"customer": ["a"], "phone": ["13800138000"]})
    dataset = Dataset(tmp_path / "data", vault)
    with dataset.fresh_file("customers") as path:
        pq.write_table(table, path)
        file = dataset.keep("customers", path, 1)
    dataset.replace("customers", Table((Column("customer", "text"), Column("phone", "text")), (file,)))
    assert dataset.vault.open(phones(dataset)["a"] or "") == "13800138000"
    take(dataset, "customer,phone\na,13800138000\n")
    assert (phones(dataset)["a"] or "").startswith("sealed.")
