"""The telecom case as its people live it, step by step, each through a page or the API.

Driven by the case's state and by the mails that arrived, never by what was done before: after a crash the same loop
goes on where the case stands.
"""

import email
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engine import clock
from engine.cli.demo.browser import Browser, NoSuchForm
from engine.cli.demo.people import PASSWORD, SUBMITTER
from engine.cli.demo.setting import Setting

PATIENCE = 120.0
FINISHED = {"closed", "rejected", "withdrawn", "cancelled", "expired"}


class StoryStuck(Exception):
    """The case did not move on in time; the message says where it stands."""


@dataclass
class Story:
    """One case from the proposal to the close-out. What is particular to a case type comes from the subclass."""

    setting: Setting
    console: Console
    definition: ClassVar[str]
    looks: ClassVar[tuple[int, ...]] = (7, 30)  # days after delivery at which the definition evaluates

    def proposal(self) -> dict[str, str | list[str]]:
        """The values that the county office types in."""
        raise NotImplementedError

    def outcomes(self, case_id: str) -> tuple[str, bytes]:
        """The file of what customers did afterwards: its name and content."""
        raise NotImplementedError

    def furnish(self) -> tuple[tuple[str, str, str], ...]:
        """Leave further cases at interesting states, for who looks around; none unless the subclass has some. Whose
        accounts came with them: login, role, office."""
        return ()

    def run(self) -> dict[str, Any]:
        """Bring the case to its close-out; returns the case as the API shows it."""
        with Browser(self.setting.address) as office:
            self._sign_in(office, SUBMITTER)
            case_id = self.setting.noted.get("case") or self._submit(office)
            self.setting.note(case=case_id)
            while True:
                case = self._case(office, case_id)
                state = case["row"]["state"]
                if state in FINISHED:
                    return case
                self._live_through(office, case_id, state)

    def _live_through(self, office: Browser, case_id: str, state: str) -> None:
        match state:
            case "approving" | "filed":
                self._decide_by_mail()
            case "ready":
                self._start(office, case_id)
            case "delivering" | "paused":
                self._deliver(office, case_id)
            case "evaluating":
                self._evaluate(office, case_id)
            case _:
                self._wait(office, case_id, leaving=state)

    # The county office -------------------------------------------------------------------------------------------

    def _sign_in(self, browser: Browser, login: str) -> None:
        page = browser.open("/sign-in")
        browser.press(page, page.form("login", "password"), login=login, password=PASSWORD)

    def _submit(self, office: Browser) -> str:
        page = office.open("/cases/new")
        form = next(form for form in page.forms if ("definition", self.definition) in form.fields)
        page = office.press(page, form)
        case_id = page.address.rstrip("/").split("/")[-2]
        page = office.press(page, page.form("title", "budget"), ("action", "submit"), **self.proposal())
        self.console.print(f"[green]✓[/] {SUBMITTER} submitted the proposal: {page.address}")
        return case_id

    # The approvers -----------------------------------------------------------------------------------------------

    def _decide_by_mail(self) -> None:
        """Wait for the next mail with a link, follow it as its receiver, decide what its sheet asks."""
        seen: list[str] = self.setting.noted.setdefault("mails", [])
        self._until(lambda: next(self._mails(seen), None) is not None, "a mail to an approver")
        path, message = next(self._mails(seen))
        link = re.search(re.escape(self.setting.address) + r"(/l/[\w-]+)", _text(message))
        if link:
            self._follow(str(message["To"]).split("@")[0], link[1])
        seen.append(path.name)
        self.setting.note(mails=seen)

    def _mails(self, seen: list[str]) -> Iterator[tuple[Path, EmailMessage]]:
        for path in sorted(self.setting.mails.glob("*.eml")):
            if path.name not in seen:
                yield path, email.message_from_bytes(path.read_bytes(), policy=default)

    def _follow(self, login: str, link: str) -> None:
        with Browser(self.setting.address) as browser:
            page = browser.open(link)
            page = browser.press(page, page.form("login", "password"), login=login, password=PASSWORD)
            try:
                form = page.form("decision")
            except NoSuchForm:
                return
            offered = [value for name, value, _ in form.buttons if name == "decision"]
            decision = next((one for one in ("approve", "acknowledge", "read") if one in offered), None)
            if decision is None:
                return
            browser.press(page, form, ("decision", decision), remark="")
            self.console.print(f"[green]✓[/] {login} followed the link in the mail: [b]{decision}[/]")

    # Delivery ----------------------------------------------------------------------------------------------------

    def _start(self, office: Browser, case_id: str) -> None:
        page = office.open(f"/cases/{case_id}?tab=delivery")
        form = page.form("recipients")
        office.press(page, form)
        self.console.print(
            f"[green]✓[/] {SUBMITTER} started the delivery to {dict(form.fields)['recipients']} customers"
        )

    def _deliver(self, office: Browser, case_id: str) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            bars: dict[str, Any] = {}
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                self.setting.check()
                case = self._case(office, case_id)
                if case["row"]["state"] not in ("delivering", "paused"):
                    return
                for wave in case["waves"]:
                    settled = wave["audience"] - wave["waiting"] - wave["sent"]
                    if wave["id"] not in bars:
                        bars[wave["id"]] = progress.add_task(f"wave {wave['name']}", total=wave["audience"])
                    if progress.tasks[bars[wave["id"]]].completed != settled:
                        until = time.monotonic() + PATIENCE
                    progress.update(bars[wave["id"]], completed=settled)
                    if wave["state"] == "gated" and wave["gate_until"]:
                        self._jump_to(datetime.fromisoformat(wave["gate_until"]), f"the gate of wave {wave['name']}")
                time.sleep(0.5)
        raise StoryStuck(f"the waves stand still: {case['waves']}")

    # Evaluation --------------------------------------------------------------------------------------------------

    def _evaluate(self, office: Browser, case_id: str) -> None:
        if not self.setting.noted.get("responses"):
            name, content = self.outcomes(case_id)
            page = office.open(f"/cases/{case_id}?tab=evaluation")
            office.upload(page, page.form("file"), "file", name, content)
            self.setting.note(responses=True)
            self.console.print(f"[green]✓[/] what customers did came in: {name}, {content.count(10) - 1:,} rows")
        case = self._case(office, case_id)
        if "close" in case["waiting"]["possible"]:
            page = office.open(f"/cases/{case_id}/closing")
            form = page.form("worked", "failed", "repeat")
            office.press(
                page,
                form,
                worked="名单质量好；试点后放量，效果稳定。",
                failed="周末发送的短信反馈较少。",
                repeat="节前一周，在网六个月以上的同类客户。",
            )
            self.console.print(f"[green]✓[/] {SUBMITTER} signed the report and closed the case out")
            return
        done = {evaluation["label"] for evaluation in case["evaluations"]}
        due = next((days for days in self.looks if f"{days}d" not in done), None)
        if due is not None and self.setting.noted.get("jumped") != f"{due}d":
            before = max((days for days in self.looks if days < due), default=0)
            self._jump_by(timedelta(days=due - before, minutes=5), f"the evaluation after {due}d")
            self.setting.note(jumped=f"{due}d")
        self._until(lambda: len(self._case(office, case_id)["evaluations"]) > len(done), "the evaluation")

    # Waiting -----------------------------------------------------------------------------------------------------

    def _jump_to(self, when: datetime, why: str) -> None:
        self._jump_by(when - clock.now() + timedelta(seconds=1), why)

    def _jump_by(self, by: timedelta, why: str) -> None:
        if by > timedelta():
            clock.move(self.setting.clock_file, by)
            self.console.print(f"[dim]… the clock is moved on to {clock.now():%Y-%m-%d %H:%M} UTC: {why}[/]")

    def _wait(self, office: Browser, case_id: str, *, leaving: str) -> None:
        with self.console.status(f"the case is {leaving}"):
            self._until(lambda: self._case(office, case_id)["row"]["state"] != leaving, f"leaving {leaving}")

    def _until(self, happened: Any, what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not happened():
            self.setting.check()
            if time.monotonic() > end:
                raise StoryStuck(
                    f"waited {PATIENCE:.0f} s for {what} in vain; the logs are in {self.setting.logs}. Nothing is "
                    "lost: the same command with --resume (make demo ARGS=--resume) goes on from here"
                )
            time.sleep(0.3)

    def _case(self, office: Browser, case_id: str) -> dict[str, Any]:
        answer = office.json(f"/api/v1/cases/{case_id}")
        if answer.status_code == 401:
            self._sign_in(office, SUBMITTER)
            answer = office.json(f"/api/v1/cases/{case_id}")
        answer.raise_for_status()
        return dict(answer.json())


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""
