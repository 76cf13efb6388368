"""Chains that would grow beyond reading: includes within includes double quickly, and hang whoever writes them out.

Judged before every other rule, without writing any chain out; a definition that breaks it is judged no further.
"""

from collections.abc import Iterator, Mapping

from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.steps import Include

MOST_STEPS = 500
MOST_LEVELS = 20


class TooManySteps(LintRule):
    """the chain {chain} grows beyond {most} steps or {levels} levels with what it includes"""

    code = "E509"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """See LintRule. A short loop of includes is another rule's."""
        chains = subject.definition.approval.chains
        includes = {
            name: [step.include for step in steps if isinstance(step, Include) and step.include in chains]
            for name, steps in chains.items()
        }
        own = {name: len(steps) - len(includes[name]) for name, steps in chains.items()}
        looping = _looping(includes)
        sizes, levels = dict(own), dict.fromkeys(own, 0)
        for _ in range(MOST_LEVELS + 1):
            sizes = {
                name: min(MOST_STEPS + 1, own[name] + sum(sizes[one] for one in inner if one not in looping))
                for name, inner in includes.items()
            }
            levels = {
                name: max((levels[one] + 1 for one in inner if one not in looping), default=0)
                for name, inner in includes.items()
            }
        endless = sum(len(includes[name]) for name in looping) > MOST_LEVELS
        for name in chains:
            is_large = sizes[name] > MOST_STEPS or levels[name] > MOST_LEVELS
            if endless if name in looping else is_large:
                fields = {"chain": name, "most": MOST_STEPS, "levels": MOST_LEVELS}
                hint = "take the common steps into one chain and include it once"
                yield Finding(("approval", "chains", name), fields, hint, at_key=True)


def _looping(includes: Mapping[str, list[str]]) -> frozenset[str]:
    """The chains that include themselves, or come to one that does: what remains without the finished ones."""
    waiting = {name: set(inner) for name, inner in includes.items()}
    users: dict[str, list[str]] = {name: [] for name in includes}
    for name, inner in waiting.items():
        for one in inner:
            users[one].append(name)
    finished = [name for name, inner in waiting.items() if not inner]
    for name in finished:
        for user in users[name]:
            waiting[user].discard(name)
            if not waiting[user]:
                finished.append(user)
    return frozenset(includes) - frozenset(finished)


SIZE: tuple[LintRule, ...] = (TooManySteps(),)
