"""Offices, people, roles and groups for scripts of administrators; suppression lists too."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import BINARY, answer
from api.rest.cases import body_of
from api.rest.described import Described
from api.rest.paging import Cursor, Limit, paged, placed, position
from engine.organisation import Office
from engine.service import handing, importing, offices, personnel, reorganising, staff, suppressing
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.importing import Kind
from engine.service.offices import GroupRow
from engine.service.recording import By
from engine.service.sheets import MEDIA, Format
from engine.service.staff import Held, Holder, OfficeRow, PeoplePage, Vacant
from engine.service.standins import StandInView
from engine.service.suppressing import EntryView, OptOutView
from engine.service.views import Viewer
from engine.values import Bilingual, Language

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["organisation"])
MANAGES: Action = "organisation.manage"
CODE = r"^[0-9A-Za-z-]{1,12}$"
ROLE = r"^[a-z][a-z0-9_]{0,39}$"


class Body(BaseModel):
    """What every request body shares: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class NewAccount(Body):
    """A person; roles are given afterwards."""

    id: str = Field(max_length=40, examples=["zhangwei"])
    name: str = Field(max_length=80, examples=["张伟"])
    email: str = Field("", max_length=200, examples=["zhangwei@example.org"])
    language: Language = "zh"


class Facts(Body):
    """What can be changed of a person."""

    name: str = Field(max_length=80, examples=["张伟"])
    email: str = Field("", max_length=200)
    language: Language = "zh"
    same_as: str = Field("", max_length=40, description="Another account of the same human being")


class Role(Body):
    """A role at an office, with the weight of a vote."""

    role: str = Field(pattern=ROLE, examples=["finance"])
    office: str = Field(pattern=CODE, examples=["440100"])
    weight: int = Field(1, ge=1, le=9999)


class Account(Body):
    """Whether an account is open."""

    open: bool = Field(examples=[True])
    reason: str = Field("", max_length=200, examples=["back from leave"])


class Name(Body):
    """The name of a group."""

    zh: str = Field(max_length=80, examples=["营销决策委员会"])
    en: str = Field("", max_length=80, examples=["Marketing committee"])


class Suppression(Body):
    """An entry of a suppression list; without `last` it holds for good."""

    list: str = Field(examples=["grey"], pattern="^(black|grey)$")
    customer: str = Field(max_length=60, examples=["1000123"])
    reason: str = Field(max_length=200, examples=["complaint 2026-118"])
    channel: str = Field("", max_length=20)
    last: date | None = Field(None, description="The last day on which it holds")


class Ending(Body):
    """Why an entry ends."""

    list: str = Field(pattern="^(black|grey)$", examples=["grey"])
    customer: str = Field(max_length=60, examples=["1000123"])
    channel: str = Field("", max_length=20)
    reason: str = Field(max_length=200, examples=["the customer agreed again"])


