"""League tables (排行) of offices, channels, halls, clerks and callers, for whom they are meant to help.

A person sees the offices at and under those where they head, market, analyse or administer the process; auditors and
administrators see all. What lies elsewhere is in no row and in no sum. Clerks and callers are named to those who are
above them in their work: heads and process administrators of their office or one above it, auditors, administrators.
Everybody else reads their rows without a name. Refuses to show a rate where there is too little to rank.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from engine.errors import InvalidForm, Problem
from engine.evaluation.leagues import KINDS, LEAST_EVENTS, LEAST_TRIES, METRICS, Kind, Ranked, Tally, league
from engine.organisation import Organisation
from engine.service import candidates, definitions, sheets
from engine.service.app import Countersign
from engine.service.authorizing import RULES, authorize
from engine.service.days import day_of, start_of, turned
from engine.service.named_staff import NamedStaff
from engine.service.views import Viewer
from engine.store import leagues
from engine.store.leagues import Wanted
from engine.store.visibility import SEES_ALL
from engine.values import NO_TEXT, Bilingual, Language

NAMES = ("kind", "metric", "since", "until", "office", "definition")
BACK = timedelta(days=90)
HEADINGS = ("rank", "rank_low", "rank_high", "name", "office", "n", "events", "rate", "low", "high", "tied")


@dataclass(frozen=True, slots=True)
class LeagueRow:
    """A place. `name` is empty where the reader is not told who it is; `office` is that of a clerk or caller. The place
    may as well be any from `rank_low` to `rank_high`; `is_tied`: not distinguishable from the one above."""

    rank: int
    rank_low: int
    rank_high: int
    is_tied: bool
    name: Bilingual
    office: Bilingual
    n: int
    events: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FewRow:
    """Too few to rank: below 30 tries, or below 5 successes. Only how many tries there are is told."""

    name: Bilingual
    office: Bilingual
    n: int


@dataclass(frozen=True, slots=True)
class LeagueView:
    """A table with what it is about. `since` and `until` are days, both included; `n` and `events` are of all rows.
    `metrics` are what this kind may be ranked by, `definitions` the kinds of cases to choose from."""

    kind: Kind
    metric: str
    metrics: tuple[str, ...]
    since: date
    until: date
    as_of: datetime
    office: str
    office_name: Bilingual
    definition: str
    rows: tuple[LeagueRow, ...]
    too_few: tuple[FewRow, ...]
    n: int
    events: int
    definitions: tuple[tuple[str, Bilingual], ...]
    least_tries: int = LEAST_TRIES
    least_events: int = LEAST_EVENTS


def table(app: Countersign, viewer: Viewer, asked: Mapping[str, str]) -> LeagueView:
    """The table that `asked` names (see NAMES); what it does not name is taken as usual. NotFound for who may see none;
    InvalidForm for what cannot be read."""
    authorize(viewer, "leagues.read")
    kind, metric = _kind(asked)
    today = app.now().astimezone(app.settings.zone).date()
    until = day_of(asked.get("until", ""), "until") or today
    since = day_of(asked.get("since", ""), "since") or until - BACK
    if since > until:
        raise InvalidForm([turned("since")])
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        typed = asked.get("office", "").strip()
        office, office_name = candidates.one_office(organisation, typed) if typed else ("", NO_TEXT)
        wanted = Wanted(
            person=viewer.person,
            kind=kind,
            metric=metric,
            since=start_of(since, app.settings.zone),
            until=start_of(until + timedelta(days=1), app.settings.zone),
            roots=_roots(viewer),
            office=office,
            definition=asked.get("definition", "")[:80],
        )
        found = leagues.tallies(tx, wanted)
        ranked = league(found)
        shown = _Shown(viewer, organisation, kind)
        return LeagueView(
            kind=kind,
            metric=metric,
            metrics=METRICS[kind],
            since=since,
            until=until,
            as_of=app.now(),
            office=office,
            office_name=office_name,
            definition=wanted.definition,
            rows=tuple(shown.row(one) for one in ranked.ranked),
            too_few=tuple(shown.few(one) for one in ranked.too_few),
            n=sum(one.n for one in found),
            events=sum(one.events for one in found),
            definitions=tuple((one.name, one.title) for one in definitions.startable(app)),
        )


def export(app: Countersign, viewer: Viewer, asked: Mapping[str, str], language: Language) -> bytes:
    """The same table as CSV, every row; those with too few have no place and no rate."""
    found = table(app, viewer, asked)
    rows = [
        (
            *map(str, (one.rank, one.rank_low, one.rank_high)),
            one.name.in_language(language),
            one.office.in_language(language),
            *map(str, (one.n, one.events)),
            *(f"{share:.6f}" for share in (one.rate, one.low, one.high)),
            "yes" if one.is_tied else "no",
        )
        for one in found.rows
    ]
    rows += [
        ("", "", "", one.name.in_language(language), one.office.in_language(language), str(one.n), "", "", "", "", "")
        for one in found.too_few
    ]
    return sheets.write("csv", HEADINGS, rows, title="league")


def query_of(found: LeagueView) -> str:
    """The filters of a table as the part of an address behind the question mark."""
    asked = {
        "kind": found.kind,
        "metric": found.metric,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "office": found.office,
        "definition": found.definition,
    }
    return urlencode({name: value for name, value in asked.items() if value})


class _Shown:
    """How a key is said to the viewer."""

    def __init__(self, viewer: Viewer, organisation: Organisation, kind: Kind) -> None:
        self.organisation, self.kind = organisation, kind
        self.named = NamedStaff(viewer, organisation)

    def row(self, one: Ranked) -> LeagueRow:
        name, office = self._said(one.key)
        return LeagueRow(
            rank=one.rank,
            rank_low=one.rank_low,
            rank_high=one.rank_high,
            is_tied=one.is_tied,
            name=name,
            office=office,
            n=one.n,
            events=one.events,
            rate=one.rate,
            low=one.low,
            high=one.high,
        )

    def few(self, one: Tally) -> FewRow:
        return FewRow(*self._said(one.key), one.n)

    def _said(self, key: str) -> tuple[Bilingual, Bilingual]:
        match self.kind:
            case "offices" | "halls":
                return self._office(key), NO_TEXT
            case "channels":
                return Bilingual(en=key), NO_TEXT
            case "clerks":
                person, _, code = key.rpartition("@")
                return self._person(person, code)
            case "agents":
                held = (grant.office for grant in self.organisation.held(key) if grant.role == "caller")
                return self._person(key, next(held, ""))

    def _person(self, person: str, office: str) -> tuple[Bilingual, Bilingual]:
        name = Bilingual(en=self.organisation.name(person)) if self.named.of(office) else NO_TEXT
        return name, self._office(office)

    def _office(self, code: str) -> Bilingual:
        offices = self.organisation.offices
        return offices[code].label if code in offices else Bilingual(en=code)


def _kind(asked: Mapping[str, str]) -> tuple[Kind, str]:
    kind = asked.get("kind", "") or KINDS[0]
    if kind not in KINDS:
        raise InvalidForm([Problem("E458", f"there is no league table of {kind[:20]}", at="kind")])
    metric = asked.get("metric", "") or METRICS[kind][0]
    if metric not in METRICS[kind]:
        raise InvalidForm([Problem("E459", f"{kind} are not ranked by {metric[:20]}", at="metric")])
    return kind, metric


def _roots(viewer: Viewer) -> tuple[str, ...] | None:
    """The offices at and under which the viewer may look; None for all."""
    if viewer.has(*SEES_ALL):
        return None
    return tuple(sorted({grant.office for grant in viewer.grants if grant.role in RULES["leagues.read"].roles}))
