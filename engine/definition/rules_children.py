"""States that open cases: expressions (E30x), names (E24x), soundness (E525-E527)."""

from collections.abc import Callable, Iterator

from engine.definition.children import SUMS, passing, rule_of, source_of
from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.lifecycle import RAISED, AtLeast, Cases, events_of
from engine.errors import InvalidExpression
from engine.expr import compile_expression
from engine.expr.types import BOOL, nearest


class WrongFormula(LintRule):
    """{message}"""

    code = "E300"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, state in _states(subject):
            for place, compiled in _formulas(subject, path, state):
                try:
                    compiled()
                except InvalidExpression as error:
                    for problem in error.problems:
                        fields = {"message": problem.message, "code": problem.code}
                        yield Finding(place, fields, problem.hint, offset=problem.fields["offset"])


class UnknownWhile(LintRule):
    """there is no state {name} to wait for"""

    code = "E240"

    def find(self, subject: Subject) -> Iterator[Finding]:
        section = subject.definition.lifecycle
        if section is None:
            return
        known = tuple(name for _, name, _, _ in section.walk())
        for path, _, state, _ in section.walk():
            for n, event in enumerate(events_of(state)):
                named = event.while_.of if isinstance(event.while_, AtLeast) else event.while_ or ()
                inside = ("of",) if isinstance(event.while_, AtLeast) else ()
                for m, name in enumerate(named):
                    if name not in known:
                        place = (*path, "events", n, "while", *inside)
                        alone = (*subject.shape.in_file(place), m) not in subject.document.places
                        yield Finding(place if alone else (*place, m), {"name": name}, nearest(name, known))


class UnknownAdder(LintRule):
    """the lifecycle has no role {name}"""

    code = "E232"

    def find(self, subject: Subject) -> Iterator[Finding]:
        section = subject.definition.lifecycle
        for path, state in _states(subject):
            for name in state.add:
                if section is not None and name not in section.roles:
                    yield Finding((*path, "add"), {"name": name}, nearest(name, tuple(section.roles)))


class OpensItself(LintRule):
    """{name} opens itself without an end"""

    code = "E526"

    def find(self, subject: Subject) -> Iterator[Finding]:
        name = subject.definition.name
        for path, state in _states(subject):
            if state.open == name and state.depth is None:
                yield Finding((*path, "open"), {"name": name}, "say how often at most, as depth: 3")


class ChildrenLeadNowhere(LintRule):
    """the cases that {state} opens may come to {event}, and it does not say where that leads"""

    code = "E525"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, state in _states(subject):
            if subject.shape.was_lost(*map(str, path)):
                continue
            named = {event.event for event in state.events if not event.role}
            for event in RAISED["cases"]:
                if event not in named:
                    yield Finding(
                        path, {"state": path[-1], "event": event}, f"add {{event: {event}, to: ...}}", at_key=True
                    )


class JoinTooLarge(LintRule):
    """one case is opened, so {n} of them are never done"""

    code = "E527"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, state in _states(subject):
            n = getattr(state.join, "n", None)
            if state.for_ is None and not state.add and n is not None and n > 1:
                yield Finding((*path, "join"), {"n": n}, "say for what each case is opened, as for: form.FIELD")


def _states(subject: Subject) -> Iterator[tuple[Path, Cases]]:
    if subject.definition.lifecycle is not None:
        for path, _, state, _ in subject.definition.lifecycle.walk():
            if isinstance(state, Cases):
                yield path, state


def _formulas(subject: Subject, path: Path, state: Cases) -> Iterator[tuple[Path, Callable[[], object]]]:
    scope = subject.scope
    if state.for_ is not None:
        yield (*path, "for"), lambda: source_of(state, scope)
    for name, text in state.pass_.items():
        yield (*path, "pass", name), lambda text=text: compile_expression(text, passing(state, scope))  # type: ignore[misc]  # a lambda's default
    if rule_of(state):
        seen = scope.plus(children=SUMS)
        yield (*path, "join", "when"), lambda: compile_expression(rule_of(state), seen, gives=BOOL)


CHILDREN = (
    WrongFormula(),
    UnknownWhile(),
    UnknownAdder(),
    OpensItself(),
    ChildrenLeadNowhere(),
    JoinTooLarge(),
)
