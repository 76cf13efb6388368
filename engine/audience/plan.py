"""The `audience:` section: who a case is for, who is left out, into which cells it falls, who is the control group.

Refuses to know what the names in it stand for: lists, saved groups and earlier cases are looked up when it is used.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.audience.exclusions import LIST_NAME, Exclusion, Household, InGroup, InSavedGroup, RuleHolds
from engine.audience.sources import Feedback, FeedbackOf, Group, Rule, SavedGroup, Source, SourceKind, Sql
from engine.values import Duration

Path = tuple[str | int, ...]


def _share(value: object) -> object:
    if isinstance(value, str) and value.endswith("%"):
        return Decimal(value.removesuffix("%")) / 100
    return value


Share = Annotated[Decimal, BeforeValidator(_share), Field(ge=0, le=1)]
CellName = Annotated[str, Field(pattern=LIST_NAME)]
FORM = "form."
OFFER = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}$"


class Cell(BaseModel):
    """A cell with an offer of its own: {when: "c.arpu >= 88", offer: flow-20g}.

    Without an offer it gets the one that the case is about.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    when: str = Field(min_length=1, description="An expression over the customer")
    offer: str | None = Field(
        None, pattern=OFFER, description="The code of its offer, or the field of the form that holds it: form.FIELD"
    )

    def offer_in(self, form: Mapping[str, Any]) -> str:
        """The code that a form gives; empty where it has none of its own."""
        if self.offer is None or not self.offer.startswith(FORM):
            return self.offer or ""
        value = form.get(self.offer.removeprefix(FORM))
        return value if isinstance(value, str) else ""


class Control(BaseModel):
    """The control group: a random share of what is left, at least `min` customers, and at least `min_per_cell` of every
    cell; or an imported assignment.

    `assigned` is an expression that holds for the customers of the control group of an experiment whose arms were
    drawn elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    share: Share | None = Field(None, description="Share of what is left")
    min: int = Field(0, ge=0, description="At least so many customers")
    min_per_cell: int = Field(0, ge=0, description="At least so many customers of every cell that has customers")
    assigned: str | None = Field(None, description="Instead of chance: an expression that holds for the control group")

    @model_validator(mode="after")
    def _one_way(self) -> "Control":
        if (self.share is None) == (self.assigned is None):
            raise PydanticCustomError("control", "write either share (with min) or assigned, one of the two")
        if self.assigned is not None and (self.min or self.min_per_cell):
            raise PydanticCustomError("control", "min belongs to share; an imported assignment is taken as it is")
        return self


class Drift(BaseModel):
    """What happens when the frozen list is further from the number declared than `over`, as a share of that number.

    `reapprove`: approvals that looked at the number are void and are asked for again on the real count; the list is
    used as it is once they are given. `warn`: the submitter is told, and the case goes on. {from: reach, over: 10%,
    then: reapprove}
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    source: str = Field(alias="from", description="Field of the proposal that states the expected number")
    over: Annotated[Share, Field(gt=0)] = Field(description="The tolerance, as a share of the number declared")
    then: Literal["reapprove", "warn"] = Field(description="Approval re-opens, or the submitter is told")


