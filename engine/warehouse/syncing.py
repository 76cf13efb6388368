"""`data sync`: a small YAML file that names several sources, taken in as one version, or none of them.

    sources:
      - {kind: customers, source: customers.csv, key: 用户编号, columns: {手机: phone, 备注: ~}}
      - {kind: usage, source: usage-2026-10.parquet, key: customer, blank: "NULL, arpu=-1"}
      - {kind: owned, source: "sql:crm:select id, offer, since, until from owned_offers", key: id}

Paths are relative to the file. Every problem of every source is told at once. Refuses to publish a part.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.definition.document import Document, read
from engine.errors import InvalidFile, Problem
from engine.warehouse import imports
from engine.warehouse.blanks import read_blanks
from engine.warehouse.dataset import Dataset, Published, Told
from engine.warehouse.imports import Staged, Wanted
from engine.warehouse.queries import PREFIX
from engine.warehouse.shapes import shape_of

Label = Callable[[str], Told]
"""Takes what is worked on now, and gives what hears how far it has come."""


class Source(BaseModel):
    """One source of a sync."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["customers", "list", "contacts", "responses", "usage", "owned", "offers", "conflicts"]
    source: str = Field(min_length=1)
    key: str = Field(min_length=1)
    name: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,39})?$")] = ""
    columns: dict[str, str | None] = {}
    catalogue: str = "customers"
    blank: str = ""

    @property
    def wanted(self) -> Wanted:
        """What it is to become."""
        return Wanted(self.kind, self.key, self.name, self.columns, self.catalogue, read_blanks(self.blank))


class Sync(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[Source, ...] = Field(min_length=1)


def read_sync(path: Path) -> Sync:
    """The file at `path`. InvalidFile names every mistake at its line and column."""
    document = _document(path)
    try:
        sync = Sync.model_validate(document.value)
    except ValidationError as error:
        raise InvalidFile(
            [_placed(document, path, tuple(one["loc"]), "D126", one["msg"]) for one in error.errors()]
        ) from error
    problems, seen = [], set()
    for n, one in enumerate(sync.sources):
        if (one.kind == "list") != bool(one.name):
            problems.append(_placed(document, path, ("sources", n), "D113", "a list, and nothing else, needs a name"))
        if one.wanted.table in seen:
            problems.append(_placed(document, path, ("sources", n), "D127", f"{one.wanted.table} stands twice"))
        seen.add(one.wanted.table)
    if problems:
        raise InvalidFile(problems)
    return sync


def read_connections(path: Path) -> Mapping[str, str]:
    """The connections file: names and addresses of PostgreSQL databases and of Spark. Addresses are never told."""
    value = _document(path).value
    good = isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(url, str) and url.startswith(("postgresql", "postgres:", "spark:"))
        for name, url in value.items()
    )
    if not good:
        hint = "each line is NAME: postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE, or NAME: spark:MASTER"
        raise InvalidFile([Problem("D128", "this is no list of connections", hint, at=path.name)])
    return dict(value)


def sync_all(
    dataset: Dataset, path: Path, connections: Mapping[str, str], *, by: str, label: Label
) -> tuple[tuple[Staged, ...], Published]:
    """Take in what the file at `path` names. InvalidFile with the problems of all its sources; then nothing changes."""
    sync = read_sync(path)
    staged: list[Staged] = []
    problems: list[Problem] = []
    for one in sync.sources:
        source = one.source if one.source.startswith(PREFIX) else str(path.parent / one.source)
        try:
            shape = shape_of(source, connections=connections)
            told = label(f"{one.wanted.table} from {shape.name}")
            staged.append(imports.stage(dataset, shape.records(told), shape.name, one.wanted, told))
        except InvalidFile as error:
            problems += error.problems
    if problems:
        raise InvalidFile(problems)
    return tuple(staged), imports.publish(dataset, staged, by)


def _document(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem("D114", f"{path} cannot be read")]) from error
    document = read(text)
    if document.problems:
        raise InvalidFile([_in(path, problem) for problem in document.problems])
    return document


def _in(path: Path, problem: Problem) -> Problem:
    return Problem(
        problem.code, problem.message, problem.hint, line=problem.line, column=problem.column, file=path.name
    )


def _placed(document: Document, path: Path, at: tuple[Any, ...], code: str, message: str) -> Problem:
    place = document.place(at)
    return Problem(code, message, at=".".join(map(str, at)), line=place.line, column=place.column, file=path.name)
