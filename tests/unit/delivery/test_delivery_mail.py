"""A mail to a customer as bytes: what every program must find in it, and what nothing in it can break."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.mail import Mail, is_address, sender, written

BY = sender("营销中心 <news@shop.example>", "bounces@shop.example")
OUT = "https://countersign.example/opt-out/" + "a" * 70


def mail(subject: str = "国庆", text: str = "您好") -> EmailMessage:
    assert BY is not None
    raw = written(
        Mail("c-w1.7.00112233445566aa", "li@mail.example", subject, text, OUT, "Mon, 23 Nov 2026 10:00:00 +0800"),
        BY,
        "zh",
    )
    assert b"\r\nList-Unsubscribe: <" + OUT.encode() + b">\r\n" in raw  # on one line, for whoever does not unfold
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return cast("EmailMessage", message_from_bytes(raw, policy=default))


def test_what_an_envelope_says() -> None:
    assert BY is not None
    assert BY.envelope("x") == "bounces+x@shop.example"
    alone = sender("news@shop.example")
    assert alone is not None
    assert alone.envelope("x") == "news@shop.example"


@pytest.mark.parametrize(
    "text", ["", "news", "a@b", "a b@shop.example", "a@shop.example>\r\nRCPT TO:<b@c.example", "李@a.cn"]
)
def test_what_no_server_takes_as_an_address_is_none(text: str) -> None:
    assert not is_address(text)


def test_a_sender_without_an_address_is_none() -> None:
    assert sender("营销中心") is None
    assert sender("news@shop.example", "bounces") is None


@given(st.text(max_size=80), st.text(max_size=200))
def test_no_text_adds_a_header_or_a_part(subject: str, text: str) -> None:
    subject = subject.encode("utf-8", "ignore").decode()
    text = text.encode("utf-8", "ignore").decode()
    message = mail(f"{subject}\r\nBcc: x@y.example", f"{text}\r\n--=_c-w1.7.00112233445566aa--\r\n.\r\n")
    assert "Bcc" not in message
    assert message["To"] == "li@mail.example"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects


def test_html_shows_what_was_written_and_nothing_of_it_is_markup() -> None:
    _, html = mail(text="<b>一</b>\n二\n\n三").iter_parts()
    content = html.get_content().replace("\r\n", "\n")
    assert "<p>&lt;b&gt;一&lt;/b&gt;<br>\n二</p>\n<p>三</p>" in content
    assert f'<a href="{OUT}">' in content
