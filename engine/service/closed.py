"""Keeps how a case was closed, in the transaction that closes it. A case whose definition asks for no signature is
closed by its last evaluation, with the same frozen report. Refuses to say who may close.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.machine.case import Case
from engine.service import freezing
from engine.service.app import Countersign
from engine.service.closing_views import FrozenReport
from engine.store import closings, waves
from engine.store.cases import Locked
from engine.store.closings import Closing
from engine.store.pinyin import found_by


@dataclass(frozen=True, slots=True)
class Said:
    """What the submitter says was learned, and the digest of the report that they sign with it. `lessons` is for a case
    without an evaluation, where nothing is signed."""

    worked: str = ""
    failed: str = ""
    repeat: str = ""
    report: str = ""
    lessons: str = ""


def closes_itself(app: Countersign, case: Case) -> Callable[[Locked], None]:
    """What the last evaluation of a case writes besides, where its definition asks for no signature."""
    frozen = freezing.freeze(app, case)
    return lambda locked: keep(app, locked.tx, locked.case, Said(), frozen, signed_by="")


def is_unsigned(app: Countersign, case: Case) -> bool:
    """Whether the definition of the case asks for no signature."""
    plan = app.definition(case.process).evaluation
    return plan is not None and plan.close.need == "nothing"


def keep(
    app: Countersign, tx: Connection, case: Case, said: Said, frozen: FrozenReport | None, *, signed_by: str
) -> None:
    """Write it; where it is written already, nothing changes."""
    plan = app.definition(case.process).evaluation
    category, title = case.form.get("category"), str(case.form.get("title") or "")
    channels = dict.fromkeys(wave.channel for wave in waves.of_case(tx, case.id))
    report, inputs = freezing.written(frozen) if frozen else ("", "")
    closing = Closing(
        case_id=case.id,
        closed_at=app.now(),
        signed_by=signed_by,
        as_of=frozen.as_of if frozen else None,
        report=report,
        inputs=inputs,
        digest=frozen.digest if frozen else "",
        verdict=frozen.report.verdict if frozen else "",
        worked=said.worked,
        failed=said.failed,
        repeat=said.repeat,
        in_library=plan is None or plan.close.feedback_to == "library",
        category=category[:80] if isinstance(category, str) else "",
        channels=f",{','.join(channels)},"[:200] if channels else "",
    )
    closings.put(tx, closing, found_by("\n".join((title, said.worked, said.failed, said.repeat))))
