"""Case numbers and register numbers, drawn without gaps in the transaction that uses them.

A transaction that fails gives its number back. Refuses to count the two together: a register whose numbers look like
those of cases still has its own.
"""

from engine.definition.numbers import NumberPattern
from engine.machine.filing import Register
from engine.service.app import Countersign
from engine.store.cases import Locked

OF_REGISTERS = "{register}"  # no scope of case numbers begins like this: their braces are filled


def case_number(app: Countersign, pattern: NumberPattern, locked: Locked) -> str:
    """The next case number of the case's office."""
    return _drawn(app, pattern, locked, locked.case.office, kind="")


def register_number(app: Countersign, pattern: Register, locked: Locked, office: str) -> str:
    """The next number in the register of `office`. Definitions with the same pattern share an office's register."""
    return _drawn(app, pattern, locked, office, kind=OF_REGISTERS)


def _drawn(app: Countersign, pattern: Register, locked: Locked, office: str, *, kind: str) -> str:
    year = app.now().astimezone(app.settings.zone).year
    scope, counted = pattern.counted(office=office, year=year)
    return str(pattern.number(office=office, year=year, seq=locked.next_number(kind + scope, counted)))
