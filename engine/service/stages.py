"""What the submitter does after the approval: start the waves, hold them, let a gate pass."""

from engine.errors import NotFound, NotPossible
from engine.machine.commands import PauseDelivery, ResumeDelivery, SelectAgain, StartDelivery
from engine.service import delivering, running, staleness, text_tests
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.views import Viewer
from engine.store.cases import Locked


def select_again(app: Countersign, viewer: Viewer, case_id: str, *, key: str) -> None:
    """Have a selection that failed tried again, or one made anew whose list is stale. NotPossible where it is not."""
    _own(app, viewer, case_id)

    def again(locked: Locked) -> SelectAgain:
        case = locked.case
        if "ready" in case.configuration and staleness.stale_view(app, locked.tx, case) is None:
            raise NotPossible(action="select the customers again", state="the list is not stale", possible="start")
        return SelectAgain(actor=viewer.person)

    running.carry_out(app, case_id, again, key=key)


def start_delivery(
    app: Countersign, viewer: Viewer, case_id: str, recipients: int, *, key: str, reason: str = ""
) -> None:
    """Send to the frozen audience; `recipients` repeats the number that the submitter confirmed. ListStale where the
    list is stale and no `reason` says why it goes out as it is."""
    _own(app, viewer, case_id)

    def start(locked: Locked) -> StartDelivery:
        said, wave = staleness.let_go(app, locked.tx, locked.case, reason)
        return StartDelivery(actor=viewer.person, recipients=recipients, reason=said, wave=wave)

    running.carry_out(app, case_id, start, key=key)


def hold(app: Countersign, viewer: Viewer, case_id: str, action: str, reason: str, *, key: str) -> None:
    """`pause` or `resume` all waves of the case. What a worker is sending at this moment is still sent. To resume where
    the list of the next wave is stale takes a reason: ListStale."""
    _own(app, viewer, case_id)

    def resume(locked: Locked) -> ResumeDelivery:
        said, wave = staleness.let_go(app, locked.tx, locked.case, reason)
        return ResumeDelivery(actor=viewer.person, reason=said, wave=wave)

    if action == "pause":
        running.carry_out(app, case_id, PauseDelivery(actor=viewer.person, reason=reason.strip()), key=key)
    elif action == "resume":
        running.carry_out(app, case_id, resume, key=key)
    else:
        raise NotFound()


def release_gate(app: Countersign, viewer: Viewer, case_id: str, *, key: str) -> None:
    """A person's go: the wave behind the gate starts without waiting for its time."""
    _own(app, viewer, case_id)
    delivering.release_gate(app, case_id, by=viewer.person)


def choose_text(
    app: Countersign, viewer: Viewer, case_id: str, *, wave: str, variant: str, reason: str, key: str
) -> None:
    """The submitter chooses with which text the waves go out that wait for the test of `wave`, and says why."""
    _own(app, viewer, case_id)
    text_tests.choose(app, case_id, by=viewer.person, wave=wave, variant=variant, reason=reason, key=key)


def _own(app: Countersign, viewer: Viewer, case_id: str) -> None:
    with app.db.read() as tx:
        if load_visible(app, tx, viewer, case_id).submitter != viewer.person:
            raise NotFound()
