"""The kinds of proposal fields that hold several things, files and rows, and the union of all kinds.

A file's bytes are not in the form: the form has the record of each (its digest with it), so that an approval is bound
to the very file. Refuses records that are not whole; whether a file is there is the service's to say.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field

from engine.definition.fields import (
    Choice,
    Date,
    DateRange,
    ExactNumber,
    Int,
    Kind,
    LongText,
    Money,
    Office,
    PersonField,
    Ref,
    Set,
    Text,
    Wrong,
    WrongParts,
)
from engine.definition.section import Name
from engine.expr.types import TEXT, List, Record, Type

FILE_KEYS = ("id", "name", "size", "type", "sha256")


class Attachment(Kind):
    """Files; in expressions the list of their names."""

    type: Literal["attachment"]
    max: int = Field(5, strict=True, ge=1, le=20, description="Most files")

    @property
    def value_type(self) -> Type:
        return List(TEXT)

    def read(self, raw: Any) -> list[dict[str, Any]] | None:
        """See Kind. Takes the records of files that were uploaded to the case before, each once."""
        given = [] if raw in (None, "") else raw if isinstance(raw, list | tuple) else [raw]
        files: dict[str, dict[str, Any]] = {}
        for one in given:
            if one in (None, ""):
                continue
            if not isinstance(one, Mapping) or set(one) != set(FILE_KEYS) or not isinstance(one["size"], int):
                raise Wrong("no_file", "this file is not among those that were added to the case")
            files[str(one["id"])] = {key: one[key] if key == "size" else str(one[key]) for key in FILE_KEYS}
        if len(files) > self.max:
            raise Wrong("too_many_files", f"at most {self.max} files", max=self.max)
        return list(files.values()) or None

    def value(self, kept: Any) -> list[str]:
        return [one["name"] for one in kept]

    def limits(self) -> dict[str, str]:
        return {"max": str(self.max)}


Column = Annotated[Text | Int | ExactNumber | Money | Date | Choice, Discriminator("type")]


class Table(Kind):
    """Rows with the same columns; in expressions a list of records."""

    type: Literal["table"]
    columns: dict[Name, Column] = Field(min_length=1, max_length=12, description="The columns, in their order")
    max: int = Field(50, strict=True, ge=1, le=200, description="Most rows")

    @property
    def value_type(self) -> Type:
        optional = frozenset(name for name, column in self.columns.items() if not column.required)
        return List(Record({name: column.value_type for name, column in self.columns.items()}, "row", optional))

    def read(self, raw: Any) -> list[dict[str, Any]] | None:
        """See Kind. Takes a list of rows by column; a row with nothing in it is left out. Raises WrongParts."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, list | tuple) or not all(isinstance(row, Mapping) for row in raw):
            raise Wrong("rows", "rows are expected, each with its columns by name")
        rows: list[dict[str, Any]] = []
        wrong: list[tuple[str, Wrong]] = []
        for place, row in enumerate(row for row in raw if any(cell not in (None, "") for cell in row.values())):
            rows.append(self._row(row, f"[{place}]", wrong))
        if len(rows) > self.max:
            message = f"at most {self.max} rows, these are {len(rows)}"
            raise Wrong("too_many_rows", message, max=self.max, rows=len(rows))
        if wrong:
            raise WrongParts(wrong, rows or None)
        return rows or None

    def _row(self, row: Mapping[str, Any], place: str, wrong: list[tuple[str, Wrong]]) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, column in self.columns.items():
            try:
                value = column.read(row.get(name))
            except Wrong as error:
                wrong.append((f"{place}.{name}", error))
                continue
            if value is not None:
                read[name] = value
            elif column.required:
                wrong.append((f"{place}.{name}", Wrong("required", "this is needed")))
        strange = [name for name in row if name not in self.columns]
        wrong += [(place, Wrong("unknown", f"there is no column {name}", name=name)) for name in strange]
        return read

    def value(self, kept: Any) -> list[dict[str, Any]]:
        return [{name: self.columns[name].value(cell) for name, cell in row.items()} for row in kept]

    def limits(self) -> dict[str, str]:
        return {"max": str(self.max)}


def rows_of(typed: Any) -> list[dict[str, Any]]:
    """The rows as they were typed, to show them again; none of what is no list of rows."""
    rows = typed if isinstance(typed, list | tuple) else ()
    return [dict(cast("Mapping[str, Any]", row)) for row in rows if isinstance(row, Mapping)]


FormField = Annotated[
    Text
    | LongText
    | Int
    | ExactNumber
    | Money
    | Date
    | DateRange
    | Choice
    | Set
    | PersonField
    | Office
    | Ref
    | Attachment
    | Table,
    Discriminator("type"),
]
