"""B10: every page of analysis and its exports over 100,000 cases and 10,000,000 deliveries, through the application.

Each page is asked for twenty times, by an auditor, who sees every case, and by the marketing of the province, for whom
each confidential case has to be looked at; p95 counts. Then a refresh of the facts with a wave of a million rows, and
the report on that case. How figures stand beside plain DuckDB SQL is measured by `facts`.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from fastapi.testclient import TestClient

from api.app import create_app
from benchmarks import Row, peak_of_this
from benchmarks.house import AUDITOR, MARKETING, House, add_big, built
from benchmarks.queues import PASSWORD, csrf
from benchmarks.transitions import server
from engine.service import facts
from engine.service.reporting import report_on

TIMES = 20
GOAL = 1000  # milliseconds
PAGES = (
    "/dashboards/sends",
    "/dashboards/sends?office=43",
    "/dashboards/sends?channel=sms&since=2026-09-01",
    "/dashboards",
    "/dashboards/halls",
    "/dashboards/effect",
    "/dashboards/cases",
    "/dashboards/cases?office=43",
    "/dashboards/completion",
    "/calendar",
    "/api/v1/dashboards/sends",
    "/api/v1/metrics/query?metric=sent,delivery_rate&by=office,month",
    "/api/v1/metrics/query?metric=sent,customers&by=case",
    "/process",
    "/process?kind=approve&since=2026-09-01",
    "/process/cases?what=returned",
    "/process/heat.svg?definition=telecom-marketing-case",
    "/api/v1/process",
    "/league?kind=offices",
    "/league?kind=offices&metric=conversion",
    "/league?kind=channels&metric=response",
    "/league?kind=halls",
    "/league?kind=clerks",
    "/league?kind=agents",
    "/league.csv?kind=offices&metric=conversion",
    "/library",
    "/library?page=500",
    "/library?q=短信触达及时+777",
    "/library?office=D77&channel=sms",
    "/cases",
)
EXPORTS = ("/cases?format=csv", "/cases?format=xlsx", "/cases?format=parquet", "/dashboards/sends?format=csv")


def run(*, quick: bool) -> list[Row]:
    """The rows of B10 through the application."""
    cases, each, more = (2_000, 20, 20_000) if quick else (100_000, 100, 1_000_000)
    with server() as url, TemporaryDirectory(prefix="benchmark-") as folder:
        start = perf_counter()
        house = built(url, Path(folder), cases=cases, each=each)
        rows = [Row("B10", f"the house itself, {cases:,} cases", "countersign", perf_counter() - start, "s")]
        for person in (AUDITOR, MARKETING):
            rows += pages(house, person, PAGES, TIMES)
        rows += pages(house, AUDITOR, EXPORTS, 3)
        rows += _big(house, more)
        house.app.close()
    return rows


def pages(house: House, person: str, addresses: tuple[str, ...], times: int) -> Iterator[Row]:
    """How long each address takes after a first look, which is told apart: answers are kept from then on."""
    with TestClient(create_app(house.app)) as browser:
        gc.freeze()  # as the server does
        page = browser.get("/sign-in").text
        browser.post("/sign-in", data={"csrf": csrf(page), "login": person, "password": PASSWORD, "next": "/inbox"})
        for address in addresses:
            start = perf_counter()
            size = len(browser.get(address).raise_for_status().content)
            first, spent = (perf_counter() - start) * 1000, []
            for _ in range(times):
                start = perf_counter()
                browser.get(address).raise_for_status()
                spent.append((perf_counter() - start) * 1000)
            p95 = quantiles(spent, n=20)[-1]
            over = "" if p95 <= GOAL else "; OVER the bar"
            remark = f"{size / 1000:,.0f} KB; p95 {p95:.0f} ms{over}; first look {first:.0f} ms"
            yield Row(
                "B10", f"{address} as {person}", "countersign", median(spent), "ms", remark=remark, more={"p95": p95}
            )


def _big(house: House, size: int) -> Iterator[Row]:
    case = add_big(house, size)
    start = perf_counter()
    done = facts.refresh(house.app)
    remark = f"{done.deliveries:,} deliveries, {done.responses:,} responses; goal 10"
    yield Row("B10", "refresh of facts", "countersign", perf_counter() - start, "s", remark=remark)
    start = perf_counter()
    facts.refresh(house.app)
    yield Row("B10", "refresh of facts where nothing changed", "countersign", perf_counter() - start, "s")
    spent = []
    for _ in range(5):
        start = perf_counter()
        report_on(house.app, case, "now")
        spent.append(perf_counter() - start)
    remark = f"goal 2; longest {max(spent):.2f}; peak of this process {peak_of_this():.0f} MB"
    yield Row("B10", f"report on a case of {size:,} recipients", "countersign", median(spent), "s", remark=remark)
