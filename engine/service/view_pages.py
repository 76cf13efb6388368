"""The pages whose filters can be saved as a view: one entry each, named once in PAGES.

A page that can be saved can be taken away as a file and mailed: it brings its table. Refuses addresses: a view names
the key of a page and filters of it, so it never leads anywhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, urlencode

from engine.service import auditing, budget_tables, case_table, dashboard_tables, listing
from engine.service.app import Countersign
from engine.service.auditing import Asked
from engine.service.authorizing import Action
from engine.service.dashboards import DASHBOARDS, Dashboard
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


def _dashboard(kind: type[Dashboard]) -> ViewPage:
    names, table = dashboard_tables.names_of(kind.key), partial(_rows_of, kind.key)
    return ViewPage(f"dashboard-{kind.key}", f"/dashboards/{kind.key}", kind.label, "metrics.read", names, table)


def _rows_of(key: str, app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
    return dashboard_tables.table(app, viewer, key, filters)


PAGES: Mapping[str, ViewPage] = {
    one.key: one
    for one in (
        ViewPage("cases", "/cases", Bilingual(zh="营销案", en="Cases"), "cases.read", listing.NAMES, case_table.table),
        ViewPage("budgets", "/budgets", Bilingual(zh="预算", en="Budgets"), "budgets.read", (), budget_tables.listed),
        ViewPage(
            "audit", "/admin/audit", Bilingual(zh="审计", en="Audit"), "audit.read", tuple(auditing.FILTERS), _audit
        ),
        *(_dashboard(kind) for kind in DASHBOARDS),
    )
}


def filters_of(query: str) -> dict[str, str]:
    """What a query says, the last where a name stands twice."""
    return dict(parse_qsl(query))
