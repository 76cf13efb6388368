"""The other ways to figures beside pages and scripts: commands that act for a person, and reports that are mailed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import typer
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.service import mailing, mailings, messaging, saved_views
from engine.service.app import Countersign
from engine.service.mailings import Wanted
from engine.service.recording import By
from notifications.channels import sender
from tests.acceptance.analysis_doors import NUMBER, words
from tests.acceptance.offices import key, viewer
from tests.acceptance.telling_staff import MailServer
from tests.acceptance.two_offices import EVERYTHING, FAR

OF_OTHERS = ("definitions", "database")
"""Groups of commands that act for people who write definitions or keep the house."""
LOG = "{log}"
COMMANDS = (
    ("metrics", "query", "sent,customers,delivery_cost", "--by", "office,case", "--json"),
    ("metrics", "query", "shown,accepted", "--by", "clerk", "--where", f"office={FAR}"),
    ("metrics", "query", "judged_cases,lift,effect_profit", "--sql"),
    ("cases", "list"),
    ("cases", "list", NUMBER),
    ("cases", "library", "--json"),
    ("cases", "library", "--office", FAR),
    ("cases", "explain", NUMBER),
    *(("export", form, LOG) for form in ("xes", "ocel", "csv")),
)


def unknown() -> list[str]:
    """Commands with --as that nobody said how to give."""
    given = {" ".join(words[:2] if words[0] != "export" else words[:1]) for words in COMMANDS}
    return [name for name in _acting(typer.main.get_command(program), "") if name not in given]


def _acting(command: click.Command, name: str) -> Iterator[str]:
    if any("--as" in one.opts for one in command.params):
        yield name
    for part, other in getattr(command, "commands", {}).items():
        if part not in OF_OTHERS:
            yield from _acting(other, f"{name} {part}".strip())


def printed(login: str, folder: Path) -> dict[str, str]:
    """What each command prints for a person, or writes into its file."""
    found = {}
    for given in COMMANDS:
        file = folder / f"{login}.log"
        argv = [str(file) if word == LOG else word for word in given]
        done = CliRunner().invoke(program, [*argv, "--as", login])
        said = f"{done.exit_code}\n{done.output}\n{done.exception or ''}"
        if LOG in given:
            said += file.read_text(encoding="utf-8")
        found[f"countersign {' '.join(given)}"] = said
    return found


@contextmanager
def subscribed(app: Countersign, login: str, views: list[int]) -> Iterator[None]:
    """Have these views of theirs mailed as workbooks and as tables, for so long."""
    by, numbers = By(viewer(app, login)), []
    wanted = Wanted(0, "daily", 0, "11:00", "Asia/Shanghai", workdays=False, form="", recipients=(login,))
    for view in views:
        for form in ("xlsx", "csv"):
            numbers.append(mailings.add(app, replace(by, key=key()), replace(wanted, view=view, form=form)))
    # of somebody else, so that no later one has the number of one that was taken away
    other = By(viewer(app, EVERYTHING))
    theirs = replace(
        wanted,
        view=saved_views.save(app, viewer(app, EVERYTHING), "kept", "cases", ""),
        form="csv",
        recipients=(EVERYTHING,),
    )
    mailings.switch(app, replace(other, key=key()), mailings.add(app, replace(other, key=key()), theirs), on=False)
    yield
    for number in numbers:
        mailings.remove(app, replace(by, key=key()), number)


def mailed(app: Countersign, server: MailServer) -> dict[str, str]:
    """What the reports say that are due now, by recipient, subject and file; their addresses left out."""
    there = len(server.mails())
    for _ in range(20):
        if not mailing.queue_due(app) + messaging.send_reports(app, sender(app.settings))[0]:
            break
    found = {}
    for mail in server.mails()[there:]:
        body = mail.get_body(("html",))
        said = re.sub(r"http://testserver/\S+", "", body.get_content() if body else "")
        names = []
        for file in mail.iter_attachments():
            names.append(str(file.get_filename()))
            data = file.get_content()
            said += words(file.get_content_type(), data.encode() if isinstance(data, str) else data)
        found[f"mail {mail['To']} {mail['Subject']} {names}"] = said
    return found
