"""Rows as halls, callers and waves leave them behind, written at once: league tables look at many."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.service.app import Countersign
from engine.store import people as accounts
from engine.store.tables import (
    call_attempts,
    cases,
    recipients,
    recommendations,
    responses,
    wave_sums,
    waves,
)

BAIYUN, TIANHE = "440111", "440106"


def case(app: Countersign, case_id: str, office: str, *, confidential: bool = False) -> str:
    """An open case of an office that was submitted, or a confidential one that nobody was asked about."""
    row = {
        "id": case_id, "definition": "telecom-marketing-case", "version": 3, "fingerprint": "f", "office": office,
        "submitter": "emily", "number": f"N-{case_id}", "title": case_id, "state": "delivering", "round": 1, "seq": 1,
        "confidential": confidential, "body": "{}", "head": "", "created_at": app.now(), "updated_at": app.now(),
    }  # fmt: skip
    with app.db.begin() as tx:
        tx.execute(sa.insert(cases), [row])
    return case_id


def clerks(app: Countersign, **offices: str) -> None:
    """Further accounts of clerks and callers, by their office; a caller's begins with call."""
    with app.db.begin() as tx:
        fields = {"email": "x@example.org", "language": "zh", "password_hash": ""}
        accounts.add_people(tx, [{"id": one, "name": f"名{one}", **fields} for one in offices])
        roles = {one: "caller" if one.startswith("call") else "clerk" for one in offices}
        accounts.add_grants(tx, [{"person": one, "role": roles[one], "office": code} for one, code in offices.items()])


def recommended(
    app: Countersign, case_id: str, clerk: str, office: str, *, seen: int, took: int, at: datetime | None = None
) -> None:
    """A clerk saw so many recommendations, and so many of these customers accepted; every second with evidence."""
    shown = at or app.now() - timedelta(days=1)
    rows = [
        {
            "wave": f"{case_id}-{clerk}-{office}", "row": n, "case_id": case_id, "customer": f"{clerk}{office}{n}",
            "shown_by": clerk, "shown_at": shown, "office": office, "answer": "accept" if n < took else "",
            "answered_by": clerk if n < took else "", "evidence": "123456" if n < took and n % 2 else "",
        }
        for n in range(seen)
    ]  # fmt: skip
    with app.db.begin() as tx:
        tx.execute(sa.insert(recommendations), rows)


def called(app: Countersign, case_id: str, caller: str, *, customers: int, took: int) -> None:
    """A caller reached nobody at first, and so many of the customers accepted at the second try."""
    first = [
        {
            "wave": f"{case_id}-{caller}", "row": n, "reference": "1", "case_id": case_id, "caller": caller,
            "at": app.now() - timedelta(hours=5), "disposition": "no_answer",
        }
        for n in range(customers)
    ]  # fmt: skip
    second = [row | {"reference": "2", "disposition": "accepted"} for row in first[:took]]
    with app.db.begin() as tx:
        tx.execute(sa.insert(call_attempts), [*first, *second])


def sent(app: Countersign, case_id: str, channel: str, *, delivered: int, failed: int, converted: int) -> None:
    """A wave over a channel, with so many conversions of those that were delivered."""
    wave = f"{case_id}-{channel}"
    states = ["delivered"] * delivered + ["failed"] * failed
    now = app.now()
    with app.db.begin() as tx:
        tx.execute(
            sa.insert(waves),
            [
                {
                    "id": wave, "case_id": case_id, "position": len(channel), "name": channel, "channel": channel,
                    "state": "done", "audience": len(states), "plan": "{}", "folder": "", "started_at": now,
                    "finished_at": now,
                }
            ],
        )  # fmt: skip
        tx.execute(sa.insert(wave_sums), [{"wave": wave, "delivered": delivered, "failed": failed}])
        tx.execute(
            sa.insert(recipients),
            [
                {
                    "wave": wave, "row": n, "case_id": case_id, "customer": f"c{n}", "channel": channel, "cell": "",
                    "state": state,
                }
                for n, state in enumerate(states)
            ],
        )  # fmt: skip
        done = [
            {"case_id": case_id, "customer": f"c{n}", "kind": "conversion", "reference": f"{channel}{n}", "at": now}
            for n in range(converted)
        ]
        outside = {"case_id": case_id, "customer": "control", "kind": "conversion", "reference": channel, "at": now}
        tx.execute(sa.insert(responses), [*done, outside])
