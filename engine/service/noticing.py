"""What a person is told: which messages an effect means, by which channels and when; and, when one goes, its words'
facts as they are by then.

Nothing is sent here. A message says what it is about, not how it reads: whether its reader may see the case, whether
the task still waits, and what amounts they see, is asked when it goes. One that has nothing to tell any more is moot.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace
from sqlalchemy import Connection

from engine.errors import NotFound
from engine.machine.case import Case
from engine.machine.commands import Decide
from engine.machine.outcome import Announce, NotifyOutcome, NotifyQuestion, NotifyTask
from engine.organisation.workdays import caution
from engine.service import channels, codes, holding, linking, standins
from engine.service.app import Countersign
from engine.service.drifting import drift_view
from engine.service.fields import field_views, hidden, limited
from engine.service.holding import Address
from engine.service.telling import form_at
from engine.service.views import DriftView, FieldView
from engine.store import cases, history, messages, people, visibility
from engine.store import outbox as outboxes
from engine.store.messages import Alarm, Claimed, Code, Digest, New, Ping, Report, ReportStopped, Subject
from engine.values import NO_TEXT, Bilingual, Language

NOWHERE = Address()
PRIVATE = ("email", "sms")  # read by one person alone; a bot may stand in a group, and is given no personal link


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told. `link` is absolute; `registered` are register numbers; `by` and `remark` are set where
    somebody decided; `changes` are the fields that an approver changed, each with what it `was`."""

    person: str
    name: str
    email: str
    language: Language
    occasion: str
    case_id: str
    number: str
    title: str
    confidential: bool
    step: Bilingual
    due_at: datetime | None
    budget: Decimal | None
    reach: int | None
    link: str
    remark: str = ""
    by: str = ""
    drift: DriftView | None = None
    registered: tuple[str, ...] = ()
    caution: Bilingual = NO_TEXT  # why `due_at` may still move
    changes: tuple[FieldView, ...] = ()
    code: str = ""  # a one-time code, which counts until `due_at`
    channel: str = "email"
    address: Address = NOWHERE  # where the channel reaches the person; mail goes to `email`
    key: str = ""  # the same where it is sent again


@dataclass(frozen=True, slots=True)
class Bundle:
    """A digest: notices of one person that go as one message. `parts` are the messages it stands for, those that have
    become moot with them."""

    person: str
    name: str
    email: str
    language: Language
    notices: tuple[Notice, ...]
    link: str
    channel: str
    address: Address
    key: str
    parts: tuple[Claimed, ...] = ()


Told = NotifyTask | NotifyQuestion | NotifyOutcome


def queue(app: Countersign, effect: outboxes.Claimed, told: Told) -> None:
    """Queue the messages that an effect means; once, however often it is carried out."""
    with app.db.begin() as tx:
        case = cases.load(tx, effect.case_id)
        due_at = None
        persons: tuple[str, ...] = (told.person,)
        if isinstance(told, NotifyTask):
            persons = tuple(dict.fromkeys((told.person, *standins.standing_in(app, tx, told.person, case))))
            due_at = next((task.due_at for task in case.tasks if task.id == told.task), None)
        for person in persons:
            put(
                app,
                tx,
                New(
                    key=effect.key,
                    person=person,
                    channel="",
                    circuit="",
                    occasion=told.occasion,
                    case_id=effect.case_id,
                    subject=replace(told, person=person),
                    release_at=app.now(),
                ),
                due_at=due_at,
            )


