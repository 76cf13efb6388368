"""`countersign delivery recount` finds sums that are not what the ledger says, and mends them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from engine.cli.delivery import app as command
from engine.service import delivering
from engine.service.app import Countersign
from engine.store import ledger
from engine.store.tables import organisation_history, wave_sums
from tests.faults.delivering_case import CASE, delivering_case

DELIVERY = """
  waves:
    - {name: main, share: rest, channel: sms}
  message: {text: "{name}您好", fields: [name]}
"""


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    application = delivering_case(db_url, tmp_path, customers=10, delivery=DELIVERY)
    delivering.begin(application, CASE)
    yield application
    application.close()


def test_a_wave_whose_sums_are_wrong_is_named_and_mended(app: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database_url)
    said = CliRunner().invoke(command, ["recount"])
    assert (said.exit_code, said.output) == (0, "The sums of all waves are right.\n")
    with app.db.begin() as tx:
        right = ledger.sums(tx, CASE)
        tx.execute(sa.update(wave_sums).values(waiting=wave_sums.c.waiting - 1, sent=1))
    (wave,) = right
    told = (
        f"{wave}: waiting is {right[wave].waiting - 1}, its rows say {right[wave].waiting}; sent is 1, its rows say 0"
    )
    said = CliRunner().invoke(command, ["recount"])
    assert (said.exit_code, said.output) == (1, f"{told}\n")
    said = CliRunner().invoke(command, ["recount", "--mend"])
    assert (said.exit_code, said.output) == (0, f"{told}\nThese sums are mended.\n")
    with app.db.read() as tx:
        assert ledger.sums(tx, CASE) == right
        kinds = tx.execute(
            sa.select(organisation_history.c.subject).where(organisation_history.c.kind == "sums_mended")
        )
        assert kinds.scalars().all() == [wave]
