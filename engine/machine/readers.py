"""Which fields of a proposal a reader does not see: the one answer for pages, REST, notices, exports and changes.

A field may name who sees it, and a step may hide fields from its people. Whoever is asked at several steps sees what
one of them shows. Refuses to hide a proposal from its submitter.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.machine.asking import found
from engine.machine.case import Case
from engine.machine.rights import EVERY_OTHER, Fields, access, named
from engine.machine.step_kind import Step

if TYPE_CHECKING:
    from engine.machine.process import Process


def may_hide(process: "Process", fields: Iterable[str]) -> bool:
    """Whether one of these fields is hidden from anybody at all."""
    steps = [kind.fields for kind in process.kinds.values() if isinstance(kind, Step)]
    return any(name in process.visible or any(access(one, name) == "hidden" for one in steps if one) for name in fields)


def hidden_from(process: "Process", case: Case, readers: frozenset[str], fields: Iterable[str]) -> frozenset[str]:
    """Those of `fields` that a reader does not see. `readers`: their accounts, and those whom they stand in for."""
    if case.submitter in readers:
        return frozenset()
    steps = _steps(process, case, readers)
    return frozenset(name for name in fields if not _is_seen(process, case, readers, steps, name))


def _steps(process: "Process", case: Case, readers: frozenset[str]) -> list[Fields]:
    """What each step says where the readers are or were asked; a state that is no step of a chain says nothing."""
    names = dict.fromkeys(
        task.step
        for task in case.tasks
        if task.person in readers or (task.state == "decided" and task.decided_by in readers)
    )
    return [step.fields if (step := process.find_step(case, name)) is not None else () for name in names]


def _is_seen(process: "Process", case: Case, readers: frozenset[str], steps: list[Fields], name: str) -> bool:
    ask = process.visible.get(name)
    is_theirs = ask is None or not readers.isdisjoint(found(process.directory, ask, case))
    if not steps:
        return is_theirs
    for fields in steps:
        own = named(fields, name) or ("hidden" if not is_theirs else named(fields, EVERY_OTHER) or "read")
        if own != "hidden":
            return True
    return False
