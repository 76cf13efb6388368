"""E6xx and W808: roles that nobody holds today. Asked only where the check is given an organisation."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.definition.document import Path
from engine.definition.fields import PersonField
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.rules_time import timeouts
from engine.definition.section import WhoRow, named
from engine.definition.staffing import Staff, Vacancy
from engine.definition.steps import Approve, Copy, Empty, File, OwnAssign
from engine.expr.types import nearest
from engine.machine.asking import Ask
from engine.organisation.who import FromField, Submitter, parse

READS, ACTS, CHOSEN, LATE = "nobody reads along", "nobody can act", "nobody can be chosen", "of silence {} is told"
IMPORTS = "give it to somebody with `countersign people import`"


@dataclass(frozen=True, slots=True)
class Asking:
    """One place that asks people: all of `whos`. `then` says what becomes of nobody, where no policy does."""

    path: Path
    whos: tuple[str, ...]
    then: str = ""
    empty: Empty | None = None


class UnknownRole(LintRule):
    """nobody in the organisation holds the role {role}"""

    code = "E606"

    def find(self, subject: Subject) -> Iterator[Finding]:
        if staff := subject.staff:
            for path, who in _everywhere(subject):
                if role := staff.unknown_role(who):
                    yield Finding(path, {"role": role}, nearest(role, staff.roles) or IMPORTS)


class NobodyAtAll(LintRule):
    """nobody is found by {who} for cases of {offices}, nor by {otherwise}, who is asked instead: they would wait"""

    code = "E607"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for staff, asking, vacancy in _vacancies(subject):
            if asking.empty and vacancy.waiting:
                offices = staff.offices_named(vacancy.waiting)
                shown = {"who": ", ".join(asking.whos), "offices": offices, "otherwise": asking.empty.assign}
                yield Finding(asking.path, shown, IMPORTS)


class NobodyHere(LintRule):
    """nobody is found by {who} for cases of {offices}: {then}"""

    code = "W808"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for staff, asking, vacancy in _vacancies(subject):
            offices = tuple(code for code in vacancy.offices if not (asking.empty and code in vacancy.waiting))
            if offices:
                then = asking.then
                if asking.empty:
                    then = f"{staff.people_named(vacancy.instead)} is asked, by {asking.empty.assign}"
                shown = {"who": ", ".join(asking.whos), "offices": staff.offices_named(offices), "then": then}
                yield Finding(asking.path, shown)


def _vacancies(subject: Subject) -> Iterator[tuple[Staff, Asking, Vacancy]]:
    """Places without people in some offices; not those whose role is held nowhere, which is told by itself."""
    staff = subject.staff
    if staff is None:
        return
    for asking in _asking(subject):
        if any(staff.unknown_role(who) for who in asking.whos):
            continue
        otherwise = asking.empty.assign if asking.empty else asking.whos[0]
        vacancy = staff.vacancy(Ask(asking.whos[0], also=asking.whos[1:], otherwise=otherwise))
        if vacancy:
            yield staff, asking, vacancy


def _asking(subject: Subject) -> Iterator[Asking]:
    """Every place where whom it names may be nobody. A person field is looked at where its candidates are named."""
    defaults = subject.definition.approval.defaults
    for path, step in subject.steps:
        match step:
            case Approve() | File():
                yield from _of(path, step, empty=step.empty or defaults.empty)
            case Copy():
                yield from _of(path, step, then=READS)
    for path, timeout in timeouts(subject):
        if timeout.to != "superior":
            yield Asking((*path, "to"), (timeout.to,), LATE.format(defaults.empty.assign))
    for name, field in subject.definition.proposal.fields.items():
        if isinstance(field, PersonField) and field.among:
            yield Asking(("proposal", "fields", name, "among"), (field.among,), CHOSEN)
    if subject.definition.lifecycle:
        for name, role in subject.definition.lifecycle.roles.items():
            if not _is_personal(role.who):
                yield Asking(("lifecycle", "roles", name, "who"), (role.who,), ACTS)


def _of(path: Path, step: Approve | File | Copy, *, then: str = "", empty: Empty | None = None) -> Iterator[Asking]:
    whom, at = step.who, (*path, "who")
    if isinstance(whom, str) or all(isinstance(entry, str) for entry in whom):
        whos = named(whom)
        if not any(_is_personal(who) for who in whos):
            yield Asking(at, whos, then, empty=empty)
        return
    for n, (entry, who) in enumerate(zip(whom, named(whom), strict=True)):
        if not _is_personal(who):
            yield Asking((*at, n, "who" if isinstance(entry, WhoRow) else "else"), (who,), then, empty=empty)


def _is_personal(who: str) -> bool:
    """Whether it names one person, who is there or is told of elsewhere."""
    return isinstance(parse(who), FromField | Submitter)


def _everywhere(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Every `who` in the file with its place, the policies for an empty role and for the submitter with them."""
    for asking in _asking(subject):
        for n, who in enumerate(asking.whos):
            yield ((*asking.path, n) if len(asking.whos) > 1 else asking.path), who
    defaults = subject.definition.approval.defaults
    policies: list[tuple[Path, Empty | None, object]] = [
        (("approval", "defaults"), defaults.empty, defaults.self_),
        *(
            (path, step.empty, getattr(step, "self_", None))
            for path, step in subject.steps
            if isinstance(step, Approve | File)
        ),
    ]
    for path, empty, own in policies:
        if empty:
            yield (*path, "empty", "assign"), empty.assign
        if isinstance(own, OwnAssign):
            yield (*path, "self", "assign"), own.assign


STAFF = (UnknownRole(), NobodyAtAll(), NobodyHere())
