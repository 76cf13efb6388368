"""Staff are told: never twice, never lost, whatever is down; when and how they want it; nothing beyond its deadline."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import InvalidForm, NotFound
from engine.service import approvals, channels, definitions, preferences, standins
from engine.service.app import Countersign
from engine.service.cases import case_page
from engine.service.channels import ChannelChoice
from engine.service.holding import GROUPS, Address, Preferences
from engine.store.session import Database
from tests.acceptance.offices import key, open_task, submitted, viewer
from tests.acceptance.telling_staff import MailServer, pass_time, staffed, states, tick
from tests.servers.recorder import recording
from tests.support import ROOT, kill

NUMBER = re.compile(r"\d{6}-\d{4}-\d{5}")


@pytest.fixture
def app(db: Database, tmp_path: Path, hands: Path, server: MailServer) -> Iterator[Countersign]:
    opened = staffed(db, tmp_path, mail_url=server.url, private_addresses=True)
    definitions.publish_shipped(opened)
    yield opened
    opened.close()


def approve(app: Countersign, login: str) -> None:
    approvals.decide(app, viewer(app, login), open_task(app, login), "approve", remark="", seen_seq=None, key=key())


def number_of(app: Countersign, case_id: str) -> str:
    return str(case_page(app, viewer(app, "xuwen"), case_id).row.number)


def choose(app: Countersign, login: str, wanted: Preferences) -> None:
    preferences.save(app, viewer(app, login), wanted)


def everything_by(*names: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(GROUPS, names)


def test_a_mail_server_that_is_down_for_an_hour_stops_nothing_and_loses_nothing(
    app: Countersign, hands: Path, server: MailServer
) -> None:
    with recording() as bot:  # the administrator is reached by a bot too
        bot.answer = {"errcode": 0}
        admin = viewer(app, "machao")
        channels.set_channel(app, admin, "wecom", ChannelChoice(is_open=True, server=bot.url))
        address = Address(to=bot.url + "/cgi-bin/webhook/send?key=1")
        choose(app, "machao", Preferences(channels=everything_by("wecom"), addresses={"wecom": address}))  # type: ignore[arg-type]
        for minute in range(60):
            if minute % 10 == 0:
                submitted(app, title=f"第{minute}分钟的营销案")
            if minute == 35:
                approve(app, "liguoqiang")  # decisions go on
            clock.move(hands, timedelta(minutes=1))
            tick(app)
        assert server.mails() == []
        assert states(app)["dead"] == 0
        waiting, moot = states(app)["pending"], states(app)["moot"]
        assert waiting >= 7
        alarms = [taken.said["text"]["content"] for taken in bot.taken]
        assert len(alarms) == 1
        assert alarms[0].startswith("请检查：电子邮件发不出通知\n")
        [down] = channels.not_answering(app)
        assert (down.name, down.is_told) == ("email", True)
        assert app.now() - down.down_since < timedelta(hours=1, minutes=1)
        server.start()
        pass_time(hands, app, timedelta(minutes=5))
        assert states(app)["pending"] == 0
        assert channels.not_answering(app) == ()
        assert len(server.mails()) == states(app)["sent"]
        # of a task that was decided meanwhile nobody is told
        assert states(app)["sent"] + states(app)["moot"] == waiting + moot
        assert len(bot.taken) == 1


def test_one_dead_address_does_not_hold_up_the_others(app: Countersign, server: MailServer) -> None:
    server.start()
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE people SET email = 'no address' WHERE id = 'liguoqiang'"))
    submitted(app)
    tick(app)
    assert states(app) == Counter(dead=1)
    [dead] = channels.given_up(app, viewer(app, "machao"))
    assert (dead.person, dead.channel, dead.occasion) == ("liguoqiang", "email", "task")
    assert "mail address" in dead.error
    assert channels.not_answering(app) == ()
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE people SET email = 'li@example.org' WHERE id = 'liguoqiang'"))
    assert channels.send_again(app, viewer(app, "machao"), dead.id)
    tick(app)
    assert [mail["To"] for mail in server.mails()] == ["li@example.org"]
    with pytest.raises(NotFound):
        channels.given_up(app, viewer(app, "wangmin"))


def test_an_effect_that_is_carried_out_twice_tells_nobody_twice(app: Countersign, server: MailServer) -> None:
    server.start()
    submitted(app)
    tick(app)
    before = server.taken()
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE outbox SET state = 'pending', lease_until = NULL"))
    tick(app)
    assert server.taken() == before
    assert set(before.values()) == {1}


def test_what_a_killed_worker_was_sending_is_sent_by_the_next_one(
    app: Countersign, server: MailServer, tmp_path: Path
) -> None:
    cases = {number_of(app, submitted(app)) for _ in range(12)}
    url = app.db.url.render_as_string(hide_password=False)
    program = [sys.executable, "-m", "tests.faults.notices_worker", url, str(tmp_path), server.url]
    server.start()
    for _ in range(3):
        worker = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert worker.stdout is not None
        worker.stdout.readline()  # in the middle of sending
        kill(worker.pid)
        worker.wait(10)
        worker.stdout.close()
        with app.db.begin() as tx:  # minutes pass
            tx.execute(sa.text("UPDATE messages SET lease_until = NULL"))
            tx.execute(sa.text("UPDATE outbox SET lease_until = NULL"))
    tick(app)
    told = Counter(NUMBER.findall(str(mail["Subject"]))[0] for mail in server.mails())
    assert set(told) == cases
    assert sum(told.values()) <= len(cases) + 3  # at least once: one message of a killed worker may go again
    assert states(app) == Counter(sent=len(cases))


def test_a_stand_in_is_told_too(app: Countersign, server: MailServer) -> None:
    server.start()
    now = app.now()
    one = standins.StandIn(
        person="liguoqiang", by="emily", starts=now - timedelta(hours=1), ends=now + timedelta(days=1)
    )
    standins.add(app, viewer(app, "machao"), one)
    submitted(app)
    tick(app)
    assert {mail["To"] for mail in server.mails()} == {"liguoqiang@example.org", "emily@example.org"}


def test_quiet_hours_hold_and_a_digest_is_one_mail_with_everything(
    app: Countersign, hands: Path, server: MailServer
) -> None:
    server.start()
    choose(app, "wangmin", Preferences(pace="daily", at="08:30"))
    choose(app, "liguoqiang", Preferences(quiet_from="12:00", quiet_to="14:00"))
    clock.move(hands, timedelta(hours=2, minutes=30))  # half past twelve
    cases = {number_of(app, submitted(app)) for _ in range(3)}
    tick(app)
    assert server.mails() == []
    pass_time(hands, app, timedelta(hours=2), step=timedelta(minutes=15))
    assert {mail["To"] for mail in server.mails()} == {"liguoqiang@example.org"}
    assert len(server.mails()) == 3
    for _ in cases:
        task = open_task(app, "liguoqiang")
        approvals.decide(app, viewer(app, "liguoqiang"), task, "return", remark="补充测算", seen_seq=None, key=key())
    pass_time(hands, app, timedelta(hours=17), step=timedelta(hours=1))
    assert not [mail for mail in server.mails() if mail["To"] == "wangmin@example.org"]
    pass_time(hands, app, timedelta(hours=2), step=timedelta(hours=1))
    [digest] = [mail for mail in server.mails() if mail["To"] == "wangmin@example.org"]
    assert digest["Subject"] == "3 条通知"
    text = digest.get_body(("plain",))
    assert text is not None
    assert set(NUMBER.findall(text.get_content())) == cases
    assert states(app)["bundled"] == 0
    pass_time(hands, app, timedelta(days=1), step=timedelta(hours=6))
    assert len([mail for mail in server.mails() if mail["To"] == "wangmin@example.org"]) == 1


def test_a_digest_never_holds_a_task_beyond_its_deadline_nor_a_reminder_at_all(
    app: Countersign, hands: Path, server: MailServer
) -> None:
    server.start()
    choose(app, "liguoqiang", Preferences(pace="weekly", weekday=0, at="08:30"))  # in six days; due in three
    submitted(app)
    tick(app)
    [mail] = server.mails()
    assert str(mail["Subject"]).startswith("待办：")
    pass_time(hands, app, timedelta(days=2), step=timedelta(hours=6))
    assert [str(mail["Subject"])[:2] for mail in server.mails()] == ["待办", "催办"] + ["催办"] * (
        len(server.mails()) - 2
    )


def test_what_somebody_enters_is_checked_as_a_whole_and_nobody_reaches_inside(app: Countersign) -> None:
    admin = viewer(app, "machao")
    for name in ("sms", "wecom", "webhook"):
        channels.set_channel(app, admin, name, ChannelChoice(is_open=True))  # type: ignore[arg-type]
    wrong = Preferences(
        channels={"task": ("sms", "wecom", "dingtalk")},
        addresses={
            "sms": Address(to="not a number"),
            "wecom": Address(to="https://example.org/hook"),
            "webhook": Address(to="http://169.254.169.254/latest"),
        },
        quiet_from="22:00",
    )
    with pytest.raises(InvalidForm) as refused:
        choose(app, "wangmin", wrong)
    found = {(problem.code, problem.at) for problem in refused.value.problems}
    assert found == {
        ("mobile", "sms-to"),
        ("bot", "wecom-to"),
        ("address", "webhook-to"),
        ("no-address", "dingtalk-to"),
        ("quiet", "quiet"),
    }
    assert preferences.shown(app, viewer(app, "wangmin")).wanted == Preferences()


def test_a_key_stays_where_it_is_left_empty_and_goes_with_its_address(app: Countersign) -> None:
    with recording() as bot:
        channels.set_channel(app, viewer(app, "machao"), "webhook", ChannelChoice(is_open=True))
        first = Preferences(addresses={"webhook": Address(to=bot.url + "/a", secret="key")})
        choose(app, "wangmin", first)
        choose(app, "wangmin", Preferences(addresses={"webhook": Address(to=bot.url + "/a")}))
        assert preferences.shown(app, viewer(app, "wangmin")).wanted.addresses["webhook"].secret == "key"
        choose(app, "wangmin", Preferences(addresses={"webhook": Address(to=bot.url + "/b")}))
        assert preferences.shown(app, viewer(app, "wangmin")).wanted.addresses["webhook"].secret == ""


def test_a_closed_channel_tells_nobody_and_defaults_tell_those_who_chose_nothing(
    app: Countersign, server: MailServer
) -> None:
    server.start()
    channels.set_channel(app, viewer(app, "machao"), "email", ChannelChoice(is_open=True, groups=("reminder",)))
    submitted(app)
    tick(app)
    assert server.mails() == []
    assert approvals.inbox(app, viewer(app, "liguoqiang")).to_do  # the inbox always works
    choose(app, "liguoqiang", Preferences(channels={"task": ("email",)}))
    submitted(app)
    tick(app)
    assert len(server.mails()) == 1
    channels.set_channel(app, viewer(app, "machao"), "email", everybody_has_it(False))
    submitted(app)
    tick(app)
    assert len(server.mails()) == 1


def everybody_has_it(is_open: bool) -> ChannelChoice:
    return ChannelChoice(is_open=is_open, groups=GROUPS)


def test_a_group_bot_is_given_no_personal_link(app: Countersign) -> None:
    with recording() as bot:
        bot.answer = {"code": 0}
        channels.set_channel(app, viewer(app, "machao"), "feishu", ChannelChoice(is_open=True, server=bot.url))
        address = Address(to=bot.url + "/open-apis/bot/v2/hook/1", secret="key")
        choose(app, "liguoqiang", Preferences(channels={"task": ("feishu",)}, addresses={"feishu": address}))
        submitted(app)
        tick(app)
        [taken] = bot.taken
        link = taken.said["content"]["text"].splitlines()[-1]
        assert link == f"http://testserver/tasks/{open_task(app, 'liguoqiang')}"


def test_a_test_goes_once_by_the_channel_that_was_asked_for(app: Countersign, server: MailServer) -> None:
    server.start()
    emily = viewer(app, "emily")
    for _ in range(2):
        preferences.try_out(app, emily, "email", "emily:key-1")
    tick(app)
    [mail] = server.mails()
    assert mail["Subject"] == "Test: E-mail reaches you"
    with pytest.raises(InvalidForm):
        preferences.try_out(app, replace(emily), "sms", "emily:key-2")
