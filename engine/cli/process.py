"""`countersign process`: the figures of a process from a log of events (CSV, XES or XLSX; CSV and XES also as .gz).

Prints tables, or with --json one object for scripts: durations in seconds, nothing rounded. Refuses a log with rows
that cannot be read, unless --leave-out lets their cases go.
"""

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from engine.definition.process_map import ProcessMap, read_process_map
from engine.errors import InvalidFile, Problem
from engine.evaluation.process import Figures, LeadTime, Share, Spread
from engine.organisation.workdays import caution
from engine.service.process_files import ProcessFile, looked_into
from engine.settings import Settings
from engine.values import Language

SHOWN = 12
LEAST_WIDTH = 110  # with less, the names of activities break into syllables
ZH = {
    "{cases} cases, {events} events, {activities} activities, {variants} variants": (
        "{cases} 个案例、{events} 个事件、{activities} 种活动、{variants} 种路径"
    ),
    "{cases} cases with rework ({share}), {repeats} repeated events, {handovers} handovers": (
        "{cases} 个案例有返工（{share}），重复事件 {repeats} 个，换人 {handovers} 次"
    ),
    "{events} events stand after a later one of their case": "{events} 个事件排在本案例更晚的事件之后",
    "{cases} cases left out, with {rows} rows that cannot be read": "略去 {cases} 个案例，其中 {rows} 行无法读取",
    "and {count} more; --json has them all": "另有 {count} 项；--json 输出全部",
    "Lead times": "历时",
    "Activities": "活动",
    "Variants": "路径",
    "People": "人员",
    "Offices": "机构",
    "name": "名称",
    "office": "机构",
    "cases": "案例",
    "open": "未到终点",
    "absent": "未开始",
    "working p50": "工时 p50",
    "working p90": "工时 p90",
    "events": "事件",
    "repeated in": "重复案例",
    "returns": "折返",
    "again": "连续重复",
    "wait p50": "等待 p50",
    "wait p90": "等待 p90",
    "share": "占比",
    "sequence, by the numbers above": "顺序（编号见活动）",
    "whole case": "全程",
    "d": "天",
    "h": "小时",
    "min": "分",
    "s": "秒",
}
"""What tables say in Chinese; the English is the key."""


def process(
    file: Annotated[Path, typer.Argument(metavar="LOG", help="One row per event.", show_default=False)],
    *,
    map_: Annotated[
        Path | None, typer.Option("--map", help="What the log's columns are, and which lead times are asked for (YAML)")
    ] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out cases with rows that cannot be read")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    language: Annotated[Language | None, typer.Option(help="Language of the tables.")] = None,
) -> None:
    """Say how a process went by its log: lead times, variants, rework, who was at work."""
    settings = Settings()
    log_map = read_process_map(_text(map_), str(map_)) if map_ else ProcessMap.standard()
    gc.disable()  # a million events are a million values that stay: looking through them takes a quarter of the time
    try:
        found = looked_into(file, log_map, settings.zone, leave_out=leave_out)
    except InvalidFile as error:
        if map_ is not None or not any(problem.code == "R116" for problem in error.problems):
            raise
        hint = "name a map of its columns (YAML) with --map"
        raise InvalidFile([*error.problems, Problem("F121", "the headings are not those of XES", hint)]) from None
    finally:
        gc.enable()
    for problem in found.problems:
        typer.echo(f"left out: {problem}", err=True)
    if as_json:
        typer.echo(orjson.dumps(as_object(found)))
    else:
        _Printed(found, language or settings.language).all()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem("F120", f"{file} cannot be read: {_reason(error)}", "name a map (YAML)")]) from None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


def as_object(found: ProcessFile) -> dict[str, Any]:
    """The figures as they are printed with --json."""
    figures = found.figures
    return {
        "cases": figures.cases,
        "events": figures.events,
        "first": figures.first,
        "last": figures.last,
        "backwards": figures.backwards,
        "left_out": {"cases": found.left_out, "rows": found.problem_count},
        "whole": {"elapsed": figures.whole, "worked": figures.whole_worked},
        "lead_times": {lead.name: _lead_object(lead) for lead in figures.lead_times},
        "activities": {one.name: _without(asdict(one), "name") for one in figures.activities},
        "variants": figures.variants,
        "rework": {"cases": figures.reworked, "repeats": figures.repeats},
        "handovers": figures.handovers if found.has_people else None,
        "people": _shares_object(figures.people) if found.has_people else None,
        "offices": _shares_object(figures.offices) if found.has_offices else None,
        "unpublished": found.unpublished,
    }


def _lead_object(lead: LeadTime) -> dict[str, Any]:
    return {"from": lead.asked.start, "to": lead.asked.end, **_without(asdict(lead), "name", "asked")}


def _shares_object(shares: Iterable[Share]) -> dict[str, Any]:
    return {one.name: {"events": one.events, "cases": one.cases} for one in shares}


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


