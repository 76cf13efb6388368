"""What people expect of an approval, said a second time and without the machine: who may decide at a step, what the
decisions there come to, and where the case goes on then. Random walks hold the machine against it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Signer:
    """A person at a step. `beside` is whom they sign with, at `place`; `aside`: another of the pool has claimed it."""

    person: str
    weight: int = 1
    beside: "Signer | None" = None
    place: str = ""
    brought_by: str = ""
    decision: str = ""
    at: int = 0
    back_to: str = ""
    aside: bool = False
    gone: bool = False


@dataclass
class Board:
    """A step that waits for people, decided by `mode`."""

    mode: str
    signers: list[Signer]
    votes: int = 0

    def with_(self, signer: Signer) -> Iterator[Signer]:
        """Who signs with somebody, or gives them an opinion."""
        return (one for one in self.signers if one.beside is signer and not one.gone)

    def seats(self) -> list[Signer]:
        return [one for one in self.signers if one.beside is None and not one.gone]

    def party(self, signer: Signer) -> Iterator[Signer]:
        """Somebody and those whose word counts through theirs."""
        yield signer
        for one in self.with_(signer):
            if one.place != "delegate":
                yield from self.party(one)

    def result(self, signer: Signer) -> str:
        """What a seat says: the first refusal of its party, else what its person said once all have."""
        party = list(self.party(signer))
        refused = sorted((one.at, one.decision) for one in party if one.decision in ("reject", "return", "object"))
        if refused:
            return refused[0][1]
        return signer.decision if all(one.decision for one in party) else ""

    def counted(self) -> list[Signer]:
        """Everybody whose word counts."""
        return [one for seat in self.seats() for one in self.party(seat)]

    def find(self, person: str) -> Signer:
        return next(one for one in self.signers if one.person == person and not one.gone)

    def verdict(self) -> str:
        said = [(self.result(one), one.weight) for one in self.seats()]
        words = [word for word, _ in said]
        against = "return" if "return" in words and "reject" not in words else "reject"
        refused = [word for word in words if word not in ("", "approve", "acknowledge")]
        if not said:
            return ""
        match self.mode:
            case "any":
                return next((word for word in words if word), "")
            case "all" | "sequence":
                return refused[0] if refused else "approve" if words and all(words) else ""
            case "quorum":
                needed = min(2, len(words))
                if words.count("approve") >= needed:
                    return "approve"
                return against if words.count("approve") + words.count("") < needed else ""
            case _:
                yes, no, out, total = (
                    sum(weight for word, weight in said if word in which)
                    for which in (
                        ("approve",),
                        ("reject", "return"),
                        ("",),
                        ("approve", "reject", "return", "abstain", ""),
                    )
                )
                if 2 * (total - out) >= total and yes > no + out:
                    return "approve"
                return against if yes + out <= no else ""

    def asked(self) -> set[str]:
        """Whose turn it is."""
        seats = [one for one in self.seats() if not self.result(one)]
        if self.mode == "sequence":
            seats = seats[:1]
        found = {one.person for seat in seats for one in self._all(seat) if self._has_turn(one)}
        if not found and any(one.aside for one in self.signers):  # nobody is left of those who claimed
            self.release()
            return self.asked()
        return found

    def _all(self, signer: Signer) -> Iterator[Signer]:
        yield signer
        for one in self.with_(signer):
            yield from self._all(one)

    def _has_turn(self, one: Signer) -> bool:
        if one.decision or one.aside:
            return False
        if one.place == "after" and one.beside is not None and not one.beside.decision:
            return False
        first = (other for other in self.with_(one) if other.place in ("before", "delegate"))
        return all(done.decision for other in first for done in self.party(other))

    # what people do

    def decide(self, person: str, decision: str, back_to: str = "") -> None:
        self.votes += 1
        signer = self.find(person)
        signer.decision, signer.at, signer.back_to = decision, self.votes, back_to

    def bring(self, by: str, people: Sequence[str], place: str) -> None:
        """`by` brings people in: before, after, beside or as a delegate; without a place, to a seat of their own."""
        beside = self.find(by) if place else None
        self.signers += [Signer(one, beside=beside, place=place, brought_by=by) for one in people]

    def replace(self, person: str, other: str, *, brought_by: str) -> None:
        """The seat is another's now."""
        old = self.find(person)
        new = Signer(other, old.weight, old.beside, old.place, brought_by)
        self.signers.insert(self.signers.index(old), new)
        self.join(old, new)

    def remove(self, person: str) -> None:
        signer = self.find(person)
        for one in list(self.with_(signer)):
            if not one.decision:
                self.remove(one.person)
        signer.gone = True

    def claim(self, person: str) -> None:
        for other in self.asked() - {person}:
            self.find(other).aside = True

    def escalate(self, late: Mapping[str, Sequence[str]]) -> None:
        """Who is late is replaced by the first of their superiors who is not asked here, or is asked for an opinion
        only; whoever decides here already decides for both."""
        for old in [self.find(person) for person in late]:
            for candidate in [] if old.gone else late[old.person]:
                same = [one for one in self.signers if one.person == candidate]
                known = min(same, key=lambda one: one.gone, default=None)
                if known is not None and (
                    known.gone or known is old or (not known.decision and self._is_closed(known))
                ):
                    continue
                if known is None or self._gives_opinion(known, old):
                    self.replace(old.person, candidate, brought_by=old.brought_by)
                    if known is not None:
                        self.join(known, self.find(candidate))
                    break
                if known in self.party(old):
                    known.beside, known.place, known.weight = old.beside, old.place, old.weight
                known.aside = False
                self.join(old, known)
                break

    def join(self, old: Signer, new: Signer) -> None:
        """Who signed with the one signs with the other, who decides for both."""
        old.gone = True
        for one in self.with_(old):
            one.beside = new

    def _gives_opinion(self, known: Signer, old: Signer) -> bool:
        """Whether what they say here would not count for the seat of `old`."""
        if old in self._above(known):
            return known not in self.party(old)
        return self._is_counted(old) and not self._is_counted(known)

    def _is_counted(self, signer: Signer) -> bool:
        """Whether their word counts: they and whom they sign with are asked, and not for an opinion."""
        return not any(one.gone or one.place == "delegate" for one in self._above(signer))

    def _above(self, signer: Signer) -> Iterator[Signer]:
        yield signer
        if signer.beside is not None:
            yield from self._above(signer.beside)

    def _is_closed(self, signer: Signer) -> bool:
        while signer.beside is not None:
            signer = signer.beside
        return bool(self.result(signer))

    def release(self) -> None:
        for one in self.signers:
            one.aside = False


