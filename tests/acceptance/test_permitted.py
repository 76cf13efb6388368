"""Who may not see the cases of an office sees neither their rows nor their sums, at no door of analysis.

One house on each database: an analyst of the first city asks every door, then the second city gets its cases, and the
analyst asks again at the same moment of the same clock. Both times the answers are the same to the byte, but for what
VOLATILE names. Between, an auditor asks the same addresses and gets other answers, which shows that there was
something to be seen, and that no kept answer goes to the wrong person.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine import clock
from engine.service import calendars, definitions, saved_views
from engine.service.app import Countersign
from engine.service.saved_views import Sharing
from engine.settings import Settings
from tests.acceptance import analysis_commands, league_rows, two_offices
from tests.acceptance.analysis_doors import CASE, OF_FIGURES, TASK, addresses, told, unknown
from tests.acceptance.offices import load_people, viewer
from tests.acceptance.telling_staff import MailServer
from tests.acceptance.two_offices import ANALYST, EVERYTHING, FAR, NEAR, NOBODY, SECRETS
from tests.security.signed_in import session
from tests.servers.postgres import create_database, execute

NOWHERE = "0" * 16
pytestmark = pytest.mark.timeout(400)  # the whole house is asked three times, once for each database
VOLATILE = re.compile(r'"version": ?\d+(?=[,}])')
"""The number of the facts' version: how often they were written anew in this house, whoever had a hand in it."""


Answers = dict[str, str]


@dataclass(frozen=True)
class House:
    """What was told, by address: to the analyst before and after, to the auditor between, and to who has no part in
    analysis. `moment` is when everybody asked."""

    app: Countersign
    moment: datetime
    before: Answers
    after: Answers
    whole: Answers
    refused: Answers


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("permitted") / "case.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server, name = request.getfixturevalue("pg_server"), f"permitted_{request.getfixturevalue('worker')}"
    yield create_database(server, name, template=request.getfixturevalue("pg_template"))
    execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def house(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    hands, server = folder / "clock", MailServer(folder / "mail")
    settings = Settings(home=folder / "home", database_url=url, public_url="http://testserver", mail_url=server.url)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))
        patched.setenv("COUNTERSIGN_HOME", str(folder / "home"))
        patched.setenv("COUNTERSIGN_DATABASE_URL", url)
        app = Countersign.open(settings.model_copy(update={"report_attachment_mb": 1}))
        server.start()
        try:
            yield lived(app, folder, hands, server)
        finally:
            server.stop()
            app.close()


def lived(app: Countersign, folder: Path, hands: Path, server: MailServer) -> House:
    load_people(app)
    definitions.publish_shipped(app)
    two_offices.prepare(app, folder)
    begin = clock.now()
    # what differs between the databases is who sees which case, not what is counted over files
    most = 24 if app.db.url.get_backend_name() == "sqlite" else 4
    near = two_offices.near(app, hands)
    moment, mine = begin + timedelta(days=17), own(app)
    token = calendars.make_address(app, viewer(app, ANALYST)).rpartition("/")[2].removesuffix(".ics")
    asking = Asking(app, folder, server, moment, [*shared(app), *mine], mine, token, most)
    before = asking.everything(near)
    two_offices.stand(hands, begin)
    far = two_offices.far(app, hands)
    named = (far[0], f"{far[1]}-1-0")
    whole = asking.answers(
        EVERYTHING, near, named, only="/dashboards /league /process /library /cases /metrics /calendar", most=5
    )
    after = asking.everything(near, named)
    refused = asking.answers(NOBODY, near, named, only=OF_FIGURES, plainly=True)
    return House(app, moment, before, after, whole, refused)


def shared(app: Countersign) -> list[int]:
    """Views of the auditor that the analyst may open."""
    auditor, found = viewer(app, EVERYTHING), []
    for page, query in (("cases", f"office={FAR}"), ("dashboard-sends", ""), ("dashboard-effect", f"office={FAR}")):
        number = saved_views.save(app, auditor, page, page, query)
        saved_views.change(app, auditor, number, page, [Sharing(NEAR, "analyst")])
        found.append(number)
    return found


def own(app: Countersign) -> list[int]:
    """Views of the analyst."""
    me, pages = viewer(app, ANALYST), ("cases", "calendar", "dashboard-cases", "dashboard-halls", "dashboard-effect")
    return [saved_views.save(app, me, f"my {page}", page, "") for page in pages]


NAMED = (NOWHERE, f"{NOWHERE}-1-0")


