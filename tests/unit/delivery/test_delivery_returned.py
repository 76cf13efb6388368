"""What comes back by mail, as servers and providers write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.returned import Returned, read

NAME = "0123456789abcdef-w2.41.00112233445566aa"


def bounce(status: str, action: str = "failed", *, to: str = "bounces@shop.example", original: str = NAME) -> bytes:
    """A delivery status notification with the headers of the mail that it is about."""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

I am sorry to have to inform you: <li@mail.example> 4.0.0
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0800

Final-Recipient: rfc822; li@mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <li@mail.example>: unknown

--b
Content-Type: text/rfc822-headers

From: news@shop.example
Message-ID: <{original}@shop.example>
Subject: hello

--b--
""".replace("\n", "\r\n").encode()


def complaint(original: str = NAME, sender: str = "<news@shop.example>") -> bytes:
    """A feedback report of a provider."""
    return f"""\
From: <abuse@provider.example>
To: <bounces@shop.example>
Subject: FW: hello
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1
Original-Mail-From: {sender}

--b
Content-Type: message/rfc822

From: news@shop.example
To: redacted@provider.example
Message-ID: <{original}@shop.example>
Subject: hello

words
--b--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("status", "action", "kind"),
    [
        ("5.1.1", "failed", "hard"),
        ("5.2.1", "failed", "hard"),
        ("5.0.0", "failed", "hard"),
        ("5.2.2", "failed", "soft"),
        ("5.7.1", "failed", "soft"),
        ("4.4.7", "failed", "soft"),
        ("4.4.1", "delayed", "delayed"),
        ("2.0.0", "delivered", "delivered"),
        ("2.0.0", "relayed", "delayed"),
    ],
)
def test_a_report_says_what_became_of_the_mail(status: str, action: str, kind: str) -> None:
    said = read(bounce(status, action))
    assert (said.kind, said.status, said.names[0]) == (kind, status, NAME)


def test_the_reason_has_the_code_and_no_address() -> None:
    assert read(bounce("5.1.1")).reason == "bounced: 5.1.1"
    assert read(bounce("4.2.2")).reason == "bounced softly: 4.2.2"


def test_a_name_in_the_envelope_is_enough_where_nothing_of_the_mail_came_back() -> None:
    said = read(bounce("5.1.1", to=f"bounces+{NAME.upper()}@shop.example", original="other"))
    assert said.names == (NAME,)


def test_a_complaint_is_known_by_the_mail_in_it_or_by_its_sender() -> None:
    assert read(complaint()) == Returned("complaint", (NAME,))
    assert read(complaint("redacted", f"<bounces+{NAME}@shop.example>")) == Returned("complaint", (NAME,))


def test_an_absence_notice_is_no_bounce_and_prose_is_not_guessed_from() -> None:
    notice = b"From: li@mail.example\r\nAuto-Submitted: auto-replied (vacation)\r\n\r\nI am away. 5.1.1\r\n"
    assert read(notice).kind == "reply"
    assert read(b"Subject: failure\r\n\r\n550 5.1.1 user unknown\r\n").kind == "other"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_as_something(raw: bytes) -> None:
    assert read(raw).kind in ("other", "reply")


def test_a_report_that_is_broken_or_nested_deeply_is_something_for_a_person() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\r\n\r\n--{n}\r\n' for n in range(3000))
    assert read(nested.encode()).kind == "other"
    assert read(b"Content-Type: message/delivery-status\r\n\r\nAction:\r\n").kind == "other"


def test_a_name_must_be_whole() -> None:
    assert read(bounce("5.1.1", original=f"{NAME}0")).names == ()
