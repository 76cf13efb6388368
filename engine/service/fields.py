"""The fields of a proposal as they are shown."""

from typing import Any

from engine.definition.model import Definition
from engine.service.candidates import Choices
from engine.service.views import Change, FieldView


def field_views(
    definition: Definition,
    form: dict[str, Any],
    *,
    writable: bool,
    before: dict[str, Any] | None = None,
    people: Choices | None = None,
) -> tuple[FieldView, ...]:
    """The proposal's fields in the definition's order; `before` is the form that the viewer last saw.

    `people` are the names behind the accounts in person fields.
    """
    return tuple(
        FieldView(
            name=name,
            label=field.label,
            kind=field.type,
            raw=form.get(name),
            required=field.required,
            writable=writable,
            material=name in definition.proposal.material,
            currency=getattr(field, "currency", ""),
            choices=(people or {}).get(name) or field.shown_choices(),
            limits=field.limits(),
            help=field.help,
            was=before.get(name) if before is not None and before.get(name) != form.get(name) else None,
        )
        for name, field in definition.proposal.fields.items()
    )


def changes_between(definition: Definition, was: dict[str, Any] | None, now: dict[str, Any]) -> tuple[Change, ...]:
    """The fields whose values differ; none where there was no earlier form."""
    if was is None:
        return ()
    return tuple(
        Change(label=field.label, kind=field.type, was=was.get(name), now=now.get(name))
        for name, field in definition.proposal.fields.items()
        if was.get(name) != now.get(name)
    )
