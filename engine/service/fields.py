"""The fields of a proposal as a reader is shown them. What is hidden from a reader is absent, not blank.

Every door asks `hidden`: pages, REST, lists, notices, the history's changes, and the reasons of a route.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine.definition.fields import Office, PersonField
from engine.definition.form_fields import FormField, Table
from engine.definition.model import Definition
from engine.machine.case import Case
from engine.machine.readers import hidden_from, may_hide
from engine.service.app import Countersign
from engine.service.views import Change, FieldView
from engine.store import cases
from engine.store.lines import CaseLine
from engine.values import Bilingual

Choices = Mapping[str, tuple[tuple[str, Bilingual], ...]]
"""By field: what may be chosen, with its labels."""
NOTHING: frozenset[str] = frozenset()
IN_LISTS = ("title", "budget", "reach")
_NAMED = re.compile(r"\bform\.(\w+)")


def hidden(app: Countersign, tx: Connection, person: str, case: Case) -> frozenset[str]:
    """The fields of the case's proposal that `person` does not see."""
    process = app.process(case.process, tx)
    fields = app.definition(case.process).proposal.fields
    if not may_hide(process, fields):
        return NOTHING
    organisation, now = app.organisation(tx), app.now()
    represented = {
        task.person
        for task in case.tasks
        if person in organisation.stand_ins(task.person, at=now, definition=case.process.name, form=case.form)
    }
    return hidden_from(process, case, organisation.accounts(person) | represented, fields)


def limited(app: Countersign, tx: Connection, line: CaseLine, person: str) -> CaseLine:
    """The line of a list without what `person` does not see of it."""
    if not may_hide(app.process(line.process, tx), IN_LISTS):
        return line
    unseen = hidden(app, tx, person, cases.load(tx, line.id))
    blank: dict[str, Any] = {"title": "", "budget": None, "reach": None}
    return replace(line, **{name: value for name, value in blank.items() if name in unseen})


def field_views(
    definition: Definition,
    form: dict[str, Any],
    *,
    writable: bool | Collection[str],
    before: dict[str, Any] | None = None,
    people: Choices | None = None,
    unseen: Collection[str] = (),
    again: dict[str, tuple[Bilingual, ...]] | None = None,
) -> tuple[FieldView, ...]:
    """The proposal's fields in the definition's order, without those `unseen`.

    `writable`: all, none, or these. `before` is the form that the viewer last saw. `people` are the names behind the
    accounts in person fields. `again`: the steps that a change of a field asks again.
    """
    return tuple(
        FieldView(
            name=name,
            label=field.label,
            kind=field.type,
            raw=form.get(name),
            required=field.required,
            writable=writable if isinstance(writable, bool) else name in writable,
            material=name in definition.proposal.material,
            currency=getattr(field, "currency", ""),
            choices=(people or {}).get(name) or field.shown_choices(),
            limits=field.limits(),
            help=field.help,
            was=before.get(name) if before is not None and before.get(name) != form.get(name) else None,
            again=(again or {}).get(name, ()),
            columns=_columns(field),
            lookup=lookup_of(field),
        )
        for name, field in definition.proposal.fields.items()
        if name not in unseen
    )


def lookup_of(field: FormField) -> str:
    """What the values of a field are looked up among; empty where they are typed or chosen."""
    match field:
        case Office():
            return "offices"
        case PersonField(among=""):
            return "people"
        case _:
            return ""


def _columns(field: FormField) -> tuple[FieldView, ...]:
    return tuple(
        FieldView(
            name=name,
            label=column.label,
            kind=column.type,
            raw=None,
            required=column.required,
            writable=True,
            currency=getattr(column, "currency", ""),
            choices=column.shown_choices(),
            limits=column.limits(),
            help=column.help,
        )
        for name, column in (field.columns.items() if isinstance(field, Table) else ())
    )


def changes_between(
    definition: Definition, was: dict[str, Any] | None, now: dict[str, Any], unseen: Collection[str] = ()
) -> tuple[Change, ...]:
    """The fields whose values differ, without those `unseen`; none where there was no earlier form."""
    if was is None:
        return ()
    return tuple(
        Change(label=field.label, kind=field.type, was=was.get(name), now=now.get(name))
        for name, field in definition.proposal.fields.items()
        if was.get(name) != now.get(name) and name not in unseen
    )


def seen_reasons(reasons: Iterable[str], unseen: Collection[str]) -> tuple[str, ...]:
    """The reasons that name nothing unseen."""
    return tuple(reason for reason in reasons if not reads(reason, unseen))


UNSEEN = "it is about a field that you do not see"
"""What is said instead of a reason."""


def seen_reason(said: str, about: Collection[str], unseen: Collection[str]) -> str:
    """What was said about these fields, or only that it is about one that is not seen."""
    return UNSEEN if not frozenset(unseen).isdisjoint(about) or reads(said, unseen) else said


def reads(text: str, unseen: Collection[str]) -> bool:
    """Whether a rule or a reason names a field that is not seen."""
    return any(name in unseen for name in _NAMED.findall(text))
