"""`countersign definitions simulate`: the chain of a proposal not yet written, with people and deadlines."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from engine import clock
from engine.cli.definitions.files import loaded
from engine.cli.definitions.organisations import calendar_in_force
from engine.definition.cast import SUBMITTER, Cast
from engine.definition.fields import DateRange, Set
from engine.definition.model import Definition
from engine.definition.simulate import SimulatedStep, Simulation
from engine.definition.simulate import simulate as play
from engine.errors import InvalidFile, InvalidForm, Problem
from engine.expr.types import nearest
from engine.machine.process import Directory
from engine.organisation import Organisation
from engine.organisation.workdays import caution
from engine.service.app import Countersign
from engine.settings import Settings

FIRST_YEAR, LAST_YEAR = 1970, 2199


def simulate(
    file: Annotated[Path, typer.Argument(help="A definition (YAML)", show_default=False)],
    more: Annotated[list[str] | None, typer.Argument(help="Further K=V", metavar="[K=V]...")] = None,
    *,
    given: Annotated[
        list[str] | None,
        typer.Option("--given", help="A value of the form, K=V; of a set a,b; of a date range 2026-11-01..2026-11-30"),
    ] = None,
    office: Annotated[
        str, typer.Option("--office", help="Code of the office that proposes, with its real people")
    ] = "",
    at: Annotated[datetime | None, typer.Option("--at", help="When it is submitted; by default now")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Tell which chain a proposal takes and why, who is asked at each step, and by when.

    Working days are those of the case database in force, where there is one: the same as for its cases.
    """
    definition = loaded(file)
    settings = Settings()
    zone = settings.zone
    if at and not FIRST_YEAR <= at.year <= LAST_YEAR:
        hint = f"name a day of the years {FIRST_YEAR} to {LAST_YEAR}"
        raise InvalidFile([Problem("at", f"deadlines cannot be counted from {at:%Y-%m-%d}", hint)])
    moment = (at.replace(tzinfo=at.tzinfo or zone) if at else clock.now()).astimezone(zone)
    values = _values(definition, [*(given or ()), *(more or ())])
    directory, submitter, names = _people(office)
    calendar, whose = calendar_in_force()
    try:
        found = play(
            definition,
            values,
            directory=directory,
            calendar=calendar,
            office=office or "county",
            submitter=submitter,
            at=moment,
        )
    except InvalidForm as refused:
        raise InvalidFile([_as_argument(problem, definition) for problem in refused.problems]) from None
    if as_json:
        told = {"at": moment, "office": office, "invented_people": not office, "submitter": submitter}
        told |= {"calendar": whose, "caution": caution(found.unpublished).model_dump()}
        typer.echo(orjson.dumps({**told, **dataclasses.asdict(found)}, default=str, option=orjson.OPT_INDENT_2))
        return
    by = f"{names.get(submitter, submitter)} of office {office}" if office else "a county; people are invented"
    typer.echo(f"{definition.name} version {definition.version}, submitted {_moment(moment)} by {by}")
    for line in _lines(found, names):
        typer.echo(line)
    typer.echo(f"working days: {whose}")
    if found.unpublished:
        typer.echo(f"note: {caution(found.unpublished).en}")


def _values(definition: Definition, given: list[str]) -> dict[str, Any]:
    """The values as a form would send them. Raises InvalidFile with every argument that is no K=V."""
    values: dict[str, Any] = {}
    wrong = []
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            wrong.append(Problem("given", f"{one!r} is not K=V", "write --given budget=80000"))
        elif name in values:
            wrong.append(Problem("given", f"{name} is given twice"))
        else:
            field = definition.proposal.fields.get(name)
            match field:
                case Set():
                    values[name] = [part.strip() for part in text.split(",") if part.strip()]
                case DateRange():
                    values[name] = list(text.partition("..")[::2])
                case _:
                    values[name] = text
    if wrong:
        raise InvalidFile(wrong)
    return values


def _as_argument(problem: Problem, definition: Definition) -> Problem:
    """What is wrong with a field, as somebody hears it who writes --given."""
    hint = problem.hint
    if problem.code == "simulate":
        return problem
    if problem.code == "form.required":
        hint = f"add --given {problem.at}=VALUE"
    elif problem.code == "form.unknown":
        hint = nearest(problem.at, tuple(definition.proposal.fields))
    message = f"{problem.at}: {problem.message}" if problem.at else problem.message
    return dataclasses.replace(problem, code="given", message=message, hint=hint, at="")


def _people(office: str) -> tuple[Directory, str, dict[str, str]]:
    """Who is asked, who submits, and their names: of the case database for an office, else invented."""
    if not office:
        return Cast(), SUBMITTER, {}
    app = Countersign.open()
    try:
        with app.db.read() as tx:
            organisation = app.organisation(tx)
    finally:
        app.close()
    if office not in organisation.offices:
        codes = ", ".join(sorted(one.code for one in organisation.offices)[:20]) or "none yet"
        raise InvalidFile([Problem("office", f"the case database has no office {office!r}", f"there are: {codes}")])
    names = {person: organisation.name(person) for person in organisation.people}
    return organisation, _submitter(organisation, office), names


def _submitter(organisation: Organisation, office: str) -> str:
    found = organisation.resolve("role:submitter", office)
    return found[0] if found else SUBMITTER


def _lines(found: Simulation, names: dict[str, str]) -> list[str]:
    lines = []
    for row in found.rows:
        verdict = "holds" if row.holds else "does not hold"
        lines.append(
            f"route row {row.number} {verdict}: {row.text or 'else'}" + (f" -> {row.use}" if row.holds else "")
        )
        lines += [f"    {reason}" for reason in row.reasons]
    lines.append(f"chain {found.route}:")
    sign = ""
    for step in found.steps:
        if step.countersign and step.countersign != sign:
            lines.append(f"  countersign {step.countersign}:")
        sign = step.countersign
        lines += [f"{'    ' if sign else '  '}{line}" for line in _step(step, names)]
    if found.stuck:
        lines.append(f"the case waits at {found.stuck}: nobody can be asked there")
    else:
        lines.append(f"when everybody agrees: {found.state}" + "".join(f" -> {stage}" for stage in found.stages))
    if found.filled:
        lines.append(f"made up, because they were not given: {', '.join(found.filled)}")
    return lines


def _step(step: SimulatedStep, names: dict[str, str]) -> list[str]:
    mode = f", {step.mode}" if step.mode else ""
    title = f"{step.verb} {step.name} ({step.who}{mode})"
    guard = [f"    {reason}" for reason in step.reasons]
    if not step.taken:
        return [f"{title}: left out, because {step.when} does not hold", *guard]
    people = ", ".join(names.get(one.person, one.person) for one in step.people) or "nobody"
    due = min((one.due_at for one in step.people if one.due_at), default=None)
    lines = [f"{title}: {people}" + (f", by {_moment(due)}" if due else ""), *guard]
    return [*lines, *(f"    {_happening(name)} at {_moment(when)}" for name, when in step.timers)]


def _happening(timer: str) -> str:
    """What a timer does, in words: reminders are numbered."""
    return {"silence": "counts as acknowledged", "staff": "looks again for people"}.get(
        timer, timer.replace("remind:", "reminder ")
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M (%a)}"
