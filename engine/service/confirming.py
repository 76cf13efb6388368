"""Four eyes over what the whole house keeps to: one person proposes a version, another confirms it.

The global holdout, the contact policy, the cost table, the offers and the budgets of offices are decided here and
nowhere else. Refuses a confirmation by whoever proposed it; taking one's own proposal back is possible.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from engine.errors import CountersignError, NotFound, OwnProposal, Problem
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.recording import By, Change, changing
from engine.store.versions import Proposed, Versions

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version. `state`: open, in_force, over (another followed) or refused; `since` is when it was confirmed."""

    version: int
    state: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    since: datetime | None
    may_decide: bool


Row = TypeVar("Row", bound=Proposed)
View = TypeVar("View", bound=VersionView)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Row]):
    """What has versions: its word in the trail, who may change it, what whoever confirms their own is told."""

    name: str
    versions: Versions[Row]
    action: Action
    own: type[CountersignError] = OwnProposal

    def subject(self, version: int, of: Mapping[str, str]) -> str:
        """What an entry of the trail is about: "policy 3", "offer F1"."""
        return " ".join((self.name, *(of.values() or (str(version),))))


def without_reason(reason: str) -> list[Problem]:
    """What is wrong with the reason of a change; nothing where one is given."""
    is_said = reason.strip() and len(reason) <= LONGEST_REASON
    return [] if is_said else [Problem("reason_missing", "say why", at="reason")]


def propose(
    app: Countersign,
    by: By,
    kind: Kind[Row],
    says: Callable[[Change, tuple[Row, ...]], Mapping[str, object]],
    *,
    reason: str,
    after: Mapping[str, object],
    waits: type[CountersignError],
    **of: str,
) -> None:
    """Write down the next version as it `says`, which is asked with the versions there are, the newest first. Raises
    `waits` where another one does. The caller asked whether they may."""
    with changing(app, by, None) as change:
        kind.versions.lock(change.tx)
        if change.done_before():
            return
        rows = kind.versions.history(change.tx, **of)
        waiting = next((row for row in rows if not row.decision), None)
        if waiting:
            raise waits(by=change.organisation.name(waiting.proposed_by))
        said = {**says(change, rows), "reason": reason.strip()}
        version = kind.versions.propose(change.tx, said, by=by.person, at=change.now, **of)
        told = {"version": version, **after}
        change.note(f"{kind.name}_proposed", kind.subject(version, of), after=told, reason=reason.strip())


def decide(
    app: Countersign,
    by: By,
    kind: Kind[Row],
    version: int,
    *,
    confirm: bool,
    then: Callable[[Change, Row], None] | None = None,
    **of: str,
) -> None:
    """Confirm a version, which then holds, or refuse it; `then` is done with the confirmation. NotFound where nothing
    waits under that number; the same decision twice is once."""
    decision = kind.versions.yes if confirm else "refused"
    with changing(app, by, kind.action) as change:
        kind.versions.lock(change.tx)
        if change.done_before():
            return
        row = kind.versions.find(change.tx, version, **of)
        if row is None or row.decision:
            raise NotFound()
        if confirm and row.proposed_by == by.person:
            raise kind.own()
        kind.versions.decide(change.tx, version, decision, by=by.person, at=change.now, **of)
        if confirm and then:
            then(change, row)
        change.note(f"{kind.name}_{decision}", kind.subject(version, of), after={"version": version})


def viewed(
    view: Callable[..., View], row: Proposed, current: Proposed | None, organisation: Organisation, by: By, **more: Any
) -> View:
    """A version for pages, with what this kind shows `more`; `current` is the one in force."""
    states = {"": "open", "refused": "refused"}
    state = states.get(row.decision) or ("in_force" if row == current else "over")
    return view(
        version=row.version,
        state=state,
        reason=row.reason,
        proposed_by=organisation.name(row.proposed_by),
        proposed_at=row.proposed_at,
        decided_by=organisation.name(row.decided_by) if row.decided_by else "",
        since=row.decided_at if row.decision == "confirmed" else None,
        may_decide=state == "open" and row.proposed_by != by.person,
        **more,
    )
