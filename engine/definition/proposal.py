"""The `proposal:` section: the form of a case (方案), its material fields and its cross-field checks.

`parse` is the only way a form gets into a case: page, API and import all go through it. Refuses to stop at the first
error: whoever filled the form sees everything at once, and nothing they entered is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from engine.definition.fields import DateRange, Wrong, WrongParts
from engine.definition.form_fields import FormField
from engine.definition.numbers import NumberPattern
from engine.definition.params import NO_PARAMS, Params
from engine.definition.section import Name, Rule, Section
from engine.errors import ExpressionFailed, Problem
from engine.expr import Expression, Scope, compile_expression
from engine.expr.types import BOOL, Record
from engine.values import Bilingual


class FormCheck(Section):
    """What must hold between fields, and what is said where it does not. `at` is the field it is said beside."""

    rule: Rule = Field(description="Must hold when the form is submitted")
    say: Bilingual = Field(description="What is told where it does not")
    at: Name | None = Field(None, description="The field that this is told beside")


@dataclass(frozen=True, slots=True)
class Parsed:
    """`values` are JSON, as in a case: only what was entered and is right. `problems` name their field in `at`."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]


class Proposal(Section):
    """Fields, material fields, checks, numbering and who may see it."""

    numbering: NumberPattern = Field(
        NumberPattern("{office.code}-{year}-{seq:05}"),
        description="Pattern of case numbers, gap-free per office and year",
    )
    visibility: Literal["confidential", "open"] = Field(
        "confidential", description="confidential: only the offices on the route and those above; open: everybody"
    )
    fields: dict[Name, FormField] = Field(
        min_length=1, max_length=200, description="The fields of the form, in the order of the page"
    )
    material: tuple[str, ...] = Field(
        (), description="Fields that approvals are bound to: after a change of one, people are asked again"
    )
    aspects: dict[Name, tuple[str, ...]] = Field(
        default_factory=dict, description="Groups of material fields by name, for steps that look at a part of them"
    )
    checks: tuple[FormCheck, ...] = Field((), description="What must hold between fields")

    _named: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _params: Params = PrivateAttr(NO_PARAMS)  # set by the definition, whose params the checks may read

    def window(self, form: Mapping[str, Any]) -> tuple[date, date] | None:
        """The days that a case runs: the first date range that is filled in, both days included."""
        for name, field in self.fields.items():
            if isinstance(field, DateRange) and form.get(name):
                days = field.value(form[name])
                return days["from"], days["to"]
        return None

    @cached_property
    def record(self) -> Record:
        """The form's type in expressions; what is not required may be absent."""
        return Record(
            {name: field.value_type for name, field in self.fields.items()},
            "form",
            frozenset(name for name, field in self.fields.items() if not field.required),
        )

    def typed(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """The values that expressions see, of a case's form; what is empty is absent."""
        return {
            name: self.fields[name].value(kept)
            for name, kept in form.items()
            if name in self.fields and kept is not None
        }

    def parse(self, raw: Mapping[str, Any], *, whole: bool) -> Parsed:
        """Read what was entered: strings and lists of an HTML form, or JSON.

        `whole` asks for the required fields and makes the cross-field checks, as on submitting; a draft may be saved
        without. A problem's code is `form.<what>`, its `fields` hold what a translated message needs.
        """
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, field in self.fields.items():
            try:
                value = field.read(raw.get(name))
            except WrongParts as wrong:
                problems += [
                    Problem(f"form.{one.code}", one.message, at=f"{name}{place}", fields=one.fields)
                    for place, one in wrong.parts
                ]
                if wrong.kept is not None:
                    values[name] = wrong.kept
                continue
            except Wrong as wrong:
                problems.append(Problem(f"form.{wrong.code}", wrong.message, at=name, fields=wrong.fields))
                continue
            if value is not None:
                values[name] = value
            elif whole and field.required:
                problems.append(Problem("form.required", "this is needed", at=name))
        problems += self._strange(raw)
        if whole:
            problems += self._broken(values, {problem.at.partition("[")[0] for problem in problems})
        return Parsed(values, tuple(problems))

    def _strange(self, raw: Iterable[str]) -> list[Problem]:
        return [
            Problem("form.unknown", f"there is no field {name}", at=name, fields={"name": name})
            for name in raw
            if name not in self.fields
        ]

    def _broken(self, values: Mapping[str, Any], wrong: set[str]) -> list[Problem]:
        seen = {"form": self.typed(values), "params": self._params.values}
        found = []
        for check, rule in zip(self.checks, self._rules, strict=True):
            fields = sorted({path.split(".")[1] for path in rule.paths if path.startswith("form.")})
            if wrong.intersection(fields):
                continue  # what it compares is already reported
            try:
                holds = rule.evaluate(seen)
            except ExpressionFailed:
                holds = True  # an optional field it compares is empty: there is nothing to compare
            if not holds:
                at = check.at or (fields[0] if len(fields) == 1 else "")
                say = {"zh": check.say.zh, "en": check.say.en}
                found.append(
                    Problem("form.check", check.say.in_language("en"), at=at, fields={"say": say, "of": fields})
                )
        return found

    @cached_property
    def _rules(self) -> list[Expression]:
        scope = Scope({"form": self.record, "params": self._params.record}, self._named)
        return [compile_expression(check.rule, scope, gives=BOOL) for check in self.checks]
