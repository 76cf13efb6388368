"""Other systems hear what happens to cases: signed, at least once, and only of what the webhook's owner may see."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import InvalidForm, NotFound
from engine.service import approvals, definitions, webhooks
from engine.service.announcing import EVENTS
from engine.service.app import Countersign
from engine.store.session import Database
from tests.acceptance.offices import key, open_task, submitted, viewer
from tests.acceptance.telling_staff import pass_time, staffed, tick
from tests.servers.recorder import Recorder, recording
from tests.support import ROOT, free_port

Check = Callable[[str, Mapping[str, str], bytes], bool]


@pytest.fixture
def app(db: Database, tmp_path: Path, hands: Path) -> Iterator[Countersign]:
    opened = staffed(db, tmp_path, private_addresses=True)
    definitions.publish_shipped(opened)
    yield opened
    opened.close()


@pytest.fixture
def here() -> Iterator[Recorder]:
    with recording() as server:
        yield server


@pytest.fixture(scope="module")
def is_genuine() -> Check:
    """The example of docs/webhooks.md, as it stands there."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.S)
    names: dict[str, Check] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    return names["is_genuine"]


def hook(app: Countersign, url: str, *, login: str = "machao", events: tuple[str, ...] = EVENTS) -> webhooks.Made:
    return webhooks.add(app, viewer(app, login), name="calendar", url=url + "/hook", events=events, key=key())


def decide(app: Countersign, login: str, decision: str) -> None:
    task = open_task(app, login)
    approvals.act(app, viewer(app, login), task, decision, remark="as tried", seen_seq=None, key=key())


def kinds(here: Recorder) -> list[str]:
    return [taken.said["type"] for taken in here.taken]


def test_a_case_is_told_of_from_its_submission_to_its_end_and_each_request_is_genuine(
    app: Countersign, here: Recorder, is_genuine: Check
) -> None:
    made = hook(app, here.url)
    case_id = submitted(app)
    tick(app)
    assert sorted(kinds(here)) == ["case.state_changed", "case.submitted"]
    decide(app, "liguoqiang", "reject")
    tick(app)
    assert sorted(kinds(here)[2:]) == ["case.closed", "case.decided", "case.state_changed"]
    decided = next(taken.said for taken in here.taken if taken.said["type"] == "case.decided")
    assert decided["data"]["case"]["id"] == case_id
    assert (decided["data"]["was"], decided["data"]["state"], decided["data"]["decision"]) == (
        "approving",
        "rejected",
        "reject",
    )
    assert decided["data"]["by"] == {"account": "liguoqiang", "name": "李国强"}
    assert decided["data"]["case"]["budget"] == "80000.00"
    for taken in here.taken:
        assert taken.headers["webhook-id"] == taken.said["id"]
        assert is_genuine(made.secret, taken.headers, taken.body)
        assert not is_genuine(made.secret, taken.headers, taken.body + b" ")
        assert not is_genuine(webhooks.PREFIX + "AAAA", taken.headers, taken.body)
        old = taken.headers | {"webhook-timestamp": str(int(taken.headers["webhook-timestamp"]) - 400)}
        assert not is_genuine(made.secret, old, taken.body)
    assert len({taken.said["id"] for taken in here.taken}) == len(here.taken)


def test_only_the_events_that_were_asked_for_are_told_and_each_once_though_the_effect_runs_twice(
    app: Countersign, here: Recorder
) -> None:
    hook(app, here.url, events=("case.submitted",))
    submitted(app)
    tick(app)
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE outbox SET state = 'pending', lease_until = NULL"))
    tick(app)
    assert kinds(here) == ["case.submitted"]


def test_a_webhook_hears_of_no_case_that_its_owner_may_not_see(app: Countersign, here: Recorder) -> None:
    with app.db.begin() as tx:  # 天河区的流程管理员 sees nothing of 白云区
        tx.execute(
            sa.text("INSERT INTO grants (person, role, office, weight) VALUES ('emily','process_admin','440106',1)")
        )
        tx.execute(sa.text("UPDATE organisation SET revision = revision + 1"))
    hook(app, here.url, login="emily")
    case_id = submitted(app)
    tick(app)
    assert here.taken == []
    hook(app, here.url, events=("case.decided",))
    here.status = 500
    decide(app, "liguoqiang", "approve")
    tick(app)
    with app.db.begin() as tx:  # its owner loses sight of the case while the event waits
        tx.execute(sa.text("DELETE FROM grants WHERE person = 'machao'"))
        tx.execute(sa.text("UPDATE organisation SET revision = revision + 1"))
        tx.execute(sa.text("DELETE FROM circuits"))
    here.status, here.taken[:] = 200, []
    tick(app)
    assert here.taken == []
    assert case_id


