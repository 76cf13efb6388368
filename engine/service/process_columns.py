"""The courses of the cases that a viewer may see, read into columns, and which cases stand behind a figure.

Refuses to be kept: what somebody may see is asked anew with each look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from engine.errors import Invalid, NotFound, Problem
from engine.evaluation.stays import Marks, Numbers, Shifts, Stays
from engine.service import candidates
from engine.service.app import Countersign
from engine.service.days import span_of, start_of
from engine.service.views import Viewer
from engine.store import courses
from engine.store.courses import Piece, Wanted
from engine.values import Bilingual

NAMES = ("since", "until", "office", "definition", "version", "kind")
PARTS = ("all", "step", "person", "office", "version", "month", "way")
WHATS = ("", "open", "overdue", "late", "decided", "returned", "again", "filed")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of names as numbers: `codes` are places in `names`."""

    names: tuple[str, ...]
    codes: Numbers

    @classmethod
    def of(cls, *columns: Sequence[str | int]) -> "Coded":
        """Each name once, in the order they come; of several columns their values with a stroke between them."""
        column = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        places = {one: place for place, one in enumerate(dict.fromkeys(column))}
        names = ("/".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in places)
        return cls(tuple(names), np.array([places[one] for one in column], dtype=np.int64))

    def is_(self, name: str) -> Marks:
        """Where it is that name."""
        return np.equal(self.codes, self.names.index(name) if name in self.names else -1)


@dataclass(frozen=True, slots=True)
class Columns:
    """Cases and their stays. `version` names are NAME/N, `month` names 2026-11; `kept`: the course is the case's."""

    ids: tuple[str, ...]
    office: Coded
    definition: Coded
    version: Coded
    month: Coded
    submitted: Numbers
    ended: Numbers
    files: Marks
    way: Numbers
    kept: Marks
    stays: Stays
    shifts: Shifts
    words: Mapping[int, str]

    def keyed(self, definitions: Numbers, numbers: Numbers) -> Numbers:
        """One number for a definition and a word of it, below 2**30 (`took` wants it so); `parted` takes it apart."""
        return definitions * self._base + numbers

    def parted(self, key: int) -> tuple[str, str]:
        """The definition and the word of such a number."""
        return self.definition.names[key // self._base], self.words[key % self._base]

    def _number(self, word: str) -> int:
        return next((number for number, known in self.words.items() if known == word), -1)

    @property
    def _base(self) -> int:
        return max(self.words, default=0) + 1

    def of_cases(self, where: Marks) -> Marks:
        """The cases that have one of these stays."""
        found = np.zeros(len(self.ids), dtype=bool)
        found[self.stays.case[where]] = True
        return found

    def behind(self, part: str, name: str, what: str, now: int) -> Marks:
        """The cases behind a figure. NotFound for what is none."""
        if part not in PARTS or what not in WHATS:
            raise NotFound()
        everything = np.ones(len(self.ids), dtype=bool)
        stays = self.stays
        if part in ("step", "person"):
            word = self._number(name)
            of_part = stays.is_step & (stays.step == word) if part == "step" else stays.person == word
        else:
            of_part = stays.is_step
        match part:
            case "office" | "version" | "month":
                of_part_cases = {"office": self.office, "version": self.version, "month": self.month}[part].is_(name)
            case "way":
                of_part_cases = self.way == self._number(name.replace(">", "\n"))
            case _:
                of_part_cases = everything
        narrow = {
            "open": stays.is_open,
            "overdue": stays.overdue(now),
            "late": stays.is_late,
            "returned": stays.returned,
            "again": stays.again,
        }
        if what in narrow:
            return of_part_cases & self.of_cases(of_part & narrow[what])
        if part in ("step", "person"):
            return self.of_cases(of_part & ~stays.is_open if what == "decided" else of_part)
        if what == "decided":
            return of_part_cases & (self.ended > 0)
        return of_part_cases & self.files if what == "filed" else of_part_cases


def wanted(app: Countersign, tx: Connection, filters: Mapping[str, str]) -> tuple[Wanted, Bilingual | None]:
    """What `filters` (see NAMES) ask for, and the name of the office. Raises Invalid for one that cannot be read."""
    typed = filters.get("office", "").strip()
    office, label = candidates.one_office(app.organisation(tx), typed) if typed else ("", None)
    version, kind, definition = (filters.get(name, "").strip() for name in ("version", "kind", "definition"))
    if version and not (version.isdecimal() and 0 < int(version) < 2**31 and definition):
        raise Invalid([Problem("E451", "name a version by its number, with its definition", at="version")])
    if kind not in ("", "approve", "file"):
        raise Invalid([Problem("E452", "the kind is approve or file", at="kind")])
    since, until = span_of(filters.get("since", ""), filters.get("until", ""), app.settings.zone)
    first, last = (int(one.timestamp()) if one else 0 for one in (since, until))
    return Wanted(first, last, office, definition, int(version or 0), kind), label


def columns(app: Countersign, tx: Connection, viewer: Viewer, of: Wanted) -> Columns:
    """The courses of the cases that the viewer may see."""
    pieces = list(courses.pieces(tx, viewer.person, of))
    names, starts = _texts(pieces, "definitions"), _numbers(pieces, "submitted")
    zone, now = app.settings.zone, app.now()
    first = datetime.fromtimestamp(int(starts.min()), UTC).astimezone(zone).date() if pieces else now.date()
    shifts = Shifts(app.calendar(tx).shifts(first - DAY, now.astimezone(zone).date() + DAY))
    return Columns(
        ids=tuple(_texts(pieces, "ids")),
        office=Coded.of(_texts(pieces, "offices")),
        definition=Coded.of(names),
        version=Coded.of(names, _texts(pieces, "versions")),
        month=_months(starts, first, now.astimezone(zone).date(), zone),
        submitted=starts,
        ended=_numbers(pieces, "ended"),
        files=np.array(_numbers(pieces, "files"), dtype=bool),
        way=_numbers(pieces, "ways"),
        kept=np.array(_numbers(pieces, "kept"), dtype=bool),
        stays=_stays(pieces, shifts),
        shifts=shifts,
        words=courses.words(tx),
    )


def _texts(pieces: Sequence[Piece], name: str) -> list[str]:
    return [line for one in pieces for line in getattr(one, name).split("\n")]


def _stays(pieces: Sequence[Piece], shifts: Shifts) -> Stays:
    packed = b"".join(bytes.fromhex(one.stays) for one in pieces)  # which passes over the ends of lines
    lengths = np.array([len(line) // 2 for line in _texts(pieces, "stays")], dtype=np.int64)
    return Stays(packed, lengths, shifts)


def _numbers(pieces: Sequence[Piece], name: str) -> Numbers:
    texts = "\n".join(getattr(one, name) for one in pieces)
    return np.fromstring(texts, dtype=np.int64, sep="\n")


def _months(starts: Numbers, first: date, last: date, zone: ZoneInfo) -> Coded:
    """The month of each submission, in the time zone of the house."""
    months = []
    month = first.replace(day=1)
    while month <= last:
        months.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    bounds = np.array([int(start_of(one, zone).timestamp()) for one in months], dtype=np.int64)
    return Coded(tuple(f"{one:%Y-%m}" for one in months), np.searchsorted(bounds, starts, side="right") - 1)
