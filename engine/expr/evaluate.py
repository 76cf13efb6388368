"""The tree as a chain of closures: the reading that decides cases.

The types found by `infer` choose the closure, so that nothing is tested twice while it runs. A value that is missing
or cannot be worked with raises one of `FAILURES`; `&&` and `||` absorb it where the other side decides, as in CEL.
Refuses to work for long: macros share a budget of steps per evaluation. A round costs as many steps as its body has
parts, and what looks through a list or a text within a macro also pays for its length.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from engine.expr import tree as trees
from engine.expr.functions import overload
from engine.expr.infer import Types
from engine.expr.kinds import Misfit, contains, equal, has_key, kind_of, order
from engine.expr.operators import RELATIONS, negate, of_type
from engine.expr.tree import Tree, children
from engine.expr.types import BOOL, DOUBLE, DYN, KIND, KINDS, List, Map, Type

Values = Mapping[str, Any]
Run = Callable[[Any], Any]
"""From the values by name to a value."""

FAILURES = (LookupError, ArithmeticError, TypeError, ValueError)
STEPS = 1_000_000
AT_ONCE = 8
"""As many elements or signs are looked through in one step."""
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
        self.is_within_macro = False

    def run_of(self, tree: Tree) -> Run:
        match tree:
            case trees.Literal():
                return _constant(tree.value)
            case trees.Name():
                if self.types[tree.number] == KIND and tree.name in KINDS:
                    return _constant(KINDS[tree.name])
                return operator.itemgetter(tree.name)
            case trees.Select():
                return self.select(tree)
            case trees.Has():
                return _has(self.run_of(tree.of), tree.field)
            case trees.Index():
                return self.index(tree)
            case trees.Logic():
                parts = tuple(self.truth(part) for part in tree.parts)
                return (_either if tree.operator == "||" else _both)(parts)
            case trees.Operation():
                return self.operation(tree)
            case trees.Conditional():
                return _choice(self.truth(tree.condition), self.run_of(tree.yes), self.run_of(tree.no))
            case trees.Call():
                return self.call(tree)
            case trees.ListOf():
                return _list(tuple(map(self.run_of, tree.elements)))
            case trees.MapOf():
                return _map(tuple((self.run_of(key), self.run_of(value)) for key, value in tree.entries))
            case trees.Macro():
                return self.macro(tree)
            case _:
                assert_never(tree)

    def truth(self, tree: Tree) -> Run:
        """The closure of a condition; one whose type is known only when it runs is tested then."""
        run = self.run_of(tree)
        return run if self.types[tree.number] == BOOL else _tested(run)

    def select(self, tree: trees.Select) -> Run:
        field = tree.field
        if isinstance(tree.of, trees.Name):
            name = tree.of.name
            return lambda values: values[name][field]
        of = self.run_of(tree.of)
        return lambda values: of(values)[field]

    def index(self, tree: trees.Index) -> Run:
        of, key = self.run_of(tree.of), self.run_of(tree.key)
        return lambda values: _at(of(values), key(values))

    def operation(self, tree: trees.Operation) -> Run:
        if len(tree.operands) == 1:
            (inner,) = tree.operands
            return _not(self.truth(inner)) if tree.operator == "!" else _negated(self.run_of(inner))
        left, right = tree.operands
        types = (self.types[left.number], self.types[right.number])
        first, second = self.run_of(left), self.run_of(right)
        loose = any(map(_is_loose, types))
        if tree.operator == "in":
            return self.paying(_among_loosely if loose else operator.contains, second, first)
        if tree.operator in RELATIONS:
            return _relation(tree.operator, first, second, loose=loose, constant=_value_of(right))
        compute = of_type(tree.operator, *types)
        return self.paying(compute, first, second) if tree.operator == "+" else _binary(compute, first, second)

    def call(self, tree: trees.Call) -> Run:
        found = overload(tree.function, tuple(self.types[part.number] for part in tree.arguments))
        assert found is not None, "infer refused it"
        run, arguments = found.run, tuple(map(self.run_of, tree.arguments))
        match arguments:
            case (one,):
                return lambda values: run(one(values))
            case (one, two):
                return self.paying(run, one, two)
            case _:
                return lambda values: run(*(argument(values) for argument in arguments))

    def paying(self, compute: Callable[[Any, Any], Any], over: Run, other: Run) -> Run:
        """`compute(over, other)`; within a macro its time counts, which grows with what `over` and `other` hold."""
        if not self.is_within_macro:
            return _binary(compute, over, other)

        def run(values: Any) -> Any:
            first, second = over(values), other(values)
            _pay(values[_BUDGET], (_length(first) + _length(second)) // AT_ONCE)
            return compute(first, second)

        return run

    def macro(self, tree: trees.Macro) -> Run:
        over, variable = self.run_of(tree.over), tree.variable
        outside, self.is_within_macro = self.is_within_macro, True
        body = self.run_of(tree.body) if tree.quantifier == "map" else self.truth(tree.body)
        keeps = self.truth(tree.condition) if tree.condition is not None else None
        self.is_within_macro = outside
        price = _price(tree.body) + (_price(tree.condition) if tree.condition is not None else 0)

        def rounds(values: Any) -> Any:
            inner, budget = dict(values), values[_BUDGET]
            for element in over(values):
                _pay(budget, price)
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


def _price(tree: Tree) -> int:
    """The parts of a macro's body; the body of a macro within it pays for itself."""
    below = (tree.over,) if isinstance(tree, trees.Macro) else children(tree)
    return 1 + sum(map(_price, below))


