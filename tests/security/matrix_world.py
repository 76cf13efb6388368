"""What the application does in the permission matrix: its people and cases, made; every action, done; what
came of it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from engine.errors import CountersignError, NotFound
from engine.organisation import StandIn
from engine.service import (
    access,
    approvals,
    cases,
    closing,
    explaining,
    interventions,
    operations,
    people,
    proposals,
    responses,
    stages,
    widening,
)
from engine.service.app import Countersign
from engine.service.closed import Said
from engine.service.operations import Door
from engine.service.views import Viewer
from engine.settings import Settings
from engine.store import people as accounts
from engine.store import readers
from tests.acceptance.offices import key
from tests.security import small_cases
from tests.security.matrix_rules import (
    ASKED,
    BY_NAME,
    CASES,
    EVERYBODY,
    NAMED,
    OFFICES,
    PLACES,
    STAND_IN,
    SUBMITTER,
    Cell,
    Who,
    Word,
)


@dataclass(frozen=True, slots=True)
class World:
    """The application with the cases and one task of each."""

    app: Countersign
    cases: Mapping[Cell, str]
    tasks: Mapping[Cell, str]

    viewers: Mapping[str, Viewer]

    def viewer(self, who: Who) -> Viewer:
        """The viewer of a person."""
        return self.viewers[who.name]


Do = Callable[[Countersign, Viewer, str, str], object]


def _decide(decision: str) -> Do:
    return lambda app, viewer, case, task: approvals.act(
        app, viewer, task, decision, remark="a reason", seen_seq=None, key=key()
    )


def _operate(operation: str) -> Do:
    return lambda app, viewer, case, task: interventions.intervene(
        app, viewer, case, operation, reason="a reason", key=key()
    )


NEXT = BY_NAME["analyst city"].login
ACTIONS: Mapping[str, Do] = {
    "read the case": lambda app, viewer, case, task: cases.case_page(app, viewer, case),
    "read the sheet": lambda app, viewer, case, task: approvals.sheet(app, viewer, task),
    "read the explanation": lambda app, viewer, case, task: explaining.explain(app, viewer, case),
    "edit the proposal": lambda app, viewer, case, task: proposals.save(
        app, viewer, case, small_cases.form(goal="another"), key=key()
    ),
    "submit": lambda app, viewer, case, task: proposals.submit(app, viewer, case, small_cases.form(), key=key()),
    "withdraw": lambda app, viewer, case, task: proposals.withdraw(app, viewer, case, "a reason", key=key()),
    "select the customers again": lambda app, viewer, case, task: stages.select_again(app, viewer, case, key=key()),
    "start the delivery": lambda app, viewer, case, task: stages.start_delivery(app, viewer, case, 1, key=key()),
    "pause the delivery": lambda app, viewer, case, task: stages.hold(app, viewer, case, "pause", "why", key=key()),
    "resume the delivery": lambda app, viewer, case, task: stages.hold(app, viewer, case, "resume", "", key=key()),
    "choose the text": lambda app, viewer, case, task: stages.choose_text(
        app, viewer, case, wave="pilot", variant="a", reason="why", key=key()
    ),
    "ask for more": lambda app, viewer, case, task: widening.ask(
        app, viewer, case, {"budget": "900000"}, "a reason", key=key()
    ),
    "open a gate": lambda app, viewer, case, task: stages.release_gate(app, viewer, case, key=key()),
    "import responses": lambda app, viewer, case, task: responses.import_responses(app, viewer, case, b"a,b\n1,2\n"),
    "close the case": lambda app, viewer, case, task: closing.close(
        app, viewer, case, Said("mornings", "evenings", "nobody", "d", "learned"), key=key()
    ),
    "approve": _decide("approve"),
    "acknowledge": _decide("acknowledge"),
    "transfer": lambda app, viewer, case, task: operations.transfer(app, Door(viewer, key()), task, NEXT, remark="why"),
    "delegate": lambda app, viewer, case, task: operations.delegate(app, Door(viewer, key()), task, NEXT, remark="why"),
    "add a signer": lambda app, viewer, case, task: operations.add_signers(
        app, Door(viewer, key()), task, [NEXT], "beside", remark="why"
    ),
    "ask": lambda app, viewer, case, task: operations.ask(app, Door(viewer, key()), task, NEXT, text="why?"),
    "copy to somebody": lambda app, viewer, case, task: operations.copy_to(app, Door(viewer, key()), task, [NEXT]),
    "convert": _operate("convert"),
    "void": _operate("void"),
    "terminate": _operate("terminate"),
    "suspend": _operate("suspend"),
    "name a reader": lambda app, viewer, case, task: access.name_reader(app, viewer, case, NEXT),
    "set an embargo": lambda app, viewer, case, task: access.set_embargo(app, viewer, case, ""),
}


def measured(world: World, action: str, who: Who, cell: Cell) -> Word:
    """Do it and say what came of it."""
    try:
        ACTIONS[action](world.app, world.viewer(who), world.cases[cell], world.tasks.get(cell, "no-such-task"))
    except NotFound:
        return "not there"
    except CountersignError:
        return "refused"
    return "done"


def build(app: Countersign) -> World:
    """The people and one case for each confidentiality and state."""
    with app.db.begin() as tx:
        accounts.add_offices(tx, OFFICES)
        accounts.add_people(
            tx, [{"id": who.login, "name": who.name, "email": "", "language": "en"} for who in EVERYBODY]
        )
        accounts.add_grants(
            tx, [{"person": who.login, "role": who.role, "office": PLACES[who.place]} for who in EVERYBODY]
        )
        for asked in ("finance city", "marketing city"):
            since = app.now() - timedelta(days=1)
            by, until = BY_NAME[STAND_IN].login, since + timedelta(days=9)
            accounts.add_stand_in(tx, StandIn(person=BY_NAME[asked].login, by=by, starts=since, ends=until))
    for visibility in ("open", "confidential"):
        small_cases.published(app, f"matrix-{visibility}", visibility=visibility, first="role:finance@city")
    made = {cell: _case(app, cell) for cell in CASES}
    tasks = {cell: _task(app, case_id) for cell, case_id in made.items()}
    viewers = {who.name: people.viewer_named(app, who.login) for who in EVERYBODY}
    return World(app, made, {cell: task for cell, task in tasks.items() if task}, viewers)


def _case(app: Countersign, cell: Cell) -> str:
    login = BY_NAME[SUBMITTER].login
    name = f"matrix-{'open' if cell.secrecy == 'open' else 'confidential'}"
    kind = "filing" if cell.state in ("filing", "filed") else "approval"
    if cell.state == "draft":
        case_id = small_cases.drafted(app, name, login)
        proposals.save(app, people.viewer_named(app, login), case_id, small_cases.form(), key=key())
    else:
        title = f"{cell.secrecy} {cell.state}"
        case_id = small_cases.submitted(app, name, login, kind=kind, title=title)
    if cell.state in ("returned", "approved", "filed"):
        decision = {"returned": "return", "approved": "approve", "filed": "acknowledge"}[cell.state]
        asked = people.viewer_named(app, BY_NAME[ASKED[cell.state]].login)
        approvals.act(app, asked, _task(app, case_id), decision, remark="why", seen_seq=None, key=key())
    if cell.state == "withdrawn":
        proposals.withdraw(app, people.viewer_named(app, login), case_id, "why", key=key())
    if cell.secrecy == "embargo":
        with app.db.begin() as tx:
            until = app.now() + timedelta(days=3)
            readers.set_embargo(tx, case_id, until, by=login, at=app.now())
    if cell.secrecy != "open":
        with app.db.begin() as tx:
            readers.name(tx, case_id, BY_NAME[NAMED].login, by=login, at=app.now())
    return case_id


def _task(app: Countersign, case_id: str) -> str:
    with app.db.read() as tx:
        case = cases.load_visible(app, tx, people.viewer_named(app, BY_NAME[SUBMITTER].login), case_id)
    return case.tasks[0].id if case.tasks else ""


@contextmanager
def copied(world: World) -> Iterator[World]:
    """The world on a copy of its database, for what changes it."""
    source = str(world.app.db.url.database)
    folder = Path(source).parent
    file = folder / f"copy-{key()}.db"
    with world.app.db.begin():  # nothing is written while it is copied
        shutil.copy(source, file)
        if Path(f"{source}-wal").exists():
            shutil.copy(f"{source}-wal", f"{file}-wal")
    app = Countersign.open(Settings(home=folder, database_url=f"sqlite:///{file}"))
    app._compiled, app._definitions = world.app._compiled, world.app._definitions
    try:
        yield replace(world, app=app)
    finally:
        app.close()
        for part in folder.glob(f"{file.name}*"):
            part.unlink()
