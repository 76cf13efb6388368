"""A case by SMS whose definition asks the finance people of the city for proofs, with seeds of its office."""

import json

from engine.service import cases, seed_lists, stages
from engine.service.app import Countersign
from engine.store import preferences
from tests.acceptance.offices import key, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, admin, frozen

ASKED = DEFINITION.rstrip() + '\n  proofs: {to: "role:finance@city", need: 1}\n'
NUMBERS = {"zhanglan": "13922220001", "hejing": "13922220002"}
SEEDS = ("13911110001", "13911110002")


def ready(app: Countersign, text: str = ASKED) -> str:
    """The id of a case that can be delivered; who is asked for proofs has a mobile number."""
    made = frozen(app, text)
    reachable(app)
    return made


def reachable(app: Countersign) -> None:
    """Who is asked for proofs has a mobile number."""
    with app.db.begin() as tx:
        for name, number in NUMBERS.items():
            preferences.keep_of_person(tx, name, json.dumps({"addresses": {"sms": {"to": number}}}), app.now())


def seeded(app: Countersign) -> None:
    """Two seeds of the case's office."""
    for number in SEEDS:
        told = {"office": "440111", "name": f"质检 {number[-1]}", "channel": "sms", "address": number}
        seed_lists.add(app, admin(app), **told)


def begun(app: Countersign, made: str) -> None:
    """The submitter starts the delivery of a case that is ready."""
    me = viewer(app, "wangmin")
    target = cases.case_page(app, me, made).audience
    assert target is not None
    stages.start_delivery(app, me, made, target.target, key=key())
    notices(app)
