"""Cases brought to where a test of the pages needs them, through the service."""

import itertools
from typing import Any

from engine.service import approvals, people, proposals
from engine.service.app import Countersign
from engine.service.views import TaskRow, Viewer

PROPOSAL: dict[str, Any] = {
    "title": "Autumn data package",
    "offer": "flow-10g",
    "budget": "80000.00",
    "reach": "60000",
    "discount": "0.8",
    "channels": ["sms"],
    "window": ["2026-12-01", "2026-12-31"],
    "message": "【白云移动】尊敬的客户，您可8折办理10GB流量包，回复LL10办理。拒收请回复R",
}
FORM: dict[str, Any] = {
    **{name: value for name, value in PROPOSAL.items() if isinstance(value, str)},
    "channels[]": ["", "sms"],
    "window[from]": "2026-12-01",
    "window[to]": "2026-12-31",
    "goal": "",
}
_keys = itertools.count()


def key() -> str:
    """A key that no other call used."""
    return f"test-key-{next(_keys)}"


def viewer(app: Countersign, login: str) -> Viewer:
    """The viewer of an account."""
    return people.viewer_named(app, login)


def drafted(app: Countersign) -> str:
    """A draft of 王敏's."""
    return proposals.start(app, viewer(app, "wangmin"), "telecom-marketing-case", key=key())


def submitted(app: Countersign, **changes: Any) -> str:
    """A case that 王敏 submitted."""
    case_id = drafted(app)
    proposals.submit(app, viewer(app, "wangmin"), case_id, PROPOSAL | changes, key=key())
    return case_id


def task_of(app: Countersign, login: str) -> TaskRow:
    """The first open task of an account."""
    return approvals.inbox(app, viewer(app, login)).to_do[0]


def decide(app: Countersign, login: str, decision: str = "approve", remark: str = "") -> None:
    """Decide on the first open task of an account."""
    named = approvals.decision_named(decision)
    approvals.decide(app, viewer(app, login), task_of(app, login).id, named, remark=remark, seen_seq=None, key=key())
