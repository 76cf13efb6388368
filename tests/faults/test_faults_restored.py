"""A backup taken while cases are written, and an older copy put back: the same histories, and nothing is sent until
somebody releases it."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.database import app as program
from engine.errors import InvalidFile
from engine.service import backups, delivering, effects, messaging, restoring
from engine.service.app import Countersign
from engine.service.backups import CasesThere, FileThere
from engine.service.recording import OPERATOR
from engine.service.restoring import NotHeld
from engine.settings import Settings
from engine.store import dumping, history, trail
from engine.store.session import Database
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import RunningGateway, running_gateway
from tests.servers.postgres import create_database, execute
from tests.store.by_hand import open_case, submit

CUSTOMERS = 400
TARGET = 360


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, db_url: str, tmp_path: Path) -> Iterator[str]:
    """A database of the same kind without tables."""
    if db_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'other' / 'case.db'}"
        return
    server = request.getfixturevalue("pg_server")
    name = f"restored_{request.getfixturevalue('worker')}"
    yield create_database(server, name)
    execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _digest(db: Database) -> str:
    with db.read() as tx:
        return dumping.digest(tx)


def test_a_backup_while_cases_are_written_has_whole_histories_and_comes_back_with_the_same_digest(
    db_url: str, empty_url: str, tmp_path: Path
) -> None:
    app = Countersign(Settings(home=tmp_path / "home", database_url=db_url), Database(db_url))
    paper = tmp_path / "home" / "attachments" / "ab" / "abcd"
    paper.parent.mkdir(parents=True)
    paper.write_bytes(b"a paper")
    (tmp_path / "home" / "attachments" / ".incoming-1").write_bytes(b"half")
    open_case(app.db, "before")
    over = threading.Event()
    written = []

    def write() -> None:
        while not over.is_set() and len(written) < 400:
            case = f"c{len(written)}"
            open_case(app.db, case)
            submit(app.db, case)
            written.append(case)

    writer = threading.Thread(target=write)
    writer.start()
    while len(written) < 5:
        over.wait(0.01)
    made = backups.make(app, tmp_path / "backup")
    during = len(written)
    over.set()
    writer.join()
    assert 5 <= made.cases <= during + 2
    with pytest.raises(FileThere):
        backups.make(app, tmp_path / "backup")
    other = Settings(home=tmp_path / "restored", database_url=empty_url)
    done = backups.restore(other, other.database, tmp_path / "backup")
    assert (done.files, done.manifest.digest) == (1, made.digest)
    assert (tmp_path / "restored" / "attachments" / "ab" / "abcd").read_bytes() == b"a paper"
    restored = Countersign(other, Database(other.database))
    assert _digest(restored.db) == made.digest
    with restored.db.read() as tx:
        ids = history.case_ids(tx)
        assert [history.verify(tx, one) for one in ids] == [None] * made.cases
    with pytest.raises(CasesThere, match=f"holds {made.cases} cases already"):
        backups.restore(other, other.database, tmp_path / "backup")
    assert not restoring.may_send(restored)
    restored.close()
    app.close()


def test_what_is_no_backup_is_refused_before_anything_is_touched(db_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", database_url=db_url)
    db = Database(db_url)
    open_case(db)
    before = _digest(db)
    (tmp_path / "none").write_bytes(b"something else")
    with pytest.raises(InvalidFile, match="no backup of ours"):
        backups.restore(settings, settings.database, tmp_path / "none", replace=True)
    assert _digest(db) == before
    db.close()


def test_a_restored_older_copy_sends_nothing_until_released_and_then_nobody_twice(
    db_url: str, tmp_path: Path, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    delivering.begin(app, CASE)
    delivering.work(app, "before", limit=100)
    backups.make(app, tmp_path / "backup")
    while delivering.work(app, "after"):
        pass
    assert len(gateway.times()) == TARGET
    url = app.settings.database
    app.close()
    backups.restore(app.settings, url, tmp_path / "backup", replace=True)
    app = Countersign(app.settings, Database(url))
    sent = []
    assert delivering.work(app, "restored") is None
    assert effects.work(app, sent.append) == effects.Counts()
    assert messaging.send_due(app, sent.append) == (0, 0)
    assert gateway.stats()["repeated"] == 0
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    said = CliRunner().invoke(program, ["release", "--reason", "the gateway's log was compared", "--database", db_url])
    assert said.output == "What is due is sent again (epoch 1).\n"
    with app.db.read() as tx:
        assert trail.verify(tx, lambda _text: ()) is None
    while delivering.work(app, "released"):
        pass
    times = gateway.times()
    assert gateway.stats()["repeated"] > 0
    assert (len(times), set(times.values())) == (TARGET, {1})
    with pytest.raises(NotHeld):
        restoring.release(app, OPERATOR, "once more")
    app.close()


def _older(app: Countersign, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A copy that somebody made by their own means: where it is, and the statement that would make it again."""
    url = app.settings.database
    if app.db.dialect_name == "sqlite":
        copy = tmp_path / "older.db"
        app.db.close()  # the last connection writes the log back into the file
        shutil.copy(str(app.db.url.database), copy)
        return f"sqlite:///{copy}", ""
    app.db.engine.dispose()
    name = f"older_{request.getfixturevalue('worker')}"
    return create_database(request.getfixturevalue("pg_server"), name, template=url.rsplit("/", 1)[1]), name