def put(app: Countersign, tx: Connection, new: New, *, due_at: datetime | None = None, but: str = "") -> int:
    """Queue `new` by each channel that its person wants for it, when they want it; not by the channel `but`. How many
    were queued. Nobody is told whose account is closed."""
    row = people.find_person(tx, new.person)
    if row is None or not row.active:
        return 0
    wanted, now = channels.wanted_by(tx, new.person), app.now()
    release_at, is_digested = holding.release(wanted, new.occasion, due_at=due_at, now=now, zone=app.settings.zone)
    queued = 0
    for channel in channels.chosen(app, tx, wanted, holding.group_of(new.occasion)):
        if channel == but:
            continue
        circuit = channels.circuit_of(channel, wanted)
        bundle = f"digest:{new.person}:{channel}:{release_at:%Y%m%dT%H%M}" if is_digested else ""
        one = dataclasses.replace(
            new,
            key=f"{new.key}:{new.person}:{channel}",
            channel=channel,
            circuit=circuit,
            release_at=release_at,
            bundle=bundle,
        )
        if messages.put(tx, one, now):
            queued += 1
            if bundle:
                digest = dataclasses.replace(
                    one, key=bundle, occasion="digest", case_id="", subject=Digest(), bundle=""
                )
                messages.put_digest(tx, digest, now)
    return queued


def letter_of(app: Countersign, message: Claimed) -> "Notice | Bundle | None":
    """What a message to a person says now; None where there is nothing to tell any more."""
    if isinstance(message.subject, Digest):
        return _digest_of(app, message)
    return notice_of(app, message)


def notice_of(app: Countersign, message: Claimed) -> Notice | None:
    """The notice of a message that is about one thing."""
    try:
        found = _about(app, message, message.subject)
    except NotFound:
        return None  # not theirs to see any more
    if found is None:
        return None
    with app.db.read() as tx:
        address = channels.address_of(tx, message.person, message.channel)
    return dataclasses.replace(found, channel=message.channel, address=address, key=message.key)


def _about(app: Countersign, message: Claimed, subject: Subject) -> Notice | None:
    match subject:
        case NotifyTask():
            return _task_notice(app, message.case_id, subject, is_private=message.channel in PRIVATE)
        case NotifyQuestion():
            return _question_notice(app, message.case_id, subject)
        case NotifyOutcome():
            return _outcome_notice(app, message.case_id, subject)
        case Alarm():
            return _plain_notice(app, message, "/channels", step=_named(subject.circuit), remark=subject.error)
        case Code():
            return _code_notice(app, message, subject)
        case Ping():
            return _plain_notice(app, message, "/notifications", step=_named(message.channel))
        case ReportStopped():
            return _plain_notice(app, message, "/views", step=Bilingual(en=subject.view), remark=subject.reason)
        case Announce() | Digest() | Report():
            raise AssertionError(f"no notice: {message.key}")


def _digest_of(app: Countersign, message: Claimed) -> Bundle | None:
    with app.db.read() as tx:
        parts = messages.bundled(tx, message.key)
        row = people.find_person(tx, message.person)
        address = channels.address_of(tx, message.person, message.channel)
    notices = tuple(notice for part in parts if (notice := notice_of(app, part)) is not None)
    if not notices or row is None or not row.active:
        return None
    return Bundle(
        person=message.person,
        name=row.name,
        email=row.email,
        language=row.language,
        notices=notices,
        link=app.settings.public_url.rstrip("/") + "/inbox",
        channel=message.channel,
        address=address,
        key=message.key,
        parts=parts,
    )


def _plain_notice(app: Countersign, message: Claimed, link: str, *, step: Bilingual, remark: str = "") -> Notice | None:
    """A notice about no case."""
    with app.db.read() as tx:
        row = people.find_person(tx, message.person)
    if row is None or not row.active:
        return None
    return Notice(
        person=message.person,
        name=row.name,
        email=row.email,
        language=row.language,
        occasion=message.occasion,
        case_id="",
        number="",
        title="",
        confidential=False,
        step=step,
        due_at=None,
        budget=None,
        reach=None,
        link=app.settings.public_url.rstrip("/") + link,
        remark=remark,
    )


def _code_notice(app: Countersign, message: Claimed, subject: Code) -> Notice | None:
    """The notice with a one-time code that is made for it; of no case, because it says nothing of one."""
    notice, made = _plain_notice(app, message, "/sign-in", step=NO_TEXT), codes.made(app, subject)
    if notice is None or made is None:
        return None
    return dataclasses.replace(notice, code=made[0], due_at=made[1])


def _named(circuit: str) -> Bilingual:
    """What a circuit is called: its channel, or the number of a webhook."""
    channel, _, rest = circuit.partition(":")
    if channel == "hook":
        return Bilingual(zh=f"Webhook {rest}", en=f"Webhook {rest}")
    return channels.LABELS[channel]


