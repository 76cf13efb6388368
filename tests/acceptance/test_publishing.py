"""A definition gets into force by two people, and running cases stay with the text they were started under."""

from pathlib import Path

import pytest

from engine.definition.load import load
from engine.errors import InvalidDefinition, NotFound, NotPossible
from engine.service import definitions, proposals, publishing
from engine.service.app import Countersign
from engine.store import cases
from engine.store import people as store
from tests.acceptance.offices import PROPOSAL, key, opened, viewer

SHIPPED = (Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml").read_text()
NAME = "telecom-marketing-case"
SECOND = SHIPPED.replace("\nversion: 3\n", "\nversion: 4\n").replace(
    'city_budget: "50000.00"', 'city_budget: "90000.00"'
)


def with_author(app: Countersign) -> None:
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])


def test_a_draft_of_one_person_is_published_by_another(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with_author(app)
        author, second = viewer(app, "sunli"), viewer(app, "machao")
        saved = publishing.save_draft(app, author, SECOND)
        assert definitions.newest(app, NAME)[0].version == 3  # a draft is not in force
        release = publishing.publish(app, second, NAME, 4, fingerprint=saved.fingerprint)
        assert (release.author, release.published_by) == ("sunli", "machao")
        assert "param city_budget: 50,000.00 -> 90,000.00" in [change.message for change in release.changes]
        assert definitions.newest(app, NAME)[0].version == 4
        row = publishing.versions(app, author, NAME)[-1]
        assert (row.version, row.state, row.author, row.published_by) == (4, "published", "sunli", "machao")
        assert publishing.publish(app, second, NAME, 4).unchanged
        assert publishing.save_draft(app, second, f"# a comment alone\n{SECOND}").unchanged


def test_nobody_publishes_their_own_draft(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with_author(app)
        author, second = viewer(app, "sunli"), viewer(app, "machao")
        publishing.save_draft(app, author, SECOND)
        with pytest.raises(NotPossible, match="sunli is its author"):
            publishing.publish(app, author, NAME, 4)
        publishing.save_draft(app, second, SECOND)  # who saves it over becomes its author
        with pytest.raises(NotPossible, match="machao is its author"):
            publishing.publish(app, second, NAME, 4)
        assert definitions.newest(app, NAME)[0].version == 3


def test_what_was_not_read_is_not_published(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with_author(app)
        author, second = viewer(app, "sunli"), viewer(app, "machao")
        read = publishing.save_draft(app, author, SECOND).fingerprint
        publishing.save_draft(app, author, SECOND.replace("90000.00", "900000.00"))
        with pytest.raises(NotPossible, match="another text"):
            publishing.publish(app, second, NAME, 4, fingerprint=read)


def test_a_wrong_text_and_a_version_that_was_not_raised_are_refused(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with_author(app)
        author = viewer(app, "sunli")
        with pytest.raises(InvalidDefinition, match="E203"):
            publishing.save_draft(app, author, SECOND.replace("material: [offer,", "material: [ofer,"))
        with pytest.raises(NotPossible, match="write `version: 4`"):
            publishing.save_draft(app, author, SECOND.replace("\nversion: 4\n", "\nversion: 3\n"))


def test_for_everyone_else_there_are_no_drafts(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        stranger = viewer(app, "wangmin")
        for act in (
            lambda: publishing.save_draft(app, stranger, SECOND),
            lambda: publishing.publish(app, stranger, NAME, 3),
            lambda: publishing.versions(app, stranger),
            lambda: publishing.read(app, stranger, NAME, 3),
        ):
            with pytest.raises(NotFound):
                act()


def test_a_case_that_runs_stays_with_its_version(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with_author(app)
        submitter = viewer(app, "wangmin")
        before = proposals.start(app, submitter, NAME, key=key())
        publishing.save_draft(app, viewer(app, "sunli"), SECOND)
        publishing.publish(app, viewer(app, "machao"), NAME, 4)
        after = proposals.start(app, submitter, NAME, key=key())
        for case_id in (before, after):
            proposals.submit(app, submitter, case_id, PROPOSAL, key=key())
        with app.db.read() as tx:
            pinned, fresh = (cases.load(tx, case_id) for case_id in (before, after))
        assert (pinned.process.version, fresh.process.version) == (3, 4)
        assert pinned.process.fingerprint == load(SHIPPED).fingerprint
