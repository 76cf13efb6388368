"""Running cases stay with their version until somebody moves them, by name, with every case's reasons."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.definition.load import load
from engine.errors import Invalid, NotFound
from engine.machine.case import Case
from engine.service import approvals, cases, migrating, proposals
from engine.service.app import Countersign
from engine.service.migrating import Move
from engine.store import cases as store
from engine.store import definitions
from engine.store.history import verify
from engine.store.tables import cases as rows
from tests.acceptance.offices import key, open_task, opened, submitted, viewer
from tests.support import FULL

SHIPPED, _, _ = (
    (Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml")
    .read_text()
    .partition("\ntests:\n")
)  # a version without scenarios: they name what these tests rename
NAME = "telecom-marketing-case"
COUNTY = 'who: "head@county"'
OTHERWISE = """objection: {window: 2wd, then: to_city}
        convert: to_province
        register: "{office.code}/{seq}"
"""
RUNNING = {"sqlite": 1000, "postgresql": 1000 if FULL else 200}
WALKED = 20


def publish(app: Countersign, *replacements: str, version: int = 4) -> None:
    """The shipped definition with changes, under the next version."""
    text = SHIPPED.replace("\nversion: 3\n", f"\nversion: {version}\n")
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    definition = load(f"{text}\n")
    with app.db.begin() as tx:
        known = (definition.name, definition.version, definition.fingerprint, definition.source)
        name, version, fingerprint, source = known
        definitions.publish(
            tx, name=name, version=version, fingerprint=fingerprint, source=source, author="a", by="b", at=app.now()
        )


def migrate(app: Countersign, to: int, *only: str, dry_run: bool = False, since: int | None = None) -> list[Move]:
    found = migrating.migrate(app, viewer(app, "machao"), NAME, to=to, only=only, dry_run=dry_run, since=since)
    return list(found)


def case_of(app: Countersign, case_id: str) -> Case:
    with app.db.read() as tx:
        assert verify(tx, case_id) is None
        return store.load(tx, case_id)


def approve(app: Countersign, login: str) -> None:
    approvals.decide(app, viewer(app, login), open_task(app, login), "approve", remark="", seen_seq=None, key=key())


def asked(case: Case) -> list[tuple[str, str]]:
    return [(task.step, task.person) for task in case.tasks if task.state == "open"]


def test_a_dry_run_names_what_would_change_and_changes_nothing(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        publish(app, COUNTY, 'who: "role:analyst@county"', 'who: "role:vp_market@city"', 'who: "head@city"')
        before = case_of(app, case_id)
        (move,) = migrate(app, 4, dry_run=True)
        assert move.hindrances == ()
        assert [(step.name, step.asks, step.will_ask) for step in move.steps] == [
            ("county_head", ("liguoqiang",), ("liguoqiang",))
        ]  # the analyst is the submitter, so the superior is asked
        assert case_of(app, case_id) == before


def test_who_asks_otherwise_asks_again_and_moving_back_asks_the_first_again(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        publish(app, COUNTY, 'who: "role:marketing@city"')
        (move,) = migrate(app, 4, case_id)
        assert move.moved
        assert move.changes
        case = case_of(app, case_id)
        assert (case.process.version, asked(case)) == (4, [("county_head", "zhengkai")])
        gone = next(task for task in case.tasks if task.person == "liguoqiang")
        assert (gone.state, gone.reason, gone.decided_by) == ("cancelled", "migrated", "machao")
        view = cases.case_page(app, viewer(app, "wangmin"), case_id)
        assert (view.version, view.history[0].what, view.history[0].remark) == (4, "migrated", f"{NAME} v4")
        with app.db.read() as tx:
            row = tx.execute(sa.select(rows.c.version, rows.c.fingerprint).where(rows.c.id == case_id)).one()
        assert tuple(row) == (4, case.process.fingerprint)

        (back,) = migrate(app, 3, case_id)
        assert back.moved
        assert asked(case_of(app, case_id)) == [("county_head", "liguoqiang")]
        approve(app, "liguoqiang")
        assert {person for _, person in asked(case_of(app, case_id))} == {"zhanglan", "hejing", "chensi", "linfang"}


def test_tasks_and_timers_of_a_step_that_is_the_same_stay(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        before = case_of(app, case_id)
        publish(app, 'who: "role:vp_market@city"', 'who: "head@city"', "en: County head", "en: Head of the county")
        (move,) = migrate(app, 4)
        assert move.moved
        after = case_of(app, case_id)
        assert (after.tasks, after.timers) == (before.tasks, before.timers)
        approve(app, "liguoqiang")
        for login in ("zhanglan", "chensi", "linfang"):
            approve(app, login)
        assert asked(case_of(app, case_id)) == [("city_vp", "sunli")]  # asked by version 4


def test_another_register_or_way_to_an_approval_asks_nobody_anew(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app, budget="4000.00", reach="900")
        before = case_of(app, case_id)
        publish(app, "objection: {window: 2wd, then: to_city}\n", OTHERWISE)
        (move,) = migrate(app, 4, case_id)
        assert move.moved
        after = case_of(app, case_id)
        assert (after.tasks, after.timers) == (before.tasks, before.timers)
        (task,) = after.tasks
        approvals.decide(app, viewer(app, "zhengkai"), task.id, "acknowledge", remark="", seen_seq=None, key=key())
        assert [one.number for one in case_of(app, case_id).registered] == ["440100/1"]


def test_within_a_countersign_decisions_stand(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        approve(app, "liguoqiang")
        approve(app, "chensi")
        publish(app, 'who: "role:service@city"', 'who: "role:marketing@city"')
        (move,) = migrate(app, 4)
        assert move.moved
        case = case_of(app, case_id)
        assert sorted(asked(case)) == [
            ("city_finance", "hejing"),
            ("city_finance", "zhanglan"),
            ("city_service", "zhengkai"),
        ]
        approve(app, "zhanglan")
        approve(app, "zhengkai")
        assert asked(case_of(app, case_id)) == [("city_vp", "zhouning")]


@pytest.mark.parametrize(
    ("replacements", "reason"),
    [
        (("approve: county_head", "approve: county_manager"), "its state to_city/county_head does not exist"),
        (("max: 50000000", "max: 55000"), "the form is not valid there: reach: at most 55000"),
        (("material: [offer, ", "material: ["), "approvals are bound to other fields"),
    ],
)
def test_a_case_that_would_stand_nowhere_stays_with_the_reason(
    db_url: str, tmp_path: Path, replacements: tuple[str, ...], reason: str
):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        publish(app, *replacements)
        before = case_of(app, case_id)
        for dry_run in (True, False):
            (move,) = migrate(app, 4, dry_run=dry_run)
            assert not move.moved
            assert any(reason in one for one in move.hindrances), move.hindrances
        assert case_of(app, case_id) == before


def test_no_approval_is_passed_by(db_url: str, tmp_path: Path):
    head = "      - approve: county_head\n"
    first = '      - {approve: legal, label: {zh: 法务, en: Legal}, who: "role:marketing@city"}\n'
    with opened(db_url, tmp_path) as app:
        submitted(app)
        publish(app, f"    to_city:\n{head}", f"    to_city:\n{first}{head}")
        (move,) = migrate(app, 4)
        assert move.hindrances == ("step legal, which version 4 added before the present one, would not be asked",)


def test_a_countersign_with_another_branch_is_not_entered_halfway(db_url: str, tmp_path: Path):
    service = "        - approve: city_service\n"
    more = '        - {approve: city_legal, label: {zh: 法务, en: Legal}, who: "role:marketing@city"}\n'
    with opened(db_url, tmp_path) as app:
        submitted(app)
        approve(app, "liguoqiang")
        publish(app, service, f"{more}{service}")
        (move,) = migrate(app, 4)
        assert "version 4 asks others at the same time" in move.hindrances[0]


def test_only_the_cases_that_are_named_move(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        first, second = submitted(app), submitted(app)
        publish(app, COUNTY, 'who: "role:marketing@city"')
        number = case_of(app, second).number
        assert number
        (move,) = migrate(app, 4, number)
        assert (move.case_id, move.moved) == (second, True)
        assert case_of(app, first).process.version == 3
        assert [move.case_id for move in migrate(app, 3, since=4, dry_run=True)] == [second]
        with pytest.raises(Invalid, match="no running case 4711"):
            migrate(app, 4, "4711")
        with pytest.raises(Invalid, match="version 5 is not published"):
            migrate(app, 5)
        with pytest.raises(NotFound):
            migrating.migrate(app, viewer(app, "wangmin"), NAME, to=3, dry_run=True)


def test_a_thousand_running_cases_keep_their_route_when_the_definition_changes(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        running = RUNNING[app.db.dialect_name]
        ids = [submitted(app, budget=str(40_000 + 500 * (place % 40))) for place in range(running)]
        before = {case_id: case_of(app, case_id) for case_id in ids}
        assert {case.route for case in before.values()} == {"to_city"}
        publish(
            app,
            'city_budget: "50000.00"',
            'city_budget: "1.00"',
            'province_budget: "300000.00"',
            'province_budget: "2.00"',
            COUNTY,
            'who: "role:marketing@city"',
            'who: "role:vp_market@city"',
            'who: "head@city"',
        )
        assert proposals.startable(app, viewer(app, "wangmin"))
        assert {case_id: case_of(app, case_id) for case_id in ids} == before
        for case_id in ids[:: running // WALKED]:
            for step in ("county_head", "city_finance", "city_network", "city_service", "city_vp"):
                task = next(one for one in case_of(app, case_id).tasks if (one.step, one.state) == (step, "open"))
                approvals.decide(app, viewer(app, task.person), task.id, "approve", remark="", seen_seq=None, key=key())
            case = case_of(app, case_id)
            decided = {task.step: task.person for task in case.tasks if task.state == "decided"}
            assert (decided["county_head"], decided["city_vp"]) == ("liguoqiang", "zhouning")
            assert (case.process.version, asked(case)[0][0]) == (3, "province_register")
        fresh = submitted(app)
        assert (case_of(app, fresh).process.version, case_of(app, fresh).route) == (4, "to_province")
