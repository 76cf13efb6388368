"""The shipped definitions in a database that already has some."""

from pathlib import Path

from engine.definition.load import load
from engine.service import definitions
from engine.store import definitions as store
from tests.acceptance.offices import opened

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
