"""Expressions as formulas of an SMT solver: what a guard means for every form at once.

A term has a value and a condition under which working it out fails, as CEL has it: an absent field fails, `&&` and
`||` absorb a failure that does not matter. Refuses what it cannot carry over exactly (`Untranslatable`): a proof about
something else is worse than none.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any, Literal, TypeAlias

import z3

from engine.expr import tree as parts
from engine.expr.conversions import INT_MAX, INT_MIN, to_date, to_decimal, to_duration
from engine.expr.patterns import pattern
from engine.expr.tree import Tree

Formula: TypeAlias = Any
"""A formula of z3, which has no types, or a plain value of Python where it is known."""

Kind = Literal["bool", "int", "decimal", "text", "choice", "members", "date", "span", "window", "list", "record"]
DAY = 86_400_000_000
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "matches": lambda text, wanted: pattern(wanted).search(text) is not None,
}


class Untranslatable(Exception):
    """An expression means something that the solver cannot be told exactly; its text says what."""


@dataclass(frozen=True)
class Term:
    """The meaning of a part of an expression. `value` counts where `fails` does not hold.

    A choice and a set are mappings from each option to the formula that it is chosen; a span is in microseconds, a
    date its number of days since the year 1.
    """

    kind: Kind
    value: Formula
    fails: Formula = False


def both(*formulas: Formula) -> Formula:
    """And, with what is known left out."""
    left = [formula for formula in formulas if formula is not True]
    if any(formula is False for formula in left):
        return False
    return True if not left else left[0] if len(left) == 1 else z3.And(*left)


def either(*formulas: Formula) -> Formula:
    """Or, with what is known left out."""
    left = [formula for formula in formulas if formula is not False]
    if any(formula is True for formula in left):
        return True
    return False if not left else left[0] if len(left) == 1 else z3.Or(*left)


def negated(formula: Formula) -> Formula:
    """Not."""
    return (not formula) if isinstance(formula, bool) else z3.Not(formula)


def choose(condition: Formula, yes: Formula, no: Formula) -> Formula:
    """One or the other."""
    if isinstance(condition, bool):
        return yes if condition else no
    return z3.If(condition, yes, no)


def holds(term: Term) -> Formula:
    """It can be worked out and is true: how a row of the route table is read."""
    return both(negated(term.fails), term.value)


def not_false(term: Term) -> Formula:
    """It is true or cannot be worked out: how the condition of a step is read."""
    return either(term.fails, term.value)


def constant(value: Any) -> Term:
    """The term of a value that is known: a param, a literal."""
    match value:
        case bool():
            return Term("bool", value)
        case int() if type(value) is int:  # unsigned numbers have other limits
            return Term("int", z3.IntVal(value))
        case Decimal():
            return Term("decimal", z3.RealVal(f"{value:f}"))
        case str():
            return Term("text", value)
        case list() | tuple():
            return Term("list", tuple(constant(one) for one in value))
        case date():
            return Term("date", z3.IntVal(value.toordinal()))
        case _:
            raise Untranslatable(f"the value {value!r}")


Names = Mapping[str, Callable[[str], Term]]
"""For each name an expression may start with, the terms of its fields."""


def translate(tree: Tree, names: Names, known: Mapping[str, Term] | None = None) -> Term:
    """The term of an expression. `known` are the variables of macros around it."""
    return _Translation(names, known or {}).term(tree)


class _Translation:
    def __init__(self, names: Names, known: Mapping[str, Term]) -> None:
        self.names = names
        self.known = known

    def term(self, tree: Tree) -> Term:
        match tree:
            case parts.Literal():
                return constant(tree.value)
            case parts.Name() if tree.name in self.known:
                return self.known[tree.name]
            case parts.Select():
                return self.field(tree)
            case parts.Has():
                found = self.field(tree)
                if isinstance(tree.of, parts.Name):
                    return Term("bool", negated(found.fails))
                return Term("bool", True, found.fails)
            case parts.Logic():
                return _joined(tree.operator == "&&", [self.truth(part) for part in tree.parts])
            case parts.Operation():
                return self.operation(tree)
            case parts.Conditional():
                return self.conditional(tree)
            case parts.Call():
                return _call(tree.function, [self.term(part) for part in tree.arguments])
            case parts.ListOf():
                elements = tuple(self.term(part) for part in tree.elements)
                return Term("list", elements, either(*(element.fails for element in elements)))
            case parts.Macro():
                return self.macro(tree)
            case _:
                raise Untranslatable(type(tree).__name__.lower())

    def truth(self, tree: Tree) -> Term:
        term = self.term(tree)
        if term.kind != "bool":
            raise Untranslatable("a condition whose type is known only when it runs")
        return term

    def field(self, tree: parts.Select | parts.Has) -> Term:
        if isinstance(tree.of, parts.Name):
            if tree.of.name not in self.names:
                raise Untranslatable(tree.of.name)
            return self.names[tree.of.name](tree.field)
        of = self.term(tree.of)
        if of.kind != "window":
            raise Untranslatable(f".{tree.field}")
        return Term("date", of.value[tree.field], of.fails)

    def conditional(self, tree: parts.Conditional) -> Term:
        condition, yes, no = self.truth(tree.condition), self.term(tree.yes), self.term(tree.no)
        if {yes.kind, no.kind} == {"int", "decimal"}:
            yes, no = _exact(yes), _exact(no)
        if yes.kind != no.kind or yes.kind not in ("bool", "int", "decimal", "date", "span"):
            raise Untranslatable("a choice between values of this kind")
        fails = either(condition.fails, choose(condition.value, yes.fails, no.fails))
        return Term(yes.kind, choose(condition.value, yes.value, no.value), fails)

    def operation(self, tree: parts.Operation) -> Term:
        operands = [self.term(part) for part in tree.operands]
        fails = either(*(operand.fails for operand in operands))
        if tree.operator == "!":
            return Term("bool", negated(self.truth(tree.operands[0]).value), fails)
        if tree.operator == "neg":
            (of,) = operands
            if of.kind not in ("int", "decimal", "span"):
                raise Untranslatable("- before this")
            return _within(Term(of.kind, -of.value, fails))
        left, right = operands
        if tree.operator == "in":
            return Term("bool", _member(left, right), fails)
        if tree.operator in _COMPARE:
            return Term("bool", _compared(tree.operator, left, right), fails)
        return _arithmetic(tree.operator, left, right, fails)

    def macro(self, tree: parts.Macro) -> Term:
        over = self.term(tree.over)
        if over.kind == "members":
            rounds = [(constant(option), chosen) for option, chosen in over.value.items()]
        elif over.kind == "list":
            rounds = [(element, True) for element in over.value]
        else:
            raise Untranslatable(f"{tree.quantifier} over this")
        bodies = [
            (_Translation(self.names, {**self.known, tree.variable: element}).truth(tree.body), chosen)
            for element, chosen in rounds
        ]
        fails = either(over.fails, *(both(chosen, body.fails) for body, chosen in bodies))
        match tree.quantifier:
            case "all":
                counted = [Term("bool", either(negated(c), b.value), both(c, b.fails)) for b, c in bodies]
                found = _joined(True, counted)
            case "exists":
                found = _joined(False, [Term("bool", both(c, b.value), both(c, b.fails)) for b, c in bodies])
            case "exists_one":
                return Term("bool", _count([both(c, b.value) for b, c in bodies]) == 1, fails)
            case "filter" if over.kind == "members":
                kept = {option: both(c, b.value) for option, (b, c) in zip(over.value, bodies, strict=True)}
                return Term("members", kept, fails)
            case _:
                raise Untranslatable(tree.quantifier)
        return Term("bool", found.value, either(over.fails, found.fails))


def _joined(conjunction: bool, terms: list[Term]) -> Term:
    """&& or ||: a part that decides absorbs the failures of the others."""
    if conjunction:
        decided = either(*(both(negated(term.fails), negated(term.value)) for term in terms))
        value = negated(decided)
    else:
        decided = value = either(*(both(negated(term.fails), term.value) for term in terms))
    return Term("bool", value, both(either(*(term.fails for term in terms)), negated(decided)))


def _count(chosen: list[Formula]) -> Formula:
    return reduce(operator.add, (choose(one, z3.IntVal(1), z3.IntVal(0)) for one in chosen), z3.IntVal(0))


def _exact(term: Term) -> Term:
    return Term("decimal", z3.ToReal(term.value), term.fails) if term.kind == "int" else term


def _within(term: Term) -> Term:
    """A whole number that 64 bits do not hold fails, as it does when it runs."""
    if term.kind != "int":
        return term
    return Term("int", term.value, either(term.fails, term.value < INT_MIN, term.value > INT_MAX))


def _arithmetic(sign: str, left: Term, right: Term, fails: Formula) -> Term:
    kinds = (left.kind, right.kind)
    if kinds == ("date", "date") and sign == "-":
        return Term("span", (left.value - right.value) * DAY, fails)
    if kinds == ("span", "span") and sign in ("+", "-"):
        return Term("span", _SUMS[sign](left.value, right.value), fails)
    if set(kinds) == {"date", "span"} and sign in ("+", "-") and kinds[0] == "date":
        days = _whole_days(right)
        value = _SUMS[sign](left.value, days)
        return Term("date", value, either(fails, value < 1, value > date.max.toordinal()))
    if not set(kinds) <= {"int", "decimal"}:
        raise Untranslatable(f"{sign} between values of these kinds")
    if sign in ("/", "%"):
        return _divided(sign, left, right, fails)
    if sign == "*" and not (_is_known(left) or _is_known(right)):
        raise Untranslatable("the product of two fields")
    if kinds == ("int", "int"):
        return _within(Term("int", _SUMS[sign](left.value, right.value), fails))
    return Term("decimal", _SUMS[sign](_exact(left).value, _exact(right).value), fails)


def _is_known(term: Term) -> bool:
    return bool(z3.is_int_value(z3.simplify(term.value)) or z3.is_rational_value(z3.simplify(term.value)))


def _whole_days(span: Term) -> Formula:
    value = z3.simplify(span.value)
    if not z3.is_int_value(value) or value.as_long() % DAY:
        raise Untranslatable("a day plus a span that is no whole number of days")
    return z3.IntVal(value.as_long() // DAY)


def _divided(sign: str, left: Term, right: Term, fails: Formula) -> Term:
    divisor = z3.simplify(right.value)
    if left.kind == right.kind == "int" and z3.is_int_value(divisor) and divisor.as_long():
        by = divisor.as_long()
        size = z3.If(left.value >= 0, left.value, -left.value) / z3.IntVal(abs(by))
        quotient = z3.If((left.value >= 0) == z3.BoolVal(by > 0), size, -size)
        return Term("int", quotient if sign == "/" else left.value - quotient * by, fails)
    divisor = z3.simplify(_exact(right).value)
    is_exact = {left.kind, right.kind} != {"int"} and z3.is_rational_value(divisor)
    if sign == "/" and is_exact and _ends_soon(divisor.as_fraction().numerator):
        return Term("decimal", _exact(left).value / divisor, fails)
    raise Untranslatable(f"{sign} by what is not a simple constant")


def _ends_soon(number: int) -> bool:
    """Whether a quotient by it has so few digits that it is never rounded."""
    return number != 0 and 10_000 % abs(number) == 0


def _compared(sign: str, left: Term, right: Term) -> Formula:
    kinds = {left.kind, right.kind}
    if kinds <= {"int", "decimal"}:
        if kinds == {"int"}:
            return _COMPARE[sign](left.value, right.value)
        return _COMPARE[sign](_exact(left).value, _exact(right).value)
    if kinds in ({"date"}, {"span"}):
        return _COMPARE[sign](left.value, right.value)
    if sign in ("==", "!="):
        equal = _equal(left, right)
        return equal if sign == "==" else negated(equal)
    raise Untranslatable(f"{sign} between values of these kinds")


def _equal(left: Term, right: Term) -> Formula:
    match left.kind, right.kind:
        case "bool", "bool":
            same = left.value == right.value
            return same if isinstance(same, bool) else z3.And(same)
        case "text", "text":
            if isinstance(left.value, str) and isinstance(right.value, str):
                return left.value == right.value
            return _seq(left.value) == _seq(right.value)
        case "choice", "text" if isinstance(right.value, str):
            return left.value.get(right.value, False)
        case "text", "choice":
            return _equal(right, left)
        case "choice", "choice":
            return either(*(both(is_it, right.value.get(one, False)) for one, is_it in left.value.items()))
        case _:
            if {left.kind, right.kind} <= {"int", "decimal", "date", "span"}:
                return _compared("==", left, right)
            raise Untranslatable("equality of values of these kinds")


def _member(one: Term, among: Term) -> Formula:
    match among.kind, one.kind:
        case "members", "text" if isinstance(one.value, str):
            return among.value.get(one.value, False)
        case "members", "choice":
            return either(*(both(is_it, among.value.get(option, False)) for option, is_it in one.value.items()))
        case "list", _:
            return either(*(_equal(one, element) for element in among.value))
        case _:
            raise Untranslatable("in between values of these kinds")


def _seq(text: Formula) -> Formula:
    return z3.StringVal(text) if isinstance(text, str) else text


def _call(name: str, arguments: list[Term]) -> Term:
    first = arguments[0]
    fails = either(*(argument.fails for argument in arguments))
    if name in _TEXT_TESTS:
        return Term("bool", _text_test(name, first, arguments[1]), fails)
    match name, first.kind:
        case "size", "members":
            return Term("int", _count(list(first.value.values())), fails)
        case "size", "list":
            return Term("int", z3.IntVal(len(first.value)), fails)
        case "size", "text":
            return Term("int", z3.Length(_seq(first.value)), fails)
        case "size", "choice":
            sizes = [choose(is_it, z3.IntVal(len(one)), z3.IntVal(0)) for one, is_it in first.value.items()]
            return Term("int", reduce(operator.add, sizes, z3.IntVal(0)), fails)
        case "decimal", "int" | "decimal":
            return _exact(first)
        case "int", "int":
            return first
        case "int", "decimal":
            down = z3.ToInt(z3.If(first.value >= 0, first.value, -first.value))
            return _within(Term("int", z3.If(first.value >= 0, down, -down), fails))
        case "decimal" | "date" | "duration", "text" if isinstance(first.value, str):
            return _read(name, first.value)
        case "dyn", _:
            return first
        case _:
            raise Untranslatable(f"{name}()")


def _read(name: str, text: str) -> Term:
    try:
        match name:
            case "decimal":
                return constant(to_decimal(text))
            case "date":
                return constant(to_date(text))
            case _:
                span = to_duration(text)
                return Term("span", z3.IntVal(span.days * DAY + span.seconds * 1_000_000 + span.microseconds))
    except ValueError:
        raise Untranslatable(f"{name}({text!r})") from None


def _text_test(name: str, of: Term, wanted: Term) -> Formula:
    if not isinstance(wanted.value, str):
        raise Untranslatable(f"{name}() of another field")
    test = _TEXT_TESTS[name]
    if of.kind == "choice":
        return either(*(is_it for one, is_it in of.value.items() if test(one, wanted.value)))
    if of.kind != "text":
        raise Untranslatable(f"{name}() of this")
    if isinstance(of.value, str):
        return test(of.value, wanted.value)
    literal = z3.StringVal(wanted.value)
    match name:
        case "contains":
            return z3.Contains(of.value, literal)
        case "startsWith":
            return z3.PrefixOf(literal, of.value)
        case "endsWith":
            return z3.SuffixOf(literal, of.value)
        case _:
            raise Untranslatable("matches() of a text")
