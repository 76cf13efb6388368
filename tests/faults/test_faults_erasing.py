"""An erasure that is killed at one step after another ends whole, and its certificate counts everything once."""

import subprocess
import sys
from pathlib import Path

from engine.organisation import Grant
from engine.service import auditing, delivering, erasing, forgetting, suppressing
from engine.service.recording import OPERATOR, By
from engine.service.sealing import dataset_of
from engine.service.views import Viewer
from engine.store import ledger
from engine.warehouse.freeze import LIST
from tests.acceptance.test_erasing import places_of
from tests.faults.delivering_case import CASE, delivering_case
from tests.support import ROOT

ONE, PHONE = "k0000007", "13800000007"
STEPS = (1, 2, 3, 4, 6, 9)


def test_killed_at_one_step_after_another_it_ends_whole(db_url: str, tmp_path: Path) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=300)
    delivering.begin(app, CASE)
    suppressing.add(app, OPERATOR, kind="grey", customer=ONE, reason="called too often")
    with app.db.read() as tx:
        before = {wave: sums.audience for wave, sums in ledger.sums(tx, CASE).items()}
    asking = By(Viewer("li", "Li", "en", (Grant("li", "administrator", "430102"),)))
    number = erasing.ask(app, asking, customer=ONE, typed=ONE, reason="asked")
    program = [sys.executable, "-m", "tests.faults.erasing_worker", db_url, str(app.settings.home), str(number)]
    killed = [subprocess.run([*program, str(step)], cwd=ROOT, check=False).returncode for step in STEPS]
    assert killed[:4] == [-9] * 4
    halfway = erasing.view(app, OPERATOR, number)
    assert halfway.state == "done" or halfway.looked == halfway.of > 0
    erasing.go_on(app, OPERATOR, number)

    done = erasing.view(app, OPERATOR, number)
    assert done.state == "done" and places_of(app, ONE, PHONE) == set()
    said = {place.name: (place.files, place.rows) for place in done.places}
    assert said == {
        "customers": (1, 1),
        "frozen": (1, 1),
        "waves": (1, 1),
        "table_recipients": (0, 1),
        "table_suppressions": (0, 1),
        "table_history": (0, 1),
    }
    dataset = dataset_of(app.settings)
    assert dataset.current().tables["customers"].rows == 299
    for version in dataset.versions(9):
        dataset.verify(version)
    _, certificate = erasing.certificate(app, OPERATOR, number)
    assert all(spot.now and spot.now != spot.was for spot in certificate.files)
    assert not list(app.settings.data.rglob("*.new"))
    with app.db.read() as tx:
        after = ledger.sums(tx, CASE)
    assert {wave: sums.audience for wave, sums in after.items()} == before
    assert sum(sums.suppressed for sums in after.values()) == 1
    broken = auditing.verify(app, OPERATOR).broken  # the approval of the case is not played, so it is among them
    assert [one for one in broken if one.case_id != CASE] == []
    assert forgetting.catch_up(app) == 0 and (app.settings.data / "cases" / CASE / "r1" / LIST).exists()
    app.close()
