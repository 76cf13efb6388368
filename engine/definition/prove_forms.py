"""All forms that a definition lets through, as formulas: fields with their limits, and the checks between them.

Every answer comes with a form that was read by the form's own door (`Proposal.parse`). Refuses to answer where the
solver is not sure in time, or where no such form could be made: `Undecided` says why.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import z3

from engine.definition.fields import (
    WINDOW,
    Choice,
    Date,
    DateRange,
    ExactNumber,
    Int,
    LongText,
    Office,
    Ref,
    Set,
    Text,
)
from engine.definition.form_fields import Attachment, FormField, Table
from engine.definition.model import Definition
from engine.definition.prove_terms import (
    Formula,
    Term,
    Untranslatable,
    constant,
    either,
    negated,
    not_false,
    translate,
)
from engine.expr import compile_expression
from engine.expr.tree import Tree
from engine.expr.types import BOOL
from engine.machine.case import LEFT

MILLISECONDS = 400
"""How long the solver may take over one question. The shipped definitions take 1 to 5 each."""

_FIRST, _LAST = date.min.toordinal(), date.max.toordinal()
_INT_DIGITS, _NUMBER_DIGITS = 18, 20
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_TODAY = date(2026, 3, 2)

Form = dict[str, Any]


class Undecided(Exception):
    """A question has no sure answer; the text is the reason."""


class Forms:
    """The valid forms of a definition. Questions are asked inside `assuming`."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.proposal = definition.proposal
        self.unsure: list[str] = []
        """What could not be assumed of the form, so that more forms are thought possible than are."""
        self.gave_up = False
        """Whether the solver left a question open; asked again, it may answer."""
        self._solver = z3.Solver()
        self._solver.set("timeout", MILLISECONDS)
        self._depth = 0
        self._likely: list[Formula] = []
        self._terms: dict[str, Term] = {}
        self._meant: dict[str, Term] = {}
        for check in self.proposal.checks:
            self._assume_check(check.rule)

    def meaning(self, text: str) -> Term:
        """What an expression over form and params means. Raises Untranslatable.

        Asked for before `assuming`, never inside: the limits of its fields would be forgotten with the assumptions.
        """
        if text not in self._meant:
            assert not self._depth, text
            self._meant[text] = self._of_tree(compile_expression(text, self.definition.deciding, gives=BOOL).tree)
        return self._meant[text]

    def fields_of(self, text: str) -> frozenset[str]:
        """The fields of the form that an expression reads."""
        rule = compile_expression(text, self.definition.deciding, gives=BOOL)
        return frozenset(path.split(".")[1] for path in rule.paths if path.startswith("form."))

    @contextmanager
    def assuming(self, *formulas: Formula) -> Iterator[None]:
        """Ask only about forms for which these hold."""
        self._solver.push()
        self._depth += 1
        try:
            for formula in formulas:
                self._solver.add(formula)
            yield
        finally:
            self._depth -= 1
            self._solver.pop()

    def is_possible(self, *formulas: Formula) -> bool:
        """Whether some form is such. Raises Undecided."""
        with self.assuming(*formulas):
            return self._check()

    def find(self, *formulas: Formula) -> Form | None:
        """A whole form that is such, as a case keeps it; None where none is. Raises Undecided."""
        with self.assuming(*formulas):
            if not self._check():
                return None
            model = self._solver.model()
            with self.assuming(*self._likely):
                if self._solver.check() == z3.sat:
                    model = self._solver.model()
            return self._form(model)

    def models(self, bits: list[Formula], limit: int) -> Iterator[tuple[bool, ...]]:
        """Every combination of `bits` that some form has. Raises Undecided past `limit`."""
        found = 0
        while self._check():
            if found == limit:
                raise Undecided(f"the conditions combine in more than {limit} ways")
            model = self._solver.model()
            combination = tuple(bool(z3.is_true(model.eval(_formula(bit), model_completion=True))) for bit in bits)
            yield combination
            found += 1
            self._solver.add(
                z3.Not(z3.And(*(_formula(bit) == value for bit, value in zip(bits, combination, strict=True))))
                if bits
                else z3.BoolVal(False)
            )

    def _check(self) -> bool:
        answer = self._solver.check()
        if answer == z3.unknown:
            self.gave_up = True
            raise Undecided(f"the solver gave up ({self._solver.reason_unknown()})")
        return bool(answer == z3.sat)

    def _assume_check(self, rule: str) -> None:
        try:
            self._solver.add(not_false(self.meaning(rule)))
        except Untranslatable as error:
            self.unsure.append(f"the check {rule} ({error})")

    def _of_tree(self, tree: Tree) -> Term:
        return translate(tree, {"form": self._field, "params": self._param, "budget": self._budget})

    def _param(self, name: str) -> Term:
        return constant(self.definition.params[name])

    def _budget(self, name: str) -> Term:
        """What is left of the office's budget: any amount, or absent."""
        if LEFT not in self._terms:
            assert f"budget.{name}" == LEFT
            amount = z3.ToReal(z3.Int(LEFT)) / z3.RealVal(100)
            self._solver.add(amount >= 0)
            self._terms[LEFT] = Term("decimal", amount, negated(z3.Bool(f"{LEFT}?")))
        return self._terms[LEFT]

    def _field(self, name: str) -> Term:
        if name not in self._terms:
            field = self.proposal.fields[name]
            present = True if field.required else z3.Bool(f"{name}?")
            kept, limits = _variable(name, field)
            self._likely += _likely(kept)
            for limit in limits:
                self._solver.add(either(negated(present), limit))
            self._terms[name] = Term(kept.kind, kept.value, negated(present))
        return self._terms[name]

    def _form(self, model: Any) -> Form:
        raw: Form = {}
        for name, field in self.proposal.fields.items():
            term = self._terms.get(name)
            if term is None:
                if field.required:
                    raw[name] = _plain(name, field)
            elif not _truth(model, term.fails):
                raw[name] = _value(model, name, field, term)
        parsed = self.proposal.parse(raw, whole=True)
        if parsed.problems:
            problem = parsed.problems[0]
            told = f"{problem.at}: {problem.message}" if problem.at else problem.message
            raise Undecided("; ".join([f"no form could be made up ({told})", *self.unsure]))
        left = self._terms.get(LEFT)
        if left is None or _truth(model, left.fails):
            return parsed.values
        cents = model.eval(z3.Int(LEFT), model_completion=True).as_long()
        return {**parsed.values, LEFT: str(Decimal(cents) / 100)}


