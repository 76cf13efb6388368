"""Proofs and seeds in a real Chromium: who is asked answers in two taps, also without scripts; every page looked at."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import delivering, people, proofs, proposals
from engine.service.app import Countersign
from engine.service.recording import By
from engine.store import side_letters
from tests.acceptance.offices import in_force, key, notices, open_task, state_of, viewer
from tests.acceptance.proved_case import ASKED, begun, reachable, ready, seeded
from tests.acceptance.sealed_case import FORM, take_in
from tests.browser.looking import look, sign_in
from tests.servers.gateway import SECRET, running_gateway

Windows = Callable[..., Any]
TWO = ASKED.replace(
    'message: {text: "{name}您好", fields: [name]}',
    "message: {variants: {a: {text: 甲款优惠}, b: {text: 乙款优惠}}, fields: [name]}",
).replace(
    "    - {name: main, share: rest, channel: sms, chunk: 10}",
    "    - {name: pilot, size: 20, channel: sms, chunk: 10, test: {of: [a, b], metric: response, wait: 24h, else: b}}\n"
    "    - {name: main, share: rest, channel: sms, chunk: 10, text: winner of pilot}",
)
PUZZLES = re.compile(r"no budget|has ended|within a day|rejected|suppressed|waiting|unfit|variant|fits\b")


def speak(app: Countersign, language: str) -> None:
    for login in ("wangmin", "zhanglan", "machao", "liguoqiang"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")


def work(app: Countersign) -> None:
    """As the worker does, beside Playwright's event loop."""
    with ThreadPoolExecutor() as beside:
        beside.submit(delivering.work, app, "test").result()


def settled(app: Countersign, made: str, *reasons: tuple[str, str]) -> None:
    """Let letters have had these ends, which a day, a budget or a gateway brings."""
    with app.db.begin() as tx:
        waiting = side_letters.of_case(tx, made, "seed") + side_letters.of_case(tx, made, "proof")
        for letter, (state, reason) in zip(waiting, reasons, strict=False):
            side_letters.end(tx, letter, state, reason=reason, at=app.now())  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_proofs_and_seeds_say_what_happens(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    speak(app, language)
    made = ready(app, TWO)
    seeded(app)
    begun(app, made)
    notices(app)
    proofs.send(app, By(viewer(app, "wangmin"), key=key()), made)
    settled(app, made, *[("suppressed", "no budget left for seeds"), ("suppressed", "the seed has ended")] * 4,
            ("failed", "rejected: not taken within a day"))  # fmt: skip
    (mine, *_) = proofs.waiting(app, viewer(app, "zhanglan"))
    page, found = window(), []
    sign_in(page, "wangmin")
    page.goto(f"/cases/{made}?tab=delivery")
    shown = page.inner_text("main")
    assert ("首个波次等待样张" if language == "zh" else "The first wave waits for proofs") in shown
    if language == "zh":
        assert PUZZLES.findall(shown) == []
    found += look(page, f"proofs-delivery-{language}")
    page.goto(f"/cases/{made}/proofs")
    found += look(page, f"proofs-case-{language}")
    page.fill("#to", "nobody")
    with page.expect_navigation():
        page.click("main form button.main")
    assert page.query_selector("[aria-invalid=true]") is not None
    found += look(page, f"proofs-case-wrong-{language}")
    asked = window()
    sign_in(asked, "zhanglan")
    found += look(asked, f"proofs-inbox-{language}")
    asked.goto(f"/proofs/{mine.name}")
    found += look(asked, f"proof-{language}")
    with asked.expect_navigation():
        asked.click("button[value=unfit]")
    assert asked.query_selector("[aria-invalid=true]") is not None
    asked.fill("#because", "<b>价格是上月的</b>")
    with asked.expect_navigation():
        asked.click("button[value=unfit]")
    assert "<b>价格是上月的</b>" in asked.inner_text("main")
    found += look(asked, f"proof-answered-{language}")
    admin = window()
    sign_in(admin, "machao")
    admin.goto("/admin/seeds")
    found += look(admin, f"seeds-{language}")
    admin.fill("#address", "1391111")
    admin.fill("#office", "440111")
    admin.fill("#name", "质检")
    with admin.expect_navigation():
        admin.click("main form.stack button.main")
    assert admin.query_selector("[aria-invalid=true]") is not None
    found += look(admin, f"seeds-wrong-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_approves_sees_the_proofs_on_the_sheet(app: Countersign, window: Windows, language: str) -> None:
    speak(app, language)
    in_force(app, load(TWO))
    take_in(app)
    reachable(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.submit(app, me, made, FORM, key=key())
    proofs.send(app, By(me, key=key()), made)
    name = proofs.waiting(app, viewer(app, "zhanglan"))[0].name
    proofs.answer(app, By(viewer(app, "zhanglan"), key=key()), name, fits=False, because="价格是上月的")
    page = window()
    sign_in(page, "liguoqiang")
    page.goto(f"/tasks/{open_task(app, 'liguoqiang')}")
    shown = page.inner_text("main")
    assert "价格是上月的" in shown
    assert (("版本 a" if language == "zh" else "variant a") in shown) is True
    assert look(page, f"proofs-sheet-{language}") == []


def test_who_is_asked_answers_in_two_taps_without_scripts(app: Countersign, window: Windows, tmp_path: Path) -> None:
    with running_gateway(tmp_path / "sms.log") as gateway:
        app.settings = app.settings.model_copy(update={"sms_url": gateway.url, "sms_secret": SECRET})
        made = ready(app)
        begun(app, made)
        proofs.send(app, By(viewer(app, "wangmin"), key=key()), made, ["zhanglan"])
        work(app)
        (message,) = gateway.messages()
        link = re.findall(r"/proofs/proof\.[0-9a-f]{12}\.\d", message["text"])[0]
        page = window(390, java_script_enabled=False)
        sign_in(page, "zhanglan")
        page.click(f"a[href='{link}']")  # or the link in the message
        page.click("button[value=fits]")
        page.wait_for_selector("main [role=status]")
        assert page.url.endswith(link)
        assert state_of(app, made) == "delivering"
