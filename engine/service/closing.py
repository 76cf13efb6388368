"""Closes a case out (结案): its report is frozen, its submitter says what was learned and signs both together.

The digest that was read is the one that is signed: where the data changed meanwhile the signature is refused. Refuses
to change a closing.
"""

from sqlalchemy import Connection

from engine.errors import Invalid, InvalidForm, NotFound, NotPossible, Problem, ReportChanged
from engine.machine.case import Case
from engine.machine.commands import Close
from engine.service import access, freezing, running, showing
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.cases import load_visible
from engine.service.closed import Said, keep
from engine.service.closing_views import ClosingView, LessonsView, Verification
from engine.service.feedback import OUTCOMES
from engine.service.views import Viewer
from engine.store import cases, closings, visibility
from engine.store.cases import Locked

LONGEST = 2000
LESSONS = ("worked", "failed", "repeat")


def view(app: Countersign, viewer: Viewer, case_id: str) -> ClosingView:
    """How a case was closed, or for its submitter the report as it would be signed now. NotFound for others before it
    is closed, and for who may not see the case."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        closing = closings.find(tx, case_id)
        may_sign = closing is None and _waits(app, tx, viewer, case)
        line = visibility.find(tx, viewer.person, case_id)
        if line is None or (closing is None and not may_sign):
            raise NotFound()
        row = showing.case_row(app, tx, line, viewer.person)
        signer = showing.person_name(app.organisation(tx), closing.signed_by) if closing and closing.signed_by else ""
    access.note(app, viewer, case)
    frozen = freezing.read(closing) if closing else freezing.freeze(app, case)
    definition = app.definition(case.process)
    return ClosingView(
        row=row,
        version=case.process.version,
        confidential=definition.proposal.visibility == "confidential",
        frozen=frozen,
        lessons=LessonsView(closing.worked, closing.failed, closing.repeat) if closing else LessonsView("", "", ""),
        signed_by=signer,
        closed_at=closing.closed_at if closing else None,
        may_sign=may_sign,
        in_library=closing.in_library if closing else False,
        groups=tuple(OUTCOMES) if closing and frozen and case.number and allowed(viewer, "groups.write") else (),
        may_copy=closing is not None and closing.in_library and allowed(viewer, "cases.start"),
    )


def close(app: Countersign, viewer: Viewer, case_id: str, said: Said, *, key: str) -> None:
    """Close a case out. Where it was evaluated, all three lessons and the digest of the report are needed: InvalidForm
    without them, ReportChanged where the report says something else by now. NotFound for anybody but the submitter."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        if case.submitter != viewer.person:
            raise NotFound()
        is_known = closings.find(tx, case_id) is not None
        waits = "close" in app.process(case.process, tx).possible(case)
    if not case.facts.get("evaluations"):
        _without_report(app, case_id, viewer, said, key=key)
        return
    said = _whole(said)
    frozen = None
    if waits and not is_known:
        frozen = freezing.freeze(app, case)
        if frozen.digest != said.report:
            raise ReportChanged(now=frozen.digest[:12], read=said.report[:12])

    def sign(locked: Locked) -> Close:
        if frozen is not None:
            keep(app, locked.tx, locked.case, said, frozen, signed_by=viewer.person)
        texts = {name: getattr(said, name) for name in LESSONS}
        return Close(actor=viewer.person, report=said.report, **texts)

    running.carry_out(app, case_id, sign, key=key)


def verify(app: Countersign, viewer: Viewer | None, name: str) -> Verification:
    """Count everything that the report on a closed case was made from again. `name` is its number, register number or
    id. No viewer is the operator. NotFound where there is no such case, or it was closed without a report."""
    with app.db.read() as tx:
        case = _named(app, tx, viewer, name)
        closing = closings.find(tx, case.id)
        frozen = freezing.read(closing) if closing else None
        if closing is None or frozen is None:
            raise NotFound()
        signer = showing.person_name(app.organisation(tx), closing.signed_by) if closing.signed_by else ""
    inputs, differs = freezing.check(app, case, frozen)
    return Verification(case.number or case.id, frozen.as_of, frozen.digest, signer, inputs, differs)


def _named(app: Countersign, tx: Connection, viewer: Viewer | None, name: str) -> Case:
    if viewer is not None:
        line = visibility.named(tx, viewer.person, name)
        if line is None:
            raise NotFound()
        return load_visible(app, tx, viewer, line.id)
    case_id = closings.id_of(tx, name)
    if case_id is None:
        raise NotFound()
    return cases.load(tx, case_id)


def _waits(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> bool:
    is_there = viewer.person == case.submitter and bool(case.facts.get("evaluations"))
    return is_there and "close" in app.process(case.process, tx).possible(case)


def _without_report(app: Countersign, case_id: str, viewer: Viewer, said: Said, *, key: str) -> None:
    learned = said.lessons.strip()

    def end(locked: Locked) -> Close:
        if "close" not in app.process(locked.case.process, locked).possible(locked.case):
            possible = ", ".join(app.process(locked.case.process, locked).possible(locked.case)) or "nothing"
            raise NotPossible(action="close", state=locked.case.state, possible=possible)
        keep(app, locked.tx, locked.case, Said(worked=learned), None, signed_by=viewer.person)
        return Close(actor=viewer.person, lessons=learned)

    running.carry_out(app, case_id, end, key=key)


def _whole(said: Said) -> Said:
    """The same without blanks around; InvalidForm names every text that is missing or too long."""
    texts = {name: getattr(said, name).replace("\r\n", "\n").strip() for name in LESSONS}
    problems = []
    for name, text in texts.items():
        if not text:
            problems.append(
                Problem("lesson_missing", "write a sentence here; whoever copies the case reads it", at=name)
            )
        elif len(text) > LONGEST:
            told = f"{LONGEST} characters at most"
            problems.append(Problem("lesson_long", told, at=name, fields={"most": LONGEST}))
    if problems:
        raise InvalidForm(problems)
    if not said.report:
        raise Invalid([Problem("report_missing", "name the digest of the report that you sign", at="report")])
    return Said(**texts, report=said.report)
