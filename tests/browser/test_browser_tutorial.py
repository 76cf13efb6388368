"""The last step of docs/tutorial.md in a real Chromium, at a desk and on a phone, served as the page says."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tutorial import ROOT, SERVES, TEXT, run

LAST = TEXT[TEXT.index("## 10. ") :]


@pytest.fixture(scope="module")
def served(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address and the first passwords, after the steps before it."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name in ("staff.yaml", "5-version-2.yaml"):
        (folder / name).write_text((ROOT / "docs/tutorial" / name).read_text("utf-8"), encoding="utf-8")
    passwords = dict(re.findall(r"│ (\w+) +│ \S+ +│ (\S+)", run(folder, "countersign people import staff.yaml")))
    run(folder, "countersign definitions publish 5-version-2.yaml --author shiyu")
    run(folder, "countersign definitions publish 5-version-2.yaml --as gaolin")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert f"\n{SERVES}\n" in LAST
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    command = [sys.executable, "-m", "engine.cli.main", *SERVES.split()[1:], "--port", str(port)]
    log = folder / "up.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=folder, env=kept | {"PYTHONPATH": str(ROOT)}, stdout=out, stderr=out)
        try:
            end = time.monotonic() + 120
            while "Ready." not in log.read_text("utf-8"):
                assert server.poll() is None and time.monotonic() < end, log.read_text("utf-8")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", passwords
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)


def named(word: str) -> str:
    """A word that the page's last step shows in bold, so that a reader knows what to look for."""
    assert f"**{word}**" in LAST
    return word


WORDS = {
    "zh": (
        "登录",
        "新建营销案",
        "新建：传单营销案",
        "案名",
        "预算",
        "目标户数",
        "保存草稿",
        "提交审批",
        "退出",
        "同意",
    ),
    "en": (
        *("Sign in", "Start a case", "Start: Leaflet case", "Title", "Budget", "Households"),
        *("Save the draft", "Submit for approval", "Sign out", "Approve"),
    ),
}
SHOWN = {
    "zh": ("市总经理", "等待 县经理 何军", "市财务"),
    "en": ("City head", "Waiting for County head 何军", "City finance"),
}


def chosen(page: Any, login: str, password: str) -> str:
    """The password that counts from now on: at the first sign-in one of their own is asked."""
    if "/sign-in/step" in page.url:
        password = f"传单要发到每一户 {login}"
        assert named("自己的密码") and named("a password of your own")
        page.fill("#new", password)
        page.fill("#again", password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
    return password


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_last_step_starts_a_case_and_approves_it(
    chromium: Any, served: tuple[str, dict[str, str]], width: int, language: str, tmp_path: Path
):
    address, passwords = served
    sign, new, start, title, budget, reach, save, submit, out, approve = WORDS[language]
    head, waiting, finance = SHOWN[language]
    context = chromium.new_context(viewport={"width": width, "height": 800}, base_url=address, locale="zh-CN")
    page = context.new_page()
    case = f"春季传单 {language} {width}"

    def look(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, name

    def sign_in(login: str) -> None:
        page.goto("/")
        if language == "en" and page.get_by_role("button", name="English").count():
            page.get_by_role("button", name="English").click()
        page.fill("#login", login)
        page.fill("#password", passwords[login])
        page.get_by_role("button", name=named(sign)).click()
        page.wait_for_url(re.compile(r"/(inbox|sign-in/step)"))
        passwords[login] = chosen(page, login, passwords[login])
        other = {"zh": "中文", "en": "English"}[language]
        if page.get_by_role("button", name=other).count():  # each person's pages keep the language chosen last
            page.get_by_role("button", name=other).click()
        page.get_by_role("button", name=named(out)).wait_for()

    sign_in("xiaomei")
    page.get_by_role("link", name=named(new)).click()
    page.get_by_role("button", name=named(start)).click()
    page.get_by_label(title).fill(case)
    page.get_by_label(budget).fill("25000")
    page.get_by_label(reach).fill("900")
    page.locator("input[type=date]").nth(0).fill("2027-03-01")
    page.locator("input[type=date]").nth(1).fill("2027-03-31")
    page.get_by_role("button", name=named(save)).click()
    page.get_by_text(head).first.wait_for()
    assert "何军" in page.inner_text("main")
    look("form")
    page.get_by_role("button", name=named(submit)).click()
    page.get_by_text(waiting).wait_for()
    look("case")
    page.get_by_role("button", name=out).click()
    sign_in("hejun")
    page.get_by_role("link", name=case).click()
    look("sheet")
    page.get_by_role("button", name=named(approve), exact=True).click()
    page.get_by_text(finance).first.wait_for()
    look("decided")
    context.close()
