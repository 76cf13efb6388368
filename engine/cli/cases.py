"""`countersign cases list`, `library` and `explain`: find cases; what closed ones brought; why one is where it is, whom
it waits for, what happens next.

The same as on the pages, for the person named with --as: who may not see a case is told that there is none.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from engine.cli.persons import person
from engine.errors import InvalidFile, NotFound, Problem
from engine.service import case_library, cases, explaining
from engine.service.app import Countersign
from engine.service.chain_views import Following, SeatReason, WaitingPerson
from engine.service.explaining import Explanation
from engine.service.stage_views import StaleView
from engine.values import Bilingual, Language

app = typer.Typer(no_args_is_help=True)

WHY = {
    "role": "holds {role} at {office}",
    "fallback": "nobody else is there; holds {role} at {office}",
    "superior": "the superior of {by}",
    "submitter": "whose case it is",
    "field": "named in {field}",
    "instead": "decides instead of {by}, whose case it is",
    "second": "decides instead of {by}, who changed the proposal",
    "question": "was asked by {by}",
    "escalated": "passed on from {by}, whose time was over",
    "transferred": "passed on by {by}",
    "appended": "asked by {by} besides",
    "before": "brought in by {by}, to sign first",
    "after": "brought in by {by}, to sign afterwards",
    "beside": "brought in by {by}, to sign too",
    "delegate": "looks at it first for {by}",
}


@app.callback()
def _cases() -> None:
    """Look at cases."""


@app.command("list")
def listed(
    query: Annotated[str, typer.Argument(help="A part of the title, a case number or a register number")] = "",
    *,
    by: Annotated[str, typer.Option("--as", help="The account of the person who looks.", show_default=False)],
    state: Annotated[str, typer.Option(help="Only cases in this state.")] = "",
) -> None:
    """List the cases that a person may see, newest change first, 100 at most."""
    opened = Countersign.open()
    try:
        viewer = person(opened, by)
        rows = cases.listed(opened, viewer, query, state)
    finally:
        opened.close()
    for row in rows:
        label = row.state_label.in_language(viewer.language) or row.state
        typer.echo(f"{row.number or row.id}  {label}  {row.title}")
    typer.echo(f"{len(rows)} case{'' if len(rows) == 1 else 's'}", err=True)


@app.command()
def library(
    query: Annotated[str, typer.Argument(help="Words of title or lessons, also in pinyin, or a case number")] = "",
    *,
    by: Annotated[str, typer.Option("--as", help="The account of the person who looks.", show_default=False)],
    verdict: Annotated[str, typer.Option(help="Only cases with this verdict, as works.")] = "",
    office: Annotated[str, typer.Option(help="Only cases of this office and those below it.")] = "",
    page: Annotated[int, typer.Option(min=1, help="Which page of 20.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As GET /library answers.")] = False,
) -> None:
    """List the closed cases that a person may see, the last closed first, with verdict and lessons."""
    opened = Countersign.open()
    try:
        viewer = person(opened, by)
        filters = {"q": query, "verdict": verdict, "office": office}
        found = case_library.page(opened, viewer, filters, number=page)
    finally:
        opened.close()
    if as_json:
        answer = {"cases": found.rows, "next": str(found.next or "")}
        typer.echo(msgspec.json.encode(answer, enc_hook=lambda value: value.model_dump()).decode())
        return
    for one in found.rows:
        judged = one.report.verdict if one.report else "no report"
        typer.echo(f"{one.row.number or one.row.id}  {one.closed_at:%Y-%m-%d}  {judged}  n {one.n}  {one.row.title}")
        for text in filter(None, (one.lessons.worked, one.lessons.failed, one.lessons.repeat)):
            typer.echo(f"    {text}")
    typer.echo(f"{len(found.rows)} case{'' if len(found.rows) == 1 else 's'}", err=True)


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="The number of a case, its register number or id", show_default=False)],
    by: Annotated[str, typer.Option("--as", help="The account of the person who looks.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="As GET /cases/{id}/explanation answers.")] = False,
) -> None:
    """Say why CASE is where it is, whom it waits for, how long, and what happens next."""
    opened = Countersign.open()
    try:
        viewer = person(opened, by)
        try:
            found = explaining.explain(opened, viewer, case)
        except NotFound:
            hint = "write its number as on the case page, and with --as who may see it"
            raise InvalidFile([Problem("case", f"{by} sees no case {case!r}", hint)]) from None
        now, zone = opened.now(), opened.settings.zone
    finally:
        opened.close()
    if as_json:
        typer.echo(msgspec.json.encode(found, enc_hook=lambda value: value.model_dump()).decode())
        return
    for line in _Lines(found, viewer.language, zone, now).all():
        typer.echo(line)


class _Lines:
    """An explanation in lines, with labels in the language of the person."""

    def __init__(self, found: Explanation, language: Language, zone: ZoneInfo, now: datetime) -> None:
        self.found, self.language, self.zone, self.now = found, language, zone, now

    def all(self) -> Iterator[str]:
        """Every line."""
        found, waiting = self.found, self.found.waiting
        case = found.case
        yield f"{case.number or case.id} {case.title}: {self._state(case.state, case.state_label)}, round {found.round}"
        if found.route:
            yield f"chain {found.route}:"
            yield from (f"    {reason}" for reason in found.reasons)
        if found.drift:
            far = f" ({found.drift.share})" if found.drift.share else ""
            yield f"declared {found.drift.declared:,} customers, in fact {found.drift.actual:,}{far}"
            if found.drift.voided:
                yield f"    no longer stands: {', '.join(map(self._said, found.drift.voided))}"
        if found.stale:
            yield from self._stale(found.stale)
        if waiting.reason:
            yield f"because {waiting.reason_by or 'the system'} said: {waiting.reason}"
        yield "waits for:" if waiting.people else "waits for nobody to decide"
        for one in waiting.people:
            yield from self._person(one)
        if waiting.possible:
            yield f"you may: {', '.join(waiting.possible)}"
        if waiting.follows:
            yield "what would follow:"
            yield from (f"    {self._follow(follow)}" for follow in waiting.follows)
        if waiting.deadlines:
            yield "if nobody does anything:"
        for deadline in waiting.deadlines:
            state = f" -> {self._state(deadline.state, deadline.state_label)}" if deadline.state else ""
            people = f" -> {', '.join(deadline.people)}" if deadline.people else ""
            yield f"    {self._moment(deadline.at)} {deadline.what} {self._said(deadline.step)}{people}{state}".rstrip()
        if caution := self._said(waiting.caution):
            yield caution

    def _stale(self, stale: StaleView) -> Iterator[str]:
        yield f"the wave {stale.wave} does not go out by itself, the list is stale:"
        yield from (f"    {self._said(why.label)}" for why in stale.why)
        again = "have it selected again, or " if stale.may_select else ""
        yield f"    {again}let it go as it is, with a reason"

    def _person(self, one: WaitingPerson) -> Iterator[str]:
        days = f"{one.working_days} working day{'' if one.working_days == 1 else 's'}"
        until = f", until {self._moment(one.until)}" if one.until else ""
        stopped = ", the clock stands still while a question is open" if one.stopped else ""
        yield f"    {self._said(one.step)}: {one.name} ({self._why(one.why)})"
        yield f"        since {self._moment(one.since)} ({days}){until}{stopped}"
        if one.stand_ins:
            yield f"        may be done by {', '.join(one.stand_ins)}"

    def _why(self, why: SeatReason) -> str:
        said = WHY[why.code].format(
            role=why.role, office=self._said(why.office), field=self._said(why.field), by=why.by
        )
        return said.removesuffix(" at ")

    def _follow(self, follow: Following) -> str:
        act = follow.decision or self._said(follow.event)
        waits = ", ".join(
            self._said(node.label) + "".join(f" {seat.name}" for seat in node.seats if seat.state == "open")
            for node in follow.nodes
        )
        state = self._state(follow.state, follow.state_label)
        return f"{self._said(follow.step)}: {act} -> {state}" + (f", waits for {waits}" if waits else "")

    def _said(self, label: Bilingual) -> str:
        return label.in_language(self.language)

    def _state(self, state: str, label: Bilingual) -> str:
        return self._said(label) or state

    def _moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"
