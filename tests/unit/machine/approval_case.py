"""People for the approval of small cases."""

from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.trial import PEOPLE


def people(**holders: tuple[str, ...]) -> FakeDirectory:
    """The usual people, with other holders of some roles at the city."""
    changed = {f"role:{role}@city": found for role, found in holders.items()}
    return FakeDirectory(PEOPLE.holders | changed, PEOPLE.superiors, PEOPLE.weights)
