"""The `lifecycle:` section: states of a definition's own, instead of the usual lifecycle or upon it.

A state has a `kind` and `events`; an event has a role (who may), targets, and a condition. Refuses an event of people
whose name is not declared under `events:`: that is where its label stands, and where a misspelt one is found.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, StrictBool, Tag, model_validator
from pydantic_core import PydanticCustomError

from engine.definition.section import Name, Rule, Section, Who
from engine.values import NO_TEXT, Bilingual, Duration


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])]
"""One name, or a list of names."""


class Role(Section):
    """Who may act under this name."""

    who: Who = Field(description="Who holds it")
    label: Bilingual = Field(NO_TEXT, description="What pages call it")


class EventName(Section):
    """What an event is called on pages, and whether whoever does it must say why."""

    label: Bilingual = Field(NO_TEXT, description="What the button says")
    reason: Literal["required", "optional"] = Field("optional", description="Whether it needs a reason")


class AtLeast(Section):
    """At least `n` of the states `of`."""

    n: int = Field(strict=True, ge=1, description="How many of them")
    of: tuple[Name, ...] = Field(min_length=1, description="The states")


def _during(value: Any) -> str:
    return "least" if isinstance(value, dict | AtLeast) else "all"


During = Annotated[Annotated[Names, Tag("all")] | Annotated[AtLeast, Tag("least")], Discriminator(_during)]
"""States that must be active: all that are named, or at least n of them."""


class Event(Section):
    """A way out of a state (or within it, without `to`).

    With `role`: a holder may do it. Without: a timer or the state's kind raises it. Without `event`: taken as soon as
    `when` holds. `while`: only as long as these states are active, in other regions of a parallel one. `internal`: a
    target inside the state does not leave the state.
    """

    event: Name | None = Field(None, description="Its name under events:; without it, taken as soon as when holds")
    role: Names = Field((), description="The roles that may do it; without it, it happens by itself")
    to: Names = Field((), description="The state that follows; without it the state stays")
    when: Rule | None = Field(None, description="Only where this holds")
    while_: During | None = Field(None, alias="while", description="Only while these states are active")
    internal: StrictBool = Field(False, description="A target inside does not leave the state")


class Limit(Section):
    """After `after` in the state, `event` happens by itself."""

    after: Duration = Field(description="How long after the state was entered")
    event: Name = Field(description="What happens then")


class _State(Section):
    label: Bilingual = Field(NO_TEXT, description="What pages call it")
    events: tuple[Event, ...] = Field((), description="The ways out")


class Form(_State):
    """The submitter writes; the event `submit` sends the form off. It needs no role: nobody else may."""

    kind: Literal["form"]
    may_end: StrictBool = Field(False, description="The case may rest here for good")


class Approval(_State):
    """The chains of `approval:`; ends with approved, filed, returned or rejected."""

    kind: Literal["approval"]


class Effective(_State):
    """What the chains came to, in a state called approved or filed: the submitter is told, and the case goes on. With
    the event `close` it rests until the submitter closes it."""

    kind: Literal["effective"]


class Audience(_State):
    """The selection of `audience:`; ends with frozen."""

    kind: Literal["audience"]


class Delivery(_State):
    """The waves of `delivery:`; ends with delivered. It stands for ready, delivering and paused; the submitter
    withdraws in ready alone."""

    kind: Literal["delivery"]


class Evaluation(_State):
    """The measurements of `evaluation:`; the submitter ends it with close."""

    kind: Literal["evaluation"]


class Task(_State):
    """The holders of its events' roles are asked to act."""

    kind: Literal["task"]
    timeouts: tuple[Limit, ...] = Field((), description="What happens when nobody acts")
    may_end: StrictBool = Field(False, description="The case may rest here for good")


class Wait(_State):
    """Nobody is asked; time, or somebody who may, moves the case on."""

    kind: Literal["wait"]
    timeouts: tuple[Limit, ...] = Field((), description="What happens after a time")
    may_end: StrictBool = Field(False, description="The case may rest here for good")


class Count(Section):
    """`n` of the children, or as soon as `when` holds (`children.done`, `.failed`, `.cancelled`, `.open`, `.total`)."""

    n: int | None = Field(None, strict=True, ge=1, description="So many children")
    when: Rule | None = Field(None, description="A condition on children")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.n is None) == (self.when is None):
            raise PydanticCustomError("join", "write {{n: 2}} or {{when: ...}}", {})
        return self


