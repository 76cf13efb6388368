"""What the demo leaves for analysts: answers in the halls and on the phone, a saved view that is mailed, and figures
that are counted, so that every page of analysis has something true to show.

Everything is done through the service as its people do it, and done twice it is done once. Refuses to write figures:
they are what the ledger of the demo says.
"""

from datetime import timedelta

from engine.cli.demo.deliveries import CALLER, SUBMITTER
from engine.cli.demo.people import PASSWORD
from engine.organisation import Office
from engine.service import calling, courses, facts, leagues, mailings, people, recommended, recommending, saved_views
from engine.service.app import Countersign
from engine.service.calling import Named
from engine.service.mailings import Wanted
from engine.service.people import NewPerson
from engine.service.recommended import Said
from engine.service.recording import By
from engine.service.saved_views import Sharing
from engine.service.views import Viewer
from engine.warehouse.freeze import read_list

CLERK, ANALYST, CITY = "zhaoying", "tangyue", "440100"
SHOWN = ((ANALYST, "city analyst 市分析员", "广州市分公司"),)
VIEW = "白云区营销案"
ASKED, CALLED = 36, 8  # customers: enough to rank a hall in a league table, and too few to rank a caller
ACCEPTED = Said("accept", confirmed_by="code", evidence="483920")
ANSWERS = (
    ACCEPTED,
    Said("refuse", reason="price"),
    Said("later"),
    Said("refuse", reason="has_similar"),
)
CALLS = (("accepted", "录音0917"), ("refused", ""), ("no_answer", ""), ("interested", ""))
SOON = timedelta(minutes=1)


def furnish(app: Countersign, hall_case: str) -> None:
    """Make it all. `hall_case`: whose recommendations wait in the halls."""
    nowhere: tuple[Office, ...] = ()
    mail = f"{ANALYST}@example.org"
    people.load(app, nowhere, [NewPerson(ANALYST, "唐悦", mail, "zh", PASSWORD, (("analyst", CITY),))])
    _answer_in_the_hall(app, hall_case)
    _call(app)
    _report(app)
    count(app)


def count(app: Countersign) -> None:
    """Have everything that pages of analysis count be counted up to now."""
    while courses.refresh(app):
        pass
    facts.refresh(app)


def _answer_in_the_hall(app: Countersign, case_id: str) -> None:
    """A clerk asks for some customers and writes down what they say; others are left to whoever looks around."""
    if _ranked(app, "halls"):
        return
    clerk = _viewer(app, CLERK)
    waiting = [customer for customer, _, arm in read_list(app.settings.data, case_id) if arm == "target"]
    for n, customer in enumerate(sorted(waiting)[:ASKED]):
        by = By(clerk, "page", key=f"demo:hall:{n}")
        for one in recommending.look_up(app, by, customer).recommendations:
            said = By(clerk, "page", key=f"demo:hall:{n}:said")
            recommended.answer(app, said, one.id, ANSWERS[n % len(ANSWERS)])


def _call(app: Countersign) -> None:
    """The caller takes the first customers and records what came of each."""
    if _ranked(app, "agents"):
        return
    by = By(_viewer(app, CALLER), "page")
    for n in range(CALLED):
        taken = calling.take(app, by)
        if taken is None:
            return
        shown = calling.show(app, by, Named(taken.wave, taken.row, taken.version)).call
        disposition, evidence = CALLS[n % len(CALLS)]
        named = Named(shown.wave, shown.row, shown.version)
        calling.record(app, by, named, disposition=disposition, evidence=evidence)


def _report(app: Countersign) -> None:
    """The county's analyst keeps a view of its cases, shares it with those of the city, and has it mailed every day."""
    me = _viewer(app, SUBMITTER)
    view = saved_views.save(app, me, VIEW, "cases", "office=440111")
    saved_views.change(app, me, view, VIEW, [Sharing(CITY, "analyst")])
    zone = app.settings.zone
    at = f"{(app.now() + SOON).astimezone(zone):%H:%M}"
    wanted = Wanted(view, "daily", 0, at, str(zone), workdays=False, form="link", recipients=(SUBMITTER, ANALYST))
    mailings.add(app, By(me, key="demo:report"), wanted)


def _ranked(app: Countersign, kind: str) -> bool:
    return leagues.table(app, _viewer(app, SUBMITTER), {"kind": kind}).n > 0


def _viewer(app: Countersign, login: str) -> Viewer:
    return people.viewer_named(app, login)
