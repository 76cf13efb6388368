"""`countersign people first-administrator`, `password`, `second-factor`: the way in, given by the operator.

Secrets are printed once, on the operator's terminal, and kept nowhere.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from engine.cli.opening import application
from engine.errors import InvalidForm, NotFound, Problem
from engine.service import founding, passwords, second_factor
from engine.service.recording import OPERATOR

Who = Annotated[str, typer.Argument(help="Sign-in name.", show_default=False)]


def first_administrator(
    person: Who,
    name: Annotated[str, typer.Option("--name", help="Name as others read it; by default the sign-in name.")] = "",
    email: Annotated[str, typer.Option("--email", help="Address for notices.")] = "",
    office: Annotated[str, typer.Option("--office", help="Code of the office, made where there is none.")] = "100000",
    office_name: Annotated[str, typer.Option("--office-name", help="What a new office is called.")] = "总部",
) -> None:
    """Make the first administrator, on a database that has none, and print the first password once."""
    given = secrets.token_urlsafe(12)
    with application() as app:
        founding.first_administrator(
            app, person, name=name or person, email=email, office=office, office_name=office_name, password=given
        )
    typer.echo(f"{person} is the first administrator. First password, shown this once: {given}")
    typer.echo("It is to be changed at the first sign-in.")


def password(person: Who) -> None:
    """Print a link with which somebody who forgot their password chooses a new one. It works once."""
    with application() as app, _known(person):
        made = passwords.reset_link(app, OPERATOR, person)
        until = made.expires_at.astimezone(app.settings.zone).strftime("%Y-%m-%d %H:%M")
        typer.echo(passwords.address_of(app, made))
        typer.echo(f"For {person}, until {until}, once. Links made before do not work any more.")


def forget_second_factor(person: Who) -> None:
    """Take away the second factor of somebody who lost their phone and recovery codes."""
    with application() as app, _known(person):
        had_one = second_factor.remove(app, OPERATOR, person)
        typer.echo(f"{person} signs in without a second factor{' now' if had_one else '; there was none'}.")


@contextmanager
def _known(person: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise InvalidForm([Problem("person", f"nobody has the open account {person}", at="person")]) from None
