"""The static check: which type every part of an expression has, and everything that cannot fit.

All problems of an expression are collected; after one, the part counts as DYN so that it is reported once.
"""

from collections.abc import Callable, Mapping
from typing import TypeGuard

from engine.errors import Problem
from engine.expr import tree as trees
from engine.expr.calendar_parts import CLOCK_PARTS, DAY_PARTS, zone
from engine.expr.conversions import to_date, to_duration, to_timestamp
from engine.expr.functions import BY_NAME, accepts, overload
from engine.expr.lexer import wrong
from engine.expr.operators import RELATIONS, arithmetic, comparable
from engine.expr.patterns import pattern
from engine.expr.tree import Tree, path_of
from engine.expr.types import (
    ADDRESS,
    BOOL,
    COUNTED,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    KEYS,
    KIND,
    KINDS,
    NULL,
    NUMBERS,
    ORDERED,
    TEXT,
    List,
    Map,
    Record,
    Scope,
    Type,
    nearest,
)

Types = dict[int, Type]
"""The type of each part, by its number."""

_READERS: Mapping[str, Callable[[str], object]] = {
    "date": to_date,
    "timestamp": to_timestamp,
    "duration": to_duration,
    "matches": pattern,
    **dict.fromkeys((*DAY_PARTS, *CLOCK_PARTS), zone),
}


def infer(text: str, tree: Tree, scope: Scope) -> tuple[Types, list[Problem]]:
    """The types of all parts of `tree` and its problems, in the order of the text."""
    check = _Check(text)
    check.type_of(tree, scope)
    return check.types, sorted(check.problems, key=lambda problem: int(problem.fields["offset"]))


