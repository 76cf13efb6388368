"""Saved customer groups: their versions in the places where a plan or another group names them.

A group is a source with a name. Written out, it is a part of the plan like any other, so nothing later needs to know
about groups. Refuses circles, and trees that have grown past all reading; refuses to decide which version counts: the
caller looks it up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.audience.exclusion_kind import ExclusionKind
from engine.audience.exclusions import InGroup, InSavedGroup
from engine.audience.plan import AudiencePlan
from engine.audience.sources import Group, SavedGroup, SourceKind
from engine.errors import InvalidDefinition, Problem

MOST_DEEP = 10
"""Groups within groups."""
MOST_PARTS = 500
"""Sources in all the groups of a plan: two that name each of the two below twice double with every level."""


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """One version of a saved group."""

    name: str
    version: int
    title: str
    source: SourceKind

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"


Lookup = Callable[[str], GroupVersion | None]
"""The version that a reference, NAME or NAME@VERSION, stands for; None where there is none to use."""


def field_of(reference: str) -> str:
    """The field of the form that names the group; empty where the group is named itself."""
    return reference.removeprefix("form.") if reference.startswith("form.") else ""


def name_of(reference: str) -> str:
    """The name in NAME or NAME@VERSION."""
    return reference.partition("@")[0]


def version_of(reference: str) -> int | None:
    """The version in NAME@VERSION, None in NAME."""
    version = reference.partition("@")[2]
    return int(version) if version.isdecimal() else None


def expanded(plan: AudiencePlan, form: Mapping[str, Any], lookup: Lookup) -> AudiencePlan:
    """The plan with groups in the place of their names. InvalidDefinition with every name that stands for nothing."""
    if not any(plan.groups()):
        return plan
    expander = _Expander(lookup, form)
    source = expander.source(plan.source, ())
    remove = tuple(expander.exclusion(one) for one in plan.remove)
    if expander.problems:
        raise InvalidDefinition(expander.problems)
    return plan.model_copy(update={"source": source, "remove": remove})


def expanded_source(source: SourceKind, lookup: Lookup, *, of: str = "") -> SourceKind:
    """A source with groups in the place of their names; within the group called `of`, where it belongs to one."""
    expander = _Expander(lookup, {})
    found = expander.source(source, (of,) if of else ())
    if expander.problems:
        raise InvalidDefinition(expander.problems)
    return found


@dataclass
class _Expander:
    lookup: Lookup
    form: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)
    parts: int = 0

    def source(self, source: SourceKind, inside: tuple[str, ...]) -> SourceKind:
        """`inside` are the names of the groups around it, the outermost first."""
        self.parts += bool(inside)
        if isinstance(source, Group):
            return self.saved(source.group, inside) or source
        return source.made_of(tuple(self.source(part, inside) for part in source.within()))

    def exclusion(self, exclusion: ExclusionKind) -> ExclusionKind:
        if not isinstance(exclusion, InGroup):
            return exclusion
        saved = self.saved(exclusion.group, ())
        return InSavedGroup(group=exclusion.group, saved=saved) if saved else exclusion

    def saved(self, written: str, inside: tuple[str, ...]) -> SavedGroup | None:
        """The group, written out; None, and a problem, where that cannot be."""
        in_form = field_of(written)
        reference = str(self.form.get(in_form) or "") if in_form else written
        found = self.found(reference, in_form, inside)
        if not isinstance(found, GroupVersion):
            self.problems += [found] if found not in self.problems else []
            return None
        source = self.source(found.source, (*inside, found.name))
        return SavedGroup(group=found.label, title=found.title, parts=(source,))

    def found(self, reference: str, in_form: str, inside: tuple[str, ...]) -> GroupVersion | Problem:
        """What the reference stands for, or why it stands for nothing."""
        name = name_of(reference)
        if not reference:
            return Problem("E219", f"the form names no customer group: {in_form} is empty", "fill it in", at=in_form)
        if name in inside:
            circle = " -> ".join((*inside[inside.index(name) :], name))
            return Problem("E218", f"customer groups name each other in a circle: {circle}")
        if len(inside) >= MOST_DEEP or self.parts > MOST_PARTS:
            message = f"more than {MOST_DEEP} customer groups stand in one another, or {MOST_PARTS} sources in them"
            return Problem("E218", message, "save a simpler group in the place of some")
        message = f"there is no customer group {reference}"
        return self.lookup(reference) or Problem("E216", message, "it was never saved, or it was ended", at=in_form)