class Arbitration(BaseModel):
    """How the case stands among others that want the same customers: {priority: 5, score: c.arpu}.

    Cases of a higher priority choose first; among equal ones a customer goes where their score is highest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | Annotated[str, Field(min_length=1)] = Field(
        0, description="A number, or the field of the form that holds it; the higher the sooner, an empty field is 0"
    )
    score: str | None = Field(
        None, min_length=1, description="An expression over the customer that gives a number; unknown comes last"
    )

    def priority_in(self, form: Mapping[str, Any]) -> int:
        """The priority that a form gives."""
        if isinstance(self.priority, int):
            return self.priority
        value = form.get(self.priority)
        return value if isinstance(value, int) else 0


class AudiencePlan(BaseModel):
    """The section as written; every expression is still text."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: Source = Field(description="Where the customers come from")
    remove: tuple[Exclusion, ...] = Field((), description="Who is left out, in the order of the waterfall")
    cells: dict[CellName, str | Cell] = Field(
        default={"all": "true"},
        min_length=1,
        max_length=100,
        description="Cells by name, each an expression, or one with an offer of its own; the first that holds",
    )
    control: Control | None = Field(None, description="Who gets nothing, to compare with")
    drift: Drift | None = Field(None, description="What a count far from the declared number leads to")
    arbitration: Arbitration | None = Field(None, description="Priority and score where cases want the same customers")
    freeze: Literal["on_approved"] = Field("on_approved", description="When the list is frozen")
    stale_after: Duration | None = Field(
        None, description="A wave whose list is older, or whose groups have newer versions, waits for a person"
    )

    @field_validator("stale_after")
    @classmethod
    def _on_the_clock(cls, value: Duration | None) -> Duration | None:
        if value is not None and (value.is_working or not value.amount):
            raise PydanticCustomError("duration", "a list ages by hours or days, not working days; write 30d")
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> "AudiencePlan":
        names = [exclusion.name for exclusion in self.remove]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PydanticCustomError("twice", "the same exclusion stands twice: {names}", {"names": ", ".join(twice)})
        if any(isinstance(exclusion, Household) for exclusion in self.remove[:-1]):
            raise PydanticCustomError("last", "household stands last: it chooses among those whom nothing else removes")
        if len(names) > 60:
            raise PydanticCustomError("many", "at most 60 exclusions")  # one bit each in a 64-bit mask
        return self

    def expressions(self) -> Iterator[tuple[Path, str]]:
        """Every rule with its path in the section; all are boolean, their scope is `c` (the customer)."""
        for path, source in self._sources():
            if isinstance(source, Rule):
                yield (*path, "rule"), source.rule
        for position, exclusion in enumerate(self.remove):
            if isinstance(exclusion, RuleHolds):
                yield ("remove", position, "rule"), exclusion.rule
        for name, cell in self.cells.items():
            yield (("cells", name), cell) if isinstance(cell, str) else (("cells", name, "when"), cell.when)
        if self.control and self.control.assigned is not None:
            yield ("control", "assigned"), self.control.assigned

    def statements(self) -> Iterator[tuple[Path, str]]:
        """Every SQL statement with its path in the section."""
        for path, source in self._sources():
            if isinstance(source, Sql):
                yield (*path, "sql"), source.sql

    def feedbacks(self) -> Iterator[tuple[Path, FeedbackOf]]:
        """Every look at an earlier case with its path in the section."""
        for path, source in self._sources():
            if isinstance(source, Feedback):
                yield (*path, "feedback"), source.feedback

    def groups(self) -> Iterator[tuple[Path, str]]:
        """Every saved group that is named, as written, with its path in the section."""
        for path, source in self._sources():
            if isinstance(source, Group):
                yield (*path, "group"), source.group
        for position, exclusion in enumerate(self.remove):
            if isinstance(exclusion, InGroup):
                yield ("remove", position, "group"), exclusion.group

    def values(self) -> Iterator[tuple[Path, str]]:
        """The expressions that give a value of any type, with their paths; their scope is `c` as well."""
        for position, exclusion in enumerate(self.remove):
            if isinstance(exclusion, Household):
                yield ("remove", position, "household"), exclusion.household
                if exclusion.keep is not None:
                    yield ("remove", position, "keep"), exclusion.keep
        if self.arbitration and self.arbitration.score is not None:
            yield ("arbitration", "score"), self.arbitration.score

    @property
    def divided(self) -> dict[str, Cell]:
        """The cells, also those that are no more than an expression."""
        return {name: Cell(when=cell) if isinstance(cell, str) else cell for name, cell in self.cells.items()}

    def offers_in(self, form: Mapping[str, Any]) -> dict[str, str]:
        """The cells that have an offer of their own, and its code."""
        return {name: code for name, cell in self.divided.items() if (code := cell.offer_in(form))}

    @property
    def looks_at_cells(self) -> bool:
        """Whether grouping stands before an exclusion: it depends on the cell whether a customer is removed."""
        return any(exclusion.by_cell for exclusion in self.remove)

    @property
    def is_arbitrated(self) -> bool:
        """Whether the case takes part in arbitration: it leaves out whom it lost there."""
        return any(exclusion.kind == "arbitration" for exclusion in self.remove)

    @property
    def household(self) -> Household | None:
        """The exclusion of all but one of a household, where the plan has it."""
        last = self.remove[-1] if self.remove else None
        return last if isinstance(last, Household) else None

    @property
    def used_groups(self) -> tuple[str, ...]:
        """The versions of saved groups that stand in it, once their names were replaced by them."""
        removed = (exclusion.saved for exclusion in self.remove if isinstance(exclusion, InSavedGroup))
        walked = (part for source in (self.source, *removed) for part in source.walk())
        return tuple(sorted({part.group for part in walked if isinstance(part, SavedGroup)}))

    def _sources(self) -> Iterator[tuple[Path, SourceKind]]:
        stack: list[tuple[Path, SourceKind]] = [(("source",), self.source)]
        while stack:
            path, source = stack.pop(0)
            yield path, source
            stack[:0] = [((*path, source.kind, n), part) for n, part in enumerate(source.within())]