class _Check:
    def __init__(self, text: str) -> None:
        self.text = text
        self.types: Types = {}
        self.problems: list[Problem] = []

    def type_of(self, tree: Tree, scope: Scope) -> Type:
        found = self.look(tree, scope)
        self.types[tree.number] = found
        return found

    def look(self, tree: Tree, scope: Scope) -> Type:
        match tree:
            case trees.Literal():
                return tree.type
            case trees.Name():
                return self.named(tree, scope)
            case trees.Select():
                return self.field(tree, self.type_of(tree.of, scope))
            case trees.Has():
                self.field(tree, self.type_of(tree.of, scope))
                return BOOL
            case trees.Index():
                return self.index(tree, self.type_of(tree.of, scope), self.type_of(tree.key, scope))
            case trees.Logic():
                for part in tree.parts:
                    self.need(part, self.type_of(part, scope), BOOL, f"{tree.operator} joins conditions")
                return BOOL
            case trees.Operation():
                return self.operation(tree, tuple(self.type_of(part, scope) for part in tree.operands))
            case trees.Conditional():
                self.need(tree.condition, self.type_of(tree.condition, scope), BOOL, "? asks a condition")
                return self.common(tree, (self.type_of(tree.yes, scope), self.type_of(tree.no, scope)))
            case trees.Call():
                return self.call(tree, tuple(self.type_of(part, scope) for part in tree.arguments))
            case trees.ListOf():
                return List(self.of_parts(tuple(self.type_of(part, scope) for part in tree.elements)))
            case trees.MapOf():
                keys = self.of_parts(tuple(self.key(key, scope) for key, _ in tree.entries))
                return Map(keys, self.of_parts(tuple(self.type_of(value, scope) for _, value in tree.entries)))
            case trees.Macro():
                return self.macro(tree, scope)

    def problem(self, at: int, code: str, message: str, hint: str = "") -> Type:
        self.problems.append(wrong(self.text, code, at, message, hint))
        return DYN

    def need(self, tree: Tree, found: Type, wanted: Type, why: str) -> None:
        if not accepts(wanted, found):
            self.problem(tree.at, "E304", f"{why}, this is {found}", _condition_hint(found) if wanted == BOOL else "")

    def sealed(self, at: int) -> Type:
        hint = "ask whether there is one, as in c.phone != null; or import a list of customers as the source"
        told = "the address is sealed: it cannot be compared with a text, ordered or cut"
        return self.problem(at, "E350", told, hint)

    def named(self, tree: trees.Name, scope: Scope) -> Type:
        if tree.name in scope.names:
            return scope.names[tree.name]
        if tree.name in KINDS:
            return KIND
        return self.problem(tree.at, "E302", f"unknown name {tree.name}", nearest(tree.name, scope.names))

    def field(self, tree: trees.Select | trees.Has, of: Type) -> Type:
        match of:
            case Record():
                if tree.field in of.fields:
                    return of.fields[tree.field]
                at = tree.end - len(tree.field) - (1 if isinstance(tree, trees.Has) else 0)
                return self.problem(
                    at, "E303", f"{path_of(tree.of) or of} has no field {tree.field}", nearest(tree.field, of.fields)
                )
            case Map():
                return of.value
            case _ if of == DYN:
                return DYN
            case _:
                return self.problem(tree.at, "E304", f"{of} has no fields")

    def index(self, tree: trees.Index, of: Type, key: Type) -> Type:
        match of:
            case List():
                self.need(tree.key, key, INT, "a list is read by a whole number")
                return of.of
            case Map():
                self.need(tree.key, key, of.key, f"its keys are {of.key}")
                return of.value
            case Record() if isinstance(tree.key, trees.Literal) and tree.key.value in of.fields:
                return of.fields[str(tree.key.value)]
            case _ if of == DYN:
                return DYN
            case _:
                return self.problem(tree.at, "E304", f"{of} cannot be read by an index")

    def operation(self, tree: trees.Operation, types: tuple[Type, ...]) -> Type:
        if len(types) == 1:
            return self.unary(tree, types[0])
        left, right = types
        if ADDRESS in types and not (tree.operator in ("==", "!=") and set(types) <= {ADDRESS, NULL}):
            return self.sealed(tree.at)
        if tree.operator == "in":
            return self.membership(tree, left, right)
        if tree.operator in RELATIONS:
            ordered = tree.operator in ("==", "!=") or {left, right} <= ORDERED | {DYN}
            if not (ordered and comparable(left, right)):
                self.problem(
                    tree.at, "E304", f"{left} {tree.operator} {right} can never hold", _quotes(tree, left, right)
                )
            return BOOL
        result = arithmetic(tree.operator, left, right)
        if result is None:
            hint = _quotes(tree, left, right) or _conversion(left, right)
            return self.problem(tree.at, "E304", f"{left} {tree.operator} {right} has no meaning", hint)
        return result

    def unary(self, tree: trees.Operation, of: Type) -> Type:
        if tree.operator == "!":
            self.need(tree.operands[0], of, BOOL, "! turns a condition round")
            return BOOL
        if of in NUMBERS | {DOUBLE, DURATION, DYN}:
            return of
        return self.problem(tree.at, "E304", f"- {of} has no meaning")

    def membership(self, tree: trees.Operation, value: Type, among: Type) -> Type:
        match among, tree.operands[1]:
            case List(), trees.ListOf(elements=elements):
                # each by itself: one wrong element in a list that is written out would else make the list anything
                for part in elements:
                    if not comparable(value, self.types[part.number]):
                        self.problem(part.at, "E304", f"{value} is never {self.types[part.number]}")
                return BOOL
            case List(), _:
                inside = among.of
            case Map(), _:
                inside = among.key
            case _ if among == DYN:
                return BOOL
            case _:
                self.problem(tree.operands[1].at, "E304", f"in asks a list, this is {among}", "write x in ['a', 'b']")
                return BOOL
        if not comparable(value, inside):
            self.problem(tree.at, "E304", f"{value} is never in a {among}")
        return BOOL

    def key(self, tree: Tree, scope: Scope) -> Type:
        found = self.type_of(tree, scope)
        return found if found in KEYS else self.problem(tree.at, "E304", f"{found} cannot be the key of a map")

    def call(self, tree: trees.Call, types: tuple[Type, ...]) -> Type:
        if ADDRESS in types:
            return self.sealed(tree.at)
        function = BY_NAME.get(tree.function)
        at = tree.arguments[0].end + 1 if tree.is_member else tree.at
        if function is None:
            return self.problem(at, "E306", f"there is no function {tree.function}", nearest(tree.function, BY_NAME))
        found = overload(tree.function, types)
        if found is None or function.is_member not in (None, tree.is_member):
            given = ", ".join(map(str, types))
            return self.problem(at, "E307", f"{tree.function} does not take ({given})", f"as in {function.example}")
        self.literal_arguments(tree)
        return found.gives

    def literal_arguments(self, tree: trees.Call) -> None:
        """What is written out can be tried now: a wrong date is better told here than at the first case."""
        last = tree.arguments[-1]
        reader = _READERS.get(tree.function)
        if reader is not None and isinstance(last, trees.Literal) and isinstance(last.value, str):
            try:
                reader(last.value)
            except ValueError as error:
                self.problem(last.at, "E309", str(error))

    def of_parts(self, types: tuple[Type, ...]) -> Type:
        """The type of what a list or map holds: anything, where its parts differ, as in CEL."""
        kinds = _distinct(types)
        if len(kinds) == 1:
            return DYN if NULL in types else kinds[0]
        return DECIMAL if set(kinds) == NUMBERS and NULL not in types else DYN

    def common(self, tree: Tree, types: tuple[Type, ...]) -> Type:
        """The type of either branch."""
        kinds = _distinct(types)
        if not kinds:
            return NULL
        if len(kinds) == 1:
            return kinds[0]
        if set(kinds) == NUMBERS:
            return DECIMAL
        if DYN not in kinds:
            self.problem(tree.at, "E304", f"these do not go together: {', '.join(map(str, kinds))}")
        return DYN

    def macro(self, tree: trees.Macro, scope: Scope) -> Type:
        over = self.type_of(tree.over, scope)
        match over:
            case List():
                inside = over.of
            case Map():
                inside = over.key
            case _ if over == DYN:
                inside = DYN
            case _:
                inside = self.problem(tree.over.at, "E304", f"{tree.quantifier} goes over a list, this is {over}")
        within = scope.plus(**{tree.variable: inside})
        body = self.type_of(tree.body, within)
        if tree.condition is not None:
            self.need(tree.condition, self.type_of(tree.condition, within), BOOL, "map keeps by a condition")
        if tree.quantifier == "map":
            return List(body)
        self.need(tree.body, body, BOOL, f"{tree.quantifier} asks a condition")
        return List(inside) if tree.quantifier == "filter" else BOOL


