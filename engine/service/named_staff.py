"""Who is told the names of clerks and callers: who is above them in their work (decision 58).

Heads and process administrators of their office or one above it, auditors, administrators, the operator at the
terminal. Everybody else has their figures without a name, or not at all. Refuses to say which figures those are.
"""

from engine.organisation import Organisation
from engine.service.views import Viewer
from engine.store.visibility import SEES_ALL

ROLES = ("head", "process_admin")


class NamedStaff:
    """Of which offices a viewer is told the names."""

    def __init__(self, viewer: Viewer | None, organisation: Organisation) -> None:
        self._organisation = organisation
        self.of_all = viewer is None or viewer.has(*SEES_ALL)
        self._over = (
            frozenset(grant.office for grant in viewer.grants if grant.role in ROLES) if viewer else frozenset()
        )

    def of(self, office: str) -> bool:
        """Whether those of this office are named."""
        return self.of_all or not self._over.isdisjoint(self._organisation.line(office))

    @property
    def offices(self) -> frozenset[str] | None:
        """The codes of the offices whose people are named; None for all that there are and were."""
        codes = (office.code for office in self._organisation.offices)
        return None if self.of_all else frozenset(code for code in codes if self.of(code))
