"""A log replayed as real cases: every event a transition of its own in the case database, decided by the machine.

The people are invented and nobody is told anything: the effects are left out. Cases bear ids and numbers of their own
(R...), so that no number of a real case is used up. Every case is carried out in its order, several at once where the
database allows it.
"""

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from msgspec.structs import replace
from sqlalchemy import Connection

from engine.definition.cast import SUBMITTER, Cast
from engine.definition.model import Definition
from engine.definition.replay import Judged, Row, Step, allowed_in, is_end, process_of, state_of
from engine.errors import NotPossible, Refused
from engine.machine.advance import advance, create
from engine.machine.case import Case
from engine.machine.commands import AnyCommand, Create, Perform, Submit
from engine.machine.process import Process
from engine.organisation import Workdays
from engine.service.app import Countersign
from engine.store import cases, definitions
from engine.store.cases import Locked
from engine.store.rows import CaseIndex, Decided

OFFICE = "replay"
AT_ONCE = 8


def replay(
    app: Countersign, definition: Definition, steps: Sequence[tuple[Row, Step]], told: Callable[[int], None]
) -> list[Judged]:
    """Carry out every event; the verdicts in the order of the cases' first events. `told` hears how many are done.

    Raises NotPossible where another text is stored under the definition's version, and DatabaseUnavailable.
    """
    _keep(app, definition)
    process = process_of(definition).bound(Cast(), Workdays(app.settings.zone))
    of_case: dict[str, list[tuple[Row, Step]]] = {}
    for row, step in steps:
        of_case.setdefault(row.case, []).append((row, step))
    run, lock = secrets.token_hex(4), Lock()

    def carried_out(numbered: tuple[int, str]) -> Judged:
        number, case = numbered
        judged = _Replayed(app, process, f"R{run}-{number:07}").judged(case, of_case[case])
        with lock:
            told(len(of_case[case]))
        return judged

    names = list(enumerate(of_case, start=1))
    if app.db.dialect_name == "sqlite":  # lets one writer in
        return [carried_out(one) for one in names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(carried_out, names))


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One case of the log as a case of ours."""

    app: Countersign
    process: Process
    id: str

    def judged(self, name: str, steps: Sequence[tuple[Row, Step]]) -> Judged:
        case = self.opened()
        for index, (row, step) in enumerate(steps):
            try:
                case = self.carried_out(case, row, step)
            except Refused:
                return Judged(name, "refuse", state_of(case), index, row.event, allowed_in(self.process, case))
        declared = self.process.declared
        assert declared is not None
        return Judged(name, "accept" if is_end(declared, case.configuration) else "open", state_of(case))

    def opened(self) -> Case:
        command = Create(actor=SUBMITTER, via="api", office=OFFICE)

        def decide(_: Connection) -> Decided:
            outcome = create(self.id, self.process.ref, command, self.app.now(), self.process)
            index = CaseIndex(title="", budget=None, reach=None, confidential=True, offices=(OFFICE,))
            return Decided(command, replace(outcome, effects=()), index)

        return cases.create(self.app.db, "", decide).case

    def carried_out(self, case: Case, row: Row, step: Step) -> Case:
        """The case after one event. Raises NotPossible where the machine refuses it."""

        def decide(locked: Locked) -> Decided:
            command = self.command(locked.case, row, step)
            outcome = advance(self.process, locked.case, command, self.app.now())
            return Decided(command, replace(outcome, effects=()))

        return cases.transition(self.app.db, case.id, "", decide).case

    def command(self, case: Case, row: Row, step: Step) -> AnyCommand:
        actor = self.actor(step.by)
        if step.event == "submit" and actor == SUBMITTER and "submit" in self.process.possible(case):
            return Submit(actor=actor, via="api", form=case.form, number=case.number or self.id)
        return Perform(actor=actor, via="api", event=step.event, role=step.role, remark=row.event)

    def actor(self, role: str) -> str:
        """Who plays `role`; nobody known to the definition where it has no such role."""
        declared = self.process.declared
        if declared is None or role not in declared.roles:
            return f"unknown:{role}"
        return self.process.directory.resolve(declared.roles[role].who, OFFICE, SUBMITTER)[0]


def _keep(app: Countersign, definition: Definition) -> None:
    """Have the text in the database, for the pages that show its cases; one that is there stays as it is."""
    with app.db.begin() as tx:
        stored = definitions.find(tx, definition.name, definition.version)
        if stored is not None and stored.fingerprint == definition.fingerprint:
            return
        if stored is not None:
            raise NotPossible(
                action=f"replay {definition.name} version {definition.version}",
                state="another text is stored under that version",
                possible="raise `version:` in its text",
            )
        definitions.save(
            tx,
            name=definition.name,
            version=definition.version,
            fingerprint=definition.fingerprint,
            source=definition.source,
            author="replay",
        )
