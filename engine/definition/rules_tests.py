"""Waves that test texts against each other: variants that have none, or say the same, figures that nobody can measure,
winners of nothing, tests that nothing follows. Refuses to guess what stands in a form field."""

from collections.abc import Iterator
from itertools import combinations

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.delivery.channels import Call, Hall
from engine.delivery.plan import DeliveryPlan, Wave
from engine.expr.types import nearest

SPOKEN = (Call.name, Hall.name)


class UnknownVariant(LintRule):
    """the wave {wave} tests the variant {name}, and the message has no text for it"""

    code = "E415"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, wave, plan in _tests(subject):
            known = tuple(plan.message.variants) if plan.message else ()
            for n, name in enumerate(wave.test.of if wave.test else ()):
                if name not in known:
                    hint = nearest(name, known) or "give it a text under message.variants"
                    yield Finding((*path, "test", "of", n), {"wave": wave.name, "name": name}, hint)


class SameText(LintRule):
    """the variants {one} and {other} of the wave {wave} say the same, so nothing is compared"""

    code = "E416"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, wave, plan in _tests(subject):
            texts = plan.message.variants if plan.message else {}
            for one, other in combinations(wave.test.of if wave.test else (), 2):
                if one in texts and other in texts and texts[one] == texts[other]:
                    told = {"wave": wave.name, "one": one, "other": other}
                    yield Finding((*path, "test", "of"), told, "write another text for one of them")


class NothingToClick(LintRule):
    """the wave {wave} tests clicks, and nobody can follow a link in the variant {name}"""

    code = "E417"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, wave, plan in _tests(subject):
            if wave.test is None or wave.test.metric != "click":
                continue
            is_spoken = any(name in SPOKEN for name in wave.channel)
            hint = "people speak this text: write metric: response or metric: conversion"
            if not is_spoken:
                hint = "write {link} in the text, or metric: response"
            for name in wave.test.of:
                words = plan.message.variants.get(name) if plan.message else None
                if words and (is_spoken or (words.text and "{link" not in words.text)):
                    yield Finding((*path, "test", "metric"), {"wave": wave.name, "name": name}, hint)


class WinnerOfNothing(LintRule):
    """the wave {wave} goes out with the winner of {name}, which is no earlier wave that has a test"""

    code = "E418"

    def find(self, subject: Subject) -> Iterator[Finding]:
        plan = subject.definition.delivery
        before: list[str] = []
        for n, wave in enumerate(plan.waves if plan else ()):
            name = wave.winner_of
            if name and name not in before:
                hint = nearest(name, tuple(before)) or "name an earlier wave that has a test"
                yield Finding(("delivery", "waves", n, "text"), {"wave": wave.name, "name": name}, hint)
            if wave.test:
                before.append(wave.name)


class NobodyFollows(LintRule):
    """no later wave goes out with the winner of {wave}, so its test decides nothing"""

    code = "E419"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, wave, plan in _tests(subject):
            if not any(one.winner_of == wave.name for one in plan.waves):
                yield Finding(
                    (*path, "test"), {"wave": wave.name}, f"write text: winner of {wave.name} at a later wave"
                )


def _tests(subject: Subject) -> Iterator[tuple[Path, Wave, DeliveryPlan]]:
    plan = subject.definition.delivery
    for n, wave in enumerate(plan.waves if plan else ()):
        if plan and wave.test is not None:
            yield ("delivery", "waves", n), wave, plan


TESTS = (UnknownVariant(), SameText(), NothingToClick(), WinnerOfNothing(), NobodyFollows())
