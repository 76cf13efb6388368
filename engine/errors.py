"""The error tree. The docstring of a leaf is its message; its fields fill the braces.

CountersignError
|- Invalid           the input is wrong; the fields say where (pages show it beside them)
|   |- InvalidForm, InvalidDefinition, InvalidFile, InvalidExpression, LeftOut
|- Refused           understood, but not possible now; says what is possible instead
|   |- NotPossible, AlreadyDecided, ChangedMeanwhile, DraftChanged, SavedElsewhere, UrgedAlready, KeyUsed, OwnCase,
|   |   StandInOver, StandInTwice, TooManyTries, CountsMoved, CountsBusy, CountOvertaken, NoControl, GroupChanged,
|   |   OfferChanged, OwnOffer, TooFewCustomers, RehearsalFailed, WaiverWaits, OwnWaiver,
|   |   ErasureOpen, ErasureWaits, ListStale, ReportChanged, BudgetOpen, BudgetHeld, CostsOpen,
|   |   RecommendationAnswered, RecommendationOver, NotAccepted, AcceptanceConfirmed, TextChosen, TextFound,
|   |   CallsHeld, CallsOver, OutOfHours, NumberShown
|- NotFound          absent, or not yours: the two look the same
|- SignInNeeded, Forged
|   |- SignInAnew
|   |   `- SignInForConfidential
|- Unavailable       something outside does not answer; nothing was lost
|   |- DatabaseUnavailable (DatabaseBusy), GatewayUnavailable, NoSpace, PortInUse, AddressUnreadable,
|   |   CustomersUnavailable
|- SelectionFailed   the selection ended without a result
|   |- NoCustomers
|- ExpressionFailed  a rule met a value it cannot work with (an empty field, a division by zero)
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


class CountersignError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.message)

    @property
    def template(self) -> str:
        """The message with its braces unfilled: the key under which catalogues translate it."""
        return " ".join((type(self).__doc__ or "").split())

    @property
    def message(self) -> str:
        """The message in English, filled."""
        return self.template.format(**self.fields)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input. `at` names the field, or is empty; line and column count from 1, 0 = unknown."""

    code: str
    message: str
    hint: str = ""
    at: str = ""
    line: int = 0
    column: int = 0
    file: str = ""
    severity: str = "error"
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> frozenset[str]:
        """The fields of a form that it says something about."""
        return frozenset((*filter(None, [self.at]), *self.fields.get("of", ())))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else (f"{self.at}: " if self.at else "")
        return f"{place}{self.code} {self.message}" + (f" ({self.hint})" if self.hint else "")


class Invalid(CountersignError):
    """{summary}"""

    status = 422

    def __init__(self, problems: list[Problem] | tuple[Problem, ...] = (), **fields: Any) -> None:
        self.problems = tuple(problems)
        fields.setdefault("summary", "; ".join(str(problem) for problem in self.problems))
        super().__init__(**fields)


class InvalidForm(Invalid):
    """{summary}"""


class InvalidDefinition(Invalid):
    """{summary}"""


class InvalidFile(Invalid):
    """{summary}"""


class InvalidExpression(Invalid):
    """{summary}"""


class LeftOut(Invalid):
    """{summary}"""


class Refused(CountersignError):
    """This is not possible now."""

    status = 409


class NotPossible(Refused):
    """Cannot {action} while {state}; possible: {possible}."""


class AlreadyDecided(Refused):
    """{by} already decided "{decision}" at {at}."""


class ChangedMeanwhile(Refused):
    """The case was changed after you opened it; look at the changes and decide again."""


class DraftChanged(Refused):
    """{by} saved another text of this draft at {at}, after you opened it. Nothing was lost: both texts are here."""

    status = 412


class KeyUsed(Refused):
    """This Idempotency-Key stood for another request before; nothing was done. Send a new request with a new key."""


class OwnCase(Refused):
    """Nobody decides on a case of their own; another person must decide."""


class StandInOver(Refused):
    """You do not stand in for {person} on this case now."""


