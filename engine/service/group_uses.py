"""Who uses a customer group: definitions in force, texts under work, other groups and cases that run.

A group within a group counts for both. Cases are counted and named only to who may see them; texts under work are
counted for everybody, and opened by who may write them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from engine.audience.groups import name_of
from engine.definition.document import read
from engine.machine.case import ProcessRef
from engine.service import showing
from engine.service.app import Countersign
from engine.service.views import CaseRow
from engine.store import definitions, drafts, groups
from engine.store.groups import GroupRow
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class Uses:
    """How many use a group."""

    definitions: int = 0
    drafts: int = 0
    cases: int = 0
    groups: int = 0

    @property
    def any(self) -> int:
        """All of them."""
        return self.definitions + self.drafts + self.cases + self.groups


@dataclass(frozen=True, slots=True)
class UsedBy:
    """Who uses a group. `definitions` are those in force as (name, version, title), `drafts` texts under work as (id,
    name), `groups` as (name, title); `cases` run, and keep the version that they were submitted with."""

    definitions: tuple[tuple[str, int, Bilingual], ...]
    drafts: tuple[tuple[str, str], ...]
    cases: tuple[CaseRow, ...]
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """What names which groups by itself, read once for any number of groups."""

    rows: tuple[GroupRow, ...]
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    definitions: Mapping[tuple[str, int, Bilingual], frozenset[str]] = field(default_factory=dict)
    drafts: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def around(self, name: str) -> frozenset[str]:
        """The group and all groups that it is a part of, however deep."""
        found, new = frozenset[str](), frozenset([name])
        while new - found:
            found |= new
            new = frozenset(one for one, named in self.groups.items() if named & found)
        return found


def naming(app: Countersign, tx: Connection) -> Naming:
    """What names which groups now."""
    rows = groups.every(tx)
    in_force = {}
    for one in definitions.all_newest(tx):
        definition = app.definition(ProcessRef(one.name, one.version, one.fingerprint))
        if definition.audience:
            named = frozenset(name_of(text) for _, text in definition.audience.groups())
            in_force[one.name, one.version, definition.title] = named
    texts = {}
    for draft in drafts.every(tx):
        said = read(draft.source).value
        if isinstance(said, dict):
            texts[draft.id, str(said.get("name") or "")[:80]] = frozenset(named_in(said.get("audience")))
    within = {row.name: frozenset(named_in(msgspec.json.decode(row.source))) for row in rows}
    return Naming(rows, within, in_force, texts)


def named_in(value: Any) -> Iterator[str]:
    """The groups that a text names, read only so far that it may have mistakes."""
    if isinstance(value, dict):
        named = value.get("group")
        if isinstance(named, str):
            yield name_of(named)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from named_in(one)


def counts(known: Naming, name: str, cases: int) -> Uses:
    """How many use the group; `cases` is how many of those that run."""
    around = known.around(name)
    return Uses(
        definitions=sum(not named.isdisjoint(around) for named in known.definitions.values()),
        drafts=sum(not named.isdisjoint(around) for named in known.drafts.values()),
        cases=cases,
        groups=len(around) - 1,
    )


def used_by(app: Countersign, tx: Connection, person: str, name: str) -> UsedBy:
    """Who uses the group, as far as `person` may see it."""
    known = naming(app, tx)
    around = known.around(name)
    lines = groups.running_cases(tx, person, name)
    return UsedBy(
        definitions=tuple(one for one, named in known.definitions.items() if not named.isdisjoint(around)),
        drafts=tuple(one for one, named in known.drafts.items() if not named.isdisjoint(around)),
        cases=tuple(showing.case_row(app, tx, line, person) for line in lines),
        groups=tuple((row.name, row.title) for row in known.rows if row.name in around - {name}),
    )
