"""Tokens to the tree, by recursive descent after CEL's grammar.

Refuses trees that are too deep or too large: definitions are written by people, and everything that reads the tree
recurses. Macros (`has`, `all`, `exists`, ...) are recognised here, as CEL does.
"""

from decimal import Decimal
from typing import Literal as Choice
from typing import get_args

from engine.errors import InvalidExpression
from engine.expr import tree as trees
from engine.expr.conversions import INT_MAX
from engine.expr.kinds import Uint
from engine.expr.lexer import Token, tokens, wrong
from engine.expr.tree import Operator, Quantifier, Tree, depth_of
from engine.expr.types import BOOL, BYTES, DECIMAL, INT, NULL, TEXT, UINT

MAX_DEPTH = 40
MAX_CHAIN = 100
"""`a + b + c + ...` and `a.b.c...` are read without recursion, but whatever reads the tree then recurses."""
MAX_PARTS = 2_000
MAX_LENGTH = 20_000
RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)
_RELATIONS: dict[object, Operator] = {s: s for s in ("==", "!=", "<", "<=", ">", ">=", "in")}
_SUMS: dict[object, Operator] = {"+": "+", "-": "-"}
_PRODUCTS: dict[object, Operator] = {"*": "*", "/": "/", "%": "%"}
_WORDS = {"true": (True, BOOL), "false": (False, BOOL), "null": (None, NULL)}


