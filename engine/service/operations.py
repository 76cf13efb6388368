"""What an approver does with a task besides deciding: pass it on, bring others in, ask, claim.

Each is one command on the case under its lock, named by a key as a decision is. People are named by their accounts.
Refuses to say whether somebody else's task exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import NotFound, StandInOver
from engine.machine import commands
from engine.machine.case import Place
from engine.machine.commands import AnyCommand
from engine.service import running, standins, stepping_up
from engine.service.app import Countersign
from engine.service.approvals import by_name
from engine.service.views import Viewer
from engine.store import cases
from engine.store import inbox as inboxes
from engine.store.cases import Recorded


@dataclass(frozen=True, slots=True)
class Door:
    """Who acts, by which door, under which key (the same key again gives the first result)."""

    viewer: Viewer
    key: str
    via: str = "page"


def transfer(app: Countersign, door: Door, task: str, to: str, *, remark: str) -> Recorded:
    """Give the task to another person for good (转办). `remark` says why."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Transfer(**who, task=task, to=to, remark=remark))


def delegate(app: Countersign, door: Door, task: str, to: str, *, remark: str) -> Recorded:
    """Have another person look at it first (委派); it comes back with their opinion."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Delegate(**who, task=task, to=to, remark=remark))


def add_signers(
    app: Countersign, door: Door, task: str, names: Sequence[str], place: Place, *, remark: str
) -> Recorded:
    """Have others sign too (加签), before, after or beside the viewer."""
    who, case_id = _of(app, door, task)
    command = commands.AddSigners(**who, task=task, people=tuple(names), place=place, remark=remark)
    return _carry(app, door, case_id, command)


def append(app: Countersign, door: Door, task: str, names: Sequence[str], *, remark: str) -> Recorded:
    """Have the step ask further people (追加)."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Append(**who, task=task, people=tuple(names), remark=remark))


def remove_signer(app: Countersign, door: Door, task: str, seat: str, *, remark: str) -> Recorded:
    """Take back whom the viewer brought in (减签); `seat` is that person's task."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.RemoveSigner(**who, task=task, seat=seat, remark=remark))


def copy_to(app: Countersign, door: Door, task: str, names: Sequence[str], *, remark: str = "") -> Recorded:
    """Let others read along (抄送)."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.CopyTo(**who, task=task, people=tuple(names), remark=remark))


def claim(app: Countersign, door: Door, task: str) -> Recorded:
    """Take a task of a pool on (认领)."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Claim(**who, task=task))


def release(app: Countersign, door: Door, task: str) -> Recorded:
    """Give a claimed task back to the pool."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Release(**who, task=task))


def ask(app: Countersign, door: Door, task: str, person: str, *, text: str) -> Recorded:
    """Ask somebody about the case (沟通); the step's clock stands still until they answer."""
    who, case_id = _of(app, door, task)
    return _carry(app, door, case_id, commands.Ask(**who, task=task, person=person, text=text))


def answer(app: Countersign, door: Door, case_id: str, question: str, *, text: str) -> Recorded:
    """Answer a question that was put to the viewer, or whom they stand in for. NotFound for any other."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        stepping_up.refuse_code(app, door.viewer, case.process)
        person = next((one.person for one in case.questions if one.id == question), "")
        behalf = standins.represented(app, tx, door.viewer, person)
    command = commands.Answer(
        actor=door.viewer.person, on_behalf_of=behalf, via=door.viewer.door(door.via), question=question, text=text
    )
    return _carry(app, door, case_id, command)


def _of(app: Countersign, door: Door, task: str) -> tuple[dict[str, str], str]:
    """Who acts on a task and on which case; NotFound unless it is the viewer's, or of whom they stand in for."""
    with app.db.read() as tx:
        line = inboxes.find_task(tx, task)
        if line is None:
            raise NotFound()
        stepping_up.refuse_code(app, door.viewer, line.case.process)
        behalf = standins.represented(app, tx, door.viewer, line.person)
    return {"actor": door.viewer.person, "on_behalf_of": behalf, "via": door.viewer.door(door.via)}, line.case_id


def _carry(app: Countersign, door: Door, case_id: str, command: AnyCommand) -> Recorded:
    try:
        return running.carry_out(app, case_id, command, key=f"{door.viewer.person}:{door.key}")
    except StandInOver as error:
        with app.db.read() as tx:
            raise by_name(app, tx, error) from error
