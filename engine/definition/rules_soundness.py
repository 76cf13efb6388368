"""E5xx: chains that cannot be reached, cannot end, or decide nothing."""

from collections.abc import Iterator
from difflib import get_close_matches

from engine.definition.compile import tally_of
from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.steps import Approve, AtLeast, Copy, File, Include, Use, Vote
from engine.errors import InvalidExpression
from engine.machine.tally import Ballot

UNANIMOUS = (1, 3, 12)
"""So many seats, all in favour."""


class ChainNeverUsed(LintRule):
    """no case ever takes the chain {name}"""

    code = "E501"

    def find(self, subject: Subject) -> Iterator[Finding]:
        approval = subject.definition.approval
        if subject.shape.was_lost("approval", "route") or subject.shape.was_lost("approval", "chains"):
            return
        used = {row.use for row in approval.route}
        used |= _meant(used, subject.chains)
        for _, step in subject.steps:
            if isinstance(step, Include):
                used.add(step.include)
        used |= {then for _, _, _, then in becoming(subject)}
        for name in approval.chains:
            if name not in used:
                yield Finding(
                    ("approval", "chains", name), {"name": name}, "add a row to the route, or delete it", at_key=True
                )


class BlockNeverUsed(LintRule):
    """no chain uses the block {name}"""

    code = "E502"

    def find(self, subject: Subject) -> Iterator[Finding]:
        used = {step.use for _, step in subject.steps if isinstance(step, Use)}
        used |= _meant(used, subject.blocks)
        for name in subject.definition.approval.blocks:
            if name not in used and not any(subject.shape.was_lost("approval", "chains", c) for c in subject.chains):
                yield Finding(
                    ("approval", "blocks", name), {"name": name}, "use it in a chain, or delete it", at_key=True
                )


class JoinStarves(LintRule):
    """the countersign waits for {n} approvals and has {branches} branches"""

    code = "E503"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for name, block in subject.definition.approval.blocks.items():
            if isinstance(block.join, AtLeast) and block.join.n > len(block.parallel):
                fields = {"n": block.join.n, "branches": len(block.parallel)}
                yield Finding(("approval", "blocks", name, "join", "n"), fields, "all of them: join: all")


class VoteNeverPasses(LintRule):
    """the vote does not pass though all {n} approve: its rules can hardly ever hold"""

    code = "E512"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, step in subject.steps:
            if not isinstance(step, Approve) or not isinstance(step.decide, Vote):
                continue
            try:
                vote = tally_of(step.decide)
            except InvalidExpression:
                continue  # told where it stands
            against = next((n for n in UNANIMOUS if vote.verdict([Ballot("approve")] * n) != "approve"), None)
            if against is not None:
                yield Finding((*path, "decide"), {"n": against}, "read pass and quorum as for that count")


class NothingDecided(LintRule):
    """nobody approves and nothing is filed on the chain {name}: its cases would pass in silence"""

    code = "E504"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for name, steps in subject.definition.approval.chains.items():
            lost = subject.shape.was_lost("approval", "chains", name)
            if not lost and all(isinstance(step, Copy) for step in steps):
                yield Finding(("approval", "chains", name), {"name": name}, "add an approve or file step", at_key=True)


class IncludesItself(LintRule):
    """the chain {name} includes itself"""

    code = "E505"

    def find(self, subject: Subject) -> Iterator[Finding]:
        includes = {
            name: {step.include for step in steps if isinstance(step, Include)}
            for name, steps in subject.definition.approval.chains.items()
        }
        for path, step in subject.steps:
            if isinstance(step, Include) and path[2] in _reach(step.include, includes):
                yield Finding((*path, "include"), {"name": path[2]}, "take the common steps into a chain of their own")


def _meant(used: set[str], known: frozenset[str]) -> set[str]:
    """The names that misspelt ones stand for: those are reported already."""
    return {close for name in used - known for close in get_close_matches(name, known, n=1, cutoff=0.6)}


def _reach(chain: str, includes: dict[str, set[str]]) -> set[str]:
    found, open_ = set(), {chain}
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ |= includes.get(one, set())
    return found


class NobodyApproves(LintRule):
    """{what} makes the case one for approval, but nobody approves on the chain {name}"""

    code = "E506"

    def find(self, subject: Subject) -> Iterator[Finding]:
        chains = subject.definition.approval.chains
        for at, _, what, then in becoming(subject):
            if chains.get(then) and all(isinstance(one, File | Copy) for one in chains[then]):
                yield Finding(at, {"what": what, "name": then}, "name a chain with an approve step")


def becoming(subject: Subject) -> Iterator[tuple[Path, File, str, str]]:
    """How each filing becomes a case for approval: where that is written, the filing, by what, and the chain."""
    for path, step in subject.steps:
        if isinstance(step, File) and step.objection:
            yield (*path, "objection", "then"), step, "an objection", step.objection.then
        if isinstance(step, File) and step.convert:
            yield (*path, "convert"), step, "a superior", step.convert


SOUNDNESS = (
    ChainNeverUsed(),
    BlockNeverUsed(),
    JoinStarves(),
    VoteNeverPasses(),
    NothingDecided(),
    IncludesItself(),
    NobodyApproves(),
)