def parse(text: str) -> Tree:
    """The tree of `text`; InvalidExpression with the first place that cannot be read."""
    if len(text) > MAX_LENGTH:
        raise InvalidExpression([wrong(text, "E308", 0, "the expression is too long", f"{MAX_LENGTH} signs at most")])
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.place = 0
        self.count = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def whole(self) -> Tree:
        tree = self.expression()
        if self.now.kind != "end":
            raise self.unexpected("the end")
        if depth_of(tree) > MAX_CHAIN:
            hint = f"{MAX_CHAIN} operators or fields in a chain at most"
            raise self.error(self.tokens[0], "E308", "the expression is nested too deeply", hint)
        return tree

    @property
    def behind(self) -> int:
        """Where the last token taken ends; unlike the last part's end, it counts closing parentheses."""
        return self.tokens[self.place - 1].end

    def expression(self) -> Tree:
        start = self.now.at
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(self.now, "E308", "the expression is nested too deeply", f"{MAX_DEPTH} levels at most")
        condition = self.logic("||")
        if self.skip("?"):
            yes = self.logic("||")
            self.need(":")
            no = self.expression()
            condition = trees.Conditional(self.number(), start, self.behind, condition, yes, no)
        self.depth -= 1
        return condition

    def logic(self, operator: Choice["||", "&&"]) -> Tree:
        start = self.now.at
        parts = [self.below(operator)]
        while self.skip(operator):
            parts.append(self.below(operator))
        if len(parts) == 1:
            return parts[0]
        return trees.Logic(self.number(), start, self.behind, operator, tuple(parts))

    def below(self, operator: Choice["||", "&&"]) -> Tree:
        return self.logic("&&") if operator == "||" else self.relation()

    def relation(self) -> Tree:
        start = self.now.at
        left = self.sum()
        while (self.now.kind == "sign" or self.now.value == "in") and self.now.value in _RELATIONS:
            left = self.operation(_RELATIONS[self.take().value], start, left, self.sum())
        return left

    def sum(self) -> Tree:
        start = self.now.at
        left = self.product()
        while self.now.kind == "sign" and self.now.value in _SUMS:
            left = self.operation(_SUMS[self.take().value], start, left, self.product())
        return left

    def product(self) -> Tree:
        start = self.now.at
        left = self.unary()
        while self.now.kind == "sign" and self.now.value in _PRODUCTS:
            left = self.operation(_PRODUCTS[self.take().value], start, left, self.unary())
        return left

    def unary(self) -> Tree:
        start = self.now
        if start.kind != "sign" or start.value not in ("!", "-"):
            return self.member(self.primary())
        self.take()
        if start.value == "-" and self.now.kind == "number":
            return self.member(self.literal_number(start.at, self.take(), negative=True))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(start, "E308", "the expression is nested too deeply", f"{MAX_DEPTH} levels at most")
        operand = self.unary()
        self.depth -= 1
        return trees.Operation(self.number(), start.at, self.behind, "!" if start.value == "!" else "neg", (operand,))

    def member(self, tree: Tree) -> Tree:
        while True:
            if self.skip("."):
                name = self.field()
                if self.skip("("):
                    arguments, end = self.arguments(")")
                    tree = self.method(tree, name, arguments, end)
                else:
                    tree = trees.Select(self.number(), tree.at, name.end, tree, str(name.value))
            elif self.skip("["):
                key = self.expression()
                tree = trees.Index(self.number(), tree.at, self.need("]").end, tree, key)
            else:
                return tree

    def primary(self) -> Tree:
        token = self.now
        match token.kind, token.value:
            case "number", _:
                return self.literal_number(token.at, self.take(), negative=False)
            case "text", _:
                self.take()
                return trees.Literal(
                    self.number(), token.at, token.end, token.value, BYTES if isinstance(token.value, bytes) else TEXT
                )
            case "sign", "(":
                self.take()
                tree = self.expression()
                self.need(")")
                return tree
            case "sign", "[":
                self.take()
                elements, end = self.arguments("]")
                return trees.ListOf(self.number(), token.at, end, elements)
            case "sign", "{":
                self.take()
                return self.map(token)
            case "name", "true" | "false" | "null":
                self.take()
                value, type_ = _WORDS[str(token.value)]
                return trees.Literal(self.number(), token.at, token.end, value, type_)
            case "name", _:
                return self.named(self.name("a value"))
            case _:
                raise self.unexpected("a value")

    def named(self, name: Token) -> Tree:
        if not self.skip("("):
            return trees.Name(self.number(), name.at, name.end, str(name.value))
        arguments, end = self.arguments(")")
        if name.value == "has":
            if len(arguments) != 1 or not isinstance(arguments[0], trees.Select):
                raise self.error(name, "E307", "has() takes one field", "has(form.goal)")
            return trees.Has(self.number(), name.at, end, arguments[0].of, arguments[0].field)
        return trees.Call(self.number(), name.at, end, str(name.value), arguments, False)

    def method(self, over: Tree, name: Token, arguments: tuple[Tree, ...], end: int) -> Tree:
        if name.value not in get_args(Quantifier):
            return trees.Call(self.number(), over.at, end, str(name.value), (over, *arguments), True)
        wanted = (2, 3) if name.value == "map" else (2,)
        if len(arguments) not in wanted or not isinstance(arguments[0], trees.Name):
            raise self.error(
                name, "E307", f"{name.value}() takes a variable and an expression", f"list.{name.value}(x, x > 1)"
            )
        condition = arguments[1] if len(arguments) == 3 else None
        quantifier: Quantifier = name.value  # type: ignore[assignment]  # it is one of get_args(Quantifier)
        return trees.Macro(self.number(), over.at, end, quantifier, over, arguments[0].name, arguments[-1], condition)

    def arguments(self, closing: str) -> tuple[tuple[Tree, ...], int]:
        found: list[Tree] = []
        while not (self.now.kind == "sign" and self.now.value == closing):
            found.append(self.expression())
            if not self.skip(","):
                break
        return tuple(found), self.need(closing).end

    def map(self, start: Token) -> Tree:
        entries: list[tuple[Tree, Tree]] = []
        while not (self.now.kind == "sign" and self.now.value == "}"):
            key = self.expression()
            self.need(":")
            entries.append((key, self.expression()))
            if not self.skip(","):
                break
        return trees.MapOf(self.number(), start.at, self.need("}").end, tuple(entries))

    def literal_number(self, at: int, token: Token, *, negative: bool) -> Tree:
        value = token.value
        if isinstance(value, Uint):
            if negative:
                raise self.error(token, "E301", "an unsigned number has no sign", "leave out the u")
            return trees.Literal(self.number(), at, token.end, value, UINT)
        if isinstance(value, int):
            value = -value if negative else value
            if value > INT_MAX:
                raise self.error(token, "E301", f"the number {value} is too large", "64 bits at most")
            return trees.Literal(self.number(), at, token.end, value, INT)
        assert isinstance(value, Decimal)
        return trees.Literal(self.number(), at, token.end, value.copy_negate() if negative else value, DECIMAL)

    def operation(self, operator: Operator, start: int, left: Tree, right: Tree) -> Tree:
        return trees.Operation(self.number(), start, self.behind, operator, (left, right))

    def number(self) -> int:
        self.count += 1
        if self.count > MAX_PARTS:
            raise self.error(self.now, "E308", "the expression is too large", f"{MAX_PARTS} parts at most")
        return self.count - 1

    def name(self, what: str) -> Token:
        if self.now.kind != "name" or self.now.value in ("in", "true", "false", "null"):
            raise self.unexpected(what)
        if self.now.value in RESERVED:
            raise self.error(self.now, "E301", f"'{self.now.value}' is a reserved word")
        return self.take()

    def field(self) -> Token:
        """After a point also words that cannot be a name alone, and names in backquotes."""
        if self.now.kind == "quoted" or (self.now.kind == "name" and self.now.value in RESERVED):
            return self.take()
        return self.name("a field")

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def skip(self, sign: str) -> bool:
        if self.now.kind == "sign" and self.now.value == sign:
            self.place += 1
            return True
        return False

    def need(self, sign: str) -> Token:
        if self.now.kind != "sign" or self.now.value != sign:
            raise self.unexpected(f"'{sign}'")
        return self.take()

    def unexpected(self, wanted: str) -> InvalidExpression:
        found = "the end" if self.now.kind == "end" else f"'{self.text[self.now.at : self.now.end]}'"
        return self.error(self.now, "E301", f"{wanted} is expected, not {found}")

    def error(self, token: Token, code: str, message: str, hint: str = "") -> InvalidExpression:
        return InvalidExpression([wrong(self.text, code, token.at, message, hint)])
