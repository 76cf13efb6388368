"""The tree as a chain of closures: the reading that decides cases.

The types found by `infer` choose the closure, so that nothing is tested twice while it runs. A value that is missing
or cannot be worked with raises one of `FAILURES`; `&&` and `||` absorb it where the other side decides, as in CEL.
Refuses to loop for long: macros share a budget of steps per evaluation.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from engine.expr.functions import overload
from engine.expr.infer import Types
from engine.expr.operators import EXACT, PLAIN, RELATIONS, WHOLE, equal, ordered, unknown
from engine.expr.tree import (
    Call,
    Conditional,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Macro,
    MapOf,
    Name,
    Operation,
    Select,
    Tree,
)
from engine.expr.types import BOOL, DYN, INT, NUMBERS, List

Values = Mapping[str, Any]
Run = Callable[[Any], Any]
"""From the values by name to a value."""

FAILURES = (LookupError, ArithmeticError, TypeError, ValueError)
STEPS = 100_000
_BUDGET = " steps left"
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compiled(tree: Tree, types: Types) -> Run:
    """The closure of `tree`. Call it through `with_budget` where the tree has macros."""
    return _Compiler(types).run_of(tree)


def with_budget(values: Values) -> dict[str, Any]:
    """The values together with the steps that macros may use up."""
    return {**values, _BUDGET: [STEPS]}


class _Compiler:
    def __init__(self, types: Types) -> None:
        self.types = types

    def run_of(self, tree: Tree) -> Run:
        match tree:
            case Literal():
                return _constant(tree.value)
            case Name():
                return operator.itemgetter(tree.name)
            case Select():
                return self.select(tree)
            case Has():
                return _has(self.run_of(tree.of), tree.field)
            case Index():
                return self.index(tree)
            case Logic():
                parts = tuple(self.truth(part) for part in tree.parts)
                return (_either if tree.operator == "||" else _both)(parts)
            case Operation():
                return self.operation(tree)
            case Conditional():
                return _choice(self.truth(tree.condition), self.run_of(tree.yes), self.run_of(tree.no))
            case Call():
                return self.call(tree)
            case ListOf():
                return _list(tuple(map(self.run_of, tree.elements)))
            case MapOf():
                return _map(tuple((self.run_of(key), self.run_of(value)) for key, value in tree.entries))
            case Macro():
                return self.macro(tree)
            case _:
                assert_never(tree)

    def truth(self, tree: Tree) -> Run:
        """The closure of a condition; one whose type is known only when it runs is tested then."""
        run = self.run_of(tree)
        return run if self.types[tree.number] == BOOL else _tested(run)

    def select(self, tree: Select) -> Run:
        field = tree.field
        if isinstance(tree.of, Name):
            name = tree.of.name
            return lambda values: values[name][field]
        of = self.run_of(tree.of)
        return lambda values: of(values)[field]

    def index(self, tree: Index) -> Run:
        of, key = self.run_of(tree.of), self.run_of(tree.key)
        return lambda values: _at(of(values), key(values))

    def operation(self, tree: Operation) -> Run:
        if len(tree.operands) == 1:
            return _unary(
                tree.operator, self.truth(*tree.operands) if tree.operator == "!" else self.run_of(*tree.operands)
            )
        left, right = tree.operands
        types = (self.types[left.number], self.types[right.number])
        first, second = self.run_of(left), self.run_of(right)
        loose = any(type_ == DYN or (isinstance(type_, List) and type_.of == DYN) for type_ in types)
        if tree.operator == "in":
            return (
                _among(first, second)
                if not loose
                else lambda values: any(equal(first(values), one) for one in second(values))
            )
        if tree.operator in RELATIONS:
            return _relation(tree.operator, first, second, loose=loose, constant=_value_of(right))
        if loose:
            return _binary(unknown(tree.operator), first, second)
        if types == (INT, INT):
            return _binary(WHOLE[tree.operator], first, second)
        return _binary((EXACT if types[0] in NUMBERS else PLAIN)[tree.operator], first, second)

    def call(self, tree: Call) -> Run:
        found = overload(tree.function, tuple(self.types[part.number] for part in tree.arguments))
        assert found is not None, "infer refused it"
        run, arguments = found.run, tuple(map(self.run_of, tree.arguments))
        match arguments:
            case (one,):
                return lambda values: run(one(values))
            case (one, two):
                return lambda values: run(one(values), two(values))
            case _:
                return lambda values: run(*(argument(values) for argument in arguments))

    def macro(self, tree: Macro) -> Run:
        over, variable = self.run_of(tree.over), tree.variable
        body = self.run_of(tree.body) if tree.quantifier == "map" else self.truth(tree.body)
        keeps = self.truth(tree.condition) if tree.condition is not None else None

        def rounds(values: Any) -> Any:
            inner, budget = dict(values), values[_BUDGET]
            for element in over(values):
                budget[0] -= 1
                if budget[0] < 0:
                    raise ValueError(f"it takes more than {STEPS} steps")
                inner[variable] = element
                yield element, inner

        match tree.quantifier:
            case "all":
                return lambda values: _all(body, rounds(values))
            case "exists":
                return lambda values: _exists(body, rounds(values))
            case "exists_one":
                return lambda values: sum(body(inner) for _, inner in rounds(values)) == 1
            case "filter":
                return lambda values: [element for element, inner in rounds(values) if body(inner)]
            case "map":
                return lambda values: [body(inner) for _, inner in rounds(values) if keeps is None or keeps(inner)]


def _constant(value: object) -> Run:
    return lambda values: value


def _value_of(tree: Tree) -> object:
    """The value of a literal on the right side, which spares a call; ... where it is none."""
    return tree.value if isinstance(tree, Literal) else ...


def _tested(run: Run) -> Run:
    def truth(values: Any) -> bool:
        value = run(values)
        if value is True or value is False:
            return value
        raise TypeError(f"a condition is true or false, not {value!r}")

    return truth


def _has(of: Run, field: str) -> Run:
    return lambda values: of(values).get(field) is not None


def _at(of: Any, key: Any) -> Any:
    if isinstance(of, list | tuple) and key < 0:
        raise IndexError(key)
    return of[key]


def _either(parts: tuple[Run, ...]) -> Run:
    if len(parts) == 2:
        left, right = parts

        def two(values: Any) -> bool:
            try:
                if left(values):
                    return True
            except FAILURES:
                if right(values):
                    return True
                raise
            return right(values)  # type: ignore[no-any-return]  # a condition

        return two

    def many(values: Any) -> bool:
        failure = None
        for part in parts:
            try:
                if part(values):
                    return True
            except FAILURES as error:
                failure = failure or error
        if failure:
            raise failure
        return False

    return many


def _both(parts: tuple[Run, ...]) -> Run:
    if len(parts) == 2:
        left, right = parts

        def two(values: Any) -> bool:
            try:
                if not left(values):
                    return False
            except FAILURES:
                if not right(values):
                    return False
                raise
            return right(values)  # type: ignore[no-any-return]  # a condition

        return two

    def many(values: Any) -> bool:
        failure = None
        for part in parts:
            try:
                if not part(values):
                    return False
            except FAILURES as error:
                failure = failure or error
        if failure:
            raise failure
        return True

    return many


def _all(body: Run, rounds: Any) -> bool:
    failure = None
    for _, inner in rounds:
        try:
            if not body(inner):
                return False
        except FAILURES as error:
            failure = failure or error
    if failure:
        raise failure
    return True


def _exists(body: Run, rounds: Any) -> bool:
    failure = None
    for _, inner in rounds:
        try:
            if body(inner):
                return True
        except FAILURES as error:
            failure = failure or error
    if failure:
        raise failure
    return False


def _relation(sign: str, left: Run, right: Run, *, loose: bool, constant: object) -> Run:
    if loose:
        if sign == "==":
            return lambda values: equal(left(values), right(values))
        if sign == "!=":
            return lambda values: not equal(left(values), right(values))
        return _binary(ordered(_COMPARE[sign]), left, right)
    if constant is not ...:
        return _to_constant(sign, left, constant)
    match sign:
        case "==":
            return lambda values: left(values) == right(values)
        case "!=":
            return lambda values: left(values) != right(values)
        case "<":
            return lambda values: left(values) < right(values)
        case "<=":
            return lambda values: left(values) <= right(values)
        case ">":
            return lambda values: left(values) > right(values)
        case _:
            return lambda values: left(values) >= right(values)


def _to_constant(sign: str, left: Run, constant: Any) -> Run:
    match sign:
        case "==":
            return lambda values: left(values) == constant
        case "!=":
            return lambda values: left(values) != constant
        case "<":
            return lambda values: left(values) < constant
        case "<=":
            return lambda values: left(values) <= constant
        case ">":
            return lambda values: left(values) > constant
        case _:
            return lambda values: left(values) >= constant


def _binary(compute: Callable[[Any, Any], Any], left: Run, right: Run) -> Run:
    return lambda values: compute(left(values), right(values))


def _unary(sign: str, run: Run) -> Run:
    if sign == "!":
        return lambda values: not run(values)
    return lambda values: -run(values)


def _among(value: Run, among: Run) -> Run:
    return lambda values: value(values) in among(values)


def _choice(condition: Run, yes: Run, no: Run) -> Run:
    return lambda values: yes(values) if condition(values) else no(values)


def _list(elements: tuple[Run, ...]) -> Run:
    return lambda values: [element(values) for element in elements]


def _map(entries: tuple[tuple[Run, Run], ...]) -> Run:
    def run(values: Any) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in entries:
            name = key(values)
            if name in made:
                raise ValueError(f"the key {name!r} stands twice")
            made[name] = value(values)
        return made

    return run
