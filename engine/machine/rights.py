"""What may be done with each field of the proposal at a step: written, read, or not even seen.

A step says it by field, and by `*` for all others; where it says nothing, a field is read. Refuses to know who a
reader is: whoever is asked at a step has the step's rights.
"""

from typing import Literal

Access = Literal["hidden", "read", "write"]
Fields = tuple[tuple[str, Access], ...]

ORDER: tuple[Access, ...] = ("hidden", "read", "write")
EVERY_OTHER = "*"


def named(fields: Fields, field: str) -> Access | None:
    """What a step says of this very field; None where it only speaks of all others, or says nothing."""
    return dict(fields).get(field)


def access(fields: Fields, field: str) -> Access:
    """What a step lets its people do with a field."""
    known = dict(fields)
    return known.get(field, known.get(EVERY_OTHER, "read"))
