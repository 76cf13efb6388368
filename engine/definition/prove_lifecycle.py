"""What a proof needs to know of a lifecycle: its conditions, its forms, and which events a trial can bring about.

Refuses lifecycles whose forms stand inside other states, or are left otherwise than by submitting: what a case would
begin a round with is then not known.
"""

from collections.abc import Iterator, Mapping

from engine.definition.lifecycle_compile import Taken
from engine.definition.prove_forms import Undecided
from engine.machine.chains import Condition
from engine.machine.process import Process
from engine.machine.states import Form

SUBMIT = "submit"
SILENCE = "silence"
"""The event of a step that passes because nobody answered: the chart has `approve` for both."""
_OF_FORMS = (SUBMIT, "withdraw")


def conditions_of(process: Process) -> dict[str, Condition]:
    """The conditions of a lifecycle's events, by their text. They hold where they surely do."""
    guards = (transition.guard for state in process.chart.states for transition in getattr(state, "transitions", ()))
    taken = (guard.condition for guard in guards if isinstance(guard, Taken) and guard.condition is not None)
    return {getattr(condition, "text", ""): condition for condition in taken}


def forms_of(process: Process) -> tuple[str, ...]:
    """The states in which a round may begin. Raises Undecided."""
    chart = process.chart
    found = [name for name, kind in process.kinds.items() if isinstance(kind, Form)]
    if any(chart.parent[chart.index[name]] != 0 for name in found):
        raise Undecided("a form stands inside another state")
    events = {
        event for name in found for event in _events_of(process, name) if event.partition(":")[0] not in _OF_FORMS
    }
    if process.route and events:
        raise Undecided(f"a form that was changed may be left by {min(events)}, without being submitted")
    drifts = process.stages.tolerance is not None and process.declared is not None
    if drifts and not all(_goes_to_the_chains(process, name) for name in found):
        raise Undecided("a case whose audience drifted is approved again without what comes before the approval")
    return tuple(found)


def _goes_to_the_chains(process: Process, name: str) -> bool:
    state = process.chart.states[process.chart.index[name]]
    submits = [way for way in getattr(state, "transitions", ()) if any(word.startswith(SUBMIT) for word in way.events)]
    return all(target in process.chains for way in submits for target in way.targets)


def _events_of(process: Process, name: str) -> Iterator[str]:
    state = process.chart.states[process.chart.index[name]]
    for transition in getattr(state, "transitions", ()):
        ends = transition.targets and all(target in _finals(process) for target in transition.targets)
        if not ends or not transition.events:  # what ends the case begins no round with values that nobody knows
            yield from (event.partition(".")[0] for event in transition.events or ("a condition",))


def _finals(process: Process) -> frozenset[str]:
    chart = process.chart
    return frozenset(chart.names(chart.finals))


def rests(process: Process, configuration: tuple[str, ...]) -> bool:
    """Whether a case may stay there for good."""
    places: Mapping[str, object] = process.declared.places if process.declared else {}
    return all(getattr(places.get(name), "may_end", False) for name in configuration)


def submitting(event: str, chain: str) -> str:
    """The event as a submission on `chain` raises it, empty for another chain; the event itself where it is none."""
    word, _, of = event.partition(".")
    if word.partition(":")[0] != SUBMIT:
        return event
    return f"{word}.{chain}" if of in ("", chain) else ""


def named(event: str) -> str:
    """A submission by its chain alone, whoever the form's role says may do it."""
    word, dot, chain = event.partition(".")
    return f"{SUBMIT}.{chain}" if word.partition(":")[0] == SUBMIT and dot else event


def timed(process: Process) -> Iterator[str]:
    """The events that time raises."""
    places = process.declared.places.values() if process.declared else ()
    yield from (limit.event for place in places for limit in place.limits)
