"""A lifecycle that takes over another: `lifecycle: {extends: NAME, states: ...}`, where a library called NAME has one.

The library's states lie beneath and the definition's above, key by key as with `extends:`; null takes a state away. The
events of a state add up, the definition's own first; one of its own without a condition replaces the library's for the
same event and role. A stage of the library's whose section the definition lacks is passed over: who would come to it
goes on to where it leads. The lifecycle that a definition has without saying anything is read here as well.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from engine.definition.document import Document, Path, read
from engine.definition.extends import LIBRARY, copied, merged, problem_at, text_named
from engine.definition.lifecycle import RAISED, STAGES, Lifecycle
from engine.definition.texts import SHIPPED, Texts
from engine.machine.lifecycle import Stages

USUAL = "marketing-lifecycle"
_PASSED = ("audience", "delivery", "evaluation")
_STATES = ("lifecycle", "states")


def with_lifecycle(document: Document, texts: Texts) -> Document:
    """The document with the lifecycle in it that its own extends; itself where it extends none."""
    name = _at(document.value, "lifecycle", "extends")
    if name is None:
        return document
    own = replace(document, problems=list(document.problems), texts=dict(document.texts))
    found = text_named(own, texts, ("lifecycle", "extends"), name, (LIBRARY,))
    below = _at(found.value, *_STATES) if found is not None else None
    if found is None or not isinstance(below, dict):
        if found is not None:
            place = own.place(("lifecycle", "extends"))
            own.problems.append(problem_at("E211", f"{name} has no lifecycle to extend", f"extend {USUAL}", place))
        # what it says of states of the other cannot be judged
        own.value = {section: value for section, value in own.value.items() if section != "lifecycle"}
        return own
    lifecycle = {key: value for key, value in own.value["lifecycle"].items() if key != "extends"}
    own.value = {**own.value, "lifecycle": lifecycle}
    mine: dict[str, Any] = states if isinstance(states := lifecycle.get("states"), dict) else {}
    beneath = Document(found.source, {}, texts=found.texts)
    beneath.value["lifecycle"] = copied(beneath, found, ("lifecycle",), ("lifecycle",))
    beneath.value["lifecycle"]["states"] = {n: one for n, one in below.items() if not _is_another(mine.get(n), one)}
    whole = merged(beneath, _with_events(own, beneath))
    whole.problems = [*own.problems, *found.problems]
    states = whole.value["lifecycle"]["states"]
    if isinstance(states, dict):
        states = _passing(states, [name for name in states if name not in mine], document.value)
        whole.value["lifecycle"]["states"] = states
    return whole


@lru_cache(maxsize=8)
def usual(*, audience: bool, delivery: bool, evaluation: bool) -> Lifecycle:
    """The lifecycle of definitions that declare none, with the stages that they have a section for."""
    text = SHIPPED.find(USUAL)
    assert text is not None, "it comes with the product"
    value = read(text.source).value["lifecycle"]
    has = {"audience": audience, "delivery": delivery, "evaluation": evaluation}
    sections = {name: True for name, there in has.items() if there}
    states = _passing(value["states"], list(value["states"]), sections)
    return Lifecycle.model_validate({**value, "states": states})


def usual_of(stages: Stages) -> Lifecycle:
    """The same, of stages."""
    return usual(audience=stages.audience, delivery=stages.delivery, evaluation=stages.evaluation is not None)


def _with_events(own: Document, beneath: Document) -> Document:
    """The document with the inherited events after its own, in the states of both that have events of their own."""
    states, below = _at(own.value, *_STATES), beneath.value["lifecycle"]["states"]
    if not isinstance(states, dict):
        return own
    full: dict[str, Any] = {}
    to = replace(own, places=dict(own.places), keys=dict(own.keys))
    for name, state in states.items():
        full[name] = state
        mine, inherited = _at(state, "events"), _at(below.get(name), "events")
        if not isinstance(mine, list) or not isinstance(inherited, list):
            continue
        replaced = [
            _called(event) for event in mine if isinstance(event, dict) and not {"when", "while"} & event.keys()
        ]
        left = [n for n, event in enumerate(inherited) if _called(event) not in replaced]
        path: Path = (*_STATES, name, "events")
        rest = [copied(to, beneath, (*path, n), (*path, len(mine) + place)) for place, n in enumerate(left)]
        full[name] = {**state, "events": [*mine, *rest]}
    return replace(to, value={**own.value, "lifecycle": {**own.value["lifecycle"], "states": full}})


def _is_another(state: Any, below: Any) -> bool:
    """Whether the definition says that the state is of another kind, so that nothing of it is taken over."""
    return _at(state, "kind") not in (None, _at(below, "kind"))


def _called(event: Any) -> tuple[Any, Any]:
    role = event.get("role", ()) if isinstance(event, dict) else ()
    return event.get("event"), (role,) if isinstance(role, str) else tuple(role or ())


def _passing(states: Mapping[str, Any], inherited: list[str], sections: Mapping[str, Any]) -> dict[str, Any]:
    """The states without those inherited stages that have no section; who would come there goes on."""
    has = [name for name in _PASSED if sections.get(name) is not None]
    lacks = [STAGES[kind] for kind in _PASSED if kind not in has and not (kind == "evaluation" and has)]
    passed = {name: _onward(states[name]) for name in lacks if name in inherited and name in states}
    return {name: _led_on(state, passed) for name, state in states.items() if name not in passed}


def _onward(state: Any) -> str:
    """Where a stage leads by itself."""
    raised = RAISED[state["kind"]]
    return str(next(event["to"] for event in state["events"] if event.get("event") in raised))


def _led_on(state: Any, passed: Mapping[str, str]) -> Any:
    if not passed or not isinstance(_at(state, "events"), list):
        return state
    return {**state, "events": [_event_on(event, passed, _at(state, "kind")) for event in state["events"]]}


def _event_on(event: Any, passed: Mapping[str, str], kind: str) -> Any:
    to = _at(event, "to")
    if not isinstance(to, str) or to not in passed:
        return event
    closes = False
    while to in passed:
        closes, to = closes or to == STAGES["evaluation"], passed[to]
    # where nothing is evaluated the submitter still signs the case off
    ends = {"event": "close"} if closes and kind == "effective" and "event" not in event else {}
    return {**ends, **event, "to": to}


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
