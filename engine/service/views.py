"""What pages, API and notifications are given to show: read-only values, already limited to what the viewer may see.

Nothing here is a sentence: pages put words around it in the viewer's language. Labels are bilingual because a
definition brings both.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.errors import Problem
from engine.service.access_views import AccessView
from engine.service.arbitration_parts import CaseLosses
from engine.service.chain_views import Chain, Node, Waiting
from engine.service.message_views import MessagePreview
from engine.service.proof_views import ProofsView
from engine.service.rehearsal_views import RehearsalLine
from engine.service.sheet_views import BudgetLeft, Gone, Reader, Risk, Signer, WayBack
from engine.service.stage_views import AudienceView, CellView, Detection, EvaluationView, StaleView, WaveView
from engine.service.text_test_views import TextTestView
from engine.values import NO_TEXT, Bilingual, Language


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at an office."""

    role: str
    office: str
    office_name: Bilingual


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in. `csrf` is the token that every form of theirs must carry, `address` where they are. `is_stale`:
    the password was given longer ago than a step-up allows, or never. `scopes` limit who came with an API token, or
    `by_code`, by a one-time code from their mail; None for any other session, which may all that its person may."""

    person: str
    name: str
    language: Language
    grants: tuple[Grant, ...]
    csrf: str = ""
    address: str = ""
    is_stale: bool = False
    scopes: frozenset[str] | None = None
    by_code: bool = False

    def has(self, *roles: str) -> bool:
        """Whether one of `roles` is theirs at any office."""
        return any(grant.role in roles for grant in self.grants)

    def door(self, via: str) -> str:
        """The door that the history names for what they do on a page."""
        return "code" if self.by_code and via == "page" else via


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a list. `amended`: an approver changed the proposal since it was submitted; told to its submitter."""

    id: str
    number: str
    title: str
    definition: Bilingual
    state: str
    office: Bilingual
    submitter: str
    budget: Decimal | None
    reach: int | None
    updated_at: datetime
    state_label: Bilingual = NO_TEXT  # of a state that the definition declares itself
    amended: bool = False


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task in the inbox; sorted by `due_at`, those without last. `flags` are codes: overdue, due_soon, changed,
    splitting, drift, question. `caution`: why `due_at` may still move, empty where it cannot."""

    id: str
    case: CaseRow
    step: Bilingual
    verb: str
    state: str
    opened_at: datetime
    due_at: datetime | None
    decision: str | None
    decided_at: datetime | None
    flags: tuple[str, ...] = ()
    on_behalf_of: str = ""  # the name of the person whose task it is, where the viewer stands in for them
    caution: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Inbox:
    """To do, done, copied to me, my cases; the first 20 of each, with the true counts."""

    to_do: tuple[TaskRow, ...]
    done: tuple[TaskRow, ...]
    copied: tuple[TaskRow, ...]
    mine: tuple[CaseRow, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of the proposal. `raw` is the JSON value; `choices` the allowed values with labels; `was` the value
    that the viewer last saw where it differs, else None. `kind` is the field kind of the definition."""

    name: str
    label: Bilingual
    kind: str
    raw: Any
    required: bool = False
    writable: bool = False
    material: bool = False
    currency: str = ""
    choices: tuple[tuple[str, Bilingual], ...] = ()
    limits: dict[str, str] = field(default_factory=dict)
    help: Bilingual = NO_TEXT
    was: Any = None
    again: tuple[Bilingual, ...] = ()  # the steps that a change of it asks again
    columns: tuple["FieldView", ...] = ()  # of a table
    lookup: str = ""  # people or offices: where its values are looked up rather than chosen from `choices`
    found: tuple[tuple[str, Bilingual], ...] = ()  # to choose from, of what was typed


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a history entry changed."""

    label: Bilingual
    kind: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """A filing that took effect: its number (备案号) in the register of the office."""

    number: str
    office: Bilingual
    step: Bilingual


@dataclass(frozen=True, slots=True)
class ChildView:
    """A case that this one opened. `id` is empty, and `row` absent, where the viewer may not see it or it is not opened
    yet; `outcome`: empty while it runs, else done, failed, cancelled. `place` is the state that waits for it."""

    id: str
    number: str
    definition: str
    place: Bilingual
    element: str
    state: str
    outcome: str
    row: CaseRow | None = None


@dataclass(frozen=True, slots=True)
class DriftView:
    """The frozen audience is not what the field `label` declared. `voided` are the steps whose decisions no longer
    stand; without `reapproves` the case went on."""

    label: Bilingual
    declared: int
    actual: int
    reapproves: bool
    voided: tuple[Bilingual, ...] = ()

    @property
    def share(self) -> str:
        """How far it is from the declared number ("24%"); empty where nothing was declared to take a share of.

        Close to a tolerance a whole percent could look as if it were within, so small ones have a decimal.
        """
        if not self.declared:
            return ""
        share = abs(self.actual - self.declared) / self.declared
        return f"{share:.0%}" if share >= 0.2 else f"{share:.1%}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One history entry, newest first in lists. `what` is a code: created, edited, submitted, resubmitted, approve,
    reject, return, acknowledge, object, read, performed, withdrawn, escalated, reminded, silent, objectable,
    unobjected, staffed, reorganised, recounted, unstaffed, auto_returned, auto_rejected, auto_passed, expired,
    frozen, drifted, selection_failed, selecting, started, paused, resumed, delivered, evaluation_due, evaluated,
    closed, transferred, delegated, signers_added, appended, signer_removed, copied_to, claimed, released, asked,
    answered, handed_over, urged, asked_for_more, more_taken_back.
    `via`: page, link, api, timer (a deadline), stage (a finished stage reported). `remark` of an evaluation is its
    time ("7d")."""

    seq: int
    at: datetime
    actor: str
    on_behalf_of: str
    via: str
    what: str
    step: Bilingual
    remark: str
    changes: tuple[Change, ...] = ()
    number: int | None = None
    people: tuple[str, ...] = ()  # the names of those it was passed on to, or who were brought in
    gone: tuple[str, ...] = ()  # the names of those who are not asked any more, because the organisation changed
    event: Bilingual = NO_TEXT
    register: str = ""  # the register number of the filing that took effect
    again: tuple[Bilingual, ...] = ()  # the steps whose approvals the changes voided
    drift: DriftView | None = None
    round: int = 0  # the round in which it was done; 0 before the first submission


