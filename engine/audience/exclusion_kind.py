"""What every kind of exclusion can say of itself, and what shows that it applies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_serializer, model_validator
from sqlglot import exp

from engine.audience.sources import Claims
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that an exclusion applies to a customer: their rows of a dataset table that hold `where`, or what
    `cells` says of their cell."""

    table: str
    columns: tuple[str, ...]
    where: exp.Expr
    cells: Mapping[str, exp.Expr] = field(default_factory=dict)


class ExclusionKind(BaseModel):
    """A kind of exclusion."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of its row in the waterfall; two of one kind must differ in it."""
        return self.kind

    @property
    def by_cell(self) -> bool:
        """Whether it depends on the customer's cell: then grouping stands before it."""
        return False

    @property
    def label(self) -> Bilingual:
        """The row's label on pages."""
        raise NotImplementedError(self.kind)

    def applies(self, claims: Claims) -> exp.Expr:
        """TRUE where the customer is removed by it, never NULL."""
        raise NotImplementedError(self.kind)

    def evidence(self, claims: Claims) -> Evidence | None:
        """The rows to show a person who asks why it applies; None where the customer's own fields decide."""
        return None


class BareWord(ExclusionKind):
    """A kind that says nothing more than its name."""

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: Any) -> Any:
        return {} if value == cls.kind else value

    @model_serializer
    def _as_bare_word(self) -> str:
        return self.kind
