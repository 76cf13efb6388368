"""The permission matrix: people by role and office, cases by confidentiality and state, and every action.

`expected` is a statement of the rules of its own, written from the design; it asks nothing of the application.
`measured` does the action and says what came of it. `page` writes docs/permissions.md, which a test compares:
`python -m tests.security.matrix` renews it.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from engine.errors import CountersignError, NotFound
from engine.organisation import Office, StandIn
from engine.service import (
    access,
    approvals,
    cases,
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
from engine.service.operations import Door
from engine.service.views import Viewer
from engine.settings import Settings
from engine.store import people as accounts
from engine.store import readers
from tests.acceptance.offices import key
from tests.security import small_cases
from tests.support import ROOT

PAGE = ROOT / "docs/permissions.md"
OFFICES = (
    Office(code="440000", zh="省公司", level="province"),
    Office(code="440100", zh="市公司", level="city", parent="440000"),
    Office(code="440111", zh="县公司", level="county", parent="440100"),
    Office(code="440106", zh="邻县公司", level="county", parent="440100"),
    Office(code="440200", zh="他市公司", level="city", parent="440000"),
)
PLACES = {"own": "440111", "city": "440100", "province": "440000", "sibling": "440106", "elsewhere": "440200"}
ON_THE_WAY = ("own", "city", "province")
ROLES = (
    "submitter",
    "head",
    "finance",
    "marketing",
    "analyst",
    "caller",
    "definition_author",
    "process_admin",
    "auditor",
    "administrator",
    "clerk",
)
SUBMITTER, STAND_IN, NAMED = "the submitter", "the stand-in of who is asked", "the named reader"
ASKED = {"approving": "finance city", "returned": "finance city", "filing": "marketing city"}
ASKED |= {"approved": "finance city", "withdrawn": "finance city", "filed": "marketing city"}
"""Who has or had a task in the case of a state."""
OWN_ONLY = ("submitter", "caller")
"""At an office on the way these see no case by their office alone."""
STATES = ("draft", "approving", "returned", "filing", "filed", "approved", "withdrawn")
SECRECY = ("open", "confidential", "embargo")
Word = Literal["done", "refused", "not there"]


@dataclass(frozen=True, slots=True)
class Who:
    """A person by role and place; the three special ones hold a role elsewhere, or at the case's own office."""

    name: str
    role: str
    place: str

    @property
    def login(self) -> str:
        """The account."""
        return self.name.replace(" ", ".").replace("_", "-")


EVERYBODY = (
    *(Who(f"{role} {place}", role, place) for role in ROLES for place in PLACES),
    Who(SUBMITTER, "submitter", "own"),
    Who(STAND_IN, "analyst", "elsewhere"),
    Who(NAMED, "analyst", "elsewhere"),
)
BY_NAME = {who.name: who for who in EVERYBODY}
ACTORS = tuple(
    who
    for who in EVERYBODY
    if who.name in (SUBMITTER, STAND_IN, NAMED, "submitter own", "head own", "head city", "head province")
    or who.name in ("head sibling", "head elsewhere", "finance city", "marketing city", "analyst own")
    or who.name in ("process_admin own", "process_admin city", "auditor elsewhere", "administrator own", "clerk own")
)
"""One of each kind that the rules tell apart: these do every action. Everybody's lists are looked at besides."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A case of the matrix."""

    secrecy: str
    state: str


CASES = tuple(Cell(secrecy, state) for secrecy in SECRECY for state in STATES)


# --- the rules, from the design


def sees(who: Who, cell: Cell) -> bool:
    """Who may read a case: DESIGN 9 and the table of confidential cases."""
    if who.role == "clerk":
        return False
    if who.name == SUBMITTER or who.role in ("auditor", "administrator"):
        return True
    if who.name == ASKED.get(cell.state):
        return True
    if who.name == STAND_IN and cell.state in ("approving", "filing"):
        return True
    if cell.secrecy == "open":
        return cell.state != "draft" or (who.place in ON_THE_WAY and who.role not in OWN_ONLY)
    if who.name == NAMED:
        return True
    by_office = who.place in ON_THE_WAY and who.role not in OWN_ONLY
    return by_office and cell.secrecy == "confidential"


