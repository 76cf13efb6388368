"""What the rules of the check are given, and what they give back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from engine.definition.catalogue import Catalogue
from engine.definition.compile import compile_process
from engine.definition.document import Document, Path
from engine.definition.model import Definition
from engine.definition.shape import Shape
from engine.definition.staffing import Staff
from engine.definition.steps import Approve, Copy, File, Include, Use
from engine.delivery.content import ContentRules
from engine.errors import Problem
from engine.expr import Scope
from engine.expr.types import DYN, Record
from engine.machine.process import Process

if TYPE_CHECKING:
    from engine.definition.prove_guarantees import Prover
    from engine.definition.prove_route import RouteTable

AnyWrittenStep = Approve | File | Copy | Use | Include


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule; `fields` fill the rule's docstring. `offset` is a sign within the text there."""

    path: Path
    fields: dict[str, Any] = field(default_factory=dict)
    hint: str = ""
    at_key: bool = False
    offset: int | None = None


class LintRule:
    """One rule: a subclass whose docstring is the message and whose `code` is printed with it."""

    code: ClassVar[str]
    severity: ClassVar[Literal["error", "warning"]] = "error"

    def find(self, subject: "Subject") -> "Iterator[Finding]":
        """Every place that breaks it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Subject:
    """A definition under check, with what of the file was left out of it. `staff`: who would be asked, if known."""

    definition: Definition
    document: Document
    shape: Shape
    catalogue: Catalogue
    staff: Staff | None = None
    content: ContentRules | None = None

    @cached_property
    def chains(self) -> frozenset[str]:
        """The names of all chains in the file, those that could not be read included."""
        return frozenset(self._names("approval", "chains"))

    @cached_property
    def blocks(self) -> frozenset[str]:
        """The names of all blocks in the file."""
        return frozenset(self._names("approval", "blocks"))

    @cached_property
    def fields(self) -> frozenset[str]:
        """The names of all fields in the file."""
        return frozenset(self._names("proposal", "fields"))

    @cached_property
    def process(self) -> Process:
        """The compiled process; only for rules that are asked once nothing is wrong."""
        return compile_process(self.definition)

    @cached_property
    def steps(self) -> tuple[tuple[Path, AnyWrittenStep], ...]:
        """Every step as written, with its path; those of blocks as well."""
        approval = self.definition.approval
        found: list[tuple[Path, AnyWrittenStep]] = [
            (("approval", "chains", name, n), step)
            for name, chain in approval.chains.items()
            for n, step in enumerate(chain)
        ]
        found += [
            (("approval", "blocks", name, "parallel", n), branch)
            for name, block in approval.blocks.items()
            for n, branch in enumerate(block.parallel)
        ]
        return tuple(found)

    @cached_property
    def scope(self) -> Scope:
        """The scope of the case; a field or param that could not be read has any type."""
        scope = self.definition.scope
        return Scope(
            {
                "form": self._whole(scope.names["form"], "proposal", "fields"),
                "params": self._whole(scope.names["params"], "params"),
                "rules": scope.names["rules"],
            },
            scope.rules,
        )

    @property
    def deciding(self) -> Scope:
        """The scope of what decides the way of a case."""
        return self.scope.plus(budget=self.definition.deciding.names["budget"])

    @cached_property
    def table(self) -> "RouteTable":
        """What is proved of the route table; asked only where the form and the approval are right."""
        from engine.definition.prove_route import RouteTable  # noqa: PLC0415  # the solver takes 70 ms to load

        return RouteTable(self.definition)

    @cached_property
    def prover(self) -> "Prover":
        """What is proved of the guarantees; asked only where nothing else is wrong."""
        from engine.definition.prove_guarantees import Prover  # noqa: PLC0415  # as `table`

        return Prover(self.definition, self.table)

    @property
    def customer_scope(self) -> Scope:
        """The scope of rules over customers."""
        return self.scope.plus(c=self.catalogue.record if self.catalogue.fields else DYN)

    def _names(self, *path: str) -> tuple[str, ...]:
        value = self.document.value
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return tuple(value) if isinstance(value, dict) else ()

    def _whole(self, record: Any, *path: str) -> Any:
        written = self._names(*path)
        if not written and self.shape.was_lost(*path):
            return DYN
        lost = {name: DYN for name in written if name not in record.fields}
        return Record({**lost, **record.fields}, record.name, record.optional) if lost else record


def problem_of(rule: LintRule, finding: Finding, subject: Subject) -> Problem | None:
    """The finding as a problem with its place; None where its place is not in the file (it was filled in)."""
    path = subject.shape.in_file(finding.path)
    document = subject.document
    if path and not any(
        path[:n] in document.keys or path[:n] in document.places for n in (len(path), len(path) - 1) if n
    ):
        return None
    place = document.place(path, key=finding.at_key)
    line, column = place.line, place.column
    if finding.offset is not None and place.end:
        line, column = place.of_sign(document.text_at(place), finding.offset)
    message = " ".join((type(rule).__doc__ or "").split()).format(**finding.fields)
    return Problem(
        finding.fields.get("code", rule.code),
        message,
        finding.hint,
        at=".".join(map(str, path)),
        line=line,
        column=column,
        file=place.file,
        severity=rule.severity,
        fields=finding.fields,
    )
