"""Phones of customers after a whole case: the gateway has them, and nobody else."""

import logging
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine.errors import AddressUnreadable
from engine.service import answering, delivering, people
from engine.service.app import Countersign
from engine.service.recording import By
from engine.settings import Settings
from tests.acceptance.offices import key
from tests.acceptance.sealed_case import NUMBER, delivered, frozen, phone_of, started
from tests.servers.gateway import RunningGateway


def rows_of(app: Countersign) -> Iterator[str]:
    """Every row of every table of the case database, as text; bytes as they are read as Latin-1."""
    with app.db.read() as tx:
        for table in sa.inspect(tx).get_table_names():
            for row in tx.execute(sa.text(f'SELECT * FROM "{table}"')):
                yield " ".join(
                    bytes(one).decode("latin-1") if isinstance(one, bytes | memoryview) else str(one) for one in row
                )


def open_numbers(app: Countersign) -> set[str]:
    """Where a phone of a customer stands in full: files under the home folder (Parquet also unpacked) and tables."""
    found = set()
    for path in app.settings.home.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pydict())
        if "1391357" in text:
            found.add(str(path.relative_to(app.settings.home)))
    found |= {"a table" for row in rows_of(app) if "1391357" in row}
    return found


def test_a_whole_case_leaves_no_phone_open_anywhere_but_at_the_gateway(
    app: Countersign, gateway: RunningGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    case_id = delivered(app)
    sent = gateway.times()
    assert set(sent) <= {phone_of(n) for n in range(NUMBER)}
    assert len(sent) >= 40 and set(sent.values()) == {1}
    machao = By(people.viewer_named(app, "machao"), key=key())
    for phone in (phone_of(7), "13913579999"):  # one is a customer's, the other nobody's
        answering.explain_customer(app, machao, case_id, phone)
    assert open_numbers(app) == set()
    assert "1391357" not in caplog.text


def test_the_grep_finds_a_phone_that_lies_open(app: Countersign) -> None:
    frozen(app)
    (app.settings.home / "leak.csv").write_text(f"C0001,{phone_of(1)}\n")
    assert open_numbers(app) == {"leak.csv"}


def test_without_its_key_nothing_is_sent_and_with_the_earlier_one_in_the_file_all_is(
    app: Countersign, gateway: RunningGateway
) -> None:
    started(app)
    secret = app.settings.home / "secret.key"
    first = secret.read_text()
    secret.write_text("11" * 32)
    with pytest.raises(AddressUnreadable, match=r"secret\.key"):
        delivering.work(Countersign(Settings(**app.settings.model_dump()), app.db), "worker")
    assert not gateway.times()
    secret.write_text("11" * 32 + "\n" + first)
    delivering.work(Countersign(Settings(**app.settings.model_dump()), app.db), "worker")
    assert len(gateway.times()) >= 40 and set(gateway.times().values()) == {1}