SUBMITTERS_OWN: Mapping[str, tuple[str, ...]] = {  # in which states it is possible
    "edit the proposal": ("draft", "returned"),
    "submit": ("draft", "returned"),
    "withdraw": ("draft", "approving", "returned", "filing"),
    "select the customers again": (),
    "start the delivery": (),
    "pause the delivery": (),
    "resume the delivery": (),
    "choose the text": (),
    "ask for more": (),
    "open a gate": (),
    "import responses": (),
    "close the case": ("approved", "filed"),
}
WHO_IS_ASKED: Mapping[str, tuple[str, ...]] = {
    "approve": ("approving",),
    "acknowledge": ("filing",),
    "transfer": ("approving", "filing"),
    "delegate": ("approving",),
    "add a signer": ("approving",),
    "ask": ("approving", "filing"),
    "copy to somebody": ("approving", "filing"),
}
ADMINISTERS: Mapping[str, tuple[str, ...]] = {
    "terminate": ("draft", "approving", "returned", "filing", "approved", "filed"),
    "suspend": ("draft", "approving", "returned", "filing", "approved", "filed"),
}
READS = ("read the case", "read the sheet", "read the explanation")
ABOUT_READERS = ("name a reader", "set an embargo")


def expected(action: str, who: Who, cell: Cell) -> Word:
    """What the rules say."""
    if action in WHO_IS_ASKED or action == "read the sheet":
        return _of_a_task(action, who, cell)
    if not sees(who, cell):
        return "not there"
    if action in READS:
        return "done"
    if action in SUBMITTERS_OWN:
        return "not there" if who.name != SUBMITTER else _where(cell.state, SUBMITTERS_OWN[action])
    if action in ABOUT_READERS:
        may = who.name == SUBMITTER or (who.role, who.place) == ("head", "own")
        return "done" if may and cell.secrecy != "open" else "not there"
    if action == "convert":
        is_superior = who.role == "head" and who.place in ("city", "province")
        if cell.state not in ("filing", "filed"):
            return "refused"
        return "done" if is_superior else "not there"
    administers = (who.role, who.place) == ("process_admin", "own")
    if action == "void":
        may = administers or who.name == SUBMITTER
        return _where(cell.state, ("approved", "filed")) if may else "not there"
    return _where(cell.state, ADMINISTERS[action]) if administers else "not there"


def _of_a_task(action: str, who: Who, cell: Cell) -> Word:
    if cell.state not in ASKED:
        return "not there"  # nobody was asked yet
    if action == "read the sheet":
        return "done" if sees(who, cell) else "not there"
    stands_in = who.name == STAND_IN and ASKED[cell.state] in ("finance city", "marketing city")
    if who.name != ASKED[cell.state] and not stands_in:
        return "not there"
    return _where(cell.state, WHO_IS_ASKED[action])


def _where(state: str, possible: tuple[str, ...]) -> Word:
    return "done" if state in possible else "refused"


# --- what the application does


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
    "close the case": lambda app, viewer, case, task: stages.close(app, viewer, case, "learned", key=key()),
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


# --- the page


def page() -> str:
    """docs/permissions.md."""
    lines = [
        INTRO,
        "## Who reads a case\n",
        _reading(),
        "\n## Who does what with a case\n",
        _acting(),
        "\n" + ROLES_INTRO,
    ]
    return "\n".join([*lines, _by_role(), ""])


INTRO = """# Who may do what

Written by `python -m tests.security.matrix` from the rules that the tests hold, cell by cell, against what the
application does. Whoever may not read a case is told the same as if there were none, at every door.

The places: *own* is the office that the case comes from, *city* and *province* are on its way up, *sibling* is
another county of the same city, *elsewhere* another city. An *embargo* is a day before which the offices on the way do
not see a confidential case. A named reader was named by the submitter or a head of the case's own office. Auditors and
administrators see every case; that they looked at a confidential one is recorded, as everybody's look is but the
submitter's.
"""
ROLES_INTRO = """## What a role may do, whatever the case

Nobody needs a role to read what is theirs to read, or to decide what they are asked. Who is a clerk and nothing else
reads no case: they see what is recommended to the customer at the counter, by cases of their own office, of those above
it and of those below it.
"""


