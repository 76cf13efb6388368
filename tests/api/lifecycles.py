"""The example of a declared lifecycle put into force, with people for its roles."""

from pathlib import Path
from typing import Any

from engine.definition.load import load
from engine.service.app import Countersign
from engine.store import definitions, people

FILE = Path(__file__).resolve().parents[2] / "definitions/examples/payment-approval.yaml"
ROLES = {"linfang": "administration", "chensi": "budget_owner", "zhouning": "supervisor", "sunli": "director"}
BILL: dict[str, Any] = {"title": "Printing", "amount": "1200.00", "payee": "The printer"}


def in_force(app: Countersign) -> None:
    """Publish payment-approval, and let people of the demo hold its roles (finance they hold already)."""
    payment = load(FILE.read_text(encoding="utf-8"))
    with app.db.begin() as tx:
        definitions.publish(
            tx,
            name=payment.name,
            version=payment.version,
            fingerprint=payment.fingerprint,
            source=payment.source,
            author="machao",
            by="wuqian",
            at=app.now(),
        )
        people.add_grants(tx, [{"person": one, "role": role, "office": "440100"} for one, role in ROLES.items()])
