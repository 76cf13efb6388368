"""Proofs (样张): the message of a case, before it goes out, to named people of the house through the channel that
customers get it by; each answers on a page whether it fits.

A definition may want so many to say so (`delivery.proofs`): the first wave waits for it, and a text that was changed is
asked anew. Refuses to send what goes to customers: every proof says what it is, and its values are masked.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time

from sqlalchemy import Connection

from engine.delivery.channels import Email, Sms, Webhook, segments_of
from engine.delivery.mail import is_address
from engine.delivery.plan import DeliveryPlan
from engine.errors import ExpressionFailed, Invalid, InvalidForm, NotFound, Problem, SelectionFailed, Unavailable
from engine.machine.case import Case
from engine.masking import masked
from engine.organisation import Organisation
from engine.service import access, channels, fields, previewing, side_texts
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.cases import load_visible
from engine.service.proof_rule import current, fitting, go_on, named, provable
from engine.service.proof_views import ProofsView, ProofView
from engine.service.recording import By, changing
from engine.service.sampling import may_read
from engine.service.sealing import vault
from engine.service.side_texts import PROVABLE, Form
from engine.service.views import Viewer
from engine.store import cases, people, side_letters, snapshots, waves
from engine.store.side_letters import Answer, NewLetter, SideLetter
from engine.store.snapshots import SnapshotRow

STATES = ("approving", "ready", "delivering", "paused")
A_DAY = 60
"""Proofs of one case in a day: each is a message that somebody pays for and that somebody reads."""
LONGEST_REASON = 500
SENDERS = ("head", "marketing", "process_admin", "administrator")
"""Roles that send proofs of cases that are not theirs."""


def send(app: Countersign, by: By, case_id: str, to: Iterable[str] = ()) -> int:
    """Send every text of the case's message to these accounts, by default those whom its definition names; how many
    proofs. The same form again sends nothing more.

    NotFound for who may not; InvalidForm (E411) where somebody has no address, (E412) where it is too many for a day,
    (E413) where there is nothing to try: the waves have begun, or nobody was selected.
    """
    by.authorize("proofs.send")
    with app.db.read() as tx:
        case = _case(app, tx, by, case_id)
        row = snapshots.newest(tx, case.id)
        over = _channels(app, tx, case)
        plan = app.definition(case.process).delivery
        assert plan is not None
        accounts = tuple(dict.fromkeys(one.strip() for one in to if one.strip())) or named(app, tx, plan, case)
        addresses = _addresses(app, tx, accounts, {channel: _kind_of_address(plan, channel) for channel in over})
    texts = _texts(app, case, plan, row, over)
    with changing(app, by, None) as change:
        if change.done_before():
            return 0
        cases.locked(change.tx, case.id)
        count = len(texts) * len(accounts)
        if count > _left(app, change.tx, case):
            raise _refused("E412", f"a case sends {A_DAY} proofs a day at most", most=A_DAY)
        batch = f"proof.{secrets.token_hex(6)}"
        letters = list(_letters(app, batch, texts, accounts, addresses))
        side_letters.enter(change.tx, batch, case.id, "proof", letters, by=by.person, at=change.now)
        told = {"to": list(accounts), "channels": sorted(over), "texts": len(texts)}
        change.note("proofs_sent", f"case {case.number or case.id}", after=told)
    return count


def answer(app: Countersign, by: By, name: str, *, fits: bool, because: str = "") -> None:
    """The person who got a proof says whether it fits, and why not; a later answer counts instead. A first wave that
    waited for this answer alone starts. NotFound for anybody else, InvalidForm without a reason."""
    said, reason = ("fits" if fits else "unfit"), because.strip()
    if (not fits and not reason) or len(reason) > LONGEST_REASON:
        raise InvalidForm([Problem("reason_missing", "say why", at="because")])
    with changing(app, by, None) as change:
        letter = _mine(change.tx, by.person, name)
        if change.done_before():
            return
        kept: Answer = "fits" if fits else "unfit"
        side_letters.answer(change.tx, letter, kept, reason, at=change.now)
        case = cases.load(change.tx, letter.case_id)
        change.note(
            "proof_answered", f"case {case.number or case.id}", after={"proof": name, "said": said}, reason=reason
        )
    if fits:
        go_on(app, case.id)


def one(app: Countersign, viewer: Viewer, name: str) -> ProofView:
    """A proof for the person who got it. NotFound for anybody else."""
    with app.db.read() as tx:
        letter = _mine(tx, viewer.person, name)
        case = cases.load(tx, letter.case_id)
        return _view(app, app.organisation(tx), case, letter, current(app, tx, case))


def waiting(app: Countersign, viewer: Viewer) -> tuple[ProofView, ...]:
    """The proofs that wait for the viewer's answer, the newest first: of texts as they are now, that still go out."""
    with app.db.read() as tx:
        letters = side_letters.unanswered(tx, viewer.person)
        organisation, known = app.organisation(tx), {}
        for case in cases.load_many(tx, sorted({one.case_id for one in letters})):
            plan = app.definition(case.process).delivery
            left = _channels_left(tx, case, plan) if plan else frozenset()
            known[case.id] = (case, left, current(app, tx, case))
        views = []
        for one in letters:
            case, left, texts = known[one.case_id]
            if one.channel in left and one.about in texts:
                views.append(_view(app, organisation, case, one, texts))
        return tuple(views)


