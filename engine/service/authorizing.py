"""Who may do what: the one table that every route, page and service function asks. Default deny.

It answers by role alone, whatever the case. What somebody may do with one case is decided where the case is: whether
they see it by `store.visibility`, whether they may act by the machine, inside the transaction. Who may not is told the
same as where nothing is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import NotFound
from engine.service.views import Viewer

Scope = Literal["read", "act", "author", "administer", "session"]
Action = Literal[
    "account.keep",
    "cases.read",
    "cases.start",
    "cases.act",
    "definitions.read",
    "definitions.write",
    "tasks.hand_over",
    "organisation.manage",
    "accounts.let_in",
    "suppressions.manage",
    "dataset.manage",
    "holdout.manage",
    "budgets.read",
    "budgets.keep",
    "costs.read",
    "costs.keep",
    "customers.ask",
    "customers.reveal",
    "customers.erase",
    "hall.serve",
    "waivers.ask",
    "waivers.decide",
    "groups.read",
    "groups.write",
    "policy.manage",
    "arbitration.run",
    "arbitration.commit",
    "offers.read",
    "offers.manage",
    "rehearsals.run",
    "operation.watch",
    "operation.act",
    "audit.read",
    "channels.manage",
    "webhooks.keep",
    "calls.make",
    "calls.lead",
    "proofs.send",
    "seeds.manage",
    "views.read",
    "views.keep",
    "metrics.read",
    "leagues.read",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """The roles that may, at any office; none named means everybody who is signed in, but for who serves customers
    only. `scope` is what an API token needs besides: "session" is never given to a token."""

    scope: Scope
    roles: tuple[str, ...] = ()


RULES: Mapping[Action, Rule] = {
    "account.keep": Rule("session"),
    "cases.read": Rule("read"),
    "cases.start": Rule("act", ("submitter",)),
    "cases.act": Rule("act"),
    "definitions.read": Rule("read", ("definition_author", "administrator")),
    "definitions.write": Rule("author", ("definition_author", "administrator")),
    "tasks.hand_over": Rule("act", ("process_admin", "administrator")),
    "organisation.manage": Rule("administer", ("administrator",)),
    "accounts.let_in": Rule("session", ("administrator",)),
    "suppressions.manage": Rule("administer", ("administrator",)),
    "dataset.manage": Rule("administer", ("administrator",)),
    "holdout.manage": Rule("administer", ("administrator",)),
    "budgets.read": Rule("read", ("finance", "administrator", "auditor")),
    "budgets.keep": Rule("act", ("finance", "administrator")),
    "costs.read": Rule("read", ("finance", "analyst", "marketing", "administrator", "auditor")),
    "costs.keep": Rule("act", ("finance", "administrator")),
    "customers.ask": Rule("administer", ("process_admin", "administrator")),
    "customers.reveal": Rule("administer", ("administrator",)),
    "customers.erase": Rule("administer", ("administrator",)),
    "hall.serve": Rule("act", ("clerk",)),
    "waivers.ask": Rule("act", ("submitter", "administrator")),
    "waivers.decide": Rule("administer", ("administrator",)),
    "groups.read": Rule("read", ("submitter", "analyst", "definition_author", "administrator")),
    "groups.write": Rule("act", ("submitter", "analyst", "definition_author", "administrator")),
    "policy.manage": Rule("administer", ("administrator",)),
    "arbitration.run": Rule("act", ("process_admin", "administrator")),
    "arbitration.commit": Rule("administer", ("administrator",)),
    "offers.read": Rule("read"),
    "offers.manage": Rule("act", ("marketing", "administrator")),
    "rehearsals.run": Rule("act", ("submitter", "analyst", "marketing", "administrator")),
    "operation.watch": Rule("read", ("process_admin", "administrator")),
    "operation.act": Rule("administer", ("process_admin", "administrator")),
    "audit.read": Rule("read", ("auditor", "administrator")),
    "channels.manage": Rule("administer", ("administrator",)),
    "webhooks.keep": Rule("act", ("process_admin", "administrator")),
    "calls.make": Rule("act", ("caller",)),
    "calls.lead": Rule("act", ("submitter", "head", "marketing", "process_admin", "administrator")),
    "proofs.send": Rule("act", ("submitter", "head", "marketing", "process_admin", "administrator")),
    "seeds.manage": Rule("administer", ("administrator",)),
    "views.read": Rule("read"),
    "views.keep": Rule("act"),
    "metrics.read": Rule("read"),
    "leagues.read": Rule("read", ("head", "marketing", "analyst", "process_admin", "auditor", "administrator")),
}


COUNTER = ("clerk",)
"""Roles of people who serve customers: with no other one, what is everybody's is not theirs but for their account."""


def allowed(viewer: Viewer, action: Action) -> bool:
    """Whether the viewer's roles allow the action, and the scopes of the token that they came with."""
    rule = RULES[action]
    if viewer.scopes is not None and rule.scope not in viewer.scopes:
        return False
    if rule.roles:
        return viewer.has(*rule.roles)
    return action == "account.keep" or not viewer.grants or any(one.role not in COUNTER for one in viewer.grants)


def authorize(viewer: Viewer, action: Action) -> None:
    """NotFound unless the viewer may: who may not is not told that there is something."""
    if not allowed(viewer, action):
        raise NotFound()
