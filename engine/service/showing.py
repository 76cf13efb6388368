"""Turns what the machine and the store know into view values: rows, fields, chain, questions.

Names and labels are looked up here, so that the pure parts deal in ids alone. Refuses to decide who may see what.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.machine.case import Case
from engine.machine.process import ChainStep
from engine.organisation import Organisation
from engine.organisation.workdays import caution
from engine.service.app import Countersign
from engine.service.chain_views import Chain, Node, Seat
from engine.service.fields import limited
from engine.service.views import CaseRow, CommentView, QuestionView, TaskRow
from engine.store import comments
from engine.store.lines import CaseLine, TaskLine
from engine.values import NO_TEXT, Bilingual

SOON = timedelta(hours=24)


def case_row(app: Countersign, tx: Connection, line: CaseLine, person: str) -> CaseRow:
    """A case in a list, as `person` sees it."""
    line = limited(app, tx, line, person)
    organisation = app.organisation(tx)
    definition = app.definition(line.process)
    return CaseRow(
        id=line.id,
        number=line.number or "",
        title=line.title,
        definition=definition.title,
        state=line.state,
        office=office_name(organisation, line.office),
        submitter=person_name(organisation, line.submitter),
        budget=line.budget,
        reach=line.reach,
        updated_at=line.updated_at,
        state_label=state_label(definition, line.state),
    )


def state_label(definition: Definition, state: str) -> Bilingual:
    """The label of a state that the definition declares itself; none for those of the default lifecycle."""
    declared = definition.lifecycle.states.get(state) if definition.lifecycle else None
    label = getattr(declared, "label", NO_TEXT)
    return label if declared is None or label != NO_TEXT else Bilingual(en=state.replace("_", " "))


def task_row(
    app: Countersign,
    tx: Connection,
    line: TaskLine,
    person: str,
    *,
    flags: tuple[str, ...] = (),
    on_behalf_of: str = "",
) -> TaskRow:
    """A task in a list, as `person` sees it."""
    process = app.process(line.case.process, tx)
    due = line.due_at if line.state == "open" else None
    return TaskRow(
        id=line.id,
        case=case_row(app, tx, line.case, person),
        step=process.label(line.step),
        verb=line.verb,
        state=line.state,
        opened_at=line.opened_at,
        due_at=line.due_at,
        decision=line.decision,
        decided_at=line.decided_at,
        flags=flags,
        on_behalf_of=on_behalf_of,
        caution=caution(process.guessed(line.step, line.opened_at, due)),
    )


def flags_of(line: TaskLine, now: datetime) -> tuple[str, ...]:
    """What is unusual about a task: overdue, or due within a day."""
    if line.due_at is None or line.state != "open":
        return ()
    if line.due_at <= now:
        return ("overdue",)
    return ("due_soon",) if line.due_at - now <= SOON else ()


def chain_view(
    organisation: Organisation, columns: Iterable[Sequence[ChainStep]], *, waves: int | None = None
) -> Chain:
    """The chain with the names of its people. `waves`: in how many the messages go out, which no case knows."""
    return Chain(columns=tuple(tuple(_node(organisation, step, waves) for step in column) for column in columns))


def waves_of(definition: Definition) -> int | None:
    """How many waves are planned; None where the definition delivers nothing."""
    return len(definition.delivery.waves) if definition.delivery else None


def _node(organisation: Organisation, step: ChainStep, waves: int | None) -> Node:
    seats = tuple(
        Seat(
            person=task.person,
            name=person_name(organisation, task.person),
            state=task.state,
            decision=task.decision,
            at=task.decided_at,
            remark=task.remark,
        )
        for task in step.seats
    )
    return Node(
        id=step.id,
        label=step.label,
        verb=step.verb,
        state=step.state,
        mode=step.mode,
        need=step.need,
        decided=step.decided,
        seats=seats,
        entered_at=step.entered_at,
        left_at=step.left_at,
        due_at=step.due_at,
        count=waves if step.verb == "delivery" else step.count,
        caution=caution(step.guessed),
    )


def questions_view(organisation: Organisation, case: Case, viewer: str) -> tuple[QuestionView, ...]:
    """The questions on a case, in the order in which they were asked."""
    return tuple(
        QuestionView(
            id=question.id,
            asker=person_name(organisation, question.asker),
            person=person_name(organisation, question.person),
            text=question.text,
            asked_at=question.asked_at,
            answer=question.answer,
            answered_at=question.answered_at,
            may_answer=question.person == viewer and question.answered_at is None,
        )
        for question in sorted(case.questions, key=lambda question: (question.asked_at, question.id))
    )


def comments_view(
    app: Countersign, tx: Connection, case: Case, unseen: Collection[str] = ()
) -> tuple[CommentView, ...]:
    """The comments on a case without those on fields `unseen`, oldest first."""
    organisation, fields = app.organisation(tx), app.definition(case.process).proposal.fields
    return tuple(
        CommentView(
            id=one.id,
            field=one.field,
            by=person_name(organisation, one.person),
            text=one.text,
            at=one.at,
            settled_by=person_name(organisation, one.resolved_by) if one.resolved_by else "",
            settled_at=one.resolved_at,
        )
        for one in comments.of_case(tx, case.id)
        if one.field in fields and one.field not in unseen
    )


def office_name(organisation: Organisation, code: str) -> Bilingual:
    """The name of an office in both languages; its code where it is not known any more."""
    return organisation.offices[code].label if code in organisation.offices else Bilingual(zh=code, en=code)


def person_name(organisation: Organisation, person: str) -> str:
    """The name of a person; the account's name where it is not known any more."""
    return organisation.name(person)