def _task_notice(app: Countersign, case_id: str, effect: NotifyTask, *, is_private: bool) -> Notice | None:
    """The notice of a task that is still open, with a link made for it; None when there is nothing to tell any more.

    The token exists only in the notice. A notice that is sent again carries a fresh one.
    """
    with app.db.begin() as tx:
        case = cases.load(tx, case_id)
        task = next((task for task in case.tasks if task.id == effect.task and task.state == "open"), None)
        if task is None:
            return None
        link = _link(app, tx, case, effect) if is_private else f"/tasks/{task.id}"
        process = app.process(case.process, tx)
        step, due = process.label(task.step), task.due_at
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=link, step=step, due_at=due)
        years = process.guessed(task.step, task.opened_at, due, case.route)
        return notice and dataclasses.replace(notice, caution=caution(years))


def _link(app: Countersign, tx: Connection, case: Case, effect: NotifyTask) -> str:
    """A personal link to a task."""
    task = next(task for task in case.tasks if task.id == effect.task)
    return f"/l/{linking.mail(app, tx, effect.person, case, task)}"


def _question_notice(app: Countersign, case_id: str, effect: NotifyQuestion) -> Notice | None:
    """The question to the one who is asked, or the answer to the one who asked."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        question = next(one for one in case.questions if one.id == effect.question)
        by, said = (
            (question.asker, question.text) if effect.occasion == "question" else (question.person, question.answer)
        )
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=f"/cases/{case_id}", remark=said)
        return None if notice is None else dataclasses.replace(notice, by=app.organisation(tx).name(by))


def _outcome_notice(app: Countersign, case_id: str, effect: NotifyOutcome) -> Notice | None:
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        link = f"/cases/{case_id}"
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=link, remark=effect.remark)
        return _amended(app, tx, case, notice, effect.seq) if notice is not None and effect.seq else notice


def _amended(app: Countersign, tx: Connection, case: Case, notice: Notice, seq: int) -> Notice | None:
    """The notice with who changed what of the proposal by entry `seq`, as far as its person sees it; None where they
    see nothing of it."""
    entries = history.load(tx, case.id)
    was, now = form_at(entries, seq - 1) or {}, form_at(entries, seq) or {}
    unseen = {name for name in {*was, *now} if was.get(name) == now.get(name)} | hidden(app, tx, notice.person, case)
    definition, entry = app.definition(case.process), entries[seq - 1]
    views = field_views(definition, now, writable=False, before=was, unseen=unseen)
    changes = tuple(view for view in views if was.get(view.name) != now.get(view.name))
    tasks = (task for task in case.tasks if isinstance(entry.command, Decide) and task.id == entry.command.task)
    step = next((app.process(case.process, tx).label(task.step) for task in tasks), NO_TEXT)
    by = app.organisation(tx).name(entry.actor)
    return dataclasses.replace(notice, by=by, step=step, changes=changes) if changes else None


def _notice(
    app: Countersign,
    tx: Connection,
    case: Case,
    person: str,
    occasion: str,
    *,
    link: str,
    step: Bilingual = NO_TEXT,
    due_at: datetime | None = None,
    remark: str = "",
) -> Notice | None:
    row = people.find_person(tx, person)
    if row is None or not row.active:
        return None
    line = visibility.find(tx, person, case.id)
    if line is None:
        raise NotFound()
    line = limited(app, tx, line, person)
    return Notice(
        person=person,
        name=row.name,
        email=row.email,
        language=row.language,
        occasion=occasion,
        case_id=case.id,
        number=case.number or "",
        title=line.title,
        confidential=app.definition(case.process).proposal.visibility == "confidential",
        step=step,
        due_at=due_at,
        budget=line.budget,
        reach=line.reach,
        link=app.settings.public_url.rstrip("/") + link,
        remark=remark,
        registered=tuple(one.number for one in case.registered),
        drift=drift_view(
            app.definition(case.process), app.process(case.process, tx), case.drift, hidden(app, tx, person, case)
        ),
    )