def test_a_copy_put_back_by_other_means_is_known_by_what_this_machine_remembers(
    db_url: str, tmp_path: Path, gateway: RunningGateway, request: pytest.FixtureRequest
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    delivering.begin(app, CASE)
    delivering.work(app, "before", limit=50)
    older, name = _older(app, request, tmp_path)
    app.may_send_until = 0  # a second passes
    while delivering.work(app, "after"):
        pass
    app.close()
    settings = app.settings.model_copy(update={"database_url": older})
    copy = Countersign(settings, Database(older))
    assert restoring.held(copy) is None
    assert delivering.work(copy, "copy") is None
    held = restoring.held(copy)
    assert held is not None
    assert "older copy" in held.because
    assert gateway.stats()["repeated"] == 0
    copy.close()
    again = Countersign(app.settings, Database(app.settings.database))
    assert restoring.may_send(again)  # the database that went on is not held
    again.close()
    if name:
        execute(request.getfixturevalue("pg_server"), f'DROP DATABASE "{name}" WITH (FORCE)')


def test_waves_begun_after_a_release_have_ids_that_no_gateway_knows_and_lost_lists_are_put_aside(
    db_url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    backups.make(app, tmp_path / "backup")
    delivering.begin(app, CASE)
    delivering.work(app, "lost", limit=50)
    lost = {message["id"] for message in gateway.messages()}
    url = app.settings.database
    app.close()
    backups.restore(app.settings, url, tmp_path / "backup", replace=True)
    app = Countersign(app.settings, Database(url))
    restoring.release(app, OPERATOR, "the lost wave is known to have gone in part")
    folder = app.settings.data / "cases" / CASE / "waves"
    aside = "lost1-1-main-sms.parquet"
    assert sorted(path.name for path in folder.iterdir()) == [aside, f"{aside}.texts.json"]
    assert (app.settings.data / "cases" / CASE / "r1").is_dir()  # the frozen list is the copy's own
    delivering.begin(app, CASE)
    while delivering.work(app, "anew"):
        pass
    anew = {message["id"] for message in gateway.messages()} - lost
    assert len(anew) == TARGET
    assert all(one.startswith(f"{CASE}-e1w1.") for one in anew)
    app.close()


def test_an_unreadable_memory_holds_nothing_and_another_database_is_not_judged_by_it(
    db_url: str, tmp_path: Path
) -> None:
    app = Countersign(Settings(home=tmp_path, database_url=db_url), Database(db_url))
    (tmp_path / "lineage.json").write_text("{broken")
    assert restoring.may_send(app)
    remembered = json.loads((tmp_path / "lineage.json").read_text())
    assert list(remembered.values()) == [[0, 1]]
    (tmp_path / "lineage.json").write_text(json.dumps({"another database": [7, 900]}))
    app.may_send_until = 0
    assert restoring.may_send(app)
    assert json.loads((tmp_path / "lineage.json").read_text())["another database"] == [7, 900]
    app.close()
