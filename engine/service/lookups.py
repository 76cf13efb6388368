"""People and offices by a part of their name, for whoever fills in a form. Names and offices only, no addresses."""

from dataclasses import dataclass

from engine.service import candidates
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.views import Viewer
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class Found:
    """What a form keeps (an account, or the code of an office), and how it is called."""

    value: str
    label: Bilingual


def named(app: Countersign, viewer: Viewer, kind: str, typed: str) -> tuple[Found, ...]:
    """What `typed` may mean, 20 at most; `kind`: people or offices."""
    authorize(viewer, "cases.act")
    with app.db.read() as tx:
        return tuple(Found(*one) for one in candidates.looked_up(app.organisation(tx), kind, typed))
