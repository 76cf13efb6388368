"""What an arbitration is run over, as it was typed: days, and figures supposed otherwise than they are.

Refuses a figure that is none; what is left as it is counts as not supposed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import Connection

from engine.audience.policy import ContactPolicy
from engine.errors import InvalidForm, NotFound, Problem
from engine.service.app import Countersign
from engine.service.arbitrated import inputs_of
from engine.service.recording import By
from engine.store import arbitrations, visibility
from engine.store.policies import PolicyRow

LONGEST_PERIOD = 366
MOST, MOST_PRIORITY = 1_000_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run, as it was typed: the days, both included, and what to suppose otherwise than it is. `priorities` are
    by case, `caps` by their place in the policy in force, `capacity` by channel; `base` is the run to compare with."""

    since: str = ""
    until: str = ""
    base: str = ""
    priorities: Mapping[str, str] = field(default_factory=dict)
    caps: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed, read."""

    since: date
    until: date
    base: int
    priorities: dict[str, int]
    caps: dict[int, int]
    capacity: dict[str, int]

    def applied_to(self, policy: ContactPolicy) -> ContactPolicy:
        """The policy in force with what is supposed otherwise."""
        caps = tuple(
            cap.model_copy(update={"most": self.caps[place]}) if place in self.caps else cap
            for place, cap in enumerate(policy.caps)
        )
        return policy.model_copy(update={"caps": caps, "capacity": {**policy.capacity, **self.capacity}})


def by_id(app: Countersign, by: By, priorities: Mapping[str, str]) -> dict[str, str]:
    """Priorities by case, as people name cases, by the id of the case. NotFound where one is not there or not theirs
    to see."""
    if not priorities:
        return {}
    with app.db.read() as tx:
        if by.viewer is None:
            ids = {line.number: line.id for line in arbitrations.asking(tx)}
            named = {name: ids.get(name, name) for name in priorities}
        else:
            lines = {name: visibility.named(tx, by.person, name) for name in priorities}
            if None in lines.values():
                raise NotFound()
            named = {name: line.id for name, line in lines.items() if line is not None}
    return {named[name]: value for name, value in priorities.items()}


def read(app: Countersign, tx: Connection, wanted: Wanted, policy: PolicyRow | None) -> Read:
    """What was typed, as far as it differs from what is. InvalidForm names every wrong field; NotFound where the run to
    compare with is not there."""
    problems: list[Problem] = []
    base = arbitrations.find(tx, int(wanted.base)) if wanted.base.isdecimal() and len(wanted.base) < 9 else None
    if wanted.base and base is None:
        raise NotFound()
    today = app.now().astimezone(app.settings.zone).date()
    since = _day(wanted.since, base.since if base else today, "since", problems)
    until = _day(wanted.until, base.until if base else since + timedelta(days=6), "until", problems)
    if not problems and not 0 <= (until - since).days < LONGEST_PERIOD:
        problems.append(Problem("arbitration_period", "the period ends before it begins, or is too long", at="until"))
    known = {row.case_id: row for row in arbitrations.of_run(tx, base.number)} if base else {}
    priorities = _numbers(wanted.priorities, "priority", -MOST_PRIORITY, problems)
    priorities = {case: n for case, n in priorities.items() if case not in known or known[case].priority != n}
    carried = inputs_of(base).priorities if base else {}
    policy_ = policy.policy if policy else ContactPolicy()
    caps = {int(place): n for place, n in _numbers(wanted.caps, "cap", 1, problems).items() if place.isdecimal()}
    changed = {place: n for place, n in caps.items() if place < len(policy_.caps) and policy_.caps[place].most != n}
    capacity = _numbers(wanted.capacity, "capacity", 1, problems)
    capacity = {name: n for name, n in capacity.items() if name in policy_.capacity and policy_.capacity[name] != n}
    if problems:
        raise InvalidForm(problems)
    return Read(since, until, base.number if base else 0, carried | priorities, changed, capacity)


def _day(typed: str, otherwise: date, at: str, problems: list[Problem]) -> date:
    if not typed.strip():
        return otherwise
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        problems.append(Problem("arbitration_day", "not a day", at=at))
        return otherwise


def _numbers(typed: Mapping[str, str], of: str, least: int, problems: list[Problem]) -> dict[str, int]:
    """Those that are filled in; whole numbers from `least` on."""
    found = {}
    most = MOST_PRIORITY if of == "priority" else MOST
    for name, text in typed.items():
        plain = text.strip().replace(",", "")
        if not plain:
            continue
        is_number = len(plain) < 12 and plain.removeprefix("-").isdecimal()
        if is_number and least <= int(plain) <= most:
            found[name] = int(plain)
        else:
            fields = {"least": least, "most": most}
            told = f"a whole number from {least} to {most}"
            problems.append(Problem("arbitration_number", told, at=f"{of}.{name}", fields=fields))
    return found
