"""Where patterns are played: the application on a real database, a small office, and definitions of a few lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from engine.definition.load import load
from engine.machine.case import Case, Child
from engine.machine.outcome import TaskClosed
from engine.organisation.offices import Office
from engine.service import approvals, children, people, proposals
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import cases, definitions, history
from engine.store import people as store
from tests.acceptance.offices import key, notices
from tests.invariants import check_invariants

SUBMITTER = "amy"
OFFICE = "A"
ROLES = ("ann", "bob", "cat", "dan")
"""Each holds the role that is called like them."""

HEAD = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: NAME
version: 1
title: {zh: 模式, en: Pattern}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}}
    count: {type: int, label: {zh: 数量, en: Count}}
    places: {type: set, of: [north, south, west], label: {zh: 地点, en: Places}}
"""
ROLE_LINES = "".join(f'    {name}: {{who: "role:{name}", label: {{zh: {name}, en: {name}}}}}\n' for name in ROLES)
OWN = """\
    amy: {who: submitter, label: {zh: 申请人, en: Submitter}}
"""
REVIEW = """
approval:
  route: [{else: main}]
  chains:
    main: [{approve: look, who: "role:dan", label: {zh: 审阅, en: Look}}]
"""
"""What child cases are: dan approves or rejects them."""


class Stage:
    """The office at work. `do` and `decide` act as a person; after each, everything that is due is carried out."""

    def __init__(self, app: Countersign) -> None:
        self.app = app

    def publish(self, name: str, text: str) -> None:
        """Publish a definition: HEAD and what follows it."""
        definition = load(HEAD.replace("NAME", name) + text, f"{name}.yaml")
        with self.app.db.begin() as tx:
            definitions.publish(
                tx,
                name=name,
                version=1,
                fingerprint=definition.fingerprint,
                source=definition.source,
                author="a",
                by="b",
                at=self.app.now(),
            )

    def live(self, states: str, *events: str, name: str = "pattern") -> None:
        """Publish a definition with these states; `events` are what people do in them."""
        named = "".join(f"    {event}: {{label: {{zh: {event}, en: {event}}}}}\n" for event in ("submit", *events))
        body = indent(dedent(states).strip("\n"), "    ")
        self.publish(name, f"lifecycle:\n  roles:\n{OWN}{ROLE_LINES}  events:\n{named}  states:\n{body}\n")

    def start(self, name: str = "pattern", **form: Any) -> str:
        """A case that amy submitted."""
        submitter = people.viewer_named(self.app, SUBMITTER)
        case_id = proposals.start(self.app, submitter, name, key=key())
        proposals.submit(self.app, submitter, case_id, form, key=key())
        self.settle()
        return case_id

    def do(self, case_id: str, person: str, event: str) -> None:
        """Somebody does a declared event."""
        viewer = people.viewer_named(self.app, person)
        approvals.perform(self.app, viewer, case_id, event, remark="", key=key(), via="page")
        self.settle()

    def decide(self, case_id: str, person: str, decision: str = "approve", step: str = "") -> None:
        """Somebody decides on their open task of a case."""
        task = next(
            task
            for task in self.case(case_id).tasks
            if task.state == "open" and task.person == person and step in ("", task.step)
        )
        viewer = people.viewer_named(self.app, person)
        named = approvals.decision_named(decision)
        approvals.decide(self.app, viewer, task.id, named, remark="as agreed", seen_seq=None, key=key())
        self.settle()

    def add(self, case_id: str, person: str, element: Any = None, place: str = "") -> None:
        """Somebody has one more case opened."""
        children.add(self.app, people.viewer_named(self.app, person), case_id, place, element, key=key())
        self.settle()

    def settle(self) -> None:
        """Carry out what is pending."""
        notices(self.app)

    def case(self, case_id: str) -> Case:
        """The case as stored."""
        with self.app.db.read() as tx:
            return cases.load(tx, case_id)

    def at(self, case_id: str) -> set[str]:
        """Where it is: its active innermost states."""
        return set(self.case(case_id).configuration)

    def asked(self, case_id: str) -> list[str]:
        """Who is asked in it now: "person at step", each task once."""
        return sorted(f"{task.person} at {task.step}" for task in self.case(case_id).tasks if task.state == "open")

    def children(self, case_id: str) -> list[Child]:
        """The cases that it opened, oldest first."""
        return list(self.case(case_id).children)

    def states(self, case_id: str) -> list[str]:
        """Where the cases are that it opened, as those cases say themselves."""
        return [self.case(child.id).state for child in self.children(case_id)]

    def done_in(self, case_id: str) -> list[str]:
        """The states in which somebody did something, in the order of the history."""
        with self.app.db.read() as tx:
            entries = history.load(tx, case_id)
        closed = [event.task for entry in entries for event in entry.events if isinstance(event, TaskClosed)]
        return [task.step for task in closed if task.state == "decided"]

    def why_cancelled(self, case_id: str) -> dict[str, str]:
        """Of each cancelled task its reason, by step."""
        return {task.step: task.reason for task in self.case(case_id).tasks if task.state == "cancelled"}


@contextmanager
def staged(url: str, home: Path) -> Iterator[Stage]:
    """A stage on the database at `url`; afterwards everything in it is consistent."""
    app = Countersign.open(Settings(home=home, database_url=url, public_url="http://testserver"))
    with app.db.begin() as tx:
        store.add_offices(tx, [Office(OFFICE, "省公司", "province", "Province")])
        store.add_people(
            tx,
            [
                {"id": one, "name": one, "email": "", "language": "en", "password_hash": ""}
                for one in (SUBMITTER, *ROLES)
            ],
        )
        store.add_grants(
            tx,
            [{"person": one, "role": one, "office": OFFICE} for one in ROLES]
            + [{"person": SUBMITTER, "role": "submitter", "office": OFFICE}],
        )
    try:
        yield Stage(app)
        check_invariants(app.db)
    finally:
        app.close()
