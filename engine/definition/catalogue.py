"""The catalogue of fields: of customers, what audience rules and messages may name as `c.…`; of the other tables, what
an import reads. Each with type, label, unit, allowed values, and whether it is personal.

Refuses to open the dataset: a definition is checked where no dataset is. That the dataset has the columns is checked
when a case reaches its selection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import Field, ValidationError

from engine.audience.compile import customer_type
from engine.definition.document import read
from engine.definition.section import Name, Section
from engine.errors import InvalidDefinition, Problem
from engine.evaluation.figures import Catalogue as Figures
from engine.expr.types import Record
from engine.values import NO_TEXT, Bilingual

FieldType = Annotated[str, Field(pattern=r"^(text|int|decimal(\([0-6]\))?|double|bool|date|timestamp|month|address)$")]
"""`decimal` leaves the digits after the point to the file; a month is a day, its first. An address (phone, mail) is
a text that is sealed in the files of the dataset: a rule can ask whether there is one, and nothing of what it is."""


class CustomerField(Section):
    """One column of a table of the dataset. `personal`: what it says of a customer is masked wherever it is shown as a
    sample. `values`: nothing else is taken over."""

    type: FieldType
    label: Bilingual = NO_TEXT
    unit: Bilingual = NO_TEXT
    personal: bool = False
    values: tuple[str, ...] = ()
    consent: str = ""
    """The channel or purpose that this field holds the customer's consent to."""


class _File(Section):
    fields: dict[Name, CustomerField]


@dataclass(frozen=True)
class Catalogue:
    """The fields by name, of one table of the dataset."""

    name: str
    fields: Mapping[str, CustomerField]

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of each field as text, as the audience compiler wants it."""
        return {name: field.type for name, field in self.fields.items()}

    @cached_property
    def addresses(self) -> dict[str, CustomerField]:
        """The fields that are sealed."""
        return {name: field for name, field in self.fields.items() if field.type == "address"}

    @cached_property
    def consents(self) -> dict[str, str]:
        """The fields that hold consents, by channel or purpose."""
        return {field.consent: name for name, field in self.fields.items() if field.consent}

    @cached_property
    def record(self) -> Record:
        """The type of `c`."""
        return customer_type(self.types)


@lru_cache(maxsize=32)
def catalogue(name: str) -> Catalogue | None:
    """The shipped catalogue of customer fields of that name, None where there is none."""
    return _read(name, resources.files("definitions") / "catalogue" / f"{name}.yaml")


@lru_cache(maxsize=32)
def table_catalogue(table: str) -> Catalogue | None:
    """The shipped catalogue of a table that is not of customers, None where there is none."""
    return _read(table, resources.files("definitions") / "catalogue" / "tables" / f"{table}.yaml")


def known_catalogues() -> tuple[str, ...]:
    """The names of the shipped catalogues of customer fields."""
    folder = resources.files("definitions") / "catalogue"
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


@lru_cache(maxsize=1)
def figures() -> Figures:
    """The shipped catalogue of metrics and dimensions over the facts."""
    file = resources.files("definitions") / "catalogue" / "facts" / "metrics.yaml"
    return Figures.model_validate(read(file.read_text(encoding="utf-8")).value)


def _read(name: str, file: Traversable) -> Catalogue | None:
    if not file.is_file():
        return None
    document = read(file.read_text(encoding="utf-8"))
    try:
        return Catalogue(name, _File.model_validate(document.value).fields)
    except ValidationError as error:
        raise InvalidDefinition(
            [
                Problem("E112", str(one["msg"]), at=".".join(map(str, one["loc"])), file=str(file))
                for one in error.errors()
            ]
        ) from None
