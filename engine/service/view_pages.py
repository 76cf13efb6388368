"""The pages whose filters can be saved as a view: one entry each, named once in PAGES.

A page that can be saved can be taken away as a file and mailed: it brings its table. Refuses addresses: a view names
the key of a page and filters of it, so it never leads anywhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from engine.service import auditing, board_tables, budget_tables, calendar_table, case_table, listing
from engine.service.app import Countersign
from engine.service.auditing import Asked
from engine.service.authorizing import Action
from engine.service.dashboard_kinds import DASHBOARDS, Dashboard
from engine.service.recording import By
from engine.service.tabling import Table
from engine.service.views import Viewer
from engine.values import Bilingual

LONGEST_QUERY = 1000


@dataclass(frozen=True, slots=True)
class ViewPage:
    """A page with filters. `names` are those of its filters; `table` gives everything that they name to a viewer and
    raises Invalid for a filter that cannot be read."""

    key: str
    path: str
    title: Bilingual
    action: Action
    names: tuple[str, ...]
    table: Callable[[Countersign, Viewer, Mapping[str, str]], Table]

    def query_of(self, filters: Mapping[str, str]) -> str:
        """The filters of this page as the part of an address behind the question mark, in one order."""
        return urlencode([(name, filters[name]) for name in self.names if filters.get(name)])


def _audit(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
    return auditing.table(app, By(viewer), Asked(**{name: filters.get(name, "") for name in auditing.FILTERS}))


def _board(kind: type[Dashboard]) -> ViewPage:
    def table(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
        return board_tables.table(app, viewer, kind.key, filters)

    return ViewPage(of_board(kind.key), f"/dashboards/{kind.key}", kind.label, "metrics.read", kind.names(), table)


def of_board(key: str) -> str:
    """The key of the page of a dashboard."""
    return f"dashboard-{key}"


PAGES: Mapping[str, ViewPage] = {
    one.key: one
    for one in (
        ViewPage("cases", "/cases", Bilingual(zh="营销案", en="Cases"), "cases.read", listing.NAMES, case_table.table),
        ViewPage("budgets", "/budgets", Bilingual(zh="预算", en="Budgets"), "budgets.read", (), budget_tables.listed),
        ViewPage(
            "audit", "/admin/audit", Bilingual(zh="审计", en="Audit"), "audit.read", tuple(auditing.FILTERS), _audit
        ),
        ViewPage(
            "calendar",
            "/calendar",
            Bilingual(zh="日历", en="Calendar"),
            "cases.read",
            calendar_table.NAMES,
            calendar_table.table,
        ),
        *(_board(kind) for kind in DASHBOARDS),
    )
}


def filters_of(query: str) -> dict[str, str]:
    """What a query says, the last where a name stands twice."""
    return dict(parse_qsl(query))
