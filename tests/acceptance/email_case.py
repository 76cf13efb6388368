"""A case of two e-mails over 900 customers of an earlier trial, brought to its evaluation through the service."""

from datetime import timedelta
from pathlib import Path

from engine import clock
from engine.service import approvals, closing, delivering, effects, evaluating, proposals, stages
from engine.service.app import Countersign
from engine.service.closed import Said
from engine.service.responses import import_responses
from engine.warehouse.dataset import Dataset
from engine.warehouse.lists import ROW_NUMBER, Reading, import_csv
from tests.acceptance.offices import key, notices, open_task, state_of, viewer

ARMS = ("Mens E-Mail", "Womens E-Mail", "No E-Mail")
VISITS = {"Mens E-Mail": 4, "Womens E-Mail": 6, "No E-Mail": 10}  # every n-th customer comes
FORM = {"title": "Two e-mails", "budget": "4000", "reach": "600", "window": ["2026-12-01", "2026-12-14"]}


def base(outcomes: bool = False) -> str:
    """900 customers in three arms; with `outcomes`, what they did."""
    lines = ["recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend"]
    for n in range(900):
        arm = ARMS[n % 3]
        came = (n // 3) % VISITS[arm] == 0
        did = f"{came:d},{came and n % 2:d},{20.5 if came and n % 2 else 0}" if outcomes else ",,"
        lines.append(f"3,1) $0 - $100,29.99,1,0,Urban,0,Web,{arm},{did}")
    return "\n".join(lines) + "\n"


def load_customers(app: Countersign, folder: Path) -> None:
    """Import the 900 customers."""
    file = folder / "customers.csv"
    file.write_text(base())
    dataset = Dataset(app.settings.data)
    imported = import_csv(dataset, "customers", file, Reading(ROW_NUMBER, types={"customer": "text"}))
    dataset.replace("customers", imported.table)


def handed_off(
    app: Countersign,
    customers: int = 600,
    *,
    by: str = "wangmin",
    head: str = "liguoqiang",
    definition: str = "hillstrom-email-case",
    **changes: object,
) -> str:
    """The id of a case whose two e-mails were handed off to so many customers."""
    submitter = viewer(app, by)
    made = proposals.start(app, submitter, definition, key=key())
    proposals.submit(app, submitter, made, FORM | {"reach": str(customers)} | changes, key=key())
    decides = viewer(app, head)
    approvals.decide(app, decides, open_task(app, head), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    stages.start_delivery(app, submitter, made, customers, key=key())
    notices(app)
    for _ in range(20):
        if state_of(app, made) == "evaluating":
            return made
        delivering.work(app, "worker")
        delivering.settle(app)
        notices(app)
    raise AssertionError("the delivery does not end")


def evaluate_after(app: Countersign, hands: Path, days: int = 15) -> None:
    """Let the evaluation fall due: the hands of the clock stand in the file `hands`."""
    clock.move(hands, timedelta(days=days))
    notices(app)
    assert effects.evaluate_due(app).failed == 0


def finished(app: Countersign, folder: Path, hands: Path) -> str:
    """The id of a closed case with outcomes, evaluated twice."""
    load_customers(app, folder)
    made, submitter = handed_off(app), viewer(app, "wangmin")
    import_responses(app, submitter, made, base(outcomes=True).encode())
    evaluating.evaluate(app, made, "1d", False, key())
    evaluate_after(app, hands)
    sign(app, made)
    return made


def sign(app: Countersign, case_id: str, *, by: str = "wangmin", failed: str = "Too few came") -> str:
    """Sign the report as it is now and close the case; the digest."""
    submitter = viewer(app, by)
    frozen = closing.view(app, submitter, case_id).frozen
    assert frozen is not None
    said = Said("Both e-mails again next year", failed, "Customers of last year", frozen.digest)
    closing.close(app, submitter, case_id, said, key=key())
    return frozen.digest
