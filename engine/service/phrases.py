"""Quick phrases (常用语): each person's own list of remarks; who keeps none is offered those of the pages."""

from collections.abc import Sequence

from engine.errors import InvalidForm, Problem
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.views import Viewer
from engine.store import phrases

MOST, LONGEST = 20, 200


def listed(app: Countersign, viewer: Viewer) -> tuple[str, ...]:
    """The viewer's own phrases, in their order."""
    authorize(viewer, "cases.act")
    with app.db.read() as tx:
        return phrases.load(tx, viewer.person)


def keep(app: Countersign, viewer: Viewer, texts: Sequence[str]) -> tuple[str, ...]:
    """Keep these instead, each once, empty ones left out; the same again changes nothing. InvalidForm where there are
    too many or one is too long."""
    authorize(viewer, "cases.act")
    kept = tuple(dict.fromkeys(text for each in texts if (text := " ".join(each.split()))))
    problems = []
    if len(kept) > MOST:
        problems.append(Problem("phrases.many", f"{MOST} phrases at most", at="phrases", fields={"most": MOST}))
    for text in kept:
        if len(text) > LONGEST:
            fields = {"most": LONGEST, "text": text[:20]}
            problems.append(Problem("phrases.long", f"{LONGEST} characters at most", at="phrases", fields=fields))
    if problems:
        raise InvalidForm(problems)
    with app.db.begin() as tx:
        phrases.replace(tx, viewer.person, kept)
    return kept