def _truth(model: Any, formula: Formula) -> bool:
    return bool(z3.is_true(model.eval(_formula(formula), model_completion=True)))


def _formula(value: Formula) -> Formula:
    return z3.BoolVal(value) if isinstance(value, bool) else value


def _variable(name: str, field: FormField) -> tuple[Term, list[Formula]]:
    """The variable of a field, and its limits."""
    match field:
        case Int():
            number = z3.Int(name)
            return Term("int", number), [*_between(number, field.min, field.max), *_digits(number, _INT_DIGITS)]
        case ExactNumber():
            number = z3.ToReal(z3.Int(name)) / z3.RealVal(10**field.scale)
            limits = [*_between(number, field.min, field.max), *_digits(z3.Int(name), _NUMBER_DIGITS + field.scale)]
            return Term("decimal", number), limits
        case Date():
            day = z3.Int(name)
            return Term("date", day), [day >= _FIRST, day <= _LAST]
        case DateRange():
            first, last = z3.Int(f"{name}.from"), z3.Int(f"{name}.to")
            assert set(WINDOW.fields) == {"from", "to"}
            return Term("window", {"from": first, "to": last}), [first >= _FIRST, first <= last, last <= _LAST]
        case Choice():
            chosen = z3.Int(name)
            options = {option: chosen == place for place, option in enumerate(field.of)}
            return Term("choice", options), [chosen >= 0, chosen < len(field.of)]
        case Set():
            members = {option: z3.Bool(f"{name}.{option}") for option in field.of}
            return Term("members", members), [z3.Or(*members.values())]
        case Text() | LongText():
            text = z3.String(name)
            outer = [z3.Not(z3.PrefixOf(" ", text)), z3.Not(z3.SuffixOf(" ", text)), z3.Not(z3.Contains(text, "\n"))]
            return Term("text", text), [z3.Length(text) >= 1, z3.Length(text) <= field.max, *outer]
        case Office() | Ref():
            code = z3.String(name)
            return Term("text", code), [z3.InRe(code, _codes()), z3.Length(code) <= 64]
        case _:
            raise Untranslatable(f"fields of type {field.type}")


