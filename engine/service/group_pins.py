"""Which version of a customer group counts: the newest one while a proposal is written, and from its submission on the
one that was newest then.

Refuses to let an edit reach a case that runs: what it was approved with stays, also when the group is ended.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from pydantic import TypeAdapter
from sqlalchemy import Connection

from engine.audience.groups import GroupVersion, Lookup, expanded, field_of, name_of, version_of
from engine.audience.plan import AudiencePlan
from engine.audience.sources import Source, SourceKind
from engine.definition.fields import Ref
from engine.definition.model import Definition
from engine.errors import InvalidDefinition, Problem
from engine.machine.case import Case
from engine.service.fields import Choices
from engine.store import groups
from engine.store.groups import GroupRow, Pin
from engine.values import Bilingual

_SOURCE: TypeAdapter[SourceKind] = TypeAdapter(Source)


def version_in(row: GroupRow) -> GroupVersion:
    """A stored version, read."""
    return GroupVersion(row.name, row.version, row.title, source_in(msgspec.json.decode(row.source)))


def source_in(value: Mapping[str, Any]) -> SourceKind:
    """A source that was looked at when it was saved."""
    return _SOURCE.validate_python(value)


def tests_in(row: GroupRow) -> tuple[dict[str, Any], ...]:
    """The tests of a stored version."""
    return tuple(msgspec.json.decode(row.tests))


def lookup(tx: Connection, case_id: str = "", *, anew: bool = True) -> Lookup:
    """The versions that count for a case: those of its submission, or `anew` those that its next one would take.

    A group that was ended counts for cases that used it before, and for no other.
    """
    pins = groups.pinned(tx, case_id) if case_id else {}

    def found(reference: str) -> GroupVersion | None:
        pin = pins.get(reference)
        if pin is not None and not anew:
            row = groups.find(tx, pin.name, pin.version)
        else:
            row = groups.find(tx, name_of(reference), version_of(reference))
        if row is None or (row.ended_at is not None and pin is None):
            return None
        return version_in(row)

    return found


def with_groups(
    tx: Connection, plan: AudiencePlan, form: Mapping[str, Any], case_id: str = "", *, anew: bool = True
) -> AudiencePlan:
    """The plan with the groups written out, in the versions that count. InvalidDefinition where one is not there."""
    return expanded(plan, form, lookup(tx, case_id, anew=anew)) if any(plan.groups()) else plan


def pin(tx: Connection, definition: Definition, case: Case, *, anew: bool) -> None:
    """Keep the versions that count for this round: `anew` the newest, else those of the rounds before and the newest of
    what they did not name. A name that stands for nothing is told by the selection."""
    plan = definition.audience
    if plan is None or not any(plan.groups()):
        return
    found = lookup(tx, case.id, anew=anew)
    reached: dict[str, Pin] = {}

    def noted(reference: str) -> GroupVersion | None:
        version = found(reference)
        if version is not None:
            reached[reference] = Pin(reference, version.name, version.version)
        return version

    with suppress(InvalidDefinition):  # what stands for something is kept all the same
        expanded(plan, case.form, noted)
    groups.pin(tx, case.id, case.round, reached.values())


def choices(tx: Connection, definition: Definition, case: Case) -> Choices:
    """For each field of the form that names a customer group what may be chosen, by title."""
    fields = _fields(definition)
    if not fields:
        return {}
    rows = groups.every(tx)
    found = {}
    for name in fields:
        chosen = case.form.get(name)
        offered = (row for row in rows if row.ended_at is None or row.name == chosen)
        listed = [(row.name, Bilingual(en=f"{row.title} ({row.name})")) for row in offered]
        if chosen and all(chosen != one for one, _ in listed):
            listed.append((str(chosen), Bilingual(en=str(chosen))))
        found[name] = tuple(listed)
    return found


def wrong(tx: Connection, definition: Definition, case: Case, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A problem beside each field whose group is not there, or is offered no more."""
    found = lookup(tx, case.id)
    return tuple(
        Problem("form.no_group", f"there is no customer group {values[name]}", at=name, fields={"name": values[name]})
        for name in _fields(definition)
        if values.get(name) is not None and found(str(values[name])) is None
    )


def _fields(definition: Definition) -> tuple[str, ...]:
    """The fields that are offered groups: references to one, and whatever the audience takes a group from."""
    fields = definition.proposal.fields
    named = {field_of(text) for _, text in definition.audience.groups()} if definition.audience else set()
    return tuple(
        name for name, field in fields.items() if (isinstance(field, Ref) and field.to == "group") or name in named
    )
