"""The part of an erasure that looks into what people attached to cases and typed into forms that are kept.

A file stays where its digest says, so that what was approved is still named; what it was and is stands in the
certificate. Refuses to look into pictures and PDF: the certificate names the cases and whom to ask.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.service import sealing
from engine.service.app import Countersign
from engine.service.kept_forms import PURPOSE
from engine.store.attachments import Stored, place
from engine.warehouse import documents
from engine.warehouse.dataset import digest_of_file, put_whole
from engine.warehouse.erasing import Person, Spot, mapped

FOLDER = "attachments"


@dataclass(frozen=True, slots=True)
class Unsearched:
    """Files of a case that people must look at, how many, and who attached them: pictures and PDF, in which nothing is
    looked for, or documents that cannot be read or changed."""

    case: str
    person: str
    files: int


def survey(
    app: Countersign, known: Iterable[tuple[Stored, str]], person: Person
) -> tuple[dict[str, Spot], tuple[Unsearched, ...]]:
    """The attached files that have the customer, with their digest before and after, by path; and those that nobody
    looked into. `known`: every file with the number of its case. Changes nothing."""
    spots: dict[str, Spot] = {}
    left: Counter[tuple[str, str]] = Counter()
    for stored, case in known:
        path = place(app.settings.home / FOLDER, stored.sha256)
        if not path.is_file():
            continue
        data = path.read_bytes()
        fresh = documents.without(data, stored.type, person)
        if fresh is None:
            left[case, stored.by] += 1
        elif fresh != data:
            name = _name(stored.sha256)
            spots[name] = Spot(name, 1, digest_of_file(path), hashlib.sha256(fresh).hexdigest())
    return spots, tuple(Unsearched(case, who, count) for (case, who), count in sorted(left.items()))


def erase(app: Countersign, known: Iterable[tuple[Stored, str]], spots: Iterable[str], person: Person) -> None:
    """Write these files again without the customer, each at once."""
    of_name = {_name(stored.sha256): stored for stored, _ in known}
    for name in spots:
        path = app.settings.home / name
        fresh = documents.without(path.read_bytes(), of_name[name].type, person)
        if fresh is not None:
            put_whole(path, fresh)


def is_attached(path: str) -> bool:
    """Whether a place of a certificate is an attached file, below the home folder and not below that of the data."""
    return path.startswith(f"{FOLDER}/")


def of_form(app: Countersign, person: Person) -> Callable[[str], str | None]:
    """How a kept form is written without the customer; None where its key is gone, so that nobody can read it."""

    def rewritten(body: str) -> str | None:
        text = sealing.unseal(app.settings, PURPOSE, body)
        if text is None:
            return None
        fresh = mapped(text, person)
        return body if fresh == text else sealing.seal(app.settings, PURPOSE, fresh)

    return rewritten


def _name(sha256: str) -> str:
    return str(place(Path(FOLDER), sha256))
