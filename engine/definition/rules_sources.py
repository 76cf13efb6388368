"""E32x, E215, E217: sources of an audience that are no expressions: SQL, an earlier case, a saved group."""

from collections.abc import Iterator

from engine.audience.compile import readable_tables
from engine.audience.groups import field_of
from engine.audience.sql import CheckedSql, check_sql, parameters_of
from engine.definition.findings import Finding, LintRule, Subject
from engine.expr.types import DYN, TEXT, nearest


class WrongSql(LintRule):
    """{message}"""

    code = "E300"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        if audience is None:
            return
        tables = readable_tables(subject.catalogue.types)
        parameters = parameters_of(subject.scope)
        for path, text in audience.statements():
            checked = check_sql(text, tables, parameters)
            for problem in () if isinstance(checked, CheckedSql) else checked:
                fields = {"message": problem.message, "code": problem.code}
                yield Finding(("audience", *path), fields, problem.hint, offset=problem.fields["offset"])


class NoSuchCase(LintRule):
    """{name} is no field of the form that holds one text, the number of an earlier case"""

    code = "E215"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        for path, wanted in audience.feedbacks() if audience else ():
            place = ("audience", *path, "of")
            types = {name: subject.definition.proposal.record.fields.get(name, DYN) for name in subject.fields}
            if wanted.of in types:
                yield Finding(place, {"name": wanted.of}, f"did you mean form.{wanted.of}?")
            elif wanted.of.startswith("form.") and types.get(wanted.field) not in (TEXT, DYN):
                known = tuple(f"form.{name}" for name, kind in types.items() if kind == TEXT)
                yield Finding(place, {"name": wanted.of}, nearest(wanted.of, known))


class NoSuchGroup(LintRule):
    """{name} is no field of the form that holds one text, the name of a customer group"""

    code = "E217"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        for path, named in audience.groups() if audience else ():
            if not field_of(named):
                continue
            types = {name: subject.definition.proposal.record.fields.get(name, DYN) for name in subject.fields}
            if types.get(field_of(named)) not in (TEXT, DYN):
                known = tuple(f"form.{name}" for name, kind in types.items() if kind == TEXT)
                yield Finding(("audience", *path), {"name": named}, nearest(named, known))


SOURCES = (WrongSql(), NoSuchCase(), NoSuchGroup())