@dataclass(frozen=True, slots=True)
class SplittingView:
    """Several cases of one office just under a limit: with this one `count` since `since`, `total` together, each from
    `lowest` up to `limit`. `cases` are those the viewer may see, `others` how many more there are."""

    label: Bilingual
    kind: str
    currency: str
    limit: Decimal
    lowest: Decimal
    since: datetime
    count: int
    total: Decimal
    cases: tuple[CaseRow, ...]
    others: int


@dataclass(frozen=True, slots=True)
class CommentView:
    """What somebody said about a field; `settled_by` is empty while it is open."""

    id: str
    field: str
    by: str
    text: str
    at: datetime
    settled_by: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClashView:
    """Another case at the same time; `shares` names what both have: offer, category, channels."""

    row: CaseRow
    starts: date
    ends: date
    shares: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a draft took over from `number`; `left` are the fields that did not fit any more or are not to be seen."""

    number: str
    left: tuple[Bilingual, ...]


@dataclass(frozen=True, slots=True)
class WideningView:
    """What is asked for while a delivery is paused: `changes` of what is approved. `spent` and `left` are of that
    money, None where no budget pays or the viewer does not see it; `sent` of `audience` were contacted."""

    changes: tuple[Change, ...]
    reason: str
    at: datetime
    by: str
    spent: Decimal | None
    left: Decimal | None
    sent: int
    audience: int
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything of the case page. `turns`: what changed from one submission to the next, newest first."""

    row: CaseRow
    version: int
    confidential: bool
    route: str
    reasons: tuple[str, ...]
    round: int
    seq: int
    waiting: Waiting
    chain: Chain
    fields: tuple[FieldView, ...]
    audience: AudienceView | None
    waves: tuple[WaveView, ...]
    evaluations: tuple[EvaluationView, ...]
    history: tuple[Entry, ...]
    message: str
    children: tuple[ChildView, ...] = ()
    parent: str = ""  # the case that opened this one, where the viewer may see it
    parent_row: CaseRow | None = None
    splitting: SplittingView | None = None  # never for the submitter
    budget_left: BudgetLeft | None = None  # until it is decided; None where the office has no budget
    amended: tuple[Entry, ...] = ()  # to the submitter: what approvers changed since the last submission, newest first
    registered: tuple[RegistrationView, ...] = ()
    drift: DriftView | None = None
    access: AccessView | None = None  # None where the case is open
    comments: tuple[CommentView, ...] = ()
    turns: tuple[Entry, ...] = ()
    cells: tuple[CellView, ...] = ()  # as long as nobody was selected
    detection: Detection | None = None  # None where there is no control group, or nobody knows how large it is
    stages: tuple[str, ...] = ()  # of audience, delivery, evaluation: those that cases of its kind have
    rehearsals: tuple[RehearsalLine, ...] = ()  # of each tariff the last
    may_rehearse: bool = False
    lost: CaseLosses | None = None  # in the arbitration that holds for it
    stale: StaleView | None = None  # why the next wave waits for a person
    tests: tuple[TextTestView, ...] = ()  # of texts, as declared, with what came out
    previews: bool = False  # whether its message can be seen on customers
    widening: WideningView | None = None  # while more is asked for than was approved
    missing: Decimal = Decimal()  # to its submitter while it is paused: how much more would let everything go out


