"""The approval sheet as a paper (营销案审批表), with every opinion; and the way of the case as a picture.

Both are for who may see the case, without what is hidden from them.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from engine.definition.diagram import Box, Picture, picture
from engine.errors import NotFound
from engine.machine.asking import office_asked
from engine.machine.case import Case, Task
from engine.machine.process import Process
from engine.machine.signers import is_opinion
from engine.machine.steps import Approval
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.cases import case_view, load_visible
from engine.service.chain_views import Node
from engine.service.fields import hidden
from engine.service.showing import office_name, person_name
from engine.service.views import CaseView, Viewer
from engine.values import Bilingual, Language


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody decided. `on_behalf_of` names whose task it was where another decided; `counts` is False for an
    opinion that was only asked for."""

    round: int
    step: Bilingual
    name: str
    office: Bilingual
    on_behalf_of: str
    decision: str
    at: datetime
    remark: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """A case to be printed, with its opinions from the first to the last, and when it was printed for whom."""

    case: CaseView
    opinions: tuple[Opinion, ...]
    made_at: datetime
    made_for: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture of a case's way, and the steps of the case with what has become of them."""

    picture: Picture
    nodes: tuple[Node, ...]


def paper(app: Countersign, viewer: Viewer, case_id: str) -> Paper:
    """The paper of a case. NotFound where the viewer may not see it, or it was never submitted."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        if not case.round:
            raise NotFound()
        process, organisation = app.process(case.process, tx), app.organisation(tx)
        decided = [task for task in case.tasks if task.state == "decided" and task.signs and task.reason != "carried"]
        decided.sort(key=lambda task: (task.decided_at, task.id))
        return Paper(
            case=case_view(app, tx, viewer, case),
            opinions=tuple(_opinion(process, organisation, case, task) for task in decided),
            made_at=app.now(),
            made_for=viewer.name,
        )


def drawing(app: Countersign, viewer: Viewer, case_id: str, language: Language) -> Drawing:
    """The chain that a case took, as a picture of its definition. NotFound where the viewer may not see the case, or it
    has no chain yet. Who does not see every field is not shown the conditions."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        if not case.route:
            raise NotFound()
        drawn = picture(app.definition(case.process), chain=case.route, language=language)
        chain = case_view(app, tx, viewer, case).chain
        if hidden(app, tx, viewer.person, case):
            drawn = _bare(drawn)
        return Drawing(drawn, tuple(node for column in chain.columns for node in column))


def _opinion(process: Process, organisation: Organisation, case: Case, task: Task) -> Opinion:
    decider = task.decided_by or task.person
    step = process.find_step(case, task.step)
    office = office_asked(organisation, task.person, step.ask, case) if step is not None else ""
    held = organisation.held(task.person)
    if isinstance(step, Approval) and task.asked_by and held:
        office = held[0].office  # brought in by hand: where they stand, not whom the step asks
    assert task.decided_at is not None and task.decision is not None
    return Opinion(
        round=task.round,
        step=process.label(task.step),
        name=person_name(organisation, decider),
        office=office_name(organisation, office or (held[0].office if held else case.office)),
        on_behalf_of=person_name(organisation, task.person) if decider != task.person else "",
        decision=task.decision,
        at=task.decided_at,
        remark=task.remark,
        counts=not is_opinion(task, case.tasks),
    )


def _bare(drawn: Picture) -> Picture:
    def bare(box: Box) -> Box:
        return replace(box, lines=())

    lanes = tuple(
        replace(
            lane,
            conditions=(),
            groups=tuple(replace(group, boxes=tuple(map(bare, group.boxes))) for group in lane.groups),
        )
        for lane in drawn.lanes
    )
    return replace(drawn, lanes=lanes)
