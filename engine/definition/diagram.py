"""What a diagram of a definition shows, as values: route, chains, countersigns, objections, and the states around them.

One picture, two ways to write it (`diagram_svg`, `diagram_mermaid`). Refuses to show less than the definition says:
every row, step, condition and way between states is in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.definition import lifecycle as own
from engine.definition.approval import Else
from engine.definition.model import Definition
from engine.definition.steps import Approve, Copy, Countersign, File, PlainStep
from engine.definition.wording import Wording
from engine.errors import Invalid, Problem
from engine.values import Bilingual, Language

Kind = Literal["approve", "file", "copy", "state", "final"]

_WORDS: Mapping[str, Bilingual] = {
    "else": Bilingual(zh="其他情况", en="else"),
    "when": Bilingual(zh="仅当", en="when"),
    "any": Bilingual(zh="或签", en="any of them"),
    "all": Bilingual(zh="全部同意", en="all of them"),
    "sequence": Bilingual(zh="依次", en="in sequence"),
    "quorum": Bilingual(zh="人数达标", en="quorum"),
    "vote": Bilingual(zh="票签", en="vote"),
    "approve": Bilingual(zh="报批", en="approve"),
    "file": Bilingual(zh="报备", en="file"),
    "copy": Bilingual(zh="抄送", en="copy"),
    "objection": Bilingual(zh="异议转报批", en="objection"),
    "convert": Bilingual(zh="上级转报批", en="a superior converts"),
    "countersign": Bilingual(zh="会签", en="countersign"),
    "due": Bilingual(zh="时限", en="within"),
    "return": Bilingual(zh="退回", en="return"),
    "draft": Bilingual(zh="草稿", en="Draft"),
    "approving": Bilingual(zh="审批中", en="Approving"),
    "returned": Bilingual(zh="已退回", en="Returned"),
    "rejected": Bilingual(zh="已拒绝", en="Rejected"),
    "withdrawn": Bilingual(zh="已撤回", en="Withdrawn"),
    "approved": Bilingual(zh="已批准", en="Approved"),
    "filed": Bilingual(zh="已备案", en="Filed"),
    "targeting": Bilingual(zh="筛选目标客户", en="Targeting"),
    "ready": Bilingual(zh="待派送", en="Ready"),
    "delivering": Bilingual(zh="派送中", en="Delivering"),
    "paused": Bilingual(zh="已暂停", en="Paused"),
    "evaluating": Bilingual(zh="评估中", en="Evaluating"),
    "closed": Bilingual(zh="已结案", en="Closed"),
    # events without a label of the definition's own: those of the states' kinds, and the submitter's
    "submit": Bilingual(zh="提交", en="submit"),
    "withdraw": Bilingual(zh="撤回", en="withdraw"),
    "recall": Bilingual(zh="撤回修改", en="withdraw to change"),
    "frozen": Bilingual(zh="名单已冻结", en="frozen"),
    "delivered": Bilingual(zh="派送完毕", en="delivered"),
    "close": Bilingual(zh="结案", en="close"),
    "done": Bilingual(zh="完成", en="done"),
    "failed": Bilingual(zh="未达成", en="failed"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A step or a state: its title and the lines below it."""

    id: str
    title: str
    lines: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Group:
    """A column of a chain: one step, or the branches of a countersign under a title."""

    boxes: tuple[Box, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A chain, with the rows of the route that lead to it."""

    name: str
    conditions: tuple[str, ...]
    groups: tuple[Group, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Objection:
    """A filing that may be objected to, and the chain the case takes then."""

    lane: str
    step: str
    to: str


@dataclass(frozen=True, slots=True)
class Way:
    """From a state to a state. `back`: against the reading direction."""

    source: str
    target: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn. `columns` are the states from left to right."""

    title: str
    summary: str
    lanes: tuple[Lane, ...]
    objections: tuple[Objection, ...]
    columns: tuple[tuple[Box, ...], ...]
    ways: tuple[Way, ...]
    names: Mapping[str, str] = field(default_factory=dict)


def picture(definition: Definition, *, chain: str = "", language: Language = "zh") -> Picture:
    """The picture of a definition, or of one chain of it. Invalid where there is no such chain."""
    return _Painter(definition, language).picture(chain)


class _Painter:
    def __init__(self, definition: Definition, language: Language) -> None:
        self.definition = definition
        self.language = language
        self.words = Wording(definition, language)

    def picture(self, chain: str) -> Picture:
        approval = self.definition.approval
        names = [chain] if chain else list(approval.chains)
        if chain and chain not in approval.chains:
            hint = f"there are {', '.join(approval.chains)}" if approval.chains else "it has no chains"
            raise Invalid([Problem("chain", f"{self.definition.name} has no chain {chain}", hint)])
        lanes = tuple(self.lane(name) for name in names)
        objections = tuple(
            Objection(name, step.name, step.objection.then)
            for name in names
            for step in approval.steps(name)
            if isinstance(step, File) and step.objection
        )
        boxes, ways = ([], []) if chain else self.states()
        title = f"{self.definition.title.in_language(self.language)} v{self.definition.version}"
        steps = sum(len(group.boxes) for lane in lanes for group in lane.groups)
        summary = f"{title}: {len(lanes)} chains, {steps} steps, {sum(map(len, boxes))} states"
        return Picture(title, summary, lanes, objections, tuple(map(tuple, boxes)), tuple(ways))

    def word(self, name: str) -> str:
        known = _WORDS.get(name)
        return known.in_language(self.language) if known else name.replace("_", " ")

    def lane(self, name: str) -> Lane:
        conditions = tuple(
            f"{number}. {self.word('else') if isinstance(row, Else) else self.words.rule(row.when)}"
            for number, row in enumerate(self.definition.approval.route, start=1)
            if row.use == name
        )
        groups = tuple(self.group(step) for step in self.definition.approval.steps(name))
        end = self.word("filed" if self.definition.approval.only_files(name) else "approved")
        return Lane(name, conditions, groups, end)

    def group(self, step: PlainStep) -> Group:
        if not isinstance(step, Countersign):
            return Group((self.step(step),))
        join = step.join if isinstance(step.join, str) else f"{step.join.n}/{len(step.branches)}"
        title = f"{self.word('countersign')}: {step.title.in_language(self.language)} ({self.word(join)})"
        when = f" {self.word('when')} {self.words.rule(step.when)}" if step.when else ""
        return Group(tuple(self.step(branch) for branch in step.branches), title + when)

    def step(self, step: Approve | File | Copy) -> Box:
        lines = [self.words.who(step.who)]
        match step:
            case Approve():
                timeout = step.timeout
                at = getattr(timeout, "at", None)
                lines.append(
                    self.word(step.decide.mode) + (f", {self.word('due')} {self.words.span(at)}" if at else "")
                )
                kind: Kind = "approve"
            case File():
                lines.append(f"{self.word('file')}, {self.word('due')} {self.words.span(step.ack)}")
                if step.objection:
                    lines.append(
                        f"{self.word('objection')} {self.words.span(step.objection.window)}: {step.objection.then}"
                    )
                if step.convert:
                    lines.append(f"{self.word('convert')}: {step.convert}")
                kind = "file"
            case Copy():
                lines.append(self.word("copy"))
                kind = "copy"
        if step.when:
            lines.append(f"{self.word('when')} {self.words.rule(step.when)}")
        return Box(step.name, step.title.in_language(self.language), tuple(lines), kind)

    def states(self) -> tuple[list[list[Box]], list[Way]]:
        """The states in columns, by how many moves they are away from the beginning."""
        if self.definition.lifecycle is not None:
            return self.declared(self.definition.lifecycle)
        return self.usual()

    def usual(self) -> tuple[list[list[Box]], list[Way]]:
        definition = self.definition
        files = [definition.approval.only_files(name) for name in definition.approval.chains]
        ends = [name for name, there in (("approved", not all(files)), ("filed", any(files))) if there]
        columns = [["draft"], ["approving", "returned", "rejected", "withdrawn"], ends]
        ways = [Way("draft", "approving"), Way("approving", "returned"), Way("returned", "approving", back=True)]
        ways += [Way("approving", "rejected"), Way("approving", "withdrawn")]
        ways += [Way("approving", end) for end in ends]
        before = ends
        stages = [
            *(["targeting"] if definition.audience else []),
            *(["ready", "delivering"] if definition.delivery else []),
            *(["evaluating"] if definition.audience or definition.delivery or definition.evaluation else []),
            "closed",
        ]
        for stage in stages:
            columns.append([stage, "paused"] if stage == "delivering" else [stage])
            ways += [Way(one, stage) for one in before]
            before = [stage]
            if stage == "delivering":
                ways += [Way("delivering", "paused"), Way("paused", "delivering", back=True)]
        last = ("rejected", "withdrawn", "closed")
        boxes = [[Box(n, self.word(n), (), "final" if n in last else "state") for n in names] for names in columns]
        return boxes, ways

    def declared(self, lifecycle: own.Lifecycle) -> tuple[list[list[Box]], list[Way]]:
        found = {name: state for _, name, state, _ in lifecycle.walk()}
        pairs = [
            (name, target)
            for name, state in found.items()
            for target in (*_targets(state), *_inside(state))
            if target in found
        ]
        rank = _ranks(next(iter(found)) if not lifecycle.initial else lifecycle.initial, list(found), pairs)
        columns: list[list[Box]] = [[] for _ in range(max(rank.values()) + 1)]
        for name, state in found.items():
            columns[rank[name]].append(self.declared_box(name, state, found))
        return columns, [Way(a, b, back=rank[b] <= rank[a]) for a, b in dict.fromkeys(pairs)]

    def event(self, name: str | None) -> str:
        lifecycle = self.definition.lifecycle
        known = lifecycle.events.get(name) if lifecycle and name else None
        label = known.label.in_language(self.language) if known else ""
        return str(label) or (self.word(name) if name else "")

    def role(self, name: str) -> str:
        lifecycle = self.definition.lifecycle
        label = lifecycle.roles[name].label.in_language(self.language) if lifecycle else ""
        return str(label) or name

    def label(self, name: str, state: own.AnyState | None) -> str:
        label = getattr(state, "label", Bilingual())
        return str(label.in_language(self.language)) or name.replace("_", " ")

    def declared_box(self, name: str, state: own.AnyState, found: Mapping[str, own.AnyState]) -> Box:
        lines = []
        for event in own.events_of(state):
            who = f" ({', '.join(map(self.role, event.role))})" if event.role else ""
            when = f" {self.word('when')} {self.words.rule(event.when)}" if event.when else ""
            to = f" → {', '.join(self.label(one, found.get(one)) for one in event.to)}" if event.to else ""
            lines.append(f"{self.event(event.event)}{who}{when}{to}".strip())
        kind: Kind = "final" if isinstance(state, own.Final) else "state"
        return Box(name, self.label(name, state), tuple(lines), kind)


def _targets(state: own.AnyState) -> Iterator[str]:
    for event in own.events_of(state):
        yield from event.to


def _inside(state: own.AnyState) -> tuple[str, ...]:
    """The states within a state that are entered with it."""
    match state:
        case own.Parallel():
            return tuple(state.states)
        case own.Compound():
            return (state.initial or next(iter(state.states)),)
        case _:
            return ()


def _ranks(first: str, names: list[str], pairs: list[tuple[str, str]]) -> dict[str, int]:
    """The column of each state: the longest way there from the first, ways back left out; unreached ones last."""
    onward: dict[str, list[str]] = {name: [] for name in names}
    for source, target in pairs:
        onward[source].append(target)
    order, open_now = [], set[str]()
    back: set[tuple[str, str]] = set()

    def visit(name: str) -> None:
        open_now.add(name)
        for target in onward[name]:
            if target in open_now:
                back.add((name, target))
            elif target not in order:
                visit(target)
        open_now.discard(name)
        order.append(name)

    visit(first)
    rank = {first: 0}
    for name in reversed(order):
        for target in onward[name]:
            if (name, target) not in back:
                rank[target] = max(rank.get(target, 0), rank[name] + 1)
    far = max(rank.values()) + 1
    return {name: rank.get(name, far) for name in names}
