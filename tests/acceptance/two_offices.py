"""A house with cases of two cities: what an analyst of the first sees must not move when the second gets its cases.

The second city's cases are confidential, and nothing that is theirs stands anywhere else: its words and figures are in
SECRETS. Both are written as their people write them, over the same days: before the second the clock goes back to
where the first began.
"""

from datetime import datetime, timedelta
from pathlib import Path

from engine import clock
from engine.definition.load import load
from engine.organisation import Office
from engine.service import approvals, courses, effects, evaluating, facts, proposals
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.store import people as accounts
from tests.acceptance import league_rows
from tests.acceptance.email_case import base, evaluate_after, handed_off, load_customers, sign
from tests.acceptance.offices import PROPOSAL, hashed, in_force, key, notices, open_task, viewer
from tests.support import ROOT, THIS_YEAR

NEAR, FAR, FAR_CITY = "440111", "440305", "440300"
PASSWORD = "huiqian-demo"
ANALYST, EVERYTHING, NOBODY = "ana", "xuwen", "zhaoying"
DEFINITION = "quiet-email-case"
QUIET = (
    (ROOT / "definitions/hillstrom-email-case.yaml")
    .read_text(encoding="utf-8")
    .replace("name: hillstrom-email-case", f"name: {DEFINITION}", 1)
    .replace("visibility: open", "visibility: confidential", 1)
)
SECRETS = {
    "title": "蓝鲸密令",
    "budget": "3719.53",
    "waiting title": "白鲟密令",
    "lesson": "虎鲸教训",
    "remark": "座头鲸不妥",
    "clerk": "欧阳营业",
    "caller": "司徒外呼",
    "submitter": "诸葛申报",
    "number": f"{FAR}-{THIS_YEAR}-",
}
"""Words of the second city that no answer to the analyst may hold, by what they are. Its people have accounts from the
beginning, so their names are theirs to look up; on the pages of analysis they stand for their cases alone."""
CITY_ROLES = ("finance", "network", "service", "vp_market", "marketing", "head")
PLACES = (
    Office(code=FAR_CITY, zh="深圳市分公司", en="Shenzhen city", level="city", parent="440000"),
    Office(code=FAR, zh="南山区分公司", en="Nanshan county", level="county", parent=FAR_CITY),
)
PEOPLE = {
    ANALYST: ("安娜", [("analyst", NEAR)]),
    "nearclerk": ("赵营业", [("clerk", NEAR)]),
    "nearcall": ("赵外呼", [("caller", NEAR)]),
    "farsub": (SECRETS["submitter"], [("submitter", FAR), ("analyst", FAR)]),
    "farhead": ("尉迟主任", [("head", FAR)]),
    "farcity": ("上官市局", [(role, FAR_CITY) for role in CITY_ROLES]),
    "farclerk": (SECRETS["clerk"], [("clerk", FAR)]),
    "farcall": (SECRETS["caller"], [("caller", FAR)]),
}


def prepare(app: Countersign, folder: Path) -> None:
    """Offices, people, definitions and customers of both cities."""
    in_force(app, load(QUIET))
    with app.db.begin() as tx:
        accounts.add_offices(tx, PLACES)
        rest = {"language": "en", "password_hash": hashed(PASSWORD)}
        accounts.add_people(
            tx, [{"id": one, "name": PEOPLE[one][0], "email": f"{one}@example.org", **rest} for one in PEOPLE]
        )
        grants = [(one, *grant) for one, (_, held) in PEOPLE.items() for grant in held]
        accounts.add_grants(tx, [dict(zip(("person", "role", "office"), one, strict=True)) for one in grants])
    load_customers(app, folder)


def near(app: Countersign, hands: Path) -> tuple[str, str]:
    """The cases of the first city: one that was closed and one that waits for its head."""
    closed = _closed(app, hands, by="wangmin", head="liguoqiang", failed="Too few came", title="Two e-mails")
    waits = _waiting(app, "wangmin", "liguoqiang", remark="数目不对", title=PROPOSAL["title"])
    _staff(app, closed, "nearclerk", "nearcall", NEAR, seen=120)
    count(app)
    return closed, waits


def far(app: Countersign, hands: Path) -> tuple[str, str]:
    """The same of the second city, with other figures and its own words."""
    closed = _closed(
        app,
        hands,
        by="farsub",
        head="farhead",
        failed=SECRETS["lesson"],
        definition=DEFINITION,
        title=SECRETS["title"],
        budget=SECRETS["budget"],
    )
    waits = _waiting(
        app,
        "farsub",
        "farhead",
        remark=SECRETS["remark"],
        title=SECRETS["waiting title"],
    )
    _staff(app, closed, "farclerk", "farcall", FAR, seen=347)
    count(app)
    return closed, waits


def count(app: Countersign) -> None:
    """Everything that pages of analysis count."""
    while courses.refresh(app):
        pass
    facts.refresh(app)


def stand(hands: Path, moment: datetime) -> None:
    """Put the hands of the clock to a moment, before or after."""
    clock.move(hands, moment - clock.now())


def _closed(app: Countersign, hands: Path, *, by: str, head: str, failed: str, **form: str) -> str:
    """A case whose e-mails went out, with outcomes and responses, evaluated twice, signed."""
    made = handed_off(app, by=by, head=head, **form)
    me = viewer(app, by)
    import_responses(app, me, made, base(outcomes=True).encode())
    clock.move(hands, timedelta(minutes=1))
    moments = {n: app.now() - timedelta(seconds=1) for n in range(0, 60, 3)}
    rows = [f"{n},response,{at.isoformat()},,{made}-{n}" for n, at in moments.items()]
    import_responses(app, me, made, "\n".join(["customer,kind,at,value,reference", *rows]).encode())
    evaluating.evaluate(app, made, "1d", False, key())
    evaluate_after(app, hands)
    assert effects.evaluate_due(app).failed == 0
    sign(app, made, by=by, failed=failed)
    return made


def _waiting(app: Countersign, by: str, head: str, *, remark: str, **form: str) -> str:
    """A case that its head returned once, and that waits for them again, past its deadline."""
    me, decides = viewer(app, by), viewer(app, head)
    made = proposals.start(app, me, "telecom-marketing-case", key=key())
    proposals.submit(app, me, made, PROPOSAL | form, key=key())
    approvals.decide(app, decides, open_task(app, head), "return", remark=remark, seen_seq=None, key=key())
    proposals.submit(app, me, made, PROPOSAL | form | {"budget": "70000.00"}, key=key())
    notices(app)
    return made


def _staff(app: Countersign, case_id: str, clerk: str, caller: str, office: str, *, seen: int) -> None:
    """What clerks and callers of the office did with the case."""
    league_rows.recommended(app, case_id, clerk, office, seen=seen, took=seen // 3)
    league_rows.called(app, case_id, caller, customers=seen // 2, took=seen // 5)
