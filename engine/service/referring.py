"""Fields of a form that refer to something that is kept elsewhere: people, offices, customer groups, offers.

What each may name is offered, and what it names is looked at, in one place for every page that reads or shows a form.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.errors import Problem
from engine.machine.case import Case
from engine.service import candidates, group_pins, offering, text_test_showing, wording
from engine.service.app import Countersign
from engine.service.fields import Choices


def choices(app: Countersign, tx: Connection, definition: Definition, case: Case) -> Choices:
    """What each such field may name, with labels."""
    return {
        **candidates.choices(app.organisation(tx), definition, case),
        **group_pins.choices(tx, definition, case),
        **offering.choices(app, tx, definition, case),
    }


def wrong(
    app: Countersign, tx: Connection, definition: Definition, case: Case, values: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """A problem at each field that names what is not there, or not to be chosen, or says what no message may."""
    return (
        *candidates.wrong(app.organisation(tx), definition, case, values),
        *group_pins.wrong(tx, definition, case, values),
        *offering.wrong(app, tx, definition, values),
        *wording.wrong(app.settings, definition, values),
        *text_test_showing.too_long(definition, values),
    )
