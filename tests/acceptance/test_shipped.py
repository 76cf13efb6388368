"""The shipped definitions in a database that already has some."""

from pathlib import Path

import pytest

from engine.cli.definitions.files import checked, loaded
from engine.definition.document import read
from engine.definition.load import load
from engine.definition.prove_guarantees import Proved, Prover
from engine.definition.scenario_run import run_scenarios
from engine.service import approvals, definitions, publishing
from engine.service.app import Countersign
from engine.store import cases
from tests.acceptance.offices import in_force, key, open_task, opened, submitted, viewer

FOLDER = Path(__file__).resolve().parents[2] / "definitions"
FILES = [
    file
    for file in sorted((*FOLDER.glob("*.yaml"), *(FOLDER / "examples").glob("*.yaml")))
    if "\nkind: CaseDefinition\n" in file.read_text(encoding="utf-8")
]
SHIPPED = FOLDER / "telecom-marketing-case.yaml"
NAME = SHIPPED.stem
EARLIER = SHIPPED.read_text(encoding="utf-8").replace("\nversion: 3\n", "\nversion: 1\n").replace("max: 40", "max: 30")
FINGERPRINTS = Path(__file__).resolve().parents[1] / "shipped_fingerprints.yaml"


def test_publishing_the_shipped_definitions_again_changes_nothing(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        assert definitions.publish_shipped(app) == ()


def states(app: Countersign) -> list[tuple[int, str, str]]:
    return [(row.version, row.state, row.author) for row in publishing.all_versions(app, NAME)]


def test_a_newer_version_is_in_force_for_new_cases_and_running_cases_stay_with_theirs(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path, shipped=False) as app:
        old = in_force(app, load(EARLIER), author="system", by="system")
        running = submitted(app)
        assert NAME in definitions.publish_shipped(app)
        assert definitions.publish_shipped(app) == ()
        fresh = submitted(app)
        with app.db.read() as tx:
            before, after = (cases.load(tx, case_id).process for case_id in (running, fresh))
        assert (before.version, before.fingerprint) == (1, old.fingerprint)
        assert after.fingerprint == load(SHIPPED.read_text()).fingerprint
        task = open_task(app, "liguoqiang")
        approvals.decide(app, viewer(app, "liguoqiang"), task, "approve", remark="", seen_seq=None, key=key())
        with app.db.read() as tx:
            assert {task.step for task in cases.load(tx, running).tasks if task.is_pending} >= {"city_finance"}


def test_over_a_version_of_the_operators_own_the_newer_one_is_only_offered(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path, shipped=False) as app:
        in_force(app, load(EARLIER.replace("zh: 电信营销案", "zh: 本公司营销案")), author="machao", by="wuqian")
        assert NAME not in definitions.publish_shipped(app)
        assert definitions.newest(app, NAME)[1].title.zh == "本公司营销案"
        assert states(app) == [(1, "published", "machao"), (3, "draft", "system")]
        assert NAME not in definitions.publish_shipped(app)
        publishing.publish(app, viewer(app, "machao"), NAME, 3)
        assert states(app)[-1] == (3, "published", "system")


def test_a_text_that_the_operator_published_under_the_same_version_stays(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path, shipped=False) as app:
        in_force(app, load(SHIPPED.read_text().replace("zh: 电信营销案", "zh: 本公司营销案")))
        assert NAME not in definitions.publish_shipped(app)
        assert definitions.newest(app, NAME)[1].title.zh == "本公司营销案"


def test_a_draft_of_somebodys_under_the_same_version_stays(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path, shipped=False) as app:
        in_force(app, load(EARLIER), author="system", by="system")
        own = SHIPPED.read_text().replace("zh: 电信营销案", "zh: 本公司营销案")
        publishing.save_draft(app, viewer(app, "machao"), own)
        assert NAME not in definitions.publish_shipped(app)
        assert states(app) == [(1, "published", "system"), (3, "draft", "machao")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_text_of_a_version_never_changes(file: Path) -> None:
    """Where this fails, raise `version:` in the file, and add the line that it tells to the list."""
    definition = loaded(file)
    known = read(FINGERPRINTS.read_text(encoding="utf-8")).value
    assert known.get(definition.name, {}).get(str(definition.version)) == definition.fingerprint, (
        f"{FINGERPRINTS.name}: {definition.name}: {{{definition.version}: {definition.fingerprint}}}"
    )


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