def _likely(term: Term) -> list[Formula]:
    """What makes an example easier to read, where there is a choice: days of these years, amounts above nothing."""
    match term.kind:
        case "date":
            return [term.value >= _TODAY.toordinal(), term.value <= _TODAY.toordinal() + 366]
        case "window":
            return _likely(Term("date", term.value["from"])) + _likely(Term("date", term.value["to"]))
        case "int" | "decimal":
            return [term.value >= 1]
        case _:
            return []


def _between(number: Formula, low: Decimal | None, high: Decimal | None) -> list[Formula]:
    limits = []
    if low is not None:
        limits.append(number >= z3.RealVal(f"{low:f}"))
    if high is not None:
        limits.append(number <= z3.RealVal(f"{high:f}"))
    return limits


def _digits(number: Formula, digits: int) -> list[Formula]:
    return [number < 10**digits, number > -(10**digits)]


def _codes() -> Formula:
    sign = z3.Union(z3.Range("A", "Z"), z3.Range("a", "z"), z3.Range("0", "9"))
    return z3.Concat(sign, z3.Star(z3.Union(sign, z3.Re("_"), z3.Re("."), z3.Re(":"), z3.Re("-"))))


def _value(model: Any, name: str, field: FormField, term: Term) -> Any:
    """The JSON value of a field in a model."""
    match field:
        case Int():
            return _whole(model, term.value)
        case ExactNumber():
            number = Decimal(_whole(model, z3.Int(name))).scaleb(-field.scale)
            return f"{number:f}"
        case Date():
            return _day(model, term.value)
        case DateRange():
            return [_day(model, term.value["from"]), _day(model, term.value["to"])]
        case Choice():
            return next(option for option, is_it in term.value.items() if _truth(model, is_it))
        case Set():
            return [option for option, is_in in term.value.items() if _truth(model, is_in)]
        case _:
            text = model.eval(term.value, model_completion=True).as_string()
            return _ESCAPE.sub(lambda sign: chr(int(sign[1], 16)), text)


def _whole(model: Any, formula: Formula) -> int:
    return int(model.eval(formula, model_completion=True).as_long())


def _day(model: Any, formula: Formula) -> str:
    return date.fromordinal(_whole(model, formula)).isoformat()


def _plain(name: str, field: FormField) -> Any:
    """A value of a field that no condition asks about."""
    match field:
        case Int() | ExactNumber():
            low, high = field.min, field.max
            return f"{low if low is not None else min(Decimal(0), high or Decimal(0)):f}"
        case Date():
            return _TODAY.isoformat()
        case DateRange():
            return [_TODAY.isoformat(), (_TODAY + timedelta(days=30)).isoformat()]
        case Choice() | Set():
            return next(iter(field.of))
        case Ref() | Office():
            return f"{name}-1".replace("_", "-")
        case Attachment():
            return [{"id": "file-1", "name": "a.pdf", "size": 1, "type": "application/pdf", "sha256": "0" * 64}]
        case Table():
            return [{column: _plain(column, kind) for column, kind in field.columns.items()}]
        case _:
            return "a"


def shown(form: Mapping[str, Any], about: frozenset[str] = frozenset()) -> str:
    """A form in one line: the fields of `about` alone, where any are named."""
    names = [name for name in form if not about or name in about] or list(form)
    return ", ".join(f"{name} {_words(form[name])}" for name in names)


def _words(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)
