"""Scenarios that name what is not there. Whether they come out as they say is for `scenario_run`."""

from collections.abc import Iterator
from difflib import get_close_matches

from engine.definition.agreeing import Agrees
from engine.definition.deeds import Decides, Performs
from engine.definition.document import Path
from engine.definition.fields import Wrong
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.section import named
from engine.definition.sentences import BY_VERB
from engine.definition.steps import Approve, File, Include, Use
from engine.expr.types import nearest

SUBMITTER, PREVIOUS = "submitter", "previous"


class ScenarioField(LintRule):
    """the proposal has no field {name}"""

    code = "E203"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, scenario in enumerate(subject.definition.tests):
            for path, values in scenario.values():
                for name in values:
                    if subject.fields and name not in subject.fields:
                        inner = (*path, name) if path == ("given",) else path
                        yield Finding(("tests", n, *inner), {"name": name}, nearest(name, subject.fields), at_key=True)


class ScenarioValue(LintRule):
    """{name}: {message}"""

    code = "E221"

    def find(self, subject: Subject) -> Iterator[Finding]:
        fields = subject.definition.proposal.fields
        for n, scenario in enumerate(subject.definition.tests):
            if scenario.expect.refused in ("submit", "edit"):
                continue
            for path, values in scenario.values():
                for name, value in values.items():
                    try:
                        if name in fields:
                            fields[name].read(value)
                    except Wrong as wrong:
                        inner = (*path, name) if path == ("given",) else path
                        yield Finding(("tests", n, *inner), {"name": name, "message": wrong.message})


class ScenarioStep(LintRule):
    """no chain has a step {name}"""

    code = "E222"

    def find(self, subject: Subject) -> Iterator[Finding]:
        names = _steps(subject)
        lifecycle = subject.definition.lifecycle
        states = {name for _, name, _, _ in lifecycle.walk()} if lifecycle else set()
        if subject.shape.was_lost("approval", "chains") or subject.shape.was_lost("approval", "blocks"):
            return
        for n, scenario in enumerate(subject.definition.tests):
            used: list[tuple[Path, str]] = [
                (("do", d), deed.step) for d, deed in enumerate(scenario.deeds) if isinstance(deed, Decides | Agrees)
            ]
            used += [
                (("do", d), deed.to)
                for d, deed in enumerate(scenario.deeds)
                if isinstance(deed, Decides) and deed.to not in (SUBMITTER, PREVIOUS, *subject.blocks)
            ]
            used += [(("expect", "escalated"), step) for step in scenario.expect.all_escalated]
            asked = scenario.expect.asked or ()
            people = _people(subject)
            used += [
                (("expect", "asked", a), one) for a, one in enumerate(asked) if "@" not in one and one not in people
            ]
            for path, step in used:
                decides = path[0] == "do" and isinstance(scenario.deeds[int(path[1])], Decides)
                known = names if decides else names | states
                if step not in known:
                    yield Finding(("tests", n, *path), {"name": step}, nearest(step, known))


class ScenarioPerforms(LintRule):
    """the lifecycle has no {what} {name}"""

    code = "E226"

    def find(self, subject: Subject) -> Iterator[Finding]:
        lifecycle = subject.definition.lifecycle
        roles = tuple(lifecycle.roles) if lifecycle else ()
        events = tuple(lifecycle.events) if lifecycle else ()
        if subject.shape.was_lost("lifecycle"):
            return
        for n, scenario in enumerate(subject.definition.tests):
            for d, deed in enumerate(scenario.deeds):
                if isinstance(deed, Performs):
                    for what, name, known in (("role", deed.role, roles), ("event", deed.event, events)):
                        if name not in known:
                            yield Finding(("tests", n, "do", d), {"what": what, "name": name}, nearest(name, known))


class ScenarioChain(LintRule):
    """there is no chain {name}"""

    code = "E201"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, scenario in enumerate(subject.definition.tests):
            if scenario.route and scenario.route not in subject.chains:
                fields = {"name": scenario.route}
                yield Finding(("tests", n, "route"), fields, nearest(scenario.route, subject.chains))


class ScenarioExpectsNothing(LintRule):
    """this scenario expects nothing: it cannot fail"""

    code = "E223"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, scenario in enumerate(subject.definition.tests):
            place = subject.shape.in_file(("tests", n))
            if not scenario.expects_anything and not any(lost[:2] == place for lost in subject.shape.lost):
                yield Finding(("tests", n), {}, "write route:, at:, ends: or expect:")


class ScenarioRefused(LintRule):
    """there is no deed {name} that could be refused"""

    code = "E224"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, scenario in enumerate(subject.definition.tests):
            verb = scenario.expect.refused
            if verb is not None and verb not in BY_VERB:
                close = get_close_matches(verb, list(BY_VERB), n=1)
                hint = f"did you mean {close[0]}?" if close else f"possible: {', '.join(BY_VERB)}"
                yield Finding(("tests", n, "expect", "refused"), {"name": verb}, hint)


class ScenarioState(LintRule):
    """no case of this definition is ever in the state {name}"""

    code = "E225"

    def find(self, subject: Subject) -> Iterator[Finding]:
        if not any(True for scenario in subject.definition.tests for _ in scenario.states()):
            return
        top = frozenset(state.id for state in subject.process.chart.states if "/" not in state.id)
        states = top - subject.chains - {"case"}
        for n, scenario in enumerate(subject.definition.tests):
            for path, state in scenario.states():
                if state not in states:
                    hint = nearest(state, states) or f"known: {', '.join(sorted(states))}"
                    yield Finding(("tests", n, *path), {"name": state}, hint)


def _steps(subject: Subject) -> frozenset[str]:
    return frozenset(step.name for _, step in subject.steps if not isinstance(step, Include | Use))


def _people(subject: Subject) -> frozenset[str]:
    """The invented people whose names have no level: those of a role that is asked wherever it is held."""
    defaults = subject.definition.approval.defaults
    written = (named(step.who) for _, step in subject.steps if not isinstance(step, Include | Use))
    asked = {defaults.empty.assign}.union(*written)
    asked |= {step.empty.assign for _, step in subject.steps if isinstance(step, Approve | File) and step.empty}
    return frozenset(who.removeprefix("role:") for who in asked if who.startswith("role:") and "@" not in who)


SCENARIOS = (
    ScenarioField(),
    ScenarioValue(),
    ScenarioStep(),
    ScenarioPerforms(),
    ScenarioChain(),
    ScenarioExpectsNothing(),
    ScenarioRefused(),
)
SCENARIOS_OF_THE_WHOLE = (ScenarioState(),)
"""Asked once nothing else is wrong: they need the process."""
