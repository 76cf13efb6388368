"""What is shown of how a case is closed out: the frozen report, what it was made from, who signed it."""

from dataclasses import dataclass
from datetime import datetime

from engine.service.stage_views import EvaluationView
from engine.service.views import CaseRow
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class InputView:
    """One thing that the report was made from: list, ledger, responses, outcomes (imported files) or cost, with its
    rows and the sha256 of all of them."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class FrozenReport:
    """The report as of `as_of` with everything it was made from; `digest` is of its figures and of the digests of its
    inputs, so that the same data give the same one."""

    as_of: datetime
    report: EvaluationView
    inputs: tuple[InputView, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class LessonsView:
    """What was learned: what worked, what did not, and for whom to repeat it."""

    worked: str
    failed: str
    repeat: str


@dataclass(frozen=True, slots=True)
class ClosingView:
    """How a case is or will be closed out. Before, `frozen` is the report as it would be signed now, and `closed_at`
    is None. `signed_by` is empty where the case closed by itself. `groups` are the outcomes of which a customer group
    can be made, empty for who may not."""

    row: CaseRow
    version: int
    confidential: bool
    frozen: FrozenReport | None
    lessons: LessonsView
    signed_by: str
    closed_at: datetime | None
    may_sign: bool
    in_library: bool
    groups: tuple[str, ...]
    may_copy: bool


@dataclass(frozen=True, slots=True)
class CheckedInput:
    """One input as it was frozen and as it is found now. `is_same`: nothing of it differs."""

    name: str
    rows: int
    rows_now: int
    is_same: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the report on a case still follows from its data. `differs` is the first input that does not, or
    "figures" where all inputs are the same and the report is not; empty where nothing differs."""

    case: str
    as_of: datetime
    digest: str
    signed_by: str
    inputs: tuple[CheckedInput, ...]
    differs: str


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """A closed case in the library. `n` customers were in the target group; the report is None where there is none."""

    row: CaseRow
    closed_at: datetime
    report: EvaluationView | None
    lessons: LessonsView
    category: str
    channels: tuple[str, ...]

    @property
    def n(self) -> int:
        """The customers of the target group; 0 where there is no report."""
        funnel = self.report.funnel if self.report else ()
        return next((one.count or 0 for one in funnel if one.name == "target"), 0)


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """One page of the library; `next` is the number of the following one, 0 at the end. `kinds` and `categories` are
    those to choose from; `office` is that of the filter."""

    rows: tuple[LibraryRow, ...]
    page: int
    next: int
    kinds: tuple[tuple[str, Bilingual], ...]
    categories: tuple[str, ...]
    office: Bilingual | None
    may_copy: bool
