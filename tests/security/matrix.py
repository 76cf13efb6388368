"""The page of the permission matrix, docs/permissions.md, and which roles may do what whatever the case.

The rules are in `matrix_rules`, what the application does in `matrix_world`; a test compares the two cell by cell, and
the page with what `python -m tests.security.matrix` would write.
"""

from collections.abc import Mapping

from tests.security.matrix_rules import (
    ASKED,
    EVERYBODY,
    NAMED,
    READS,
    ROLES,
    STAND_IN,
    STATES,
    SUBMITTER,
    WHO_IS_ASKED,
    Cell,
    expected,
    sees,
)
from tests.security.matrix_world import ACTIONS
from tests.support import ROOT

PAGE = ROOT / "docs/permissions.md"


def page() -> str:
    """docs/permissions.md."""
    lines = [
        INTRO,
        "## Who reads a case\n",
        _reading(),
        "\n## Who does what with a case\n",
        _acting(),
        "\n" + ROLES_INTRO,
    ]
    return "\n".join([*lines, _by_role(), ""])


INTRO = """# Who may do what

Written by `python -m tests.security.matrix` from the rules that the tests hold, cell by cell, against what the
application does. Whoever may not read a case is told the same as if there were none, at every door.

The places: *own* is the office that the case comes from, *city* and *province* are on its way up, *sibling* is
another county of the same city, *elsewhere* another city. An *embargo* is a day before which the offices on the way do
not see a confidential case. A named reader was named by the submitter or a head of the case's own office. Auditors and
administrators see every case; that they looked at a confidential one is recorded, as everybody's look is but the
submitter's.
"""
ROLES_INTRO = """## What a role may do, whatever the case

Nobody needs a role to read what is theirs to read, or to decide what they are asked. Who is a clerk and nothing else
reads no case: they see what is recommended to the customer at the counter, by cases of their own office, of those above
it and of those below it.
"""


def _reading() -> str:
    head = "| who | open draft | open, submitted | confidential | under embargo |\n|---|---|---|---|---|"
    cells = (Cell("open", "draft"), Cell("open", "approving"), Cell("confidential", "approving"))
    cells += (Cell("embargo", "approving"),)
    grouped: dict[tuple[bool, ...], dict[str, list[str]]] = {}
    for who in EVERYBODY:
        special = who.name in (SUBMITTER, STAND_IN, NAMED, ASKED["approving"])
        role = {ASKED["approving"]: "who is asked, or was"}.get(who.name, who.name) if special else who.role
        places = grouped.setdefault(tuple(sees(who, cell) for cell in cells), {}).setdefault(role, [])
        places.extend([] if special else [who.place])
    rows = []
    for seen, names in grouped.items():
        told = "; ".join(f"{name} ({', '.join(places)})" if places else name for name, places in names.items())
        rows.append(f"| {told} | {' | '.join(map(_mark, seen))} |")
    return "\n".join([head, *rows])


def _mark(seen: bool) -> str:
    return "reads" if seen else "–"


def _acting() -> str:
    head = f"| action | {' | '.join(STATES)} |\n|---|{'---|' * len(STATES)}"
    rows = []
    for action in ACTIONS:
        if action not in READS:
            rows.append(f"| {action} | {' | '.join(_doers(action, state) for state in STATES)} |")
    note = "\nOf a confidential case; readers and embargoes are for those alone. Under an embargo no head converts."
    return "\n".join([head, *rows, note])


def _doers(action: str, state: str) -> str:
    cell = Cell("confidential", state)
    names = [who.name for who in EVERYBODY if expected(action, who, cell) == "done"]
    asked = ASKED.get(state)
    return ", ".join("who is asked" if name == asked and action in WHO_IS_ASKED else name for name in names) or "–"


BY_ROLE: Mapping[str, tuple[str, ...]] = {
    "start a case": ("submitter",),
    "read definitions": ("definition_author", "administrator"),
    "write and publish definitions": ("definition_author", "administrator"),
    "hand over tasks of somebody who leaves": ("process_admin", "administrator"),
    "read the access record": ("auditor", "administrator"),
    "make links of others void": ("administrator",),
    "import and look at the customer dataset": ("administrator",),
    "propose and confirm the global holdout": ("administrator",),
    "read customer groups": ("submitter", "analyst", "definition_author", "administrator"),
    "save customer groups": ("submitter", "analyst", "definition_author", "administrator"),
    "see the budgets of offices": ("finance", "administrator", "auditor"),
    "propose and confirm budgets of offices": ("finance", "administrator"),
    "see the cost table": ("finance", "analyst", "marketing", "administrator", "auditor"),
    "propose and confirm the cost table": ("finance", "administrator"),
    "propose and confirm the contact policy": ("administrator",),
    "run the arbitration and try it otherwise": ("process_admin", "administrator"),
    "commit an arbitration": ("administrator",),
    "propose, publish and withdraw offers": ("marketing", "administrator"),
    "rehearse a tariff": ("submitter", "marketing", "analyst", "administrator"),
    "ask about one customer": ("process_admin", "administrator"),
    "see an address of a customer in full": ("administrator",),
    "ask for and confirm the erasure of a customer": ("administrator",),
    "serve customers in the hall": ("clerk",),
    "ask for a waiver of the grey list": ("submitter", "administrator"),
    "grant a waiver of the grey list": ("administrator",),
    "call customers of a call list": ("caller",),
    "assign calls, take results in and lists out, of cases that they lead": (
        "submitter",
        "head",
        "marketing",
        "process_admin",
        "administrator",
    ),
    "send proofs of a message that they may read": ("submitter", "head", "marketing", "process_admin", "administrator"),
    "keep the seeds of offices": ("administrator",),
    "read league tables of their offices": (
        "head",
        "marketing",
        "analyst",
        "process_admin",
        "auditor",
        "administrator",
    ),
}
"""Which roles may, at any office: the statement of the rules."""


def _by_role() -> str:
    head = f"| action | {' | '.join(ROLES)} |\n|---|{'---|' * len(ROLES)}"
    rows = [
        f"| {action} | {' | '.join('✓' if role in roles else '–' for role in ROLES)} |"
        for action, roles in BY_ROLE.items()
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
