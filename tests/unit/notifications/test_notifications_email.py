"""Staff mail over a real mail server process."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from engine.service.messaging import ChannelDown, NothingToSend
from engine.settings import Settings
from notifications.channels import sender
from notifications.kinds.email import MailAddressWrong
from tests.support import ROOT, free_port
from tests.unit.notifications.test_notifications_message import TASK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def mailbox(folder: Path) -> Iterator[str]:
    """A running mail server's Apprise address; it must end 0 on SIGTERM."""
    command = [sys.executable, str(ROOT / "deploy/dev/mailbox.py"), "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = re.fullmatch(r"ready smtp://(127\.0\.0\.1:\d+)\n", server.stdout.readline())
        assert ready
        yield f"mailto://{ready[1]}?from=countersign@example.org&to={{to}}&mode=insecure"
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


def test_a_task_mail_arrives_whole_with_its_link_in_both_parts(mailbox: str, folder: Path) -> None:
    sender(Settings(mail_url=mailbox))(replace(TASK, remark="a < b"))
    [mail] = received(folder)
    assert mail["To"] == "wang@example.org"
    assert mail["Subject"] == "待办：市财务（330127-2026-00001 春季流量包）"
    assert "countersign@example.org" in mail["From"]
    plain, html = (text(mail, kind) for kind in ("plain", "html"))
    assert TASK.link in plain.split()
    assert "截止：2026年9月25日 星期五 17:30" in plain.splitlines()
    assert f'<a href="{TASK.link}"' in html
    assert "a < b" in plain
    assert "a &lt; b" in html


def test_mails_are_numbered_on_and_only_whole_files_show(mailbox: str, folder: Path) -> None:
    send = sender(Settings(mail_url=mailbox))
    for number in range(3):
        send(replace(TASK, number=f"N{number}"))
    assert sorted(path.name for path in folder.iterdir()) == ["000001.eml", "000002.eml", "000003.eml"]
    assert [re.findall(r"N\d", str(mail["Subject"]))[0] for mail in received(folder)] == ["N0", "N1", "N2"]


def test_a_mail_server_that_is_down_is_an_error_so_that_the_outbox_tries_again() -> None:
    gone = f"mailto://127.0.0.1:{free_port()}?from=countersign@example.org&to={{to}}&mode=insecure"
    with pytest.raises(ChannelDown, match="wait and go by themselves"):
        sender(Settings(mail_url=gone))(TASK)


@pytest.mark.parametrize("address", ["nonsense://x?to={to}", "mailto://127.0.0.1:25?from=a@example.org"])
def test_a_wrong_mail_address_says_which_setting_is_wrong(address: str) -> None:
    with pytest.raises(MailAddressWrong, match="COUNTERSIGN_MAIL_URL"):
        sender(Settings(mail_url=address))(TASK)


def test_nothing_is_sent_where_mail_is_not_set_up_or_the_person_has_no_address(mailbox: str, folder: Path) -> None:
    with pytest.raises(NothingToSend, match="COUNTERSIGN_MAIL_URL"):
        sender(Settings(mail_url=""))(TASK)
    with pytest.raises(NothingToSend, match="no mail address"):
        sender(Settings(mail_url=mailbox))(replace(TASK, email=""))
    assert received(folder) == []


def received(folder: Path) -> list[EmailMessage]:
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]  # type: ignore[misc]


def text(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