def of_case(app: Countersign, viewer: Viewer, case_id: str) -> ProofsView | None:
    """The proofs of a case; None for who may not read its message, and where its kind sends none that can be tried.
    NotFound for who does not see the case."""
    with app.db.read() as tx:
        return seen_by(app, tx, viewer, load_visible(app, tx, viewer, case_id))


def seen_by(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> ProofsView | None:
    """The same of a case that the viewer may see."""
    definition, unseen = app.definition(case.process), fields.hidden(app, tx, viewer.person, case)
    plan = definition.delivery
    if plan is None or not may_read(definition, case, unseen) or not provable(plan):
        return None
    return _proofs(app, tx, case, plan, may_send=_may_send(viewer, case) and bool(_channels_left(tx, case, plan)))


def for_operator(app: Countersign, name: str) -> ProofsView:
    """The proofs of the case of this id or number, for who has the machine. NotFound where there is none."""
    with app.db.read() as tx:
        case = cases.load(tx, cases.find(tx, name) or "")
        plan = app.definition(case.process).delivery
        if plan is None:
            raise NotFound()
        return _proofs(app, tx, case, plan, may_send=True)


def _proofs(app: Countersign, tx: Connection, case: Case, plan: DeliveryPlan, *, may_send: bool) -> ProofsView:
    organisation, now = app.organisation(tx), current(app, tx, case)
    letters = side_letters.of_case(tx, case.id, "proof")
    return ProofsView(
        proofs=tuple(_view(app, organisation, case, letter, now) for letter in letters),
        may_send=may_send,
        named=named(app, tx, plan, case),
        need=plan.proofs.need if plan.proofs else 0,
        fits=fitting(app, tx, case, plan) if plan.proofs else 0,
        left_today=_left(app, tx, case),
    )


def _case(app: Countersign, tx: Connection, by: By, case_id: str) -> Case:
    """The case, for who may send proofs of it."""
    if by.viewer is None:
        return cases.load(tx, cases.find(tx, case_id) or "")
    case = load_visible(app, tx, by.viewer, case_id)
    unseen = fields.hidden(app, tx, by.person, case)
    if not _may_send(by.viewer, case) or not may_read(app.definition(case.process), case, unseen):
        raise NotFound()
    access.note(app, by.viewer, case)
    return case


def _may_send(viewer: Viewer, case: Case) -> bool:
    return allowed(viewer, "proofs.send") and (case.submitter == viewer.person or viewer.has(*SENDERS))


def _channels(app: Countersign, tx: Connection, case: Case) -> frozenset[str]:
    plan = app.definition(case.process).delivery
    left = _channels_left(tx, case, plan) if plan else frozenset()
    if not left:
        raise _refused("E413", "there is nothing to try: no wave by a channel with texts is still to begin")
    return left


def _channels_left(tx: Connection, case: Case, plan: DeliveryPlan) -> frozenset[str]:
    """The channels of waves that have not begun."""
    if case.state not in STATES:
        return frozenset()
    rows = waves.of_case(tx, case.id)
    if not rows:
        return provable(plan)
    return frozenset(row.channel for row in rows if row.state in ("loading", "planned") and row.channel in PROVABLE)


def _addresses(
    app: Countersign, tx: Connection, accounts: Sequence[str], over: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """Where each channel, with the kind of address that it takes, reaches each account. InvalidForm with everybody whom
    one does not reach."""
    if not accounts:
        raise InvalidForm([Problem("form.required", "name at least one account", at="to")])
    organisation, found, problems = app.organisation(tx), {}, []
    for channel in sorted(over):
        for person in accounts:
            row = people.find_person(tx, person)
            address = ""
            if row is not None and row.active and over[channel] == Email.name:
                address = row.email if is_address(row.email) else ""
            elif row is not None and row.active and over[channel] == Sms.name:
                address = channels.address_of(tx, person, "sms").to
            if not address and (over[channel] or row is None or not row.active):
                told = {"who": organisation.name(person), "channel": channel}
                problems.append(Problem("E411", f"{told['who']} has no address for {channel}", at="to", fields=told))
            found[channel, person] = address
    if problems:
        raise InvalidForm(problems)
    return found


def _kind_of_address(plan: DeliveryPlan, channel: str) -> str:
    """The channel whose addresses of accounts are as this one's of customers; empty where it gets their names alone."""
    if channel != Webhook.name:
        return channel
    field = plan.address_for(channel)
    return next((kind for kind in (Sms.name, Email.name) if field and field == plan.address_for(kind)), "")


def _texts(
    app: Countersign, case: Case, plan: DeliveryPlan, row: SnapshotRow | None, over: frozenset[str]
) -> list[tuple[Form, str, str]]:
    """Each text with its subject, filled with the masked values of the first member of its cell."""
    definition = app.definition(case.process)
    try:
        drawn, _ = previewing.members(app, case, plan, row)
        some = {one.cell: one.some[0][1] for one in drawn if one.some}
        values = definition.context(case.form)["form"]
        found = []
        for form in side_texts.forms(plan, values, some, over):
            fill = side_texts.filler(app, definition, case.form, form.channel)
            subject, text = fill(form.cell, form.variant, some[form.cell])
            found.append((form, subject, text))
    except (SelectionFailed, Invalid, ExpressionFailed, Unavailable, ValueError) as error:
        raise _refused("E413", f"there is nothing to try: {error}") from error
    if not found:
        raise _refused("E413", "there is nothing to try: nobody was selected")
    return found


def _letters(
    app: Countersign,
    batch: str,
    texts: Sequence[tuple[Form, str, str]],
    accounts: Sequence[str],
    addresses: dict[tuple[str, str], str],
) -> Iterable[NewLetter]:
    box = vault(app.settings)
    for row, ((form, subject, text), person) in enumerate((text, person) for text in texts for person in accounts):
        address = addresses[form.channel, person]
        head, body = side_texts.framed(app.settings, subject, text, f"{batch}.{row}")
        yield NewLetter(
            row=row,
            channel=form.channel,
            cell=form.variant or form.cell,
            person=person,
            address=box.seal(address) if address else "",
            shown=masked(address),
            subject=head,
            text=body,
            about=form.about,
            segments=segments_of(form.channel, body),
        )


def _left(app: Countersign, tx: Connection, case: Case) -> int:
    day = app.now().astimezone(app.settings.zone).date()
    since = datetime.combine(day, time.min, app.settings.zone)
    return max(0, A_DAY - side_letters.count_since(tx, case.id, since))


def _mine(tx: Connection, person: str, name: str) -> SideLetter:
    batch, _, row = name.rpartition(".")
    is_named = side_letters.is_batch(batch) and row.isascii() and row.isdigit() and len(row) < 6
    letter = side_letters.find(tx, batch, int(row)) if is_named else None
    if letter is None or letter.kind != "proof" or letter.person != person:
        raise NotFound()
    return letter


def _view(
    app: Countersign, organisation: Organisation, case: Case, letter: SideLetter, now: frozenset[str]
) -> ProofView:
    definition = app.definition(case.process)
    message = definition.delivery.message if definition.delivery else None
    is_variant = message is not None and letter.cell in message.variants
    return ProofView(
        name=letter.name,
        case_id=case.id,
        number=case.number or "",
        channel=letter.channel,
        cell="" if is_variant else letter.cell,
        variant=letter.cell if is_variant else "",
        person=letter.person,
        who=organisation.name(letter.person),
        address=letter.shown,
        subject=letter.subject,
        text=letter.text,
        state="waiting" if letter.state == "claimed" else letter.state,
        reason=letter.reason,
        asked_by=organisation.name(letter.asked_by),
        asked_at=letter.asked_at,
        is_current=letter.about in now,
        answer=letter.answer,
        because=letter.because,
        answered_at=letter.answered_at,
    )


def _refused(code: str, message: str, **told: object) -> InvalidForm:
    return InvalidForm([Problem(code, message, at="to", fields=told)])
