"""The `cells:` of an audience with offers of their own: from a field that can hold a code, and looked at where any
exclusion says that it looks at them."""

from collections.abc import Iterator

from engine.audience.plan import FORM, Cell
from engine.definition.document import Path
from engine.definition.fields import Choice, Ref, Text
from engine.definition.findings import Finding, LintRule, Subject


class OfferNoCode(LintRule):
    """the offer of the cell {name} is taken from {field}, which is of type {type}"""

    code = "E343"

    def find(self, subject: Subject) -> Iterator[Finding]:
        fields = subject.definition.proposal.fields
        usable = [name for name, one in fields.items() if isinstance(one, Ref)]
        for name, path, field in named_fields(subject):
            found = fields.get(field)
            if found is not None and not isinstance(found, Ref | Choice | Text):
                hint = (
                    f"name a field of type ref: {', '.join(usable)}" if usable else "add a field of type ref to offer"
                )
                yield Finding(path, {"name": name, "field": field, "type": found.type}, hint)


class NoOfferOfACell(LintRule):
    """the exclusion {kind} looks at the offer of the cell, and no cell has one of its own"""

    code = "E344"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        if audience is None or any(cell.offer for cell in audience.divided.values()):
            return
        for n, exclusion in enumerate(audience.remove):
            if exclusion.by_cell:
                hint = "write offer in place of cell, or give a cell an offer of its own"
                yield Finding(("audience", "remove", n), {"kind": exclusion.kind}, hint)


def named_fields(subject: Subject) -> Iterator[tuple[str, Path, str]]:
    """The cells whose offer is in a field of the form: the cell, the place and the field."""
    audience = subject.definition.audience
    for name, cell in audience.cells.items() if audience else ():
        if isinstance(cell, Cell) and cell.offer and cell.offer.startswith(FORM):
            yield name, ("audience", "cells", name, "offer"), cell.offer.removeprefix(FORM)


CELLS = (OfferNoCode(), NoOfferOfACell())
