"""A definition's own lifecycle: names that nothing has (E23x), states that nothing reaches or leaves (E52x)."""

from collections.abc import Iterator, Mapping

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.lifecycle import (
    BY_SUBMITTER,
    OF_THE_DELIVERY,
    RAISED,
    STAGES,
    WHOLE,
    AnyState,
    Compound,
    Event,
    Form,
    History,
    Parallel,
    events_of,
)
from engine.definition.reach import Reach
from engine.expr.types import nearest
from engine.machine.declared import SUBMITTER
from engine.values import NO_TEXT

Placed = tuple[Path, str, AnyState, Event]


class UnknownState(LintRule):
    """there is no state {name}{inside}"""

    code = "E231"

    def find(self, subject: Subject) -> Iterator[Finding]:
        if subject.definition.lifecycle is None or _lost(subject):
            return
        names = _names(subject)
        for path, name, within in _targets(subject):
            known = names if within is None else within
            if name not in known:
                inside = " there" if name in names else ""
                hint = "name a state inside" if inside else nearest(name, known)
                yield Finding(path, {"name": name, "inside": inside}, hint)


class UnknownRole(LintRule):
    """the lifecycle has no role {name}"""

    code = "E232"

    def find(self, subject: Subject) -> Iterator[Finding]:
        known = tuple(_written(subject, "lifecycle", "roles"))
        for path, _, _, event in _events(subject):
            for n, role in enumerate(event.role):
                if role not in known:
                    yield Finding(_one_of(subject, (*path, "role"), n), {"name": role}, nearest(role, known))


class StateTwice(LintRule):
    """two states are called {name}"""

    code = "E233"

    def find(self, subject: Subject) -> Iterator[Finding]:
        is_sent = subject.definition.delivery is not None
        seen = {WHOLE, *(OF_THE_DELIVERY if is_sent else ())}
        for path, name, _, _ in _states(subject):
            if name in seen:
                yield Finding(path, {"name": name}, "give one another name", at_key=True)
            seen.add(name)


class UnknownTimeout(LintRule):
    """the state {state} has no event {name} without a role that this could raise"""

    code = "E234"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, name, state, _ in _states(subject):
            raised = {event.event for event in events_of(state) if event.event and not event.role}
            for n, limit in enumerate(getattr(state, "timeouts", ())):
                if limit.event not in raised:
                    hint = nearest(limit.event, tuple(raised)) or f"add {{event: {limit.event}, to: ...}} to its events"
                    yield Finding((*path, "timeouts", n, "event"), {"state": name, "name": limit.event}, hint)


class StageMisplaced(LintRule):
    """the state of kind {kind} is called {name} and stands at the top, once"""

    code = "E235"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, name, state, around in _states(subject):
            due = STAGES.get(state.kind)
            if due and (name != due or around):
                yield Finding(path, {"kind": state.kind, "name": due}, f"call it {due}", at_key=True)


class NobodyRaises(LintRule):
    """nobody raises the event {event} in a state of kind {kind}"""

    code = "E236"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, _, state, event in _events(subject):
            if event.event is None or event.role or subject.shape.was_lost(*map(str, path)):
                continue
            timed = {limit.event for limit in getattr(state, "timeouts", ())}
            if event.event in timed or state.kind in BY_SUBMITTER.get(event.event, ()):
                continue
            if event.event not in RAISED.get(state.kind, ()):
                fields = {"event": event.event, "kind": state.kind}
                yield Finding((*path, "event"), fields, "name the role that may do it, or add a timeout")


class NotTheSubmitter(LintRule):
    """a form is submitted by its submitter, and {role} is somebody else"""

    code = "E237"

    def find(self, subject: Subject) -> Iterator[Finding]:
        section = subject.definition.lifecycle
        for path, _, state, event in _events(subject):
            if isinstance(state, Form) and event.event == "submit" and section is not None:
                for n, role in enumerate(event.role):
                    if role in section.roles and section.roles[role].who != SUBMITTER:
                        hint = "name a role with who: submitter"
                        yield Finding(_one_of(subject, (*path, "role"), n), {"role": role}, hint)


class UnknownEvent(LintRule):
    """the lifecycle's events have no {name}"""

    code = "E238"

    def find(self, subject: Subject) -> Iterator[Finding]:
        known = tuple(_written(subject, "lifecycle", "events"))
        for path, _, _, event in _events(subject):
            if event.event is not None and event.role and event.event not in known:
                hint = nearest(event.event, known) or f"add {event.event}: {{label: {{zh: ..., en: ...}}}} to them"
                yield Finding((*path, "event"), {"name": event.event}, hint)


