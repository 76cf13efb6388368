"""What is done with a whole case outside its ordinary way: terminate, void, suspend, activate, wake, jump, take back,
convert, urge.

Who may is decided by the machine under the lock. Refuses, as not found, whoever may not see the case.
"""

from engine.machine.commands import Operate
from engine.service import running
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.views import Viewer


def intervene(
    app: Countersign, viewer: Viewer, case_id: str, operation: str, *, reason: str, key: str, to: str = ""
) -> None:
    """Carry `operation` out, with its reason; `to` is the step of a jump. The same `key` again changes nothing.

    Raises NotFound for who may not, NotPossible where the case is not in a state for it, Invalid without a reason.
    """
    with app.db.read() as tx:
        load_visible(app, tx, viewer, case_id)
    command = Operate(actor=viewer.person, operation=operation, reason=reason.strip(), to=to.strip())
    running.carry_out(app, case_id, command, key=f"{viewer.person}:{key}")