@dataclass(frozen=True)
class Step:
    """A step of a chain as its author means it. `mode`: how it decides; file and copy are modes of their own."""

    name: str
    mode: str
    above: int = 0  # taken where more customers than this are reached
    carries: bool = False  # who has approved already is not asked again


@dataclass(frozen=True)
class Column:
    """Steps at the same time; `join` of them must approve (0: all). A refusal goes to `refused`."""

    steps: tuple[Step, ...]
    name: str = ""
    join: int = 0
    refused: str = "rejected"


@dataclass
class Approval:
    """The way of a case along a chain. `people` says whom a step asks; `repeat` is the definition's policy."""

    columns: tuple[Column, ...]
    reach: int
    people: Mapping[str, Sequence[str]]
    weights: Mapping[str, int]
    repeat: str
    state: str = "approving"
    place: int = -1
    boards: dict[str, Board] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    latest: dict[str, Board] = field(default_factory=dict)
    kept: dict[str, Board] = field(default_factory=dict)
    said: list[tuple[int, str]] = field(default_factory=list)

    def column_of(self, name: str) -> int:
        return next(n for n, one in enumerate(self.columns) if name == one.name or name in names(one))

    def standing(self, resume: str, returner: str, without: str = "") -> dict[str, Board]:
        """The steps whose approvals stand when `returner` has sent the case back, by the policy `resume`."""
        if resume == "restart" or (resume == "at_returner" and not returner):
            return {}
        anew = {without, *(names(self.columns[self.column_of(without)]) if self.is_sign(without) else ())}
        return {
            name: board
            for name, board in self.latest.items()
            if name not in anew
            and (resume == "changed_aspects" or (name != returner and self.column_of(name) <= self.column_of(returner)))
        }

    def is_sign(self, name: str) -> bool:
        return bool(name) and any(one.name == name for one in self.columns)

    def turn(self, to: str, kept: dict[str, Board]) -> None:
        """A round of its own from a step, or a countersign as a whole."""
        self.place, self.kept, self.said = self.column_of(to) - 1, kept, []
        self.onward()

    def onward(self) -> None:
        """To the next column that asks somebody; past the last one it is approved."""
        self.boards.clear()
        self.approved.clear()
        self.place += 1
        if self.place == len(self.columns):
            self.state = "approved"
            return
        steps = [one for one in self.columns[self.place].steps if self.reach > one.above and one.mode != "copy"]
        place = self.place
        for step in steps:
            board = self.boards[step.name] = self.latest[step.name] = self._entered(step)
            self.said += [(place, one.person) for one in board.signers if one.decision == "approve"]
        if not steps:
            self.onward()
        for step in steps:
            verdict = self.latest[step.name].verdict()
            if verdict and self.place == place:
                self.settle(step.name, verdict)

    def _entered(self, step: Step) -> Board:
        kept = self.kept.get(step.name)
        if kept is not None and kept.verdict() in ("approve", "acknowledge"):
            return kept
        mode = "any" if step.mode == "file" else step.mode
        before = {one.person for one in kept.signers if one.decision == "approve"} if kept else set()
        if self.repeat == "carry" and step.carries:
            before |= {person for _, person in self.said}
        elif self.repeat == "carry_adjacent" and step.carries:
            near = max((place for place, _ in self.said if place < self.place), default=None)
            before |= {person for place, person in self.said if place == near}
        return Board(
            mode,
            [
                Signer(one, self.weights.get(one, 1), decision="approve" if one in before else "")
                for one in self.people[step.name]
            ],
        )

    def settle(self, step: str, verdict: str, *, to: str = "", kept: dict[str, Board] | None = None) -> None:
        """A step has come to its result: the case goes on, goes back, or waits for the other steps."""
        column = self.columns[self.place]
        match verdict:
            case "approve" | "acknowledge" | "silence":
                del self.boards[step]
                self.approved.add(step)
                if not self.boards or len(self.approved) >= (column.join or len(column.steps)):
                    self.onward()
            case "return" if to:
                self.turn(to, kept or {})
            case _:
                self.boards.clear()
                self.state = "returned" if verdict == "return" else column.refused


def names(column: Column) -> tuple[str, ...]:
    return tuple(step.name for step in column.steps)
