"""A house full of cases: something at every moment, so that every page has something to show."""

from pathlib import Path

from engine.organisation import Office
from engine.service import people
from engine.service.app import Countersign
from engine.service.people import NewPerson
from engine.settings import Settings
from tests.acceptance import email_case
from tests.api.cases import decide, drafted, submitted

AUTHORS = ("luyan", "songping")


def open_house(home: Path) -> Countersign:
    """The application on a migrated SQLite file `case.db` in `home`."""
    return Countersign.open(
        Settings(home=home, database_url=f"sqlite:///{home / 'case.db'}", sms_secret="gateway-secret")
    )


def furnish(app: Countersign, home: Path, hands: Path) -> None:
    """Add two authors of definitions, and cases that are drafted, returned, rejected, waiting, filed, in their city's
    countersign, and closed with an evaluation; `hands` is where the hands of the clock stand."""
    office: tuple[Office, ...] = ()
    names = {"luyan": "陆燕", "songping": "宋平"}
    people.load(app, office, [_author(login, names[login]) for login in AUTHORS])
    email_case.finished(app, home, hands)
    drafted(app)
    submitted(app, title="退回的营销案")
    decide(app, "liguoqiang", "return", "预算太高，请说明测算依据")
    submitted(app, title="被拒绝的营销案")
    decide(app, "liguoqiang", "reject", "与国庆活动重复")
    submitted(app, title="小额备案", budget="4000", reach="900", discount="0.9")
    submitted(app, title="市公司会签中的营销案")
    decide(app, "liguoqiang", "approve", "同意")
    submitted(app, title="秋季流量包", budget="280000.00")


def _author(login: str, name: str) -> NewPerson:
    return NewPerson(
        id=login,
        name=name,
        email=f"{login}@example.org",
        language="zh",
        password="huiqian-demo",
        grants=(("definition_author", "440000"),),
    )
