"""How a customer in the hall confirms that they accept, and under which number that is kept.

Refuses evidence without the way that it was given by, and signs that no code and no signature's number has.
"""

import re
from dataclasses import dataclass

from engine.errors import NotFound, Problem

CONFIRMATIONS = ("code", "signature")
"""How a customer confirms: a code that was sent to their phone and read back, or a signature with its number."""
EVIDENCE = re.compile(r"[\w./ -]{1,60}")
ID = re.compile(r"([\w-]{1,48})\.([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """How it was confirmed, under which number; `value`: the amount per month where the offer has no fee."""

    confirmed_by: str
    evidence: str
    value: str = ""


def place_of(number: str) -> tuple[str, int]:
    """Wave and row of a recommendation. NotFound for what is no number of one."""
    parts = ID.fullmatch(number)
    if parts is None:
        raise NotFound()
    return parts[1], int(parts[2])


def checked(proof: Proof) -> tuple[str, str, list[Problem]]:
    """How, the number without needless blanks, and what is wrong with both."""
    evidence = " ".join(proof.evidence.split())
    problems = []
    if not proof.confirmed_by:
        problems.append(Problem("E383", "say how the customer confirmed", at="confirmed_by"))
    elif proof.confirmed_by not in CONFIRMATIONS:
        problems.append(not_among(proof.confirmed_by, "confirmed_by"))
    elif not EVIDENCE.fullmatch(evidence):
        told = "write the code or the number of the signature: 1 to 60 letters, digits, dots, dashes"
        problems.append(Problem("E380", told, at="evidence"))
    return proof.confirmed_by, evidence, problems


def not_among(value: str, at: str) -> Problem:
    """A value that is none of the choices."""
    return Problem("form.not_among", f"{value!r} is none of the choices", at=at, fields={"value": value[:40]})
