"""E6xx: people. Whom a step asks can be found, and a table of people leaves no case without any."""

from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.fields import PersonField
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.rules_time import timeouts
from engine.definition.section import WhoElse, Whom, WhoRow, named
from engine.definition.steps import Approve, Copy, File, OwnAssign
from engine.errors import InvalidForm
from engine.expr.types import nearest
from engine.organisation.who import FromField, parse


class TableWithoutElse(LintRule):
    """the table of people ends without else: a case that fits no row would ask nobody"""

    code = "E602"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, whom in _whoms(subject):
            has_else = any(isinstance(entry, WhoElse) for entry in whom)
            if not has_else and any(isinstance(entry, WhoRow) for entry in whom):
                yield Finding((*path, len(whom) - 1), {}, 'end it with {else: "role:..."}')


class MixedTable(LintRule):
    """a table of people has rows with when and one else at its end; {what} does not belong there"""

    code = "E603"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, whom in _whoms(subject):
            is_table = any(not isinstance(entry, str) for entry in whom)
            for n, entry in enumerate(whom):
                if is_table and isinstance(entry, str):
                    yield Finding((*path, n), {"what": entry}, "write either a list of names or a table")
                if isinstance(entry, WhoElse) and n < len(whom) - 1:
                    yield Finding((*path, n), {"what": "a row after else"}, "put else last")


class NoSuchPersonField(LintRule):
    """the proposal has no field {name} that holds a person"""

    code = "E604"

    def find(self, subject: Subject) -> Iterator[Finding]:
        fields = subject.definition.proposal.fields
        holding = tuple(name for name, field in fields.items() if isinstance(field, PersonField))
        for path, who in _names(subject):
            found = parse(who) if who else None
            if isinstance(found, FromField) and found.name not in holding:
                if found.name in subject.fields and found.name not in fields:
                    continue  # that field could not be read, which is told already
                hint = nearest(found.name, holding)
                if found.name in fields:
                    hint = f"give {found.name} the type person"
                yield Finding(path, {"name": found.name}, hint or "add a field {type: person}")


class FieldOfField(LintRule):
    """the candidates of a person field cannot come from a field"""

    code = "E605"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for name, field in subject.definition.proposal.fields.items():
            if isinstance(field, PersonField) and field.among and isinstance(parse(field.among), FromField):
                yield Finding(("proposal", "fields", name, "among"), {}, "name a role, as role:finance@city")


class NobodyForProofs(LintRule):
    """nobody is found by {who} for proofs"""

    code = "E410"

    def find(self, subject: Subject) -> Iterator[Finding]:
        plan = subject.definition.delivery
        if plan is None or plan.proofs is None:
            return
        try:
            is_known = not isinstance(parse(plan.proofs.to), FromField)
        except InvalidForm:
            is_known = False
        if not is_known:
            yield Finding(("delivery", "proofs", "to"), {"who": plan.proofs.to}, "name a role, as role:finance@city")


def _whoms(subject: Subject) -> Iterator[tuple[Path, tuple[object, ...]]]:
    for path, whom in _written(subject):
        if not isinstance(whom, str):
            yield path, whom


def _written(subject: Subject) -> Iterator[tuple[Path, Whom]]:
    for path, step in subject.steps:
        if isinstance(step, Approve | File | Copy):
            yield (*path, "who"), step.who


def _names(subject: Subject) -> Iterator[tuple[Path, str]]:
    for path, whom in _written(subject):
        if isinstance(whom, str):
            yield path, whom
        else:
            for n, (entry, who) in enumerate(zip(whom, named(whom), strict=True)):
                key = () if isinstance(entry, str) else ("who",) if isinstance(entry, WhoRow) else ("else",)
                yield (*path, n, *key), who
    for name, field in subject.definition.proposal.fields.items():
        for n, who in enumerate(field.visible or ()):
            yield ("proposal", "fields", name, "visible", n), who
    defaults = subject.definition.approval.defaults
    yield ("approval", "defaults", "empty", "assign"), defaults.empty.assign
    if isinstance(defaults.self_, OwnAssign):
        yield ("approval", "defaults", "self", "assign"), defaults.self_.assign
    for path, step in subject.steps:
        if isinstance(step, Approve | File) and step.empty:
            yield (*path, "empty", "assign"), step.empty.assign
        if isinstance(step, Approve) and isinstance(step.self_, OwnAssign):
            yield (*path, "self", "assign"), step.self_.assign
    for path, timeout in timeouts(subject):
        yield (*path, "to"), timeout.to


PEOPLE = (TableWithoutElse(), MixedTable(), NoSuchPersonField(), FieldOfField(), NobodyForProofs())
