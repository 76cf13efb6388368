"""The answer to each guarantee: proved, refuted by a run of the machine, or not decided and why.

Inside the proof's world: every whole form, every order of decisions, objections, silence, returns and resubmissions
with other values, the stages of the lifecycle, whoever holds the roles. Outside: what an administrator does by hand,
and that nobody holds a role. Refuses to call anything refuted that the machine did not do before its eyes.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import assert_never

from engine.definition.approval import Row
from engine.definition.cast import Cast
from engine.definition.guarantees import Always, Guarantee, Never, Occurrence, Then
from engine.definition.model import Definition
from engine.definition.prove_chart import Move, Region, Walk, World
from engine.definition.prove_forms import Form, Undecided, shown
from engine.definition.prove_lifecycle import rests
from engine.definition.prove_replay import ROUND, NotPlayed, Played, is_playable, play, played, started
from engine.definition.prove_route import RouteTable
from engine.definition.prove_terms import Formula, Untranslatable, either, not_false
from engine.definition.prove_ways import path, reached_from, stuck_at
from engine.definition.steps import Approve, Countersign, File, PlainStep
from engine.errors import CountersignError
from engine.machine import chains as chart_chains
from engine.machine.case import Decision
from engine.machine.commands import Decide
from engine.machine.expiring import EXPIRE

EFFECTIVE = (Occurrence("approved"), Occurrence("filed"))


@dataclass(frozen=True)
class Proved:
    """It holds for every case. `cases` is how many regions of forms were walked."""

    cases: int
    reason = example = ""


@dataclass(frozen=True)
class Refuted:
    """The machine did it: a case with `form`, submitted, then `done` in this order, came to what must not be."""

    form: Form
    done: tuple[str, ...]
    came_to: str
    example: str
    events: tuple[str, ...] = ()
    """The same as events of the chart, by which `prove_replay.play` goes there again."""
    reason = ""

    def __str__(self) -> str:
        is_draft = bool(self.events) and not self.events[0].startswith("submit.")
        steps = ", ".join(self.done if is_draft else ("submit", *self.done))
        return f"a case with {self.example}: {steps} -> {self.came_to}"


@dataclass(frozen=True)
class NotDecided:
    """No sure answer."""

    reason: str
    example = ""


Answer = Proved | Refuted | NotDecided


class Prover:
    """All guarantees of one definition that has no error."""

    def __init__(self, definition: Definition, table: RouteTable | None = None) -> None:
        self.definition = definition
        self.table = table or RouteTable(definition)
        self.world = World(definition, self.table)
        self.process = self.world.process

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """To all guarantees, in the order of the file."""
        return tuple(self.answer(guarantee) for guarantee in self.definition.guarantees)

    def names(self, one: Occurrence) -> tuple[str, ...]:
        """What may stand where `one` does: the states of the lifecycle, or the steps that this can happen to."""
        if not one.happening:
            chart = self.process.chart
            return tuple(state.id for n, state in enumerate(chart.states) if chart.parent[n] == 0)
        chains = self.definition.approval.chains
        steps = [step for chain in chains for step in _single(self.definition.approval.steps(chain))]
        kinds = {"approved": (Approve,), "acknowledged": (File,)}.get(one.happening, (Approve, File))
        return tuple(dict.fromkeys(step.name for step in steps if isinstance(step, kinds)))

    def answer(self, guarantee: Guarantee) -> Answer:
        """Proved, refuted, or not decided. Takes as long as the limits of `prove_forms` and `prove_chart` allow."""
        try:
            return self._answer(guarantee)
        except Untranslatable as error:
            return NotDecided(f"the solver cannot be told about {error}")
        except Undecided as error:
            return NotDecided(str(error))
        except NotPlayed as error:
            return NotDecided(f"a way was found on the chart, and the machine did not go it: {error}")

    def _answer(self, guarantee: Guarantee) -> Answer:
        match guarantee:
            case Never():
                never = (Occurrence.parse(guarantee.never),)
                before = (Occurrence.parse(guarantee.before),) if guarantee.before else ()
                return self._never(never, before, guarantee.when)
            case Then() if guarantee.route:
                return self._route(guarantee)
            case Then():
                return self._never(EFFECTIVE, (Occurrence.parse(guarantee.then),), guarantee.if_)
            case Always(always="every case ends"):
                return self._ends()
            case _ if self.process.declared is not None and not self.process.route and not isinstance(guarantee, Never):
                raise Undecided("the definition has no approval: its states say who acts")
            case Always(always="somebody decides"):
                return self._never(EFFECTIVE, tuple(self._decisions()), None)
            case Always():
                return self._twice()
            case _:
                assert_never(guarantee)

    def _decisions(self) -> Iterator[Occurrence]:
        for chain in self.definition.approval.chains:
            for step in _single(self.definition.approval.steps(chain)):
                yield Occurrence(step.name, "approved")
                yield Occurrence(step.name, "acknowledged")

    def _route(self, guarantee: Then) -> Answer:
        fits = not_false(self.world.forms.meaning(guarantee.if_))
        takings = [(row.use, self.table.taking(n)) for n, row in enumerate(self.table.rows)]
        other = either(*(taking for chain, taking in takings if chain != guarantee.route))
        form = self.world.forms.find(fits, other)
        if form is None:
            return Proved(len(takings))
        trial = started(self.process, form)
        if trial.case.route == guarantee.route:
            raise NotPlayed(f"the case takes {trial.case.route}")
        return self._refuted(
            played(trial, form, (), (f"submit.{trial.case.route}",)), f"route {trial.case.route}", guarantee.if_
        )

    def _never(self, never: Sequence[Occurrence], before: Sequence[Occurrence], when: str | None) -> Answer:
        self._refuse_amended(when)
        walked = 0
        limit: Formula = True if when is None else not_false(self.world.forms.meaning(when))
        bad, good = self._marks(never), self._marks(before)
        maybe: NotPlayed | None = None
        for number, region in enumerate(self.world.regions):
            if when is not None and not self.world.forms.is_possible(region.formula, limit):
                continue
            walked += 1
            walk = self.world.walk(number)
            begins = self._begins(walk)
            if all(path(walk, bad, good, lambda move: True, begin=place) is None for place in begins):
                continue
            events = self._playable(walk, begins, bad, good)
            if events is None:
                maybe = NotPlayed("it goes by an event that is not tried")
                continue
            form = self._form_of(region, limit)
            try:
                run = play(self.process, form, events)
                if _happens(run.happened, never, before):
                    came_to = next(one for one in reversed(run.happened) if one in never)
                    return self._refuted(run, _words(came_to), when or "")
                maybe = NotPlayed(f"after {', '.join(run.done)} it is {run.state}")
            except NotPlayed as error:
                maybe = error
        if maybe is not None:
            raise maybe
        return Proved(walked)

    def _begins(self, walk: Walk) -> list[int]:
        """The places of a walk where a round may begin: where a case does, and the forms that any case comes to."""
        return self._begins_of(walk, self._forms)

    def _begins_of(self, walk: Walk, forms: Set[str]) -> list[int]:
        return [0, *(place for place, form in walk.begins.items() if place and form in forms)]

    @cached_property
    def _forms(self) -> frozenset[str]:
        """The forms that cases come to, whatever their values were before."""
        found: set[str] = set()
        before = -1
        while len(found) > before:
            before = len(found)
            for number in range(len(self.world.regions)):
                walk = self.world.walk(number)
                come_to = set().union(*(reached_from(walk, place) for place in self._begins_of(walk, found)))
                found |= {form for place, form in walk.begins.items() if place in come_to}
        return frozenset(found)

    def _playable(
        self, walk: Walk, begins: Sequence[int], bad: frozenset[str], good: frozenset[str]
    ) -> tuple[str, ...] | None:
        """A way that a trial can go, from the beginning of a case: perhaps to a form that it comes back to first."""

        def playable(move: Move) -> bool:
            # the time of a case counts from its first submission on
            is_early = move.event == EXPIRE and any(move is one for one in walk.moves[0])
            return is_playable(self.process, move.event) and not is_early

        for place in begins:
            rest = path(walk, bad, good, playable, begin=place)
            first = path(walk, frozenset(), frozenset(), playable, to=place) if place and rest else ()
            if rest is not None and first is not None:
                return (*first, *rest)
        return None

    def _way_to(self, walk: Walk, begins: Sequence[int], to: int) -> tuple[str, ...]:
        """The way from the beginning of a case to a place. Raises NotPlayed."""
        for begin in begins:
            first = path(walk, frozenset(), frozenset(), lambda move: True, to=begin)
            rest = path(walk, frozenset(), frozenset(), lambda move: True, begin=begin, to=to)
            if first is not None and rest is not None:
                return (*first, *rest)
        raise NotPlayed("it is come to by other values than it began with")

    def _form_of(self, region: Region, limit: Formula) -> Form:
        form = self.world.forms.find(region.formula, limit)
        assert form is not None, "the solver said that there is one"
        if not self.world.answers_as(region, form):
            raise Undecided("the engine reads a condition otherwise than the solver")
        return form

    def _ends(self) -> Answer:
        forms = self.world.forms
        refused = forms.find(self.world.refused())
        if refused is not None:
            try:
                started(self.process, refused)
            except CountersignError as error:
                example = self.table.example(refused)
                return Refuted(refused, (), f"it cannot be submitted: {error.message}", example)
            raise NotPlayed("a form that should be refused is taken")
        for number, region in enumerate(self.world.regions):
            walk = self.world.walk(number)
            begins = self._begins(walk)
            stuck = stuck_at(walk, begins, partial(rests, self.process))
            if stuck is None:
                continue
            events = self._way_to(walk, begins, stuck)
            run = play(self.process, region.form, events)
            trial = run.trial
            # what who is asked in a declared state may do is among what is possible
            asked = [task for task in trial.open_tasks() if task.verb != "work"]
            if asked or trial.case.timers or set(trial.process.possible(trial.case)) - {"withdraw"}:
                raise NotPlayed(f"in {run.state} something is still possible")
            return self._refuted(run, f"{run.state}, where nothing more can happen", "")
        return Proved(len(self.world.regions))

    def _twice(self) -> Answer:
        """Nobody decides twice in a round.

        Tried with one person behind every pair of roles; proved only where no round has two steps that decide, for
        what carries a decision over does so only where the same person is asked again later.
        """
        places = self.process.declared.places.values() if self.process.declared else ()
        if any(place.kind == "task" for place in places):
            raise Undecided("people also act in the states of the lifecycle")
        for region in self.world.regions:
            steps = self._taken(region)
            for one, other in combinations(steps, 2):
                run = self._with_one_person(region, one, other)
                if run is not None:
                    return run
        most = max((len(self._taken(region)) for region in self.world.regions), default=0)
        if most > 1:
            return NotDecided("two steps decide in one round; no way was found in which one person decides at both")
        if any(step.timeout and step.timeout != "never" and step.timeout.at for step in self._approvals()):
            return NotDecided("escalation may bring a person to a step again")
        return Proved(len(self.world.regions))

    def _approvals(self) -> Iterator[Approve]:
        for chain in self.definition.approval.chains:
            yield from (step for step in _single(self.definition.approval.steps(chain)) if isinstance(step, Approve))

    def _taken(self, region: Region) -> list[Approve]:
        """The approvals that are asked on the chain of a region."""
        taken = []
        for step in self.definition.approval.steps(region.chain):
            if step.when is not None and not region.bits.get(step.when, True):
                continue
            taken += [
                one for one in _single((step,)) if isinstance(one, Approve) and region.bits.get(one.when or "", True)
            ]
        return taken

    def _with_one_person(self, region: Region, one: Approve, other: Approve) -> Refuted | None:
        """Everybody approves, with one person behind both steps; what the machine makes of it."""
        if not (isinstance(one.who, str) and isinstance(other.who, str)):
            return None
        cast = Cast(same={one.who: "both", other.who: "both"})
        done: list[str] = []
        try:
            trial = started(self.process, region.form, cast)
            for _ in range(200):
                tasks = trial.open_tasks()
                if not tasks or trial.case.state != "approving":
                    break
                task = tasks[0]
                trial.do(Decide(actor=task.person, task=task.id, decision=_onward(task.verb)))
                done.append(f"{task.step} {_onward(task.verb)}")
        except CountersignError as error:
            raise NotPlayed(error.message) from None
        tasks_ = trial.case.tasks
        decided = [
            task for task in tasks_ if task.person == "both" and task.decision == "approve" and task.reason != "carried"
        ]
        rounds = [task.round for task in decided]
        if len({task.step for task in decided}) < 2 or len(set(rounds)) == len(rounds):
            return None
        holder = f"{one.who} and {other.who} held by one person"
        return self._refuted(played(trial, region.form, done), f"that person decided twice ({holder})", "")

    def _refuted(self, run: Played, came_to: str, when: str) -> Refuted:
        texts = (when,) if when else ()
        bits = [
            text
            for region in self.world.regions
            if region.chain == run.route
            for text in (*region.bits, *region.ways, *region.passing)
        ]
        return Refuted(
            run.form, run.done, came_to, self.table.example(run.form, *texts, *dict.fromkeys(bits)), run.events
        )

    def _refuse_amended(self, when: str | None) -> None:
        """Where a form that changes on the way is in no region, a guarantee is not decided.

        A change of what approvals look at is walked: it leads to the beginning of the changed form's own way, or to
        where the case would be on that way with the approvals that it has (`amending`, `drifting`). A change that no
        aspect holds is not, nor one of what a condition of the lifecycle may have read before the approval.
        """
        of_lifecycle = self._fields_of(text for region in self.world.regions for text in region.ways)
        texts = [when] if when else []
        texts += [text for region in self.world.regions for text in (*region.bits, *region.passing)]
        texts += [row.when for row in self.table.rows if isinstance(row, Row)]
        looked_at = self.process.looked_at.values()
        seen = {name for fields in looked_at for name in fields or self.definition.proposal.fields}
        loose = (self._fields_of(texts) - seen) | of_lifecycle
        for step in self._approvals():
            amended = [name for name in sorted(loose) if step.may_write(name)]
            if amended:
                raise Undecided(f"{step.name} may change {', '.join(amended)} while the case is being approved")
        tolerance = self.process.stages.tolerance
        if tolerance and tolerance.reapproves and tolerance.field in of_lifecycle:
            raise Undecided(
                f"the customers that are counted may change {tolerance.field} after the lifecycle has read it"
            )

    def _fields_of(self, texts: Iterable[str]) -> frozenset[str]:
        return frozenset(name for text in texts for name in self.world.forms.fields_of(text))

    def _marks(self, occurrences: Sequence[Occurrence]) -> frozenset[str]:
        """What of a walk each means."""
        found = set()
        for one in occurrences:
            if not one.happening:
                found.add(f">{one.name}")
            for chain in self.process.chains:
                state = chart_chains.state_of(chain, one.name)
                match one.happening:
                    case "asked":
                        found.add(f">{state}")
                    case "approved":
                        found.add(f"!{state}.approve")
                    case "acknowledged":
                        found.add(f"!{state}.effective")
                    case _:
                        pass
        return frozenset(found)


def _happens(happened: Sequence[Occurrence], never: Sequence[Occurrence], before: Sequence[Occurrence]) -> bool:
    """Whether a run did what it must not."""
    seen = False
    for one in happened:
        if one == ROUND:
            seen = False
        seen = seen or one in before
        if one in never and not seen:
            return True
    return False


def _single(steps: Sequence[PlainStep]) -> Iterator[PlainStep]:
    for step in steps:
        if isinstance(step, Countersign):
            yield from step.branches
        else:
            yield step


def _onward(verb: str) -> Decision:
    return "acknowledge" if verb == "file" else "approve"


def _words(one: Occurrence) -> str:
    return f"{one.name} {one.happening}".strip()


__all__ = ["Answer", "NotDecided", "Proved", "Prover", "Refuted", "shown"]