class StandInTwice(Refused):
    """You decide at this step already; another person must decide for {person}."""


class GroupChanged(Refused):
    """{by} saved version {version} of this customer group at {at}, after you opened it. Nothing was lost: what you
    wrote stands here and is not saved yet. Look at that version, then save again to put yours in its place."""

    status = 412


class HoldoutOpen(Refused):
    """A share of the holdout that {by} proposed waits for a decision; nothing was changed. Decide on that one first."""


class PolicyOpen(Refused):
    """A contact policy that {by} proposed waits for a decision; nothing was changed. Decide on that one first."""


class CostsOpen(Refused):
    """A cost table that {by} proposed waits for a decision; nothing was changed. Decide on that one first."""


class BudgetOpen(Refused):
    """An amount for this budget that {by} proposed waits for a decision; nothing was changed. Decide on that first."""


class BudgetHeld(Refused):
    """Cases hold {held} of this budget, so it cannot be less; nothing was changed. Propose {held} or more."""


class ListStale(Refused):
    """The list of target customers is stale ({why}), so nothing was sent. Have it selected again where that is offered,
    or say why it goes out as it is."""


class ReportChanged(Refused):
    """The report has changed since you read it (its digest is {now}, not {read}), so it was not signed and the case
    stays open. Read it as it is now, then sign it."""


class RecommendationAnswered(Refused):
    """{by} wrote down "{answer}" for this recommendation at {at}; that stands, and nothing was changed."""


class RecommendationOver(Refused):
    """This recommendation stands no more: its time is over, its case is paused, or the customer wants none. Nothing was
    changed. Ask for the customer again to see what stands now."""


class TextChosen(Refused):
    """{by} chose variant {variant} for the waves that go by the test of {wave} at {at}; that stands, and nothing was
    changed."""


class TextFound(Refused):
    """The test of {wave} was decided at {at}, and variant {variant} goes on; that stands, and nothing was changed."""


class NotAccepted(Refused):
    """Nobody wrote down that this customer accepts, so there is nothing to confirm; nothing was changed."""


class AcceptanceConfirmed(Refused):
    """{by} wrote down other evidence for this acceptance at {at}; that stands, and nothing was changed."""


class OwnProposal(Refused):
    """Nobody confirms what they proposed themselves; nothing was changed. Another administrator must confirm it."""


class OfferChanged(Refused):
    """{by} proposed another version of {code} after you opened it. What you typed stands here and is not saved; look at
    the newest version, then send again."""

    status = 412


class OwnOffer(Refused):
    """Nobody publishes what they proposed themselves; nothing was changed. Another person must publish it."""


class TooFewCustomers(Refused):
    """Usage is known of {known} customers of the target; a rehearsal over fewer than {least} would tell the bill of
    one, so it was not kept. Choose a larger target."""


class RehearsalFailed(Refused):
    """The rehearsal ended without a result: {reason}. Nothing was kept; choose fewer customers or months."""


class ArbitrationFailed(Refused):
    """The arbitration ended without a result: {reason}. Nothing was kept and nothing changed; try again, with
    fewer days if it took too long."""


class NoPolicyInForce(Refused):
    """No contact policy limits anything now, so every case gets the customers it wants; nothing was run. An
    administrator puts one in force on the page Contact policy."""


class NoContestants(Refused):
    """No submitted case of {since} to {until} takes part in arbitration; nothing was run. A case takes part by leaving
    out whom it loses: `remove: [arbitration]`."""


class ArbitrationStale(Refused):
    """Its cases or the contact policy changed after this run; nothing was committed. Run the arbitration again, then
    commit that run."""


class ArbitrationSupposed(Refused):
    """This run supposes another contact policy than the one in force; nothing was committed. Change the policy first,
    then run the arbitration again."""


class WaiverWaits(Refused):
    """The same waiver waits for a decision already; nothing was changed. An administrator decides on it."""


class ErasureOpen(Refused):
    """An erasure of this customer waits for a decision already; nothing was changed. Another administrator decides."""


