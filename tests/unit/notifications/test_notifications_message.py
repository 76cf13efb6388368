"""What staff read in a mail: the words, the times, and what must not be there."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.definition.lifecycle import OUTCOMES
from engine.service.channels import LABELS
from engine.service.noticing import Bundle, Notice
from engine.service.views import DriftView
from engine.values import Bilingual, Language
from notifications.html import as_html
from notifications.message import TEMPLATES, Message, compose, compose_digest, cut

ABOUT_NO_CASE = {"digest", "channel_down", "webhook_disabled", "ping", "code", "report", "report_stopped"}
SHANGHAI = ZoneInfo("Asia/Shanghai")
TASK = Notice(
    person="wang",
    name="王芳",
    email="wang@example.org",
    language="zh",
    occasion="task",
    case_id="c1",
    number="330127-2026-00001",
    title="春季流量包",
    confidential=False,
    step=Bilingual(zh="市财务", en="City finance"),
    due_at=datetime(2026, 9, 25, 9, 30, tzinfo=UTC),
    budget=Decimal("80000.00"),
    reach=9000,
    link="http://127.0.0.1:8000/l/abc",
)


def test_a_task_mail_says_what_is_asked_how_much_for_whom_and_until_when() -> None:
    message = compose(TASK, SHANGHAI)
    assert message.title == "待办：市财务（330127-2026-00001 春季流量包）"
    for line in (
        "王芳，您好：",
        "预算：¥80,000.00",
        "目标客户：9,000 户",
        "截止：2026年9月25日 星期五 17:30",
        TASK.link,
    ):
        assert line in message.body.splitlines()


def test_a_mail_about_a_drifted_audience_names_both_figures() -> None:
    label = Bilingual(zh="目标客户数", en="Target customers")
    drift = DriftView(label, 9000, 11200, reapproves=True)
    for occasion in ("task", "drifted", "ready"):
        lines = compose(replace(TASK, occasion=occasion, drift=drift), SHANGHAI).body.splitlines()
        assert "人数：申报 9,000 户，实际 11,200 户，超出 24%" in lines
    fewer = replace(TASK, occasion="drifted", language="en", drift=replace(drift, actual=8000, reapproves=False))
    body = compose(fewer, SHANGHAI).body
    assert "Counted: declared 9,000, in fact 8,000, 11.1% fewer" in body.splitlines()
    assert "The case goes on." in body
    assert "void" not in body


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh", "原因：波次 main 的 270 条消息中有 3 条不允许发出"),
        ("en", "Why: 3 of 270 texts of the wave main may not go out"),
    ],
)
def test_a_mail_about_a_held_wave_says_why_in_words(language: Language, line: str) -> None:
    held = replace(TASK, occasion="failed", language=language, remark="content: 3 of 270 texts of main may not go out")
    assert line in compose(held, SHANGHAI).body.splitlines()


def test_the_same_task_in_english() -> None:
    message = compose(replace(TASK, language="en"), SHANGHAI)
    assert message.title == "To do: City finance (330127-2026-00001 春季流量包)"
    assert "Budget: CN¥80,000.00" in message.body
    assert "Due: Friday 25 September 2026, 17:30" in message.body


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_confidential_title_never_stands_in_a_subject_an_sms_or_a_text_by_a_bot(language: Language) -> None:
    for occasion in occasions("zh"):
        secret = replace(TASK, occasion=occasion, language=language, confidential=True, remark="春季流量包")
        message = compose(secret, SHANGHAI)
        assert "春季流量包" not in message.title + message.short, occasion
        assert "80,000" not in message.short
        assert TASK.number in message.title
        assert message.short.splitlines()[-1] == TASK.link
        digest = compose_digest(bundled(secret), SHANGHAI)
        assert "春季流量包" not in digest.title + digest.body + digest.short
        assert TASK.number in digest.body


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_occasion_has_words_with_and_without_amounts(language: str) -> None:
    for occasion in occasions(language):
        full = replace(TASK, language=language, occasion=occasion, remark="请补充\n测算表", by="李强")  # type: ignore[arg-type]
        bare = replace(full, budget=None, reach=None, due_at=None, remark="", by="", step=Bilingual())
        assert TASK.link in compose(full, SHANGHAI).body.splitlines()
        assert compose(bare, SHANGHAI).title
        assert "None" not in compose(bare, SHANGHAI).body


def test_every_occasion_that_the_machine_names_has_words_of_its_own() -> None:
    named = set(re.findall(r'\b(?:tell_submitter|NotifyTask|NotifyOutcome|Form|Ended)\([^)]*?"(\w+)"', machine()))
    named |= {*OUTCOMES, "cancelled", "voided"}  # the kinds are given these as names of states
    assert {"objected", "unstaffed", "evaluated", "reminder"} <= named
    assert named <= occasions("en")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_code_stands_on_a_line_of_its_own_and_its_mail_names_no_case(language: Language) -> None:
    message = compose(replace(TASK, language=language, occasion="code", code="042917"), SHANGHAI)
    assert "042917" in message.body.splitlines()
    assert not {"042917", TASK.title, TASK.number} & set(message.title.split())
    assert TASK.title not in message.title + message.body + message.short
    assert TASK.link not in message.body


def test_an_objection_says_who_made_it_and_that_nothing_is_to_be_done() -> None:
    message = compose(replace(TASK, occasion="objected", language="en", by="李强", remark="Budget"), SHANGHAI)
    assert message.title == "Objection: 330127-2026-00001 春季流量包"
    assert "李强 objected to the filing of your marketing case." in message.body
    assert "Remark: Budget" in message.body


def test_both_languages_have_words_for_the_same_occasions() -> None:
    assert occasions("zh") == occasions("en")


def test_an_occasion_without_words_of_its_own_is_told_as_news() -> None:
    assert compose(replace(TASK, occasion="unheard_of"), SHANGHAI).title.startswith("有新进展")


def test_a_title_cannot_start_a_mail_header_or_a_line_of_ours() -> None:
    forged = compose(replace(TASK, title="春季\r\nBcc: all@example.org\n\n截止：永远"), SHANGHAI)
    assert "\n" not in forged.title
    assert "\r" not in forged.title
    assert not any(line.startswith(("Bcc:", "截止：永远")) for line in forged.body.splitlines())


def test_links_become_clickable_and_the_rest_is_escaped() -> None:
    html = as_html(Message("Go & see", "a <b>\nhttp://127.0.0.1/l/x?a=1&b=2\n\nSent by us\n"), "en")
    assert 'a &lt;b&gt;<br/><a href="http://127.0.0.1/l/x?a=1&amp;b=2"' in html
    assert "Go &amp; see" in html
    assert "<b>" not in html


def test_a_digest_names_what_is_asked_first_and_leads_to_each() -> None:
    approved = replace(TASK, occasion="approved", link="http://127.0.0.1:8000/cases/c1")
    message = compose_digest(bundled(approved, TASK), SHANGHAI)
    assert message.title == "2 条通知，其中待办 1 件"
    lines = message.body.splitlines()
    assert lines.index("1. 待办：市财务（330127-2026-00001 春季流量包）") < lines.index(
        "2. 已同意：330127-2026-00001 春季流量包"
    )
    assert {TASK.link, approved.link, "截止：2026年9月25日 星期五 17:30"} <= set(lines)
    assert message.short == "2 条通知，其中待办 1 件\nhttp://127.0.0.1:8000/inbox"
    english = compose_digest(bundled(replace(approved, language="en")), SHANGHAI)
    assert english.title == "1 notice"


def test_what_an_administrator_is_told_of_a_channel_says_what_to_do_in_both_languages() -> None:
    for language, title in (("zh", "请检查：电子邮件发不出通知"), ("en", "Please check: E-mail cannot send notices")):
        down = replace(
            TASK, occasion="channel_down", language=language, step=LABELS["email"], remark="refused", number=""
        )  # type: ignore[arg-type]
        message = compose(down, SHANGHAI)
        assert message.title == title
        assert "refused" in message.body


def test_a_text_that_is_too_long_keeps_its_link() -> None:
    text = "很长的标题" * 300 + "\nhttp://127.0.0.1/l/x"
    short = cut(text, 2048)
    assert len(short.encode()) <= 2048
    assert short.endswith("…\nhttp://127.0.0.1/l/x")
    assert cut("a\nb", 2048) == "a\nb"


def machine() -> str:
    return "".join(path.read_text() for path in sorted((Path(__file__).parents[3] / "engine/machine").glob("*.py")))


def occasions(language: str) -> set[str]:
    """Those about a case that have words of their own."""
    return {path.stem for path in Path(TEMPLATES / language).glob("*.txt")} - ABOUT_NO_CASE


def bundled(*notices: Notice) -> Bundle:
    first = notices[0]
    inbox = "http://127.0.0.1:8000/inbox"
    return Bundle(
        first.person, first.name, first.email, first.language, notices, inbox, "email", first.address, "digest:1"
    )


def test_what_was_filed_names_its_register_number() -> None:
    filed = replace(TASK, occasion="filed", registered=("备440100-2026-00001",))
    assert "备案号：备440100-2026-00001" in compose(replace(filed, language="zh"), SHANGHAI).body
    assert "Register number: 备440100-2026-00001" in compose(replace(filed, language="en"), SHANGHAI).body
    assert "备案号" not in compose(replace(filed, language="zh", registered=()), SHANGHAI).body