def _distinct(types: tuple[Type, ...]) -> list[Type]:
    return [type_ for i, type_ in enumerate(types) if type_ not in types[:i] and type_ != NULL]


def _condition_hint(found: Type) -> str:
    if isinstance(found, List | Map):
        return "write size(...) > 0"
    return "compare it, as in x > 0" if found in NUMBERS else ""


def _conversion(left: Type, right: Type) -> str:
    """A hint where two kinds of numbers meet that do not mix in silence."""
    if left not in COUNTED or right not in COUNTED:
        return ""
    if DOUBLE in (left, right):
        return "write double(...) around the other number"
    return "write int(...) around the unsigned number"


def _is_param(part: trees.Tree) -> TypeGuard[trees.Select]:
    return isinstance(part, trees.Select) and isinstance(part.of, trees.Name) and part.of.name == "params"


def _quotes(tree: trees.Operation, left: Type, right: Type) -> str:
    """A hint where one side is a text in quotes that was meant as something else."""
    quoted = next(
        (str(part.value) for part in tree.operands if isinstance(part, trees.Literal) and part.type == TEXT), None
    )
    others = {left, right} - {TEXT}
    if quoted is not None and DATE in others:
        return f"write date('{quoted}')"
    if quoted is not None and others & NUMBERS:
        return "write the number without quotes"
    param = next((part.field for part in tree.operands if _is_param(part)), "") if TEXT in (left, right) else ""
    if param and others & NUMBERS:
        return f'params.{param} is a text; an amount has a point, as {param}: "5000.00"'
    return "write value in list" if isinstance(left, List) and tree.operator == "==" else ""