def _reading() -> str:
    head = "| who | open draft | open, submitted | confidential | under embargo |\n|---|---|---|---|---|"
    cells = (Cell("open", "draft"), Cell("open", "approving"), Cell("confidential", "approving"))
    cells += (Cell("embargo", "approving"),)
    grouped: dict[tuple[bool, ...], dict[str, list[str]]] = {}
    for who in EVERYBODY:
        special = who.name in (SUBMITTER, STAND_IN, NAMED, ASKED["approving"])
        role = {ASKED["approving"]: "who is asked, or was"}.get(who.name, who.name) if special else who.role
        places = grouped.setdefault(tuple(sees(who, cell) for cell in cells), {}).setdefault(role, [])
        places.extend([] if special else [who.place])
    rows = []
    for seen, names in grouped.items():
        told = "; ".join(f"{name} ({', '.join(places)})" if places else name for name, places in names.items())
        rows.append(f"| {told} | {' | '.join(map(_mark, seen))} |")
    return "\n".join([head, *rows])


def _mark(seen: bool) -> str:
    return "reads" if seen else "–"


def _acting() -> str:
    head = f"| action | {' | '.join(STATES)} |\n|---|{'---|' * len(STATES)}"
    rows = []
    for action in ACTIONS:
        if action not in READS:
            rows.append(f"| {action} | {' | '.join(_doers(action, state) for state in STATES)} |")
    note = "\nOf a confidential case; readers and embargoes are for those alone. Under an embargo no head converts."
    return "\n".join([head, *rows, note])


def _doers(action: str, state: str) -> str:
    cell = Cell("confidential", state)
    names = [who.name for who in EVERYBODY if expected(action, who, cell) == "done"]
    asked = ASKED.get(state)
    return ", ".join("who is asked" if name == asked and action in WHO_IS_ASKED else name for name in names) or "–"


BY_ROLE: Mapping[str, tuple[str, ...]] = {
    "start a case": ("submitter",),
    "read definitions": ("definition_author", "administrator"),
    "write and publish definitions": ("definition_author", "administrator"),
    "hand over tasks of somebody who leaves": ("process_admin", "administrator"),
    "read the access record": ("auditor", "administrator"),
    "make links of others void": ("administrator",),
    "import and look at the customer dataset": ("administrator",),
    "propose and confirm the global holdout": ("administrator",),
    "read customer groups": ("submitter", "analyst", "definition_author", "administrator"),
    "save customer groups": ("submitter", "analyst", "definition_author", "administrator"),
    "see the budgets of offices": ("finance", "administrator", "auditor"),
    "propose and confirm budgets of offices": ("finance", "administrator"),
    "propose and confirm the contact policy": ("administrator",),
    "run the arbitration and try it otherwise": ("process_admin", "administrator"),
    "commit an arbitration": ("administrator",),
    "propose, publish and withdraw offers": ("marketing", "administrator"),
    "rehearse a tariff": ("submitter", "marketing", "analyst", "administrator"),
    "ask about one customer": ("process_admin", "administrator"),
    "see an address of a customer in full": ("administrator",),
    "ask for and confirm the erasure of a customer": ("administrator",),
    "serve customers in the hall": ("clerk",),
    "ask for a waiver of the grey list": ("submitter", "administrator"),
    "grant a waiver of the grey list": ("administrator",),
    "call customers of a call list": ("caller",),
    "assign calls, take results in and lists out, of cases that they lead": (
        "submitter",
        "head",
        "marketing",
        "process_admin",
        "administrator",
    ),
    "send proofs of a message that they may read": ("submitter", "head", "marketing", "process_admin", "administrator"),
    "keep the seeds of offices": ("administrator",),
}
"""Which roles may, at any office: the statement of the rules."""


def _by_role() -> str:
    head = f"| action | {' | '.join(ROLES)} |\n|---|{'---|' * len(ROLES)}"
    rows = [
        f"| {action} | {' | '.join('✓' if role in roles else '–' for role in ROLES)} |"
        for action, roles in BY_ROLE.items()
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