def _pay(budget: list[int], steps: int) -> None:
    budget[0] -= steps
    if budget[0] < 0:
        raise ValueError(f"it takes more than {STEPS} steps")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0


def _is_loose(type_: Type) -> bool:
    """Whether Python's own comparison would not do."""
    match type_:
        case List():
            return _is_loose(type_.of)
        case Map():
            return _is_loose(type_.key) or _is_loose(type_.value)
        case _:
            return type_ in (DYN, DOUBLE)


def _constant(value: object) -> Run:
    return lambda values: value


def _value_of(tree: Tree) -> object:
    """The value of a literal on the right side, which spares a call; ... where it is none."""
    return tree.value if isinstance(tree, trees.Literal) else ...


def _tested(run: Run) -> Run:
    def truth(values: Any) -> bool:
        value = run(values)
        if value is True or value is False:
            return value
        raise Misfit(f"a condition is true or false, not a {kind_of(value)}")

    return truth


def _has(of: Run, field: str) -> Run:
    return lambda values: of(values).get(field) is not None


def _at(of: Any, key: Any) -> Any:
    if isinstance(of, list | tuple):
        if isinstance(key, bool) or key != int(key):
            raise Misfit("a list is read by a whole number")
        if key < 0:
            raise IndexError(key)
        return of[int(key)]
    if isinstance(of, Mapping) and not has_key(of, key):
        raise KeyError(key)
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
        return _binary(order(_COMPARE[sign]), left, right)
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


def _not(run: Run) -> Run:
    return lambda values: not run(values)


def _negated(run: Run) -> Run:
    return lambda values: negate(run(values))


def _among_loosely(among: Any, value: Any) -> bool:
    return contains(among, value)


def _choice(condition: Run, yes: Run, no: Run) -> Run:
    return lambda values: yes(values) if condition(values) else no(values)


def _list(elements: tuple[Run, ...]) -> Run:
    return lambda values: [element(values) for element in elements]


def _map(entries: tuple[tuple[Run, Run], ...]) -> Run:
    def run(values: Any) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in entries:
            name = key(values)
            if not isinstance(name, bool | int | str):
                raise Misfit(f"a {kind_of(name)} cannot be the key of a map")
            if name in made:
                raise ValueError(f"the key {name!r} stands twice")
            made[name] = value(values)
        return made

    return run