class ErasureWaits(Refused):
    """The erasure is confirmed and not finished: a message, an import or a delivery that is under way may still have
    the customer. Nobody messages them any more, and it goes on by itself."""


class OwnWaiver(Refused):
    """Nobody grants a waiver that they asked for, or for a case of their own; nothing was changed. Another
    administrator must grant it."""


class SavedElsewhere(Refused):
    """The proposal was saved elsewhere after you opened it. What you typed stands here and is not saved yet; what was
    saved meanwhile stands beside it. Save again to keep yours."""


class UrgedAlready(Refused):
    """They were urged already; a step can be urged once in four working hours, again from {again}."""


class TooManyTries(Refused):
    """Too many tries. Try again after {until}; before then nothing is accepted here, not even what is right."""

    status = 429


class CountsMoved(Refused):
    """There are {count} recipients in doubt now, not {expected}; nothing was changed. Look again and decide."""


class CountsBusy(Refused):
    """The server is counting for others just now. Nothing was lost; count again in a moment."""

    status = 503


class CountOvertaken(Refused):
    """A newer count of yours took the place of this one."""


class NoControl(Refused):
    """Uplift is refused without a control group: say with --control which value of {column} marks it ({values})."""


class CallsHeld(Refused):
    """The case does not deliver at this moment, so nobody is called. Put the customer back; they keep their place."""


class CallsOver(Refused):
    """The case takes no results of calls any more."""


class OutOfHours(Refused):
    """Calls of this wave are made {hours}. Put the customer back; they keep their place."""


class NumberShown(Refused):
    """The number was shown, so the customer may be on the line. Record what came of the call."""


class NotFound(CountersignError):
    """There is no such page, or it is not yours to see."""

    status = 404


class SignInNeeded(CountersignError):
    """Sign in first."""

    status = 401


class SignInAnew(SignInNeeded):
    """Its budget is above {limit}: sign in with your password, then decide again. Nothing was decided."""


class SignInForConfidential(SignInAnew):
    """This case is confidential, and a code from your mail does not open it: sign in with your password."""


class Forged(CountersignError):
    """The signature of the request is wrong or missing."""

    status = 403


class Unavailable(CountersignError):
    """{what} does not answer; nothing was lost, try again later."""

    status = 503


class DatabaseUnavailable(Unavailable):
    """The database at {url} cannot be used: {reason}. Check COUNTERSIGN_DATABASE_URL and that the server runs."""


class DatabaseBusy(DatabaseUnavailable):
    """The database at {url} cannot be used: another process kept locked for {seconds} s what was to be read or written.
    Nothing was changed; try again in a minute. Where it stays so, look for a program that holds a transaction open."""


class SchemaBehind(Unavailable):
    """The case database at {url} is not there or of another release, and saved groups stand in it; nothing was changed.
    Bring it up to date with `countersign database migrate`, or write the groups' sources into the file."""


class GatewayUnavailable(Unavailable):
    """The {channel} gateway at {url} does not answer: {reason}. Sending goes on by itself when it is back."""


class NoSpace(Unavailable):
    """No space left for {path}. Free some and run it again; nothing half-written remains."""

    status = 507


class AddressUnreadable(Unavailable):
    """An address of a customer was sealed with a secret key that is not in use here; nothing was sent or changed. Add
    the earlier secret key as a further line of the file secret.key."""


class CustomersUnavailable(Unavailable):
    """The customers of {name} cannot be read just now: {reason}. Nothing was lost. Try again in a minute; where it
    stays so, tell the operator, whose file COUNTERSIGN_CONNECTIONS says where they are."""


class PortInUse(Unavailable):
    """Port {port} is in use. End what uses it, or choose another with {option}."""


class SelectionFailed(CountersignError):
    """The selection ended without a result: {reason}."""

    status = 409


class NoCustomers(SelectionFailed):
    """There are no customers yet. The operator imports them (countersign data import customers); then select again."""

    status = 409


class ExpressionFailed(CountersignError):
    """The rule `{rule}` cannot be worked out: {reason}."""

    status = 422
