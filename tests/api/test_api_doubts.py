"""Why nobody knows whether a message went out: everything that a courier gives as the reason has its words."""

import re

import pytest

from api.doubts import spoken
from api.i18n import Words
from engine.service import claiming, ending, uncollected
from engine.service.couriers import email, http
from tests.support import ROOT

GIVEN = re.compile(r'error = f?"(the (?:gateway|mail server) answered [^"]*)"')


@pytest.mark.parametrize("reason", [http.SILENT, http.BROKEN_OFF, http.LEFT_OUT, email.SILENT, email.BROKEN_OFF])
def test_what_a_courier_says_is_told_in_both_languages(reason: str) -> None:
    assert spoken(reason, Words("en")) == reason
    assert re.search("网关|邮件服务器", spoken(reason, Words("zh")))


@pytest.mark.parametrize(
    "reason",
    ["no receipt", claiming.INTERRUPTED, claiming.DOUBTFUL, ending.INTERRUPTED, uncollected.NOTHING_WRITTEN],
)
def test_what_is_recorded_here_is_told_in_chinese(reason: str) -> None:
    assert not re.search("[a-z]", spoken(reason, Words("zh")))


def test_codes_of_an_answer_stand_in_the_words() -> None:
    assert spoken("the gateway answered 502", Words("zh")) == "网关应答 502"
    assert spoken("the mail server answered 250 2.0.0", Words("zh")) == "邮件服务器应答 250 2.0.0"
    assert spoken("something of an extension", Words("zh")) == "something of an extension"


@pytest.mark.parametrize(
    ("recorded", "today"),
    [
        ("no answer: ServerDisconnectedError", http.BROKEN_OFF),
        ("no answer: SocketTimeoutError", http.SILENT),
        ("the connection to the mail server ended: SMTPServerDisconnected", email.BROKEN_OFF),
        ("the connection to the mail server ended: SMTPReadTimeoutError", email.SILENT),
    ],
)
def test_what_earlier_releases_wrote_down_is_told_in_the_words_of_today(recorded: str, today: str) -> None:
    for language in ("en", "zh"):
        assert spoken(recorded, Words(language)) == spoken(today, Words(language))


def test_every_answer_that_the_couriers_write_down_is_known() -> None:
    said = [
        re.sub(r"\{[^}]*\}", "500", one)
        for name in ("http", "email")
        for one in GIVEN.findall((ROOT / f"engine/service/couriers/{name}.py").read_text())
    ]
    assert len(said) == 2
    for one in said:
        assert spoken(one, Words("zh")) != one
