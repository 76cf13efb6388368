"""The shipped definitions in a database that already has some."""

from pathlib import Path

import pytest

from engine.cli.definitions.files import checked
from engine.definition.load import load
from engine.definition.prove_guarantees import Proved, Prover
from engine.definition.scenario_run import run_scenarios
from engine.service import definitions
from engine.store import definitions as store
from tests.acceptance.offices import opened

FOLDER = Path(__file__).resolve().parents[2] / "definitions"
FILES = [
    file
    for file in sorted((*FOLDER.glob("*.yaml"), *(FOLDER / "examples").glob("*.yaml")))
    if "\nkind: CaseDefinition\n" in file.read_text(encoding="utf-8")
]
SHIPPED = Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml"


def test_publishing_the_shipped_definitions_again_changes_nothing(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        assert definitions.publish_shipped(app) == ()


def test_a_text_that_the_operator_published_under_the_same_version_stays(db_url: str, tmp_path: Path):
    own = load(SHIPPED.read_text().replace("zh: 电信营销案", "zh: 本公司营销案"))
    with opened(db_url, tmp_path, shipped=False) as app:
        with app.db.begin() as tx:
            store.publish(
                tx,
                name=own.name,
                version=own.version,
                fingerprint=own.fingerprint,
                source=own.source,
                author="machao",
                by="wuqian",
                at=app.now(),
            )
        assert own.name not in definitions.publish_shipped(app)
        assert definitions.newest(app, own.name)[1].title.zh == "本公司营销案"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenarios_try_every_row_branch_and_step_and_every_guarantee_is_proved(file: Path) -> None:
    found = checked(file)
    assert [str(problem) for problem in found.problems] == []
    assert found.definition is not None
    report = run_scenarios(found.definition, found.document)
    assert [str(problem) for problem in report.problems] == []
    assert len(report.results) >= 2
    counts = report.coverage.counts()
    for what in ("rows", "conditions", "steps"):
        assert counts[what][0] == counts[what][1], report.coverage.missing()
    guarantees = found.definition.guarantees
    assert [type(answer) for answer in Prover(found.definition).answers] == [Proved] * len(guarantees)


@pytest.mark.parametrize("file", [SHIPPED, FOLDER / "examples" / "payment-approval.yaml"], ids=lambda file: file.stem)
def test_every_decision_of_the_telecom_case_and_the_payment_is_tried(file: Path) -> None:
    found = checked(file)
    assert found.definition is not None
    assert run_scenarios(found.definition, found.document).coverage.missing() == ()
