"""How many customers a source has, as a whole and part by part, on the dataset as it is now.

For pages where a source is written: nothing is kept, nobody is named. A newer count of the same person ends the older
one. Refuses what a source without a case cannot say: a field of a form.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.audience.compile import Selection
from engine.audience.groups import expanded_source
from engine.audience.sources import Source, SourceKind, Sql
from engine.audience.tally import walked
from engine.errors import InvalidDefinition, InvalidForm, Problem
from engine.service import earlier, group_pins, group_texts, whereabouts
from engine.service.app import Countersign
from engine.service.authorizing import Action, allowed, authorize
from engine.service.views import Viewer
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.run import Limits

COUNTS: Action = "groups.read"
WRITES_SQL: Action = "definitions.write"
LONGEST = 20
"""Seconds that a page waits for a count."""
SOURCE: TypeAdapter[SourceKind] = TypeAdapter(Source)
CATALOGUE = "customers"


@dataclass(frozen=True, slots=True)
class PartCount:
    """A part of the source, `depth` deep in the others: how many customers it has, and how many once the parts
    before it and this one are joined the way the source joins them."""

    depth: int
    kind: str
    text: str
    customers: int
    after: int


@dataclass(frozen=True, slots=True)
class Counted:
    """`customers` of `everybody`, on version `dataset` of the customer data at the moment `as_of`. `parts` are those of
    the source, itself first. `is_estimate`: exclusions, and what comes in until a case is approved, are not in it."""

    everybody: int
    customers: int
    parts: tuple[PartCount, ...]
    as_of: datetime
    dataset: int
    is_estimate: bool = True


def count(
    app: Countersign, viewer: Viewer, source: Mapping[str, Any], *, kept: frozenset[str] = frozenset()
) -> Counted:
    """Count `source`, written as in a definition; `kept` are statements that stood in it before. InvalidForm with its
    problems; SelectionFailed, CountsBusy, CountOvertaken and CustomersUnavailable say why there is no count."""
    authorize(viewer, COUNTS)
    read = source_of(source)
    refuse_sql(viewer, read, kept)
    base = whereabouts.existing(app)
    selection = compiled(app, read, base.version)
    limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
    with app.counts.turn(viewer.person) as turn, _scratch(base.dataset) as folder:
        beside = earlier.outcomes(app, viewer.person, selection, folder, base)
        everybody, *numbers = base.count(selection, folder, beside=beside, limits=limits, started=turn.runs)
    parts = part_counts(selection, (everybody, *numbers), into_groups=False)
    return Counted(everybody, parts[0].customers, parts, selection.as_of, base.version.number)


def source_of(source: Mapping[str, Any]) -> SourceKind:
    """The source as the engine has it. InvalidForm where it is none."""
    try:
        return SOURCE.validate_python(dict(source))
    except ValidationError as error:
        problems = [
            Problem("source", one["msg"], at=".".join(map(str, one["loc"]))) for one in error.errors(include_url=False)
        ]
        raise InvalidForm(problems) from None


def refuse_sql(viewer: Viewer, source: SourceKind, kept: frozenset[str] = frozenset()) -> None:
    """InvalidForm where somebody who writes no definitions brings a statement of their own; those `kept` are known."""
    if allowed(viewer, WRITES_SQL):
        return
    if any(isinstance(part, Sql) and part.sql not in kept for part in source.walk()):
        raise InvalidForm([Problem("source.sql", "statements are written by authors of definitions")])


def compiled(app: Countersign, source: SourceKind, version: Version) -> Selection:
    """The selection of the source alone over a version of the dataset, with the newest versions of the groups that it
    names. InvalidForm with every problem."""
    try:
        with app.db.read() as tx:
            whole = expanded_source(source, group_pins.lookup(tx))
        return group_texts.compiled(app, version, group_texts.plan_of(whole))
    except InvalidDefinition as error:
        once = [one for n, one in enumerate(error.problems) if one not in error.problems[:n]]
        raise InvalidForm(once) from error


def part_counts(selection: Selection, numbers: Sequence[int], *, into_groups: bool) -> tuple[PartCount, ...]:
    """The row of a selection's tally by its parts; with what saved groups are made of, or without."""
    assert selection.questions is not None
    found: list[PartCount] = []
    group = -1  # how deep the group stands whose parts are left out
    for part, (own, after) in zip(selection.questions.parts, walked(numbers), strict=True):
        if 0 <= group < part.depth:
            continue
        group = part.depth if part.kind == "group" and not into_groups else -1
        found.append(PartCount(part.depth, part.kind, part.text, own, after))
    return tuple(found)


@contextmanager
def _scratch(dataset: Dataset) -> Iterator[Path]:
    dataset.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".count-", dir=dataset.folder) as folder:
        yield Path(folder)
