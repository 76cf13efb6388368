"""The menu: what stands at the top of every page, and what stands behind "More", for whom."""

from dataclasses import dataclass

from api.i18n import N_
from engine.service.authorizing import Action, allowed
from engine.service.views import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the menu leads to, for those who may do `action`; `keys` lead there as well, one after the other."""

    path: str
    label: str
    action: Action
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Entries that stand together behind "More"."""

    label: str
    entries: tuple[Entry, ...]


MAIN = (
    Entry("/inbox", N_("Inbox"), "cases.read", "g i"),
    Entry("/cases", N_("Cases"), "cases.read", "g c"),
    Entry("/cases/new", N_("Start a case"), "cases.start", "g n"),
    Entry("/calendar", N_("Calendar"), "cases.read"),
    Entry("/hall", N_("Hall recommendations"), "hall.serve"),
)
PARTS: tuple[Part, ...] = (
    Part(
        N_("Campaigns"),
        (
            Entry("/definitions", N_("Definitions"), "definitions.read", "g d"),
            Entry("/groups", N_("Customer groups"), "groups.read", "g k"),
            Entry("/offers", N_("Offers and tariffs"), "offers.read"),
            Entry("/arbitration", N_("Arbitration"), "arbitration.run"),
            Entry("/budgets", N_("Budgets"), "budgets.read"),
            Entry("/costs", N_("Cost table"), "costs.read"),
            Entry("/calls", N_("Calls"), "calls.make"),
            Entry("/calls/lists", N_("Call lists"), "calls.lead"),
            Entry("/waivers", N_("Waivers"), "waivers.ask"),
            Entry("/customers", N_("Customer query"), "customers.ask"),
            Entry("/erasures", N_("Erasures"), "customers.erase"),
            Entry("/admin/data", N_("Customer data"), "dataset.manage"),
            Entry("/admin/suppressions", N_("Suppression lists"), "suppressions.manage"),
            Entry("/admin/seeds", N_("Seeds"), "seeds.manage"),
            Entry("/admin/policy", N_("Contact policy"), "policy.manage"),
            Entry("/admin/holdout", N_("Global holdout"), "holdout.manage"),
        ),
    ),
    Part(
        N_("Analysis"),
        (
            Entry("/dashboards/halls", N_("Hall statistics"), "metrics.read"),
            Entry("/dashboards/effect", N_("Effect of cases"), "metrics.read"),
            Entry("/dashboards/sends", N_("Mass sends"), "metrics.read"),
            Entry("/process", N_("Process"), "cases.read"),
            Entry("/league", N_("League tables"), "leagues.read"),
            Entry("/library", N_("Case library"), "cases.read"),
            Entry("/views", N_("Views and reports"), "views.read"),
        ),
    ),
    Part(
        N_("Organisation"),
        (
            Entry("/admin/people", N_("People"), "organisation.manage"),
            Entry("/admin/offices", N_("Offices"), "organisation.manage"),
            Entry("/admin/groups", N_("Groups"), "organisation.manage"),
            Entry("/admin/hand-over", N_("Hand-over"), "tasks.hand_over"),
            Entry("/admin/import", N_("Import and export"), "organisation.manage"),
            Entry("/admin/operation", N_("Operation"), "operation.watch"),
            Entry("/channels", N_("Channels"), "channels.manage"),
            Entry("/admin/audit", N_("Audit"), "audit.read"),
            Entry("/access", N_("Access record"), "audit.read"),
        ),
    ),
    Part(
        N_("Your own"),
        (
            Entry("/account", N_("My account"), "account.keep"),
            Entry("/notifications", N_("Notifications"), "account.keep"),
            Entry("/stand-ins", N_("Stand-ins"), "cases.read"),
            Entry("/keyboard", N_("Keyboard"), "account.keep"),
            Entry("/webhooks", N_("Webhooks"), "webhooks.keep"),
        ),
    ),
)
MORE = tuple(entry for part in PARTS for entry in part.entries)


def home(viewer: Viewer) -> str:
    """Where the viewer begins: at the inbox, or where that is nothing to them at the first page that is."""
    return next((entry.path for entry in menu(MAIN, viewer)), "/account")


def menu(entries: tuple[Entry, ...], viewer: Viewer) -> tuple[Entry, ...]:
    """Those of the entries that lead the viewer somewhere."""
    return tuple(entry for entry in entries if allowed(viewer, entry.action))
