"""The chart of a case type: the approval chains inside the default lifecycle, and the stages after them.

draft -> approving -> (returned -> approving)* -> approved | filed -> targeting -> ready -> delivering <-> paused ->
evaluating -> closed; ends rejected, withdrawn, cancelled (terminated) and voided. A stage that the definition does not
have is not in the chart.
"""

from msgspec import Struct

from engine.machine.chains import Chains, Kinds, chain, rerouted
from engine.machine.chart import AnyState as ChartState
from engine.machine.chart import Atomic, Chart, Compound, Final, Transition
from engine.machine.states import Approving, Audience, Delivery, Effective, Ended, Evaluation, Form, Ready

_WITHDRAW = Transition(("withdrawn",), ("withdraw",))
# from anywhere; `operations` says who may, and when
_ANYWHERE = tuple(
    Transition((state,), (event,))
    for event, state in (
        ("terminate", "cancelled"),
        ("void", "voided"),
        ("wake.draft", "draft"),
        ("wake.returned", "returned"),
    )
)


class Stages(Struct, frozen=True):
    """Which stages follow the approval."""

    audience: bool = False
    delivery: bool = False
    evaluation: Evaluation | None = None


def lifecycle(chains: Chains, stages: Stages) -> tuple[Chart, Kinds]:
    """The compiled chart, and the kind of each state that has one."""
    kinds: Kinds = {
        "draft": Form(),
        "approving": Approving(),
        "returned": Form("returned"),
        "rejected": Ended("rejected"),
        "withdrawn": Ended(),
        "cancelled": Ended("cancelled"),
        "voided": Ended("voided"),
    }
    submits = tuple(Transition((name,), (f"submit.{name}",)) for name in chains)
    approving = Compound(
        id="approving",
        transitions=(_WITHDRAW, Transition(("returned",), ("recall",)), *rerouted(chains)),
        children=tuple(chain(name, columns, kinds) for name, columns in chains.items()),
    )
    root = Compound(
        id="case",
        transitions=(*_ANYWHERE, Transition(("cancelled",), ("cancel",))),
        children=(
            Atomic(id="draft", transitions=(*submits, _WITHDRAW)),
            approving,
            Atomic(id="returned", transitions=(*submits, _WITHDRAW)),
            *_stages(stages, kinds),
            Final(id="rejected"),
            Final(id="withdrawn"),
            Final(id="cancelled"),
            Final(id="voided"),
        ),
    )
    return Chart(root), kinds


def _stages(stages: Stages, kinds: Kinds) -> list[ChartState]:
    """The states after the approval, each going on to the next one that the definition has."""
    follow = [
        *(["targeting"] if stages.audience else []),
        *(["ready"] if stages.delivery else []),
        *(["evaluating"] if stages != Stages() else []),
    ]
    first = follow[0] if follow else ""
    close = Transition(("closed",), ("close",))
    states: list[ChartState] = []
    for name in ("approved", "filed"):
        kinds[name] = Effective(name, last=not first)
        ways = (Transition((first,)),) if first else (close,)
        states.append(Atomic(id=name, transitions=ways))
    if stages.audience:
        kinds["targeting"] = Audience()
        frozen = Transition((follow[1],), ("frozen",))
        states.append(Atomic(id="targeting", transitions=(frozen, _WITHDRAW)))
    if stages.delivery:
        kinds |= {"ready": Ready(), "delivering": Delivery(), "paused": Delivery(paused=True)}
        over = Transition(("evaluating",), ("delivered",))
        states += [
            Atomic(id="ready", transitions=(Transition(("delivering",), ("start",)), _WITHDRAW)),
            Atomic(id="delivering", transitions=(Transition(("paused",), ("pause",)), over)),
            Atomic(id="paused", transitions=(Transition(("delivering",), ("resume",)), over)),
        ]
    if first:
        kinds["evaluating"] = stages.evaluation or Evaluation()
        states.append(Atomic(id="evaluating", transitions=(close,)))
    kinds["closed"] = Ended()
    return [*states, Final(id="closed")]
