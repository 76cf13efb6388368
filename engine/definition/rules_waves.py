"""Waves that give up what has not gone out in time: hours that may not come before a wave expires (E370), and hours and
a rate that let fewer messages out than it has (E371). Refuses to guess how many customers a share is."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.delivery.plan import Hours, Wave

DAY = timedelta(days=1)


class ExpiresBeforeItsHours(LintRule):
    """the wave {wave} that starts after {closes} expires before it may send at {opens}"""

    code = "E370"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for place, wave in _waves(subject):
            if wave.hours and wave.expires and wave.expires.on_the_clock() <= DAY - _length(wave.hours):
                told = {"wave": wave.name, "closes": _said(wave.hours.closes), "opens": _said(wave.hours.opens)}
                yield Finding((*place, "expires"), told, "let it expire later, or widen the hours")


class MoreThanItsHoursLetOut(LintRule):
    """the wave {wave} of {size} customers can send {room} at most before it gives up the rest"""

    code = "E371"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for place, wave in _waves(subject):
            room = _room(wave)
            if wave.size and room is not None and room < wave.size:
                told = {"wave": wave.name, "size": str(wave.size), "room": str(room)}
                hint = "raise the rate, widen the hours, or make the wave smaller"
                yield Finding((*place, "outside"), told, hint)


def _waves(subject: Subject) -> Iterator[tuple[Path, Wave]]:
    plan = subject.definition.delivery
    for place, wave in enumerate(plan.waves if plan else ()):
        yield ("delivery", "waves", place), wave


def _room(wave: Wave) -> int | None:
    """How many messages the wave lets out when it starts at the best moment; None where nothing limits it."""
    if wave.rate is None or wave.outside == "hold":
        return None
    a_day = _length(wave.hours) if wave.hours else DAY
    if wave.expires is None:
        return int(a_day.total_seconds() * float(wave.rate.per_second))
    whole, rest = divmod(wave.expires.on_the_clock(), DAY)
    return int((whole * a_day + min(rest, a_day)).total_seconds() * float(wave.rate.per_second))


def _length(hours: Hours) -> timedelta:
    any_day = date(2026, 1, 1)
    return datetime.combine(any_day, hours.closes) - datetime.combine(any_day, hours.opens)


def _said(value: object) -> str:
    return str(value)[:5]


WAVES = (ExpiresBeforeItsHours(), MoreThanItsHoursLetOut())
