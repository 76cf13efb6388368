"""E7xx: time. Working days and hours are different things; neither is silently taken for the other."""

from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.lifecycle import Limit
from engine.definition.rules_lifecycle import reach_of
from engine.definition.steps import Approve, File, Timeout
from engine.values import Duration


class MixedClocks(LintRule):
    """{one} and {other} run on different clocks: which comes first depends on the day"""

    code = "E703"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, timeout in timeouts(subject):
            if timeout.at is None:
                continue
            for n, remind in enumerate(timeout.remind):
                if _clock(remind) != _clock(timeout.at):
                    one, other = sorted((remind, timeout.at), key=lambda duration: -len(duration.unit))
                    hint = f"write both alike, as {_ALIKE[_clock(timeout.at)]}"
                    yield Finding((*path, "remind", n), {"one": one, "other": other}, hint)


class RemindsTooLate(LintRule):
    """a reminder after {remind} comes too late: the step ends at {at}"""

    code = "E704"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, timeout in timeouts(subject):
            for n, remind in enumerate(timeout.remind):
                if timeout.at and _clock(remind) == _clock(timeout.at) and not _shorter(remind, timeout.at):
                    yield Finding((*path, "remind", n), {"remind": remind, "at": timeout.at}, "remind earlier")


class NoTime(LintRule):
    """{duration} is no time to do anything in"""

    code = "E705"

    def find(self, subject: Subject) -> Iterator[Finding]:
        expires = subject.definition.approval.expires
        given: list[tuple[Path, Duration]] = [(("approval", "expires"), expires)] if expires else []
        for path, timeout in timeouts(subject):
            given += [((*path, "remind", n), remind) for n, remind in enumerate(timeout.remind)]
            given += [((*path, "at"), timeout.at)] if timeout.at else []
        for path, step in subject.steps:
            if isinstance(step, File):
                given.append(((*path, "ack"), step.ack))
                given += [((*path, "objection", "window"), step.objection.window)] if step.objection else []
        for path, duration in given:
            if duration.amount == 0:
                yield Finding(path, {"duration": duration}, "at least 1")


def timeouts(subject: Subject) -> Iterator[tuple[Path, Timeout]]:
    """Every timeout that is written."""
    defaults = subject.definition.approval.defaults
    if defaults.timeout:
        yield ("approval", "defaults", "timeout"), defaults.timeout
    for path, step in subject.steps:
        if isinstance(step, Approve) and isinstance(step.timeout, Timeout):
            yield (*path, "timeout"), step.timeout


def limits_before_approval(subject: Subject) -> Iterator[Limit]:
    """The timeouts of declared states that a case may wait in before it is approved."""
    reach = reach_of(subject)
    if reach is not None:
        for name in sorted(reach.undecided):
            yield from getattr(reach.states[name], "timeouts", ())


class PassesWithoutLimit(LintRule):
    """an approval that passes by itself when the time is over says up to which form: limit is missing"""

    code = "E706"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, timeout in timeouts(subject):
            if timeout.do == "approve" and not (timeout.limit and _reads_form(timeout.limit)):
                yield Finding((*path, "do"), {}, 'write limit: "form.budget <= 5000"; above it the step escalates')


class LimitWithoutPassing(LintRule):
    """a limit is for do: approve; with do: {do} nothing passes by itself"""

    code = "E707"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, timeout in timeouts(subject):
            if timeout.limit and timeout.do != "approve":
                yield Finding((*path, "limit"), {"do": timeout.do}, "leave it out, or write do: approve")


class NoMoment(LintRule):
    """do: {do} is never reached: the timeout has no at"""

    code = "E708"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, timeout in timeouts(subject):
            if timeout.do != "escalate" and timeout.at is None:
                yield Finding((*path, "do"), {"do": timeout.do}, "write at: 3wd")


class ExpiresTooSoon(LintRule):
    """the case expires after {expires}, before the time of a step or state is over ({at})"""

    code = "E709"

    def find(self, subject: Subject) -> Iterator[Finding]:
        expires = subject.definition.approval.expires
        ends = [timeout.at for _, timeout in timeouts(subject) if timeout.at]
        ends += [step.ack for _, step in subject.steps if isinstance(step, File)]
        ends += [limit.after for limit in limits_before_approval(subject)]
        alike = [at for at in ends if expires and _clock(at) == _clock(expires) and not _shorter(at, expires)]
        if expires and expires.amount and alike:
            fields = {"expires": expires, "at": alike[0]}
            yield Finding(("approval", "expires"), fields, "give the whole approval more time than one step")


_ALIKE = {"wd": "3wd", "wh": "4wh", "": "72h"}


def _clock(duration: Duration) -> str:
    return duration.unit if duration.is_working else ""


def _reads_form(text: str) -> bool:
    return "form." in text


def _shorter(one: Duration, other: Duration) -> bool:
    if one.is_working:
        return one.amount < other.amount
    return one.on_the_clock() < other.on_the_clock()


TIME = (
    MixedClocks(),
    RemindsTooLate(),
    NoTime(),
    PassesWithoutLimit(),
    LimitWithoutPassing(),
    NoMoment(),
    ExpiresTooSoon(),
)
