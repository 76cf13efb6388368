"""The rules of the permission matrix, from the design: people by role and office, cases by confidentiality and state,
and what is expected of every action. It asks nothing of the application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.organisation import Office

OFFICES = (
    Office(code="440000", zh="省公司", level="province"),
    Office(code="440100", zh="市公司", level="city", parent="440000"),
    Office(code="440111", zh="县公司", level="county", parent="440100"),
    Office(code="440106", zh="邻县公司", level="county", parent="440100"),
    Office(code="440200", zh="他市公司", level="city", parent="440000"),
)
PLACES = {"own": "440111", "city": "440100", "province": "440000", "sibling": "440106", "elsewhere": "440200"}
ON_THE_WAY = ("own", "city", "province")
ROLES = (
    "submitter",
    "head",
    "finance",
    "marketing",
    "analyst",
    "caller",
    "definition_author",
    "process_admin",
    "auditor",
    "administrator",
    "clerk",
)
SUBMITTER, STAND_IN, NAMED = "the submitter", "the stand-in of who is asked", "the named reader"
ASKED = {"approving": "finance city", "returned": "finance city", "filing": "marketing city"}
ASKED |= {"approved": "finance city", "withdrawn": "finance city", "filed": "marketing city"}
"""Who has or had a task in the case of a state."""
OWN_ONLY = ("submitter", "caller")
"""At an office on the way these see no case by their office alone."""
STATES = ("draft", "approving", "returned", "filing", "filed", "approved", "withdrawn")
SECRECY = ("open", "confidential", "embargo")
Word = Literal["done", "refused", "not there"]


@dataclass(frozen=True, slots=True)
class Who:
    """A person by role and place; the three special ones hold a role elsewhere, or at the case's own office."""

    name: str
    role: str
    place: str

    @property
    def login(self) -> str:
        """The account."""
        return self.name.replace(" ", ".").replace("_", "-")


EVERYBODY = (
    *(Who(f"{role} {place}", role, place) for role in ROLES for place in PLACES),
    Who(SUBMITTER, "submitter", "own"),
    Who(STAND_IN, "analyst", "elsewhere"),
    Who(NAMED, "analyst", "elsewhere"),
)
BY_NAME = {who.name: who for who in EVERYBODY}
ACTORS = tuple(
    who
    for who in EVERYBODY
    if who.name in (SUBMITTER, STAND_IN, NAMED, "submitter own", "head own", "head city", "head province")
    or who.name in ("head sibling", "head elsewhere", "finance city", "marketing city", "analyst own")
    or who.name in ("process_admin own", "process_admin city", "auditor elsewhere", "administrator own", "clerk own")
)
"""One of each kind that the rules tell apart: these do every action. Everybody's lists are looked at besides."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A case of the matrix."""

    secrecy: str
    state: str


CASES = tuple(Cell(secrecy, state) for secrecy in SECRECY for state in STATES)


def sees(who: Who, cell: Cell) -> bool:
    """Who may read a case: DESIGN 9 and the table of confidential cases."""
    if who.role == "clerk":
        return False
    if who.name == SUBMITTER or who.role in ("auditor", "administrator"):
        return True
    if who.name == ASKED.get(cell.state):
        return True
    if who.name == STAND_IN and cell.state in ("approving", "filing"):
        return True
    if cell.secrecy == "open":
        return cell.state != "draft" or (who.place in ON_THE_WAY and who.role not in OWN_ONLY)
    if who.name == NAMED:
        return True
    by_office = who.place in ON_THE_WAY and who.role not in OWN_ONLY
    return by_office and cell.secrecy == "confidential"


SUBMITTERS_OWN: Mapping[str, tuple[str, ...]] = {  # in which states it is possible
    "edit the proposal": ("draft", "returned"),
    "submit": ("draft", "returned"),
    "withdraw": ("draft", "approving", "returned", "filing"),
    "select the customers again": (),
    "start the delivery": (),
    "pause the delivery": (),
    "resume the delivery": (),
    "choose the text": (),
    "ask for more": (),
    "open a gate": (),
    "import responses": (),
    "close the case": ("approved", "filed"),
}
WHO_IS_ASKED: Mapping[str, tuple[str, ...]] = {
    "approve": ("approving",),
    "acknowledge": ("filing",),
    "transfer": ("approving", "filing"),
    "delegate": ("approving",),
    "add a signer": ("approving",),
    "ask": ("approving", "filing"),
    "copy to somebody": ("approving", "filing"),
}
ADMINISTERS: Mapping[str, tuple[str, ...]] = {
    "terminate": ("draft", "approving", "returned", "filing", "approved", "filed"),
    "suspend": ("draft", "approving", "returned", "filing", "approved", "filed"),
}
READS = ("read the case", "read the sheet", "read the explanation")
ABOUT_READERS = ("name a reader", "set an embargo")


def expected(action: str, who: Who, cell: Cell) -> Word:
    """What the rules say."""
    if action in WHO_IS_ASKED or action == "read the sheet":
        return _of_a_task(action, who, cell)
    if not sees(who, cell):
        return "not there"
    if action in READS:
        return "done"
    if action in SUBMITTERS_OWN:
        return "not there" if who.name != SUBMITTER else _where(cell.state, SUBMITTERS_OWN[action])
    if action in ABOUT_READERS:
        may = who.name == SUBMITTER or (who.role, who.place) == ("head", "own")
        return "done" if may and cell.secrecy != "open" else "not there"
    if action == "convert":
        is_superior = who.role == "head" and who.place in ("city", "province")
        if cell.state not in ("filing", "filed"):
            return "refused"
        return "done" if is_superior else "not there"
    administers = (who.role, who.place) == ("process_admin", "own")
    if action == "void":
        may = administers or who.name == SUBMITTER
        return _where(cell.state, ("approved", "filed")) if may else "not there"
    return _where(cell.state, ADMINISTERS[action]) if administers else "not there"


def _of_a_task(action: str, who: Who, cell: Cell) -> Word:
    if cell.state not in ASKED:
        return "not there"  # nobody was asked yet
    if action == "read the sheet":
        return "done" if sees(who, cell) else "not there"
    stands_in = who.name == STAND_IN and ASKED[cell.state] in ("finance city", "marketing city")
    if who.name != ASKED[cell.state] and not stands_in:
        return "not there"
    return _where(cell.state, WHO_IS_ASKED[action])


def _where(state: str, possible: tuple[str, ...]) -> Word:
    return "done" if state in possible else "refused"