class _Printed:
    """The figures as tables in one language."""

    def __init__(self, found: ProcessFile, language: Language) -> None:
        self.found = found
        self.figures: Figures = found.figures
        self.language = language
        narrow = Console(highlight=False)
        self.console = Console(highlight=False, width=max(narrow.width, LEAST_WIDTH))

    def all(self) -> None:
        """Everything."""
        figures = self.figures
        self.line(
            "{cases} cases, {events} events, {activities} activities, {variants} variants",
            cases=figures.cases,
            events=figures.events,
            activities=len(figures.activities),
            variants=len(figures.variants),
        )
        self.line(
            "{cases} cases with rework ({share}), {repeats} repeated events, {handovers} handovers",
            cases=figures.reworked,
            share=f"{figures.reworked / figures.cases:.1%}",
            repeats=figures.repeats,
            handovers=figures.handovers if self.found.has_people else "–",
        )
        if figures.backwards:
            self.line("{events} events stand after a later one of their case", events=figures.backwards)
        if self.found.left_out:
            left = {"cases": self.found.left_out, "rows": self.found.problem_count}
            self.line("{cases} cases left out, with {rows} rows that cannot be read", **left)
        self.lead_times()
        self.activities()
        self.variants()
        self.shares("People", figures.people)
        self.shares("Offices", figures.offices)
        if said := caution(self.found.unpublished).in_language(self.language):
            self.console.print(said, markup=False)

    def lead_times(self) -> None:
        names = ("name", "cases", "open", "absent", "p50", "p90", "working p50", "working p90")
        table = self.table("Lead times", names)
        whole = (self.said("whole case"), f"{self.figures.cases:,}", "", "")
        table.add_row(*whole, *self.spread(self.figures.whole), *self.worked(self.figures.whole_worked))
        for lead in self.figures.lead_times:
            counts = (lead.elapsed.count if lead.elapsed else 0, lead.open, lead.absent)
            table.add_row(
                lead.name,
                *(f"{count:,}" for count in counts),
                *self.spread(lead.elapsed),
                *self.worked(lead.worked),
            )
        self.console.print(table)
        for lead in self.figures.lead_times:
            self.console.print(f"{lead.name}: {lead.asked.start} → {lead.asked.end}", markup=False)

    def activities(self) -> None:
        names = ("name", "events", "cases", "repeated in", "returns", "again", "wait p50", "wait p90")
        table = self.table("Activities", names)
        for number, one in enumerate(self.figures.activities[:SHOWN], 1):
            counts = (one.events, one.cases, one.repeated_in, one.returns, one.again)
            table.add_row(f"{number} {one.name}", *(f"{count:,}" for count in counts), *self.spread(one.before))
        self.console.print(table)
        self.more(len(self.figures.activities))

    def variants(self) -> None:
        table = self.table("Variants", ("sequence, by the numbers above", "cases", "share", "p50"))
        numbers = {one.name: str(number) for number, one in enumerate(self.figures.activities[:SHOWN], 1)}
        for one in self.figures.variants[:SHOWN]:
            steps = " → ".join(numbers.get(name, name) for name in one.sequence)
            table.add_row(steps, f"{one.cases:,}", f"{one.share:.1%}", self.duration(one.p50))
        self.console.print(table)
        self.more(len(self.figures.variants))

    def shares(self, title: str, shares: Sequence[Share]) -> None:
        if not shares:
            return
        table = self.table(title, ("name", "events", "cases"))
        for one in shares[:SHOWN]:
            table.add_row(one.name, f"{one.events:,}", f"{one.cases:,}")
        self.console.print(table)
        self.more(len(shares))

    def more(self, count: int) -> None:
        if count > SHOWN:
            self.line("and {count} more; --json has them all", count=count - SHOWN)

    def table(self, title: str, names: Sequence[str]) -> Table:
        table = Table(title=self.said(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column(self.said(names[0]), overflow="fold")
        for name in names[1:]:
            table.add_column(self.said(name), justify="right", no_wrap=True)
        return table

    def spread(self, spread: Spread | None) -> tuple[str, str]:
        return ("–", "–") if spread is None else (self.duration(spread.p50), self.duration(spread.p90))

    def worked(self, spread: Spread | None) -> tuple[str, str]:
        """Working time is in hours: a working day has not twenty-four."""
        if spread is None:
            return ("–", "–")
        unit = self.said("h")
        return f"{spread.p50 / 3600:,.1f} {unit}", f"{spread.p90 / 3600:,.1f} {unit}"

    def duration(self, seconds: float) -> str:
        """In the largest unit that it fills."""
        size, unit = next((pair for pair in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= pair[0]), (1, "s"))
        return f"{seconds / size:,.1f} {self.said(unit)}"

    def line(self, text: str, **fields: Any) -> None:
        filled = {name: f"{value:,}" if isinstance(value, int) else value for name, value in fields.items()}
        self.console.print(self.said(text).format(**filled), markup=False)

    def said(self, text: str) -> str:
        return ZH.get(text, text) if self.language == "zh" else text
