"""Every door through which somebody could read of cases, as the application itself names them, with the questions that
are asked there. A door that nobody said anything about is named by `unknown`: then say here how it is asked, or why it
holds nothing of cases."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pyarrow.parquet as pq
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from engine.definition.catalogue import figures
from engine.evaluation.leagues import KINDS, METRICS
from engine.service.dashboard_kinds import DASHBOARDS
from tests.acceptance.two_offices import FAR, FAR_CITY, NEAR, SECRETS
from tests.api.test_api_declared import routes
from tests.support import THIS_YEAR

ELSEWHERE = (
    "/sign-in", "/confirm", "/reset", "/resume", "/account", "/l/", "/decide", "/opt-out", "/o/", "/r/", "/keyboard",
    "/channels", "/notifications", "/phrases", "/webhooks", "/admin", "/arbitration", "/budgets", "/costs",
    "/customers", "/erasures", "/waivers", "/hall", "/groups", "/offers", "/new-offer", "/calls", "/rehearsals",
    "/stand-ins", "/definitions", "/drafts", "/access", "/health", "/ready", "/proofs", "/people", "/hand-over",
    "/offices", "/organisation", "/suppressions", "/dataset", "/operation", "/outbox", "/sends-in-doubt", "/timers",
    "/seeds", "/parked-receipts", "/audit", "/messages", "/holdout", "/recommendations", "/customer-groups", "/policy",
    "/lookup/people", "/mailings",
)  # fmt: skip
"""Beginnings of addresses, without that of the API, whose answers are of accounts, people, definitions, customers or
the house, for those whose work it is; tests/security holds who comes through."""
OF_THE_SERVER = ("/", "/metrics")
CASE, TASK, NUMBER = "{case}", "{task}", f"{FAR}-{THIS_YEAR}-00001"
"""In questions: a case or task of the second city; the number that its first case has."""
KEYS = [kind.key for kind in DASHBOARDS]
VALUES = {
    "office": (NEAR, "440000", FAR_CITY, FAR),
    "city": (FAR_CITY,),
    "hall": (NEAR, FAR),
    "clerk": ("nearclerk", "farclerk"),
    "definition": ("hillstrom-email-case", "telecom-marketing-case", "quiet-email-case"),
    "channel": ("file",),
    "case": (CASE, NUMBER),
    "state": ("closed",),
    "verdict": ("works",),
}
"""Filters worth trying: what they name is of either city, or of both."""
FORMS = ("csv", "xlsx", "parquet")
SOUGHT = (SECRETS["title"], NUMBER, SECRETS["lesson"], FAR, "诸葛申报", "e-mails")


def of(name: str, *values: str) -> list[str]:
    return [f"{name}={value}" for value in values]


def _filters(names: Sequence[str]) -> list[str]:
    return [asked for name in names for asked in of(name, *VALUES.get(name, ()))]


def _asked(path: str, key: str) -> Sequence[str]:
    """The questions of a door. Scripts are asked less where a page of the same service is asked as well."""
    asked = _boards(key) if key else QUERIES.get(plain(path), [""])
    if path == plain(path) or path.endswith(("/table", "/metrics/query")):
        return asked
    return [one for one in asked if one == "" or (FAR in one and "format=" not in one)] or asked[:2]


def _boards(key: str) -> list[str]:
    (kind,) = [one for one in DASHBOARDS if one.key == key]
    drawn = [f"chart={one.key}&format=svg" for one in kind.charts]
    narrowed = [f"office={FAR}&format=csv", "since=2026-12-01&until=2026-12-31", "since=yesterday"]
    return ["", *_filters(kind.filters), *of("format", *(FORMS if key == "effect" else ())), *drawn, *narrowed]


def _league() -> list[str]:
    ranked = [f"kind={kind}&metric={metric}" for kind in KINDS for metric in METRICS[kind]]
    return [
        *ranked,
        *(f"kind={kind}&office={FAR}" for kind in KINDS),
        "office=nowhere",
        "kind=offices&chart=places&format=svg",
    ]


def _metrics() -> list[str]:
    """Every metric by every dimension that it is told apart by, and where each is of the second city."""
    known = figures()
    by_fact: dict[str, list[str]] = {}
    for name, one in known.metrics.items():
        by_fact.setdefault(one.of, []).append(name)
    asked = []
    for names in by_fact.values():
        dimensions = known.dimensions_of(names[0])
        first, rest = ("metric=" + ",".join(piece) for piece in (names[:12], names[12:]))
        asked += [first, *(f"{first}&by={one}" for one in dimensions)]
        asked += [f"{first}&where={name}={VALUES[name][-1]}" for name in dimensions if name in VALUES]
        if names[12:]:
            asked += [rest, f"{rest}&by=office,case", f"{rest}&where=office={FAR}"]
    return asked


PROCESS = ["", *of("office", NEAR, FAR, FAR_CITY, "nowhere"), *of("definition", *VALUES["definition"]), "kind=approve"]
BEHIND = [
    "", *(f"part={part}&name={name}" for part, name in (
        ("office", FAR), ("person", "farhead"), ("step", "county_head"), ("month", "2026-12"),
        ("version", "quiet-email-case/1"))), *of("what", "open", "overdue", "returned", "decided"),
]  # fmt: skip
LISTS = ["", *of("q", *SOUGHT), *of("office", NEAR, FAR, "440000"), *of("state", "closed"), "sort=title"]
LIBRARY = [*LISTS, *of("verdict", "works", "no_difference"), *of("channel", "file"), "page=2", "kind=quiet-email-case"]
MONTHS = ["", "month=2026-12", "month=2026-12&office=" + FAR, "month=2026-12&kind=quiet-email-case", "month=2027-01"]
QUERIES: Mapping[str, Sequence[str]] = {
    "/process": PROCESS,
    "/process/cases": BEHIND,
    "/process/heat.svg": of("definition", *VALUES["definition"]),
    "/calendar": [*MONTHS, *(f"month=2026-12&format={form}" for form in FORMS)],
    "/league": _league(),
    "/league.csv": [f"kind={kind}" for kind in KINDS],
    "/cases": [*LISTS, *(f"format={form}" for form in FORMS)],
    "/library": LIBRARY,
    "/inbox": ["", "list=done", "list=mine"],
    "/inbox/decisions": of("task", TASK),
    "/tasks/decisions": of("task", TASK),
    "/metrics/query": _metrics(),
    "/cases/{case_id}": [
        "",
        *of("tab", "proposal", "customers", "delivery", "evaluation", "history"),
    ],
    "/exports/{form}": ["", *of("office", FAR), *of("kind", "quiet-email-case")],
    "/views/{number}/table": of("format", "xlsx"),
    "/lookup/{kind}": of("q", "440305", "南山", "白"),
}
PLAIN = ("/dashboards", "/views", "/cases/new", "/metrics")
"""Doors without a question beside the address."""
OF_FIGURES = "/dashboards /league /metrics"
"""Beginnings of doors that are for who has a part in analysis."""
BY_CASE = ("/cases/{case_id}", "/tasks/{task_id}")
"""Doors of one case: every address that goes on from here is asked for one that may be read and one that may not."""


def plain(path: str) -> str:
    return path.removeprefix("/api/v1")


def doors(api: FastAPI) -> list[str]:
    """The address of every route that is read, as it is declared, but those ELSEWHERE."""
    read = [name.split()[1] for name, _ in routes(api) if "GET" in name.split()[0].split("/")]
    return [path for path in read if path not in OF_THE_SERVER and not plain(path).startswith(ELSEWHERE)]


def unknown(api: FastAPI) -> list[str]:
    """Those that nobody said how to ask."""
    known = {*QUERIES, *PLAIN, "/dashboards/{key}", "/calendar/{token}.ics", "/views/{number}", "/views/{number}/edit",
             "/inbox/{which}"}  # fmt: skip
    return [path for path in doors(api) if plain(path) not in known and not plain(path).startswith(BY_CASE)]


def addresses(api: FastAPI, *, cases: Sequence[str], views: Sequence[int], token: str, most: int) -> Iterator[str]:
    """What is asked, with CASE and TASK where something of the second city is named. `cases` may be read, `views` too;
    `token` is that of a calendar; at a door `most` questions, spread over all of them."""
    filled = {
        "case_id": [*cases, CASE],
        "task_id": [f"{cases[-1]}-1-0", TASK],
        "key": KEYS,
        "number": [str(one) for one in views],
        "token": [token],
        "which": ["to_do", "done", "copied", "mine"],
        "form": ["xes", "ocel", "csv"],
        "kind": ["offices"],
        "file_id": ["f1"],
        "slug": ["transfer"],
    }
    for path in doors(api):
        names = re.findall(r"{(\w+)}", path)
        for some in product(*(filled[name] for name in names)):
            address = path
            for name, value in zip(names, some, strict=True):
                address = address.replace(f"{{{name}}}", value, 1)
            named = dict(zip(names, some, strict=True))
            queries = _asked(path, named.get("key", ""))
            for query in queries[:: -(-len(queries) // most)]:
                yield f"{address}?{query}".rstrip("?")


VARYING = (
    (re.compile(r'name="(csrf|key)" value="[^"]*"'), r'name="\1"'),  # of each form its own
    (re.compile(r"""nonce=["'][^"']*["']"""), "nonce"),
)


def told(browser: TestClient, address: str) -> str:
    """Status and everything that an answer says, files opened."""
    answer = browser.get(address, follow_redirects=False)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    heads = [
        f"{name}: {answer.headers.get(name, '')}" for name in ("etag", "location", "x-rows", "content-disposition")
    ]
    return "\n".join([str(answer.status_code), kind, *heads, words(kind, answer.content)])


def words(kind: str, data: bytes) -> str:
    """What a file says: the cells of a workbook or a Parquet table, the text of a paper."""
    if kind.endswith("spreadsheetml.sheet"):
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return "\n".join(f"{name}\n{book.get_sheet_by_name(name).to_python()}" for name in book.sheet_names)
    if data[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(data))
        return f"{table.schema}\n{table.to_pylist()}"
    if kind == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    text = data.decode("utf-8-sig", "replace")
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text
