"""`countersign people grant`, `revoke`, `close`, `open`, `hand-over`: one change, and the steps that wait follow it."""

from typing import Annotated

import typer

from engine.cli.opening import application
from engine.errors import InvalidFile, InvalidForm, NotFound, Problem
from engine.service import handing, personnel, reorganising
from engine.service.app import Countersign

Who = Annotated[str, typer.Argument(help="Sign-in name.", show_default=False)]
Role = Annotated[str, typer.Argument(help="ROLE@OFFICE, as finance@440100.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of each case.")]


def grant(person: Who, role: Role) -> None:
    """Let a person hold a role at an office."""
    name, office = _role(role)
    with application() as app:
        _tell(app, personnel.give_role(app, person, name, office), f"{person} holds {role}", "already")


def revoke(person: Who, role: Role) -> None:
    """Take a role away from a person."""
    name, office = _role(role)
    with application() as app:
        _tell(app, personnel.take_role(app, person, name, office), f"{person} does not hold {role}", "anyway")


def close(person: Who) -> None:
    """Lock an account: its sessions end, it holds no role, and others are asked where it was."""
    with application() as app:
        _tell(app, personnel.close_account(app, person), f"The account {person} is closed", "already")


def open_(person: Who) -> None:
    """Open a closed account again, with the roles it had."""
    with application() as app:
        _tell(app, personnel.open_account(app, person), f"The account {person} is open", "already")


def hand_over(leaver: Who, to: Who, reason: Reason = "离职 · left") -> None:
    """Give everything that waits for a person to another (离职转办). Exit code 1 where something was left."""
    with application() as app:
        try:
            handled = handing.hand_over(app, None, leaver, to, remark=reason)
        except NotFound:
            raise InvalidForm([Problem("person", f"nobody has the account {leaver}", at="leaver")]) from None
    left = [one for one in handled if one.refused]
    typer.echo(f"{len(handled) - len(left)} cases go from {leaver} to {to}; {len(left)} are left as they were.")
    for one in left:
        typer.echo(f"{one.number or one.case_id}: {one.refused}")
    if left:
        raise typer.Exit(1)


def _role(text: str) -> tuple[str, str]:
    role, at, office = text.partition("@")
    if not (role and at and office):
        raise InvalidFile([Problem("role", f"{text!r} is no role", "write ROLE@OFFICE, as finance@440100")])
    return role, office


def _tell(app: Countersign, changed: bool, what: str, otherwise: str) -> None:
    asked_again = reorganising.resolve_open(app) if changed else 0
    typer.echo(f"{what}{'' if changed else f' {otherwise}'}.")
    if asked_again:
        typer.echo(f"{asked_again} cases ask others now.")
