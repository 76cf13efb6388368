"""What an approver changes of the proposal with an approval: read and judged under the case's lock, as any form is.

All that is wrong comes at once. Refuses a field that the approver's step may not write, with who may.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from engine.errors import InvalidForm
from engine.machine.amending import changes_of, refusals
from engine.machine.case import Case
from engine.service import candidates, group_pins
from engine.service.app import Countersign
from engine.service.telling import form_at
from engine.store import history


def changes(
    app: Countersign, tx: Connection, case: Case, task_id: str, entered: Mapping[str, Any], *, seen_seq: int | None
) -> dict[str, Any] | None:
    """The fields that `entered` changes of the form, as it was at the entry that was looked at; None where nothing.

    Raises InvalidForm with every problem. A task that is not open is not judged: the decision itself is refused.
    """
    task = next((one for one in case.tasks if one.id == task_id and one.state == "open"), None)
    if task is None or not entered:
        return None
    definition = app.definition(case.process)
    seen = form_at(history.load(tx, case.id), seen_seq) if seen_seq is not None else None
    was = case.form if seen is None else seen
    read = definition.proposal.parse(entered, whole=False)
    wrong = {problem.at for problem in read.problems}
    changed = {name: read.values.get(name) for name in entered if name in definition.proposal.fields}
    changed = {name: value for name, value in changed.items() if name in wrong or value != was.get(name)}
    refused = refusals(app.process(case.process, tx), case, task, changed)
    not_theirs = {problem.at for problem in refused}
    typed = {name: entered[name] for name in (changed.keys() | wrong) - not_theirs if name in entered}
    whole = definition.proposal.parse({**case.form, **typed}, whole=True)
    problems = [*refused, *whole.problems, *candidates.wrong(app.organisation(tx), definition, case, changed)]
    problems += group_pins.wrong(tx, definition, case, changed)
    if problems:
        raise InvalidForm(problems)
    return changes_of(case, changed) or None