class NoSuchSection(LintRule):
    """{what}"""

    code = "E239"

    def find(self, subject: Subject) -> Iterator[Finding]:
        definition = subject.definition
        if definition.lifecycle is None or _lost(subject):
            return
        kinds = {state.kind: path for path, _, state, _ in _states(subject)}
        for kind in STAGES:
            section = bool(definition.approval.chains) if kind == "approval" else getattr(definition, kind) is not None
            if subject.shape.was_lost(kind):
                continue
            if kind in kinds and not section:
                what = f"a state of kind {kind} needs the section {kind}"
                yield Finding((*kinds[kind], "kind"), {"what": what}, "write the section, or leave the state out")
            if section and kind not in kinds:
                what = f"the lifecycle has no state of kind {kind}: the section {kind} would do nothing"
                yield Finding((kind,), {"what": what}, f"add {STAGES[kind]}: {{kind: {kind}, ...}}", at_key=True)


class ApprovalMissing(LintRule):
    """approval is missing"""

    code = "E110"

    def find(self, subject: Subject) -> Iterator[Finding]:
        lacks = "approval" not in subject.document.value and "lifecycle" not in subject.document.value
        if lacks and not _misspelt(subject, "approval"):
            yield Finding((), {}, "it stands at the top of the file", at_key=True)


class StateUnreachable(LintRule):
    """no case ever comes to the state {name}"""

    code = "E520"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach = reach_of(subject)
        if reach is not None:
            for path, name, state, _ in _states(subject):
                if name not in reach.reached and not isinstance(state, History):
                    yield Finding(path, {"name": name}, "lead an event there, or delete it", at_key=True)


class DeadEnd(LintRule):
    """from the state {name} a case can never end"""

    code = "E521"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach = reach_of(subject)
        if reach is not None:
            for path, name, _, _ in _states(subject):
                if name in reach.reached and name in reach.stuck:
                    hint = "give it an event that leads on, or make it kind: final"
                    yield Finding(path, {"name": name}, hint, at_key=True)


class DoneStarves(LintRule):
    """{state} is never done: {region} has no final state that is reached"""

    code = "E522"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach = reach_of(subject)
        if reach is None:
            return
        for path, name, state, event in _events(subject):
            if event.event != "done" or not isinstance(state, Compound | Parallel):
                continue
            regions = {name: state} if isinstance(state, Compound) else state.states
            for region, inner in regions.items():
                if not reach.can_be_done(region, inner):
                    hint = f"make {region} a compound state with a final one inside"
                    yield Finding((*path, "event"), {"state": name, "region": region}, hint)


class LoopWithoutPerson(LintRule):
    """the case would go round {loop} without anybody doing anything"""

    code = "E523"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach = reach_of(subject)
        if reach is None:
            return
        at = {name: path for path, name, _, _ in _states(subject)}
        for loop in reach.loops():
            shown = " -> ".join((*loop, loop[0]))
            yield Finding(at[loop[0]], {"loop": shown}, "let one of its events have a role", at_key=True)


class OutcomeMissing(LintRule):
    """the chains may end {outcome}, and the state {state} does not say where that leads"""

    code = "E524"

    def find(self, subject: Subject) -> Iterator[Finding]:
        approval = subject.definition.approval
        if subject.shape.was_lost("approval") or subject.shape.was_lost("approval", "chains"):
            return
        names = _names(subject)
        for path, name, state, _ in _states(subject):
            if state.kind != "approval" or subject.shape.was_lost(*map(str, path)):
                continue
            events = {event.event: event for event in events_of(state) if event.event}
            files = {chain: _only_files(subject, chain) for chain in approval.chains}
            due = [*(["filed"] if any(files.values()) else [])]
            due += [] if all(files.values()) else ["approved", "returned", "rejected"]
            due += ["returned"] if _reopens(subject) and "returned" not in due else []
            for outcome in due:
                if outcome not in events:
                    hint = f"add {{event: {outcome}, to: ...}}"
                    yield Finding(path, {"outcome": outcome, "state": name}, hint, at_key=True)
                elif outcome in names and events[outcome].to != (outcome,):
                    hint = f"there is a state {outcome}: lead it there, or call that state otherwise"
                    yield Finding(path, {"outcome": outcome, "state": name}, hint, at_key=True)


class NeverSubmitted(LintRule):
    """a case may come to {state} without having been submitted: it has no chain then"""

    code = "E528"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach = reach_of(subject)
        if reach is None:
            return
        for path, name, state, _ in _states(subject):
            if state.kind == "approval" and name in reach.unsubmitted:
                yield Finding(path, {"state": name}, "let the event submit of a form come before it", at_key=True)


class SentBeforeApproved(LintRule):
    """a case may come to {state} before it is approved, and expires no more there when {expires} are over"""

    code = "E529"

    def find(self, subject: Subject) -> Iterator[Finding]:
        reach, expires = reach_of(subject), subject.definition.approval.expires
        if reach is None or expires is None:
            return
        for name in sorted(reach.undecided):
            if reach.states[name].kind in ("delivery", "evaluation"):
                fields = {"state": name, "expires": expires}
                yield Finding(("approval", "expires"), fields, "let the approval come before it, or leave expires out")