@dataclass(frozen=True)
class Asking:
    """Asks at one moment that does not move. `views` are those that the analyst may open, of which `mine` are mailed;
    `token` is that of the analyst's calendar; `most` questions are asked at a door."""

    app: Countersign
    folder: Path
    server: MailServer
    moment: datetime
    views: list[int]
    mine: list[int]
    token: str
    most: int

    def everything(self, near: tuple[str, str], named: tuple[str, str] = NAMED) -> Answers:
        """All that the analyst is told: pages, scripts, commands, mails. `named`: case and task of the second city."""
        found = self.answers(ANALYST, near, named)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clock, "now", lambda: self.moment)
            printed = analysis_commands.printed(ANALYST, self.folder)
            found |= {given: VOLATILE.sub("", said) for given, said in printed.items()}
            with analysis_commands.subscribed(self.app, ANALYST, self.mine):
                patched.setattr(clock, "now", lambda: self.moment + timedelta(hours=25))
                return found | analysis_commands.mailed(self.app, self.server)

    def answers(
        self,
        login: str,
        near: tuple[str, str],
        named: tuple[str, str],
        *,
        only: str = "/",
        plainly: bool = False,
        most: int = 0,
    ) -> Answers:
        """What is told by address; `only` some beginnings, `plainly` without questions, `most` at a door."""
        (case, task), found = named, {}
        with pytest.MonkeyPatch.context() as patched, TestClient(create_app(self.app)) as browser:
            patched.setattr(clock, "now", lambda: self.moment)
            two_offices.count(self.app)
            session(self.app, browser, login)
            for address in addresses(
                browser.app, cases=near, views=self.views, token=self.token, most=most or self.most
            ):
                beginning = address.removeprefix("/api/v1")
                if beginning.startswith(tuple(only.split())) and not (plainly and "?" in address):
                    said = told(browser, address.replace(TASK, task).replace(CASE, case))
                    found[address] = VOLATILE.sub("", said.replace(task, TASK).replace(case, CASE))
        return found


def test_every_door_that_reads_of_cases_is_asked(house: House) -> None:
    assert unknown(create_app(house.app)) == []
    assert analysis_commands.unknown() == []
    assert len([address for address in house.after if address.startswith("mail ")]) == 10
    assert {said[:1] for address, said in house.after.items() if address.startswith("/")} == {"2", "3", "4"}


def test_an_analyst_is_told_the_same_as_where_the_cases_of_others_never_were(house: House) -> None:
    assert house.before.keys() == house.after.keys()
    assert [address for address, said in house.before.items() if house.after[address] != said] == []


def test_there_was_something_to_be_seen(house: House) -> None:
    """Else the test before this one would say nothing: who sees all is told every word, and other figures."""
    said = "\n".join(house.whole.values())
    assert [name for name, word in SECRETS.items() if word not in said] == []
    for page in ("/dashboards", "/league", "/process", "/library", "/cases", "/calendar", "/api/v1/metrics/query"):
        moved = [
            one for one, words in house.whole.items() if one.startswith(page) and words != house.after.get(one, words)
        ]
        assert moved, page


def test_no_word_of_theirs_is_anywhere(house: House) -> None:
    """But where the reader asked with that very word, and is told that nothing was found."""
    leaks = [
        (name, address)
        for answers in (house.after, house.refused)
        for address, said in answers.items()
        for name, word in SECRETS.items()
        if word in said and word not in address
    ]
    assert leaks == []


def test_every_address_of_their_cases_is_as_if_it_led_nowhere(house: House) -> None:
    theirs = [one for one in house.after if CASE in one.partition("?")[0] or TASK in one.partition("?")[0]]
    assert len(theirs) > 20
    assert {house.after[one][:3] for one in theirs} == {"404"}


def test_who_has_no_part_in_analysis_is_told_no_figure(house: House) -> None:
    assert house.refused
    assert {one: said[:3] for one, said in house.refused.items() if not said.startswith("404")} == {}


def test_an_open_case_of_another_office_is_in_no_league_table(house: House) -> None:
    """Everybody may read an open case; how another office, its clerks and callers fare is for those over them."""
    case_id = league_rows.case(house.app, "open-far", FAR)
    league_rows.recommended(
        house.app, case_id, "farclerk", FAR, seen=500, took=321, at=house.moment - timedelta(days=1)
    )
    with pytest.MonkeyPatch.context() as patched, TestClient(create_app(house.app)) as browser:
        patched.setattr(clock, "now", lambda: house.moment)
        asked = [one for one in house.before if one.removeprefix("/api/v1").startswith("/league")]
        for login, same in ((EVERYTHING, False), (ANALYST, True)):
            session(house.app, browser, login)
            assert all(told(browser, one) == house.before[one] for one in asked) == same
