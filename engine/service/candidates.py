"""Person and office fields of a form: what the submitter may choose, and whether what was chosen may stand there.

The definition says by which `who`; only the organisation knows the people and offices. Refuses the submitter
themselves. A name does as well as an account or a code, where it means one alone.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from engine.definition.fields import Office, PersonField
from engine.definition.model import Definition
from engine.errors import Invalid, Problem
from engine.machine.case import Case
from engine.organisation import Organisation
from engine.service.fields import Choices, lookup_of
from engine.values import Bilingual

FOUND = 20


def choices(organisation: Organisation, definition: Definition, case: Case) -> Choices:
    """For each person field its candidates by name; where anybody may stand, only the person who does."""
    found: dict[str, tuple[tuple[str, Bilingual], ...]] = {}
    for name, field in _fields(definition).items():
        chosen = case.form.get(name)
        people = _among(organisation, field, case) if field.among else ()
        listed = dict.fromkeys((*people, *((chosen,) if chosen else ())))
        found[name] = tuple((person, Bilingual(en=organisation.name(person))) for person in listed)
    for name in _offices(definition):
        code = str(case.form.get(name) or "")
        found[name] = ((code, organisation.offices[code].label),) if code in organisation.offices else ()
    return found


def looked_up(organisation: Organisation, kind: str, typed: str) -> tuple[tuple[str, Bilingual], ...]:
    """The people or offices that `typed` may mean, by name, 20 at most; people with their offices."""
    wanted = typed.strip().casefold()
    if not wanted:
        return ()
    if kind == "offices":
        offices = (one for one in organisation.offices if _means(wanted, one.code, one.zh, one.en))
        return tuple((one.code, one.label) for one in islice(sorted(offices, key=lambda one: one.code), FOUND))
    people = [one for one in organisation.people.values() if one.active and _means(wanted, one.id, one.name)]
    shown = sorted(people, key=lambda one: (one.name, one.id))[:FOUND]
    held = _offices_of(organisation, {one.id for one in shown})
    return tuple((one.id, _with_office(one.name, held.get(one.id))) for one in shown)


def one_office(organisation: Organisation, typed: str) -> tuple[str, Bilingual]:
    """The code and name of the one office that `typed`, a code or a name, means. Raises Invalid where it means none, or
    several."""
    code = typed.strip()
    if code not in organisation.offices:
        found = looked_up(organisation, "offices", code)
        if len(found) != 1:
            problem, message = (
                ("form.several", "several are called so") if found else ("form.none", "none is called so")
            )
            raise Invalid([Problem(problem, message, at="office", fields={"value": code})])
        code = found[0][0]
    return code, organisation.offices[code].label


def _means(wanted: str, code: str, *names: str) -> bool:
    return code.casefold().startswith(wanted) or any(wanted in name.casefold() for name in names)


def _offices_of(organisation: Organisation, people: set[str]) -> dict[str, Bilingual]:
    held: dict[str, Bilingual] = {}
    for grant in organisation.grants:
        if grant.person in people:
            held.setdefault(grant.person, organisation.offices[grant.office].label)
    return held


def _with_office(name: str, office: Bilingual | None) -> Bilingual:
    if office is None:
        return Bilingual(en=name)
    return Bilingual(zh=f"{name} · {office.in_language('zh')}", en=f"{name} · {office.in_language('en')}")


def named(
    organisation: Organisation, definition: Definition, raw: Mapping[str, Any]
) -> tuple[dict[str, Any], Choices, tuple[Problem, ...]]:
    """The form with accounts and codes in place of names; what a name that means several may mean, by field; and a
    problem beside each field whose name means nobody, or several."""
    form, found, problems = dict(raw), dict[str, tuple[tuple[str, Bilingual], ...]](), list[Problem]()
    for name, field in definition.proposal.fields.items():
        kind, typed = lookup_of(field), raw.get(name)
        if not kind or not isinstance(typed, str) or not typed.strip():
            continue
        if typed.strip() in (organisation.offices if kind == "offices" else organisation.people):
            continue
        possible = looked_up(organisation, kind, typed)
        if len(possible) == 1:
            form[name] = possible[0][0]
            continue
        found[name] = possible
        code, message = ("form.several", "several are called so") if possible else ("form.none", "nothing is called so")
        form[name] = None
        problems.append(Problem(code, message, at=name, fields={"value": typed.strip()}))
    return form, found, tuple(problems)


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
    for name in _offices(definition):
        if values.get(name) is not None and values[name] not in organisation.offices:
            text = f"there is no office {values[name]}"
            problems.append(Problem("form.no_office", text, at=name, fields={"name": values[name]}))
    return tuple(problems)


def _offices(definition: Definition) -> tuple[str, ...]:
    return tuple(name for name, field in definition.proposal.fields.items() if isinstance(field, Office))


def _fields(definition: Definition) -> dict[str, PersonField]:
    return {name: field for name, field in definition.proposal.fields.items() if isinstance(field, PersonField)}


def _among(organisation: Organisation, field: PersonField, case: Case) -> tuple[str, ...]:
    own = organisation.accounts(case.submitter)
    found = organisation.resolve(field.among, case.office, case.submitter)
    return tuple(person for person in found if person not in own)