@dataclass(frozen=True, slots=True)
class OnePerson:
    """A person: roles, how many tasks wait for them, stand-ins."""

    id: str
    name: str
    email: str
    language: str
    is_open: bool
    same_as: str
    grants: tuple[Held, ...]
    task_count: int
    stand_ins: tuple[StandInView, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A task that a hand-over would move: to whom; or that it `stays`, or why it is `refused`."""

    case_id: str
    number: str
    title: str
    step: Bilingual
    to: tuple[str, ...]
    stays: bool
    refused: str


@dataclass(frozen=True, slots=True)
class Moves:
    """What a hand-over would move; `count` are all, `tasks` the first of them."""

    count: int
    tasks: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class OfficesFound:
    """Offices."""

    offices: tuple[OfficeRow, ...]


@dataclass(frozen=True, slots=True)
class OneOffice:
    """An office: the offices above it, those below, who holds which role, what nobody holds."""

    office: Office
    line: tuple[Office, ...]
    below: tuple[OfficeRow, ...]
    roles: dict[str, tuple[Holder, ...]]
    vacant: tuple[Vacant, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """Working groups and committees."""

    groups: tuple[GroupRow, ...]


@dataclass(frozen=True, slots=True)
class GroupName:
    """The group that has the name."""

    role: str
    office: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows of an import are new, changed, and as before."""

    kind: Kind
    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one customer, and how they opted out."""

    entries: tuple[EntryView, ...]
    opt_outs: tuple[OptOutView, ...] = ()


def _entries(app: Countersign, by: By, customer: str) -> Entries:
    found = suppressing.look_up(app, by, customer)
    return Entries(found.entries, found.opt_outs)


def acting(request: Request, caller: Caller, key: Key) -> By:
    """The caller with their key and address."""
    return By(caller, "api", _address(request), key)


Acting = Annotated[By, Depends(acting)]


def reading(caller: Reader) -> By:
    """The caller, who only looks."""
    return By(caller, "api")


Reading = Annotated[By, Depends(reading)]


@router.get("/people", response_model=PeoplePage, dependencies=[for_reading(MANAGES)])
def people(
    *,
    app: App,
    by: Reading,
    request: Request,
    q: Annotated[str, Query(max_length=80)] = "",
    office: Annotated[str, Query(max_length=12)] = "",
    role: Annotated[str, Query(max_length=40)] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """The people that match, by account."""
    behind = position(cursor, str)
    page = staff.people(app, by, staff.wanted(q, office, role), behind[0] if behind else "", limit=limit)
    return paged(request, replace(page, next=placed((page.next,) if page.next else None)))


@router.post("/people", status_code=201, response_model=OnePerson, dependencies=[for_acting(MANAGES)])
def add_person(app: App, by: Acting, body: NewAccount) -> Response:
    """Add a person."""
    personnel.add_person(app, personnel.as_member(body.id, body.name, body.email, body.language), by=by)
    return answer(_person(app, by.viewer, body.id), 201)


@router.get("/people/{account}", response_model=OnePerson, dependencies=[for_reading(MANAGES)])
def person(app: App, caller: Reader, account: str) -> Response:
    """One person: roles, what waits for them, stand-ins."""
    return answer(_person(app, caller, account))


@router.put("/people/{account}", response_model=OnePerson, dependencies=[for_acting(MANAGES)])
def change_person(app: App, by: Acting, account: str, body: Facts) -> Response:
    """Change name, mail, language, or whose other account it is."""
    staff.person(app, by, account)
    member = personnel.as_member(account, body.name, body.email, body.language, body.same_as)
    personnel.change_person(app, member, by=by)
    return answer(_person(app, by.viewer, account))


@router.put("/people/{account}/account", response_model=OnePerson, dependencies=[for_acting(MANAGES)])
def set_account(app: App, by: Acting, account: str, body: Account) -> Response:
    """Close the account, or open it again."""
    view = staff.person(app, by, account)
    act = personnel.open_account if body.open else personnel.close_account
    act(app, account, by=by, reason=body.reason)
    reorganising.resolve_some(app, [task.case.id for task in view.tasks])
    return answer(_person(app, by.viewer, account))


@router.post("/people/{account}/roles", response_model=OnePerson, dependencies=[for_acting(MANAGES)])
def give_role(app: App, by: Acting, account: str, body: Role) -> Response:
    """Give a role, or another weight."""
    staff.person(app, by, account)
    personnel.give_role(app, account, body.role, body.office, weight=body.weight, by=by)
    return answer(_person(app, by.viewer, account))


@router.delete("/people/{account}/roles/{role}/{office}", response_model=OnePerson, dependencies=[for_acting(MANAGES)])
def take_role(app: App, by: Acting, account: str, role: str, office: str) -> Response:
    """Take a role away."""
    view = staff.person(app, by, account)
    personnel.take_role(app, account, role, office, by=by)
    reorganising.resolve_some(app, [task.case.id for task in view.tasks])
    return answer(_person(app, by.viewer, account))


@router.get("/hand-over", response_model=Moves, dependencies=[for_reading("tasks.hand_over")])
def hand_over(
    app: App, by: Reading, leaver: Annotated[str, Query(max_length=40)], to: Annotated[str, Query(max_length=40)]
) -> Response:
    """What a hand-over would move and who would take each; nothing is changed."""
    seen = handing.preview(app, by, leaver, to, remark="-")
    tasks = [
        Move(
            one.case_id,
            one.number,
            one.title,
            one.step,
            one.to,
            one.stays,
            one.refused.message if one.refused else "",
        )
        for one in seen.tasks
    ]
    return answer(Moves(seen.count, tuple(tasks)))


@router.get("/offices", response_model=OfficesFound, dependencies=[for_reading(MANAGES)])
def offices_(app: App, by: Reading, q: Annotated[str, Query(max_length=80)] = "") -> Response:
    """The offices at the top, or those that the search finds, 50 at most."""
    return answer(OfficesFound(staff.offices(app, by, q.strip())))


@router.get("/offices/{code}", response_model=OneOffice, dependencies=[for_reading(MANAGES)])
def office(app: App, by: Reading, code: str) -> Response:
    """One office: above, below, who holds what, what nobody holds."""
    view = staff.office(app, by, code)
    return answer(OneOffice(view.office, view.line, view.below, dict(view.roles), view.vacant))


@router.get("/groups", response_model=Groups, dependencies=[for_reading(MANAGES)])
def groups(app: App, by: Reading) -> Response:
    """All working groups and committees."""
    return answer(Groups(offices.groups(app, by)))


@router.put("/groups/{office}/{role}", response_model=GroupName, dependencies=[for_acting(MANAGES)])
def put_group(app: App, by: Acting, office: str, role: str, body: Name) -> Response:
    """Name the holders of a role at an office a group."""
    offices.put_group(app, role=role, office=office, name=Bilingual(zh=body.zh, en=body.en), by=by)
    return answer(GroupName(role, office))


@router.post("/organisation/import", response_model=Imported, dependencies=[for_acting(MANAGES)])
def load(
    *,
    app: App,
    by: Acting,
    body: Annotated[bytes, Depends(body_of)],
    name: Annotated[str, Query(max_length=120)] = "import",
    dry_run: bool = False,
) -> Response:
    """Import a CSV or XLSX of offices or people, sent as the body; `dry_run` only says what would change. 422 names
    every wrong row by line and column, and nothing is changed."""
    plan = importing.load(app, by, body, name, dry=dry_run)
    return answer(Imported(plan.kind, len(plan.added), len(plan.changed), plan.unchanged))


@router.get(
    "/organisation/export/{kind}.{form}",
    response_class=Response,
    responses={200: {"content": {kind: {"schema": BINARY} for kind in MEDIA.values()}}},
    dependencies=[for_reading(MANAGES)],
)
def export(app: App, by: Reading, kind: Kind, form: Format) -> Response:
    """All offices or people as a file that `import` reads again."""
    return Response(importing.export(app, by, kind, form), media_type=MEDIA[form])


@router.get("/suppressions", response_model=Entries, dependencies=[for_reading("suppressions.manage")])
def look_up(app: App, by: Reading, customer: Annotated[str, Query(max_length=60)]) -> Response:
    """The entries of one customer."""
    return answer(_entries(app, by, customer))


@router.post("/suppressions", status_code=201, response_model=Entries, dependencies=[for_acting("suppressions.manage")])
def suppress(app: App, by: Acting, body: Suppression) -> Response:
    """Put a customer on a list."""
    last = body.last.isoformat() if body.last else ""
    suppressing.add(
        app, by, kind=body.list, customer=body.customer, reason=body.reason, channel=body.channel, last=last
    )
    return answer(_entries(app, by, body.customer), 201)


@router.post("/suppressions/end", response_model=Entries, dependencies=[for_acting("suppressions.manage")])
def end(app: App, by: Acting, body: Ending) -> Response:
    """Take a customer off a list. 404 where they are not on it."""
    suppressing.end(app, by, kind=body.list, customer=body.customer, channel=body.channel, reason=body.reason)
    return answer(_entries(app, by, body.customer))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _person(app: App, viewer: Viewer | None, account: str) -> OnePerson:
    view = staff.person(app, By(viewer, "api"), account)
    return OnePerson(
        id=view.id,
        name=view.name,
        email=view.email,
        language=view.language,
        is_open=view.is_open,
        same_as=view.same_as,
        grants=view.grants,
        task_count=view.task_count,
        stand_ins=view.stand_ins,
    )
