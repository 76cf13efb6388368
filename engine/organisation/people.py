"""People and their grants: a grant is a role at an office, and the weight of its holder's vote there.

Role names are free (finance, head, marketing, gm, ...); definitions name them in `who`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be asked. A closed account (`active` False) holds no role.

    `same_as` names another account of the same human being (a second or merged account): neither decides on what the
    other submitted.
    """

    id: str
    name: str
    active: bool = True
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """`person` holds `role` at `office`."""

    person: str
    role: str
    office: str
    weight: int = 1
