"""The house's cost table (成本表) and its versions: who keeps the money proposes one, a second person confirms it.

A version is the whole table, as a file has it: channels, providers, prices and the days on which they hold. From its
confirmation on evaluations take their prices from it; a report that is there keeps the version that it was made with.
A table without prices ends the one in force. Refuses a confirmation by whoever proposed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from engine.delivery.channels import CHANNELS
from engine.errors import CostsOpen, InvalidFile, InvalidForm, Problem
from engine.evaluation import cost_table
from engine.evaluation.cost_table import COLUMNS, CostTable, Gap
from engine.service import confirming, sheets
from engine.service.app import Countersign
from engine.service.authorizing import Action, allowed
from engine.service.confirming import Kind, VersionView, viewed
from engine.service.recording import By, Change
from engine.store.costs import COST_TABLES, CostTableRow, columns_of

READS: Action = "costs.read"
KEEPS: Action = "costs.keep"
COSTS = Kind("costs", COST_TABLES, KEEPS)
NEEDED = frozenset(COLUMNS) - {"provider", "charged", "until"}


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price of the table. `is_today`: it holds today."""

    channel: str
    provider: str
    unit: str
    charged: str
    price: Decimal
    since: date
    until: date | None
    is_today: bool


@dataclass(frozen=True, slots=True)
class CostTableView(VersionView):
    """A version of the table, with the days on which a channel has no price between two that it has."""

    currency: str
    prices: tuple[PriceView, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class CostTables:
    """All versions, the newest first; `may_keep`: the viewer may propose and decide."""

    versions: tuple[CostTableView, ...]
    may_keep: bool

    @property
    def current(self) -> CostTableView | None:
        """The version in force."""
        return next((one for one in self.versions if one.state == "in_force"), None)

    @property
    def waits(self) -> CostTableView | None:
        """The version that waits for its confirmation."""
        return next((one for one in self.versions if one.state == "open"), None)


def show(app: Countersign, by: By) -> CostTables:
    """All versions. NotFound for who may not see prices."""
    by.authorize(READS)
    with app.db.read() as tx:
        rows, organisation = COST_TABLES.history(tx), app.organisation(tx)
        current = COST_TABLES.in_force(tx, app.now())
    may_keep = by.viewer is None or allowed(by.viewer, KEEPS)
    versions = tuple(viewed(CostTableView, row, current, organisation, by, **_said(app, row.table)) for row in rows)
    seen = versions if may_keep else tuple(replace(one, may_decide=False) for one in versions)
    return CostTables(seen, may_keep)


def propose(app: Countersign, by: By, data: bytes, name: str, *, reason: str) -> int:
    """Propose the table of a CSV or XLSX file; how many prices it has. InvalidFile with everything that is wrong, at
    its line and column; InvalidForm without a reason, CostsOpen where another proposal waits."""
    by.authorize(KEEPS)
    table = _read(data, name)
    problems = confirming.without_reason(reason)
    if problems:
        raise InvalidForm(problems)

    def says(_change: Change, rows: tuple[CostTableRow, ...]) -> Mapping[str, object]:
        now = next((row.table for row in rows if row.decision == COST_TABLES.yes), CostTable(""))
        if table.lines == now.lines and (table.currency == now.currency or not table.lines):
            raise InvalidFile([Problem("E444", "the table says what is in force already", line=1, file=name)])
        return columns_of(table)

    confirming.propose(app, by, COSTS, says, reason=reason, after={"prices": len(table.lines)}, waits=CostsOpen)
    return len(table.lines)


def decide(app: Countersign, by: By, version: int, *, confirm: bool) -> None:
    """Confirm a proposal, which then holds, or refuse it. OwnProposal where they proposed it; NotFound where nothing
    waits under that number; the same decision twice is once."""
    confirming.decide(app, by, COSTS, version, confirm=confirm)


def export(app: Countersign, by: By, form: sheets.Format, version: int = 0) -> bytes:
    """A version of the table as a file that `propose` reads again, by default the one in force; only the headings where
    there is none."""
    by.authorize(READS)
    with app.db.read() as tx:
        row = COST_TABLES.find(tx, version) if version else COST_TABLES.in_force(tx, app.now())
    return sheets.write(form, COLUMNS, cost_table.written(row.table) if row else (), title="costs")


def _said(app: Countersign, table: CostTable) -> dict[str, object]:
    today = app.now().astimezone(app.settings.zone).date()
    prices = tuple(
        PriceView(
            one.channel, one.provider, one.unit, one.charged, one.price, one.since, one.until, is_today=one.holds(today)
        )
        for one in table.lines
    )
    return {"currency": table.currency, "prices": prices, "gaps": table.gaps()}


def _read(data: bytes, name: str) -> CostTable:
    sheet = sheets.read(data, name)
    headings = set(sheet.headings)
    if not headings >= NEEDED or not headings <= set(COLUMNS) or len(headings) < len(sheet.headings):
        fields = {"columns": ", ".join(COLUMNS)}
        told = f"the columns are {','.join(COLUMNS)}"
        raise InvalidFile([Problem("sheet.columns", told, line=1, column=1, file=name, fields=fields)])
    rows = [(line.number, dict(zip(sheet.headings, line.cells, strict=True))) for line in sheet.lines]
    table, problems = cost_table.read(rows, tuple(CHANNELS))
    if problems:
        raise InvalidFile([_placed(one, sheet) for one in problems])
    return table


def _placed(one: Problem, sheet: sheets.Sheet) -> Problem:
    column = sheet.headings.index(one.at) + 1 if one.at in sheet.headings else 1
    return replace(one, column=column, file=sheet.name)