@dataclass(frozen=True, slots=True)
class Act:
    """An event of a declared lifecycle that the viewer may do with the case."""

    event: str
    label: Bilingual
    needs_reason: bool = False


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question on the case and its answer. `may_answer`: it was put to the viewer and is open."""

    id: str
    asker: str
    person: str
    text: str
    asked_at: datetime
    answer: str
    answered_at: datetime | None
    may_answer: bool


@dataclass(frozen=True, slots=True)
class SheetView:
    """The approval sheet of one task. Once decided, `task.decision` is set and `decided_by` names who was first
    (`decided_by` may be another person for an any-of step). `changes` are those `since` the viewer last acted (acted),
    were asked (asked), or opened the sheet that they sent (opened)."""

    case: CaseView
    task: TaskRow
    decided_by: str
    opinions: tuple[Entry, ...]
    changes: tuple[Change, ...]
    may_decide: bool
    decisions: tuple[str, ...]
    acts: tuple[Act, ...] = ()  # instead of decisions, where the definition declares a lifecycle of its own
    operations: tuple[str, ...] = ()  # what the viewer may do with the task besides: transfer, add_signer, ...
    questions: tuple[QuestionView, ...] = ()
    writable: tuple[FieldView, ...] = ()  # what the viewer may change with an approval
    since: str = ""
    node: Node | None = None  # the step of the task, with everybody who is asked there
    ways_back: tuple[WayBack, ...] = ()
    removable: tuple[Signer, ...] = ()
    readers: tuple[Reader, ...] = ()
    risks: tuple[Risk, ...] = ()
    gone: Gone | None = None
    proofs: ProofsView | None = None  # where the viewer may read the message
    next: TaskRow | None = None  # once it is decided: what waits for the viewer first


@dataclass(frozen=True, slots=True)
class UnreadReplies:
    """A case of the viewer's own to which customers have replied, and how many of the replies nobody has read."""

    case_id: str
    number: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class ToClose:
    """A case of the viewer's whose every evaluation is there, and that waits to be closed out."""

    case_id: str
    number: str
    title: str


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One list of the inbox, a page of it. `after` continues behind its last row, empty at the end. `kinds` and
    `offices` are those of the first 200 rows, to filter by. `replies`: the viewer's cases to which customers have
    replied and nobody has read it; `to_close` those whose report waits for the viewer's signature; 20 of each at
    most."""

    tasks: tuple[TaskRow, ...]
    mine: tuple[CaseRow, ...]
    counts: dict[str, int]
    after: str
    kinds: tuple[tuple[str, Bilingual], ...]
    offices: tuple[tuple[str, Bilingual], ...]
    replies: tuple[UnreadReplies, ...] = ()
    to_close: tuple[ToClose, ...] = ()


@dataclass(frozen=True, slots=True)
class FormView:
    """The proposal form: fields with what was saved, problems beside them, who would approve; `failed` says why that
    cannot be told, where a rule cannot be worked out for this form."""

    case_id: str
    seq: int
    definition: Bilingual
    definition_name: str
    fields: tuple[FieldView, ...]
    problems: tuple[Problem, ...]
    preview: Chain | None
    reasons: tuple[str, ...]
    saved_at: datetime | None
    returned_because: str = ""
    returned_by: str = ""
    drift: DriftView | None = None
    failed: str = ""
    seen: str = ""  # names the form as saved; what is sent with it never overwrites a newer one
    changes: tuple[Change, ...] = ()  # since it was last submitted
    clashes: tuple[ClashView, ...] = ()
    comments: tuple[CommentView, ...] = ()
    writable: bool = True
    counts: bool = False  # whether customers are selected by it, so that they can be counted
    message: MessagePreview | None = None  # what the customers counted last would read; None where there is no text
    taken: Taken | None = None  # from an earlier case
    budget_left: BudgetLeft | None = None  # None where the office has no budget