class HalfALifecycleLabel(LintRule):
    """{what} has no label in {language}"""

    code = "W801"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        section = subject.definition.lifecycle
        if section is None:
            return
        named = [
            (path, name, state.label)
            for path, name, state, _ in _states(subject)
            if not isinstance(state, History) and not (state.kind in STAGES and state.label == NO_TEXT)
        ]
        named += [(("lifecycle", "events", name), name, event.label) for name, event in section.events.items()]
        named += [(("lifecycle", "roles", name), name, role.label) for name, role in section.roles.items()]
        for path, what, label in named:
            missing = [language for language, text in (("Chinese", label.zh), ("English", label.en)) if not text]
            if missing:
                fields = {"what": what, "language": " or ".join(missing)}
                yield Finding(path, fields, "label: {zh: ..., en: ...}")


def _states(subject: Subject) -> Iterator[tuple[Path, str, AnyState, str]]:
    if subject.definition.lifecycle is not None:
        yield from subject.definition.lifecycle.walk()


def _events(subject: Subject) -> Iterator[Placed]:
    for path, name, state, _ in _states(subject):
        for n, event in enumerate(events_of(state)):
            yield (*path, "events", n), name, state, event


def _targets(subject: Subject) -> Iterator[tuple[Path, str, tuple[str, ...] | None]]:
    """Every place that names a state, and among which it must be; None where any will do."""
    section = subject.definition.lifecycle
    if section is None:
        return
    if section.initial is not None:
        yield ("lifecycle", "initial"), section.initial, None
    around = {name: parent for _, name, _, parent in section.walk()}
    for path, name, state, parent in section.walk():
        if isinstance(state, Compound) and state.initial is not None:
            yield (*path, "initial"), state.initial, tuple(one for one in around if name in _above(one, around))
        if isinstance(state, History):
            within = tuple(one for one in around if parent in _above(one, around) and one != name)
            yield (*path, "default"), state.default, within
    for path, _, _, event in _events(subject):
        for n, target in enumerate(event.to):
            yield _one_of(subject, (*path, "to"), n), target, None


def _above(name: str, around: Mapping[str, str]) -> Iterator[str]:
    """The states around `name`, and the top as an empty name."""
    while name:
        name = around[name]
        yield name


def _one_of(subject: Subject, path: Path, n: int) -> Path:
    """The place of a name that may stand alone or in a list."""
    alone = (*subject.shape.in_file(path), 0) not in subject.document.places
    return path if alone else (*path, n)


def _names(subject: Subject) -> tuple[str, ...]:
    """The names of all states, those that could not be read included."""
    found = [name for _, name, _, _ in _states(subject)]
    return tuple(dict.fromkeys((*found, *_written(subject, "lifecycle", "states"))))


def _written(subject: Subject, *path: str) -> tuple[str, ...]:
    value = subject.document.value
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return tuple(value) if isinstance(value, dict) else ()


def _misspelt(subject: Subject, section: str) -> bool:
    """Whether a key that was told as unknown was meant to be this one."""
    return any(problem.code == "E111" and section in problem.hint for problem in subject.shape.problems)


def _lost(subject: Subject) -> bool:
    """Whether anything of the lifecycle could not be read: what follows from that is not told."""
    return any(path and path[0] == "lifecycle" for path in subject.shape.lost)


def reach_of(subject: Subject) -> Reach | None:
    """What can be reached, where every name is right; otherwise those are told first."""
    section = subject.definition.lifecycle
    if section is None or _lost(subject):
        return None
    names = [name for _, name, _, _ in _states(subject)]
    if len(set(names)) < len(names) or any(
        name not in (names if within is None else within) for _, name, within in _targets(subject)
    ):
        return None
    return Reach(section)


def _reopens(subject: Subject) -> bool:
    """Whether a drifted audience may return a case, also where chains only file."""
    drift = subject.definition.audience.drift if subject.definition.audience else None
    return drift is not None and drift.then == "reapprove"


def _only_files(subject: Subject, chain: str) -> bool:
    try:
        return subject.definition.approval.only_files(chain)
    except (KeyError, RecursionError):
        return False  # a chain or block that is not there, or includes itself: that is told


LIFECYCLE = (
    UnknownState(),
    UnknownRole(),
    StateTwice(),
    UnknownTimeout(),
    StageMisplaced(),
    NobodyRaises(),
    NotTheSubmitter(),
    UnknownEvent(),
    NoSuchSection(),
    ApprovalMissing(),
    StateUnreachable(),
    DeadEnd(),
    DoneStarves(),
    LoopWithoutPerson(),
    OutcomeMissing(),
    NeverSubmitted(),
    SentBeforeApproved(),
    HalfALifecycleLabel(),
)
