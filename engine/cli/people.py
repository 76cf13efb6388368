"""`countersign people`: offices and people from a file, each newcomer with a password that is shown once."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table

from engine.cli import credentials, offices, personnel, standins
from engine.cli.definitions.files import text_of
from engine.definition.document import read as document_of
from engine.definition.shape import shape_of
from engine.errors import InvalidFile, Problem
from engine.organisation import Grant, Office, Organisation, Person
from engine.service import people, reorganising
from engine.service.app import Countersign
from engine.settings import Settings
from engine.values import Language, Level

MAX_BYTES = 8 * 1024 * 1024  # some 80,000 people

app = typer.Typer(no_args_is_help=True)
app.add_typer(standins.app, name="stand-in", help="Who decides for whom.")
app.command("grant")(personnel.grant)
app.command("revoke")(personnel.revoke)
app.command("close")(personnel.close)
app.command("open")(personnel.open_)
app.command("hand-over")(personnel.hand_over)
app.command("first-administrator")(credentials.first_administrator)
app.command("password")(credentials.password)
app.command("forget-second-factor")(credentials.forget_second_factor)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OfficeRow(_Row):
    """An office; its parent stands before it."""

    code: str = Field(pattern=r"^[0-9A-Za-z-]{1,12}$")
    zh: str
    en: str = ""
    level: Level
    parent: str | None = None


class PersonRow(_Row):
    """A person; `roles` are written ROLE@OFFICE. `same_as`: another account of the same human being."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")
    name: str
    email: str
    language: Language = "zh"
    same_as: str = Field("", max_length=40)
    roles: tuple[str, ...] = Field(min_length=1)


class Staff(_Row):
    """The file."""

    offices: tuple[OfficeRow, ...] = ()
    people: tuple[PersonRow, ...] = ()


@app.callback()
def _people() -> None:
    """Offices and people."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML with `offices:` and `people:`, or CSV or XLSX of people.")],
    dry_run: offices.Dry = False,
) -> None:
    """Add offices and people. YAML: those who are there keep what they have, and each newcomer's first password is
    printed once. CSV or XLSX (id,name,email,language,same_as,roles): those who are there become what the file says."""
    if file.suffix in (".csv", ".xlsx"):
        offices.load([file], dry=dry_run)
        return
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        staff = read(file, people.offices(opened))
        known = people.known(opened)
        newcomers = [_newcomer(row) for row in staff.people if row.id not in known]
        if dry_run:
            typer.echo(f"{len(staff.offices)} offices, {len(newcomers)} new people; nothing was changed.")
            return
        people.load(opened, [Office(**row.model_dump()) for row in staff.offices], newcomers)
        changed = reorganising.resolve_open(opened)
    finally:
        opened.close()
    console = Console(highlight=False)
    console.print(f"{len(staff.offices)} offices and {len(newcomers)} new people; {len(known)} were there.")
    if changed:
        console.print(f"{changed} cases ask others now.")
    if newcomers:
        table = Table("sign-in name", "name", "first password")
        for one in newcomers:
            table.add_row(one.id, one.name, one.password)
        console.print(table)


@app.command()
def export(file: offices.To) -> None:
    """Write all people with their roles to a CSV or XLSX file that `import` reads again."""
    offices.write(file, "people")


def read(file: Path, there: Iterable[Office] = ()) -> Staff:
    """The file, checked as a whole beside the offices that are `there`. Raises InvalidFile with every problem."""
    document = document_of(text_of(file, MAX_BYTES), MAX_BYTES)
    problems = document.problems or shape_of(document, Staff).problems
    if problems:
        hints = {"E108": "it has offices: and people:"}
        told = (replace(problem, hint=hints.get(problem.code, problem.hint)) for problem in problems)
        raise InvalidFile([replace(problem, file=str(file)) for problem in told])
    staff = Staff.model_validate(document.value)
    organisation_of(staff, there)
    return staff


def organisation_of(staff: Staff, there: Iterable[Office] = ()) -> Organisation:
    """The organisation that the file describes. Raises InvalidFile where parents and roles lead nowhere."""
    return Organisation(
        {office.code: office for office in (*(Office(**row.model_dump()) for row in staff.offices), *there)}.values(),
        [Person(row.id, row.name, same_as=row.same_as) for row in staff.people],
        [Grant(row.id, *_role(row, role)) for row in staff.people for role in row.roles],
    )


def _newcomer(row: PersonRow) -> people.NewPerson:
    return people.NewPerson(
        id=row.id,
        name=row.name,
        email=row.email,
        same_as=row.same_as,
        language=row.language,
        password=secrets.token_urlsafe(9),
        must_change=True,
        grants=tuple(_role(row, role) for role in row.roles),
    )


def _role(row: PersonRow, text: str) -> tuple[str, str]:
    role, at, office = text.partition("@")
    if not (role and at and office):
        raise InvalidFile([Problem("role", f"{text!r} is no role; write ROLE@OFFICE", at=f"people.{row.id}.roles")])
    return role, office
