"""The menu: what stands at the top of every page, and what stands behind "More", for whom."""

from dataclasses import dataclass

from api.i18n import N_
from engine.service.authorizing import Action, allowed
from engine.service.views import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the menu leads to, for those who may do `action`."""

    path: str
    label: str
    action: Action


MAIN = (
    Entry("/inbox", N_("Inbox"), "cases.read"),
    Entry("/cases", N_("Cases"), "cases.read"),
    Entry("/cases/new", N_("Start a case"), "cases.start"),
    Entry("/calendar", N_("Calendar"), "cases.read"),
)
MORE: tuple[Entry, ...] = ()


def menu(entries: tuple[Entry, ...], viewer: Viewer) -> tuple[Entry, ...]:
    """Those of the entries that lead the viewer somewhere."""
    return tuple(entry for entry in entries if allowed(viewer, entry.action))
