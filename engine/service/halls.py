"""Which halls are whose: a clerk serves cases of their office, of those above it and of those below it.

Refuses to look at single recommendations.
"""

from engine.organisation import Organisation
from engine.service.recording import By

CLERK = "clerk"


def serves(organisation: Organisation, by: By, office: str) -> bool:
    """Whether a case of that office is for the clerk: of an office of theirs, of one above it, or of one below it."""
    if by.viewer is None:
        return True
    line = organisation.line(office)
    return any(own in line or office in organisation.line(own) for own in offices_of(by))


def offices_of(by: By) -> tuple[str, ...]:
    """Where they are a clerk; none of the operator at their terminal."""
    return tuple(one.office for one in by.viewer.grants if one.role == CLERK) if by.viewer else ()
