"""Person fields of a form: whom the submitter may choose, and whether the person chosen may stand there.

The definition says by which `who`; only the organisation knows the people. Refuses the submitter themselves.
"""

from collections.abc import Mapping
from typing import Any

from engine.definition.fields import PersonField
from engine.definition.model import Definition
from engine.errors import Problem
from engine.machine.case import Case
from engine.organisation import Organisation
from engine.values import Bilingual

Choices = Mapping[str, tuple[tuple[str, Bilingual], ...]]


def choices(organisation: Organisation, definition: Definition, case: Case) -> Choices:
    """For each person field its candidates by name; where anybody may stand, only the person who does."""
    found: dict[str, tuple[tuple[str, Bilingual], ...]] = {}
    for name, field in _fields(definition).items():
        chosen = case.form.get(name)
        people = _among(organisation, field, case) if field.among else ()
        listed = dict.fromkeys((*people, *((chosen,) if chosen else ())))
        found[name] = tuple((person, Bilingual(en=organisation.name(person))) for person in listed)
    return found


def wrong(
    organisation: Organisation, definition: Definition, case: Case, values: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """A problem beside each person field whose person is not there, is the submitter, or is no candidate."""
    problems = []
    own = organisation.accounts(case.submitter)
    for name, field in _fields(definition).items():
        person = values.get(name)
        if person is None:
            continue
        if not organisation.is_active(person):
            problems.append(
                Problem("form.nobody", f"nobody has the account {person}", at=name, fields={"name": person})
            )
        elif person in own:
            problems.append(Problem("form.yourself", "choose somebody else: nobody decides on their own case", at=name))
        elif field.among and person not in _among(organisation, field, case):
            text = f"{organisation.name(person)} is none of the candidates"
            problems.append(Problem("form.no_candidate", text, at=name, fields={"name": organisation.name(person)}))
    return tuple(problems)


def _fields(definition: Definition) -> dict[str, PersonField]:
    return {name: field for name, field in definition.proposal.fields.items() if isinstance(field, PersonField)}


def _among(organisation: Organisation, field: PersonField, case: Case) -> tuple[str, ...]:
    own = organisation.accounts(case.submitter)
    found = organisation.resolve(field.among, case.office, case.submitter)
    return tuple(person for person in found if person not in own)
