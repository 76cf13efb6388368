"""What the page of the process is given to show: figures with their counts, and what each of them is of."""

from dataclasses import dataclass
from datetime import datetime

from engine.evaluation.stays import Took
from engine.service.views import CaseRow
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class StepFigures:
    """A step of a definition. `entered` how often, by how many `cases`; `again`: cases that entered it more than once;
    `open` and `overdue` now. `took` is None before anything was decided there."""

    definition: str
    title: Bilingual
    step: str
    label: Bilingual
    entered: int
    cases: int
    again: int
    returned: int
    open: int
    overdue: int
    took: Took | None


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Cases that share an office, a version or the month they were submitted in; `took`: from the first submission to
    the last decision, of those that were decided."""

    key: str
    label: Bilingual
    cases: int
    files: int
    returned: int
    took: Took | None


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """How long a person took from being asked to the decision, over at least five decisions."""

    person: str
    name: str
    took: Took


@dataclass(frozen=True, slots=True)
class Blocking:
    """Who is asked and has not decided: how many, how many of them overdue, since when the oldest, and half of them at
    least, in seconds."""

    person: str
    name: str
    office: Bilingual
    open: int
    overdue: int
    oldest: int
    half: int


@dataclass(frozen=True, slots=True)
class WayFigures:
    """A way through the steps that cases took, each step as often as it was entered."""

    key: str
    definition: str
    steps: tuple[Bilingual, ...]
    cases: int
    took: Took | None


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Why cases were sent back from a step, as it was written; `automatic`: what sent them back by itself."""

    definition: str
    step: str
    label: Bilingual
    remark: str
    automatic: str
    count: int


@dataclass(frozen=True, slots=True)
class ProcessPage:
    """The process of the cases that the viewer may see. `as_of`: when it was counted, None where it never was;
    `behind`: cases that went on since. `late` of the `timed` steps that had a deadline ended after it, `overdue` are
    open past it. `few`: people with fewer than five decisions, whose times are not shown."""

    as_of: datetime | None
    behind: int
    cases: int
    decided: int
    files: int
    returned: int
    again: int
    overdue: int
    late: int
    timed: int
    took: Took | None
    steps: tuple[StepFigures, ...]
    offices: tuple[GroupFigures, ...]
    versions: tuple[GroupFigures, ...]
    months: tuple[GroupFigures, ...]
    people: tuple[PersonFigures, ...]
    few: int
    blocking: tuple[Blocking, ...]
    ways: tuple[WayFigures, ...]
    other_ways: int
    reasons: tuple[ReasonFigures, ...]
    office: Bilingual | None
    definitions: tuple[tuple[str, Bilingual], ...]
    known_versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """The cases behind a figure: how many, and the first of them."""

    total: int
    cases: tuple[CaseRow, ...]