def test_what_failed_goes_again_with_the_same_id_and_the_others_do_not_wait(
    app: Countersign, here: Recorder, hands: Path
) -> None:
    with recording() as healthy:
        hook(app, here.url, events=("case.submitted",))
        hook(app, healthy.url, events=("case.submitted",))
        here.status = 503
        submitted(app)
        tick(app)
        assert len(healthy.taken) == 1
        pass_time(hands, app, timedelta(minutes=10), step=timedelta(minutes=1))
        assert len(here.taken) > 2
        assert len({taken.said["id"] for taken in here.taken}) == 1
        here.status = 200
        pass_time(hands, app, timedelta(minutes=3))
        tried = len(here.taken)
        pass_time(hands, app, timedelta(hours=1), step=timedelta(minutes=10))
        assert len(here.taken) == tried
        view, sent = webhooks.shown(app, viewer(app, "machao"), 1)
        assert [one.state for one in sent] == ["sent"]
        assert view.down is None


def test_a_webhook_that_failed_for_days_is_disabled_and_its_owner_is_told(app: Countersign, hands: Path) -> None:
    made = hook(app, f"http://127.0.0.1:{free_port()}")
    submitted(app)
    tick(app)
    pass_time(hands, app, timedelta(days=6), step=timedelta(hours=8))
    view, sent = webhooks.shown(app, viewer(app, "machao"), made.id)
    assert (view.state, view.reason) == ("disabled", "Connection refused")
    assert {one.state for one in sent} == {"moot"}
    with app.db.read() as tx:
        told = tx.execute(sa.text("SELECT person FROM messages WHERE occasion = 'webhook_disabled'")).scalars().all()
    assert told == ["machao"]
    with pytest.raises(InvalidForm):
        webhooks.try_out(app, viewer(app, "machao"), made.id, "machao:again")
    webhooks.switch(app, viewer(app, "machao"), made.id, on=True)
    assert webhooks.shown(app, viewer(app, "machao"), made.id)[0].state == "active"


def test_after_a_new_secret_both_sign_for_a_day(
    app: Countersign, here: Recorder, hands: Path, is_genuine: Check
) -> None:
    made, machao = hook(app, here.url), viewer(app, "machao")
    renewed = webhooks.renew(app, machao, made.id, key="machao:renew-1")
    assert webhooks.renew(app, machao, made.id, key="machao:renew-1") == renewed != made
    webhooks.try_out(app, machao, made.id, "machao:ping-1")
    webhooks.try_out(app, machao, made.id, "machao:ping-1")
    tick(app)
    [ping] = here.taken
    assert ping.said["type"] == "ping"
    assert is_genuine(renewed.secret, ping.headers, ping.body)
    assert is_genuine(made.secret, ping.headers, ping.body)
    clock.move(hands, timedelta(days=1, minutes=1))
    webhooks.try_out(app, machao, made.id, "machao:ping-2")
    tick(app)
    assert is_genuine(renewed.secret, here.taken[1].headers, here.taken[1].body)
    assert not is_genuine(made.secret, here.taken[1].headers, here.taken[1].body)


def test_webhooks_are_their_owners_alone_and_checked_when_they_are_entered(app: Countersign, here: Recorder) -> None:
    made = hook(app, here.url)
    for login in ("wangmin", "gaoyuan", "emily"):
        with pytest.raises(NotFound):
            webhooks.shown(app, viewer(app, login), made.id)
        with pytest.raises(NotFound):
            webhooks.remove(app, viewer(app, login), made.id)
    with pytest.raises(InvalidForm) as refused:
        webhooks.add(app, viewer(app, "machao"), name="", url="http://169.254.169.254/", events=(), key=key())
    assert {problem.at for problem in refused.value.problems} == {"name", "url", "events"}
    submitted(app)
    webhooks.remove(app, viewer(app, "machao"), made.id)
    tick(app)
    assert here.taken == []


def test_where_nobody_listens_a_transition_announces_nothing(app: Countersign, here: Recorder) -> None:
    submitted(app)
    with app.db.read() as tx:
        assert not tx.execute(sa.text("SELECT count(*) FROM outbox WHERE kind = 'Announce'")).scalar_one()
    made = hook(app, here.url)
    webhooks.switch(app, viewer(app, "machao"), made.id, on=False)
    submitted(app)
    with app.db.read() as tx:
        assert not tx.execute(sa.text("SELECT count(*) FROM outbox WHERE kind = 'Announce'")).scalar_one()