class Cases(_State):
    """Opens cases of the definition `open` and waits for them (子案).

    `for`: a list or set of the form (a case for each), or a number; without it one case. `pass`: fields of the child's
    form. `join` says when the event `done` comes; `failed` comes when it cannot be met any more. `rest`: what becomes
    of the others then. `counts`: the child's states that are a success; by default every end but a rejection or a
    withdrawal. `add`: the roles that may open further cases meanwhile. `depth`: how often a definition may open itself.
    """

    kind: Literal["cases"]
    open: str = Field(pattern=r"^[a-z][a-z0-9-]{2,59}$", description="The definition of the child cases")
    for_: str | None = Field(None, alias="for", description="One case for each of these, or so many")
    pass_: dict[Name, str] = Field(
        default_factory=dict, alias="pass", description="Fields of the child's form, each an expression"
    )
    join: Annotated[
        Annotated[Literal["all", "any"], Tag("word")] | Annotated[Count, Tag("count")],
        Discriminator(lambda value: "count" if isinstance(value, dict | Count) else "word"),
    ] = Field("all", description="How many must succeed")
    rest: Literal["cancel", "continue"] = Field("cancel", description="What becomes of the others then")
    counts: Names = Field((), description="The child's states that are a success")
    add: Names = Field((), description="The roles that may open further ones meanwhile")
    depth: int | None = Field(None, strict=True, ge=1, le=10, description="How often a definition may open itself")
    timeouts: tuple[Limit, ...] = Field((), description="What happens when they take too long")


class Final(Section):
    """The end: of the case, or of the state around it."""

    kind: Literal["final"]
    label: Bilingual = Field(NO_TEXT, description="What pages call it")


class Compound(_State):
    """States inside, one of them active; the event `done` comes when a final one is reached."""

    kind: Literal["compound"]
    initial: Name | None = Field(None, description="Where it begins; by default the first")
    states: dict[Name, "AnyState"] = Field(min_length=1, description="The states inside")


class Parallel(_State):
    """States inside, all active at once; the event `done` comes when all of them are done."""

    kind: Literal["parallel"]
    states: dict[Name, "AnyState"] = Field(min_length=2, description="The states inside, all active at once")


class History(Section):
    """Stands for where the state around it was when it was last left, or for `default`; `deep`: with all inside."""

    kind: Literal["history"]
    default: Name = Field(description="The state when it was never there before")
    deep: StrictBool = Field(False, description="With all that was active inside")


AnyState = Annotated[
    Form
    | Approval
    | Effective
    | Audience
    | Delivery
    | Evaluation
    | Task
    | Wait
    | Cases
    | Final
    | Compound
    | Parallel
    | History,
    Discriminator("kind"),
]

Compound.model_rebuild()
Parallel.model_rebuild()

Path = tuple[str | int, ...]

OUTCOMES = ("approved", "filed", "returned", "rejected")
"""How the chains end."""

RAISED: dict[str, tuple[str, ...]] = {
    "form": ("submit",),
    "approval": OUTCOMES,
    "effective": ("close",),
    "audience": ("frozen",),
    "delivery": ("delivered",),
    "evaluation": ("close",),
    "cases": ("done", "failed"),
    "compound": ("done",),
    "parallel": ("done",),
}
"""The events that a kind of state raises by itself."""

BY_SUBMITTER: dict[str, tuple[str, ...]] = {
    "withdraw": ("form", "approval", "audience", "delivery", "task", "wait", "cases", "compound", "parallel"),
    "recall": ("approval",),
}
"""What the submitter does by a command of its own, with a reason, and the kinds of state that say where it leads.
`recall` withdraws a case to change it."""

ENDED_BY_HAND = ("cancelled", "voided")
"""Where a case goes that is terminated or made void, or whose parent does not wait for it any more."""

STAGES = {"approval": "approving", "audience": "targeting", "delivery": "delivering", "evaluation": "evaluating"}
"""What a state of these kinds is called: pages, lists and flows know the stages of a case by these names."""

WHOLE = "case"
"""What the chart calls the state that all others are in."""

OF_THE_DELIVERY = ("ready", "paused")
"""The states that a delivery has besides the one that is declared."""


class Lifecycle(Section):
    """States, the roles that act, and the events that they do. A case begins in `initial`, by default the first.

    `extends` names a library whose lifecycle lies beneath: `marketing-lifecycle` is the usual one.
    """

    extends: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9-]{2,59}$", description="A library whose lifecycle lies beneath"
    )
    initial: Name | None = Field(None, description="Where a case begins; by default the first")
    roles: dict[Name, Role] = Field(default_factory=dict, description="Who may act, under one name")
    events: dict[Name, EventName] = Field(default_factory=dict, description="What people may do, with labels")
    states: dict[Name, AnyState] = Field(min_length=1, description="The states by name")

    def walk(self) -> Iterator[tuple[Path, str, AnyState, str]]:
        """Every state with its path in the file, its name, and the name of the state around it (empty at the top)."""
        yield from _walk(("lifecycle", "states"), self.states, "")


def _walk(path: Path, states: dict[str, AnyState], around: str) -> Iterator[tuple[Path, str, AnyState, str]]:
    for name, state in states.items():
        yield (*path, name), name, state, around
        if isinstance(state, Compound | Parallel):
            yield from _walk((*path, name, "states"), state.states, name)


def events_of(state: AnyState) -> tuple[Event, ...]:
    """Its ways out, in the order of the file."""
    return () if isinstance(state, Final | History) else state.events
