"""From the text of a statement to its parse tree, or to what is wrong with it as SQL.

The size is looked at before the parser sees the text: it is recursive, and a text of 400 brackets would end it.
Refuses everything but one SELECT, and in it whatever `sql_allowed` does not name.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from engine.audience.sql_allowed import (
    DEEPEST,
    DEEPEST_TREE,
    FUNCTIONS,
    KINDS_OF_JOIN,
    LONGEST,
    LONGEST_NAME,
    MOST_JOINS,
    MOST_SELECTS,
    MOST_TOKENS,
    NODES,
    PARTS,
    TYPES,
    UNITS,
    UNITS_OF,
)
from engine.errors import Problem
from engine.expr.lexer import wrong
from engine.expr.types import nearest

_DUCKDB = Dialect.get_or_raise("duckdb")
_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END)
_BEGINS = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN)
_RANK = "compare rank() OVER (ORDER BY ...) with a number in a query outside"
_ONE_SELECT = "one SELECT is expected"


class Reading:
    """One statement: its text, tokens, tree (None where it has none), and what is wrong with it so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.tokens: list[Token] = []
        self.tree: exp.Query | None = None
        self._read()

    def refuse(self, code: str, at: "exp.Expr | int", message: str, hint: str = "") -> None:
        """Note a problem at an offset, or where a node stands."""
        offset = at if isinstance(at, int) else self.offset(at)
        problem = wrong(self.text, code, offset, message, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def offset(self, node: exp.Expr) -> int:
        """Where a node begins, as far as that is known; else where what encloses it does."""
        at: exp.Expr | None = node
        while at is not None:
            if isinstance(at, exp.Func) and (word := self._word_of(at)) is not None:
                return word.start
            found = [part.meta["start"] for part in at.walk() if "start" in part.meta]
            if found:
                return int(min(found))
            at = at.parent
        return 0

    def _word_of(self, function: exp.Func) -> Token | None:
        """The first word that may have called it."""
        if isinstance(function, exp.Anonymous):
            names = {function.name.lower()}
        else:
            names = {name.lower() for name in type(function).sql_names()}
            names |= {name for name, kind in FUNCTIONS.items() if kind is type(function)}
        words = (*self._calls, *self.tokens)
        return next((token for token in words if token.text.lower() in names), None)

    @cached_property
    def _calls(self) -> list[Token]:
        """The tokens that a bracket follows."""
        return [
            token
            for token, after in zip(self.tokens, self.tokens[1:], strict=False)
            if after.token_type == TokenType.L_PAREN
        ]

    # Size and words -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if len(self.text) > LONGEST:
            self.refuse("E328", LONGEST, f"the statement has more than {LONGEST} signs", "put long lists into a list")
            return
        unseen = next((n for n, sign in enumerate(self.text) if _is_unseen(sign)), None)
        if unseen is not None:
            self.refuse("E321", unseen, "there is a sign that nobody sees", "delete it")
            return
        try:
            self.tokens = _DUCKDB.tokenize(self.text)
        except (SqlglotError, ValueError, LookupError, RecursionError):
            self.refuse("E321", 0, "this is not SQL", "a text or comment may not be closed")
            return
        if self._sized() and self._alone():
            self._unknown_functions()
            self._parse()

    def _sized(self) -> bool:
        if not self.tokens:
            self.refuse("E321", 0, "there is no statement", "write SELECT customer FROM customers WHERE ...")
            return False
        if len(self.tokens) > MOST_TOKENS:
            at = self.tokens[MOST_TOKENS].start
            self.refuse("E328", at, f"the statement has more than {MOST_TOKENS} words", "put long lists into a list")
            return False
        depth = 0
        for token in self.tokens:
            depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
            if depth > DEEPEST:
                self.refuse(
                    "E328", token.start, f"more than {DEEPEST} brackets stand within each other", "make it smaller"
                )
                return False
        return True

    def _alone(self) -> bool:
        first = self.tokens[0]
        if first.token_type not in _BEGINS:
            hint = "write SELECT customer FROM customers WHERE ..."
            self.refuse("E322", first.start, f"{_ONE_SELECT}, not {first.text[:20]}", hint)
            return False
        for n, token in enumerate(self.tokens):
            if token.token_type == TokenType.SEMICOLON and any(
                after.token_type != TokenType.SEMICOLON for after in self.tokens[n:]
            ):
                self.refuse("E322", token.start, "a second statement follows", "write one SELECT")
                return False
        return True

    def _unknown_functions(self) -> None:
        for token in self._calls:
            if token.token_type == TokenType.VAR and token.text.lower() not in FUNCTIONS:
                self._no_function(token.start, token.text)

    def _no_function(self, at: int, name: str) -> None:
        hint = nearest(name.lower(), tuple(FUNCTIONS))
        self.refuse("E325", at, f"the function {name[:LONGEST_NAME]} may not be used in a selection", hint)

    # The tree -----------------------------------------------------------------------------------------------------

    def _parse(self) -> None:
        try:
            trees = _DUCKDB.parser().parse(self.tokens, self.text)
        except ParseError as error:
            told = error.errors[0] if error.errors else {}
            self.refuse("E321", self._at(told), "this is not SQL from here on", "")
            return
        except RecursionError:
            self.refuse("E328", 0, "the statement is too deep", "make it smaller")
            return
        except (SqlglotError, ValueError, TypeError, AttributeError, LookupError):  # what the parser stumbles over
            self.refuse("E321", 0, "this is not SQL", "a text or comment may not be closed")
            return
        found = [tree for tree in trees if tree is not None]
        if len(found) != 1 or not isinstance(found[0], exp.Query):
            self.refuse("E322", 0, _ONE_SELECT, "write SELECT customer FROM customers WHERE ...")
            return
        tree: exp.Expr = found[0]
        for node in tree.walk():
            node.comments = None
        if self._within_limits(tree) and self._is_allowed(tree):
            while isinstance(tree, exp.Subquery):
                tree = tree.this  # brackets around the whole
            assert isinstance(tree, exp.Query)
            self.tree = tree

    def _at(self, told: dict[str, object]) -> int:
        """Where the parser stumbled: it names the end of the word."""
        line, column = int(str(told.get("line", 1))), int(str(told.get("col", 1)))
        before = sum(len(one) for one in self.text.splitlines(keepends=True)[: line - 1])
        return max(0, min(before + column - len(str(told.get("highlight", ""))), len(self.text)))

    def _within_limits(self, tree: exp.Expr) -> bool:
        joins = sum(1 for _ in tree.find_all(exp.Join))
        selects = sum(1 for _ in tree.find_all(exp.Select))
        for count, most, what in ((joins, MOST_JOINS, "joins"), (selects, MOST_SELECTS, "SELECTs")):
            if count > most:
                self.refuse("E328", 0, f"the statement has more than {most} {what}", "make it smaller")
                return False
        if _height(tree) > DEEPEST_TREE:
            self.refuse("E328", 0, "the statement is too deep", "write IN (...) instead of many OR")
            return False
        return True

    def _is_allowed(self, tree: exp.Expr) -> bool:
        """Whether the tree has a shape that names can be looked for in; unknown functions do not change it."""
        for node in tree.walk():
            if type(node) in NODES:
                for message in self._wrong_parts(node):
                    self.refuse("E322", node, message)
            elif isinstance(node, exp.Func):
                self._not_allowed(node)
            else:
                hint = _RANK if isinstance(node, exp.Limit | exp.Offset | exp.Fetch) else ""
                self.refuse("E322", node, f"{_words(node)} may not be used in a selection", hint)
        return not any(problem.code == "E322" for problem in self.problems)

    def _not_allowed(self, node: exp.Func) -> None:
        word = self._word_of(node)
        if word is not None:
            self._no_function(word.start, word.text)
        elif not any(problem.code == "E325" for problem in self.problems):  # else its word was told already
            self._no_function(self.offset(node), type(node).sql_name().lower())

    def _wrong_parts(self, node: exp.Expr) -> Iterator[str]:
        allowed = PARTS.get(type(node))
        for name, value in node.args.items():
            if allowed is None or not value or name in allowed:
                continue
            if isinstance(value, exp.Expr) and type(value) not in NODES:
                continue  # told where it stands
            word = value if isinstance(value, str) else name.strip("_").replace("_", " ")
            yield f"{word.upper()[:20]} may not be used in a selection"
        match node:
            case exp.Select() if not node.expressions:
                yield "one column is expected"
            case exp.With() if node.args.get("recursive"):
                yield "RECURSIVE may not be used in a selection"
            case exp.Join() if str(node.args.get("kind") or "").upper() not in KINDS_OF_JOIN:
                yield f"{str(node.args['kind']).upper()} JOIN may not be used in a selection"
            case exp.From() | exp.Join() if not isinstance(node.this, exp.Table | exp.Subquery):
                yield "only a table may stand in FROM"
            case exp.Table() if not isinstance(node.this, exp.Identifier):
                yield "only a table may stand in FROM"
            case exp.Subquery() | exp.CTE() | exp.Exists() if not isinstance(node.this, exp.Query):
                yield "only a SELECT may stand here"
            case exp.SetOperation() if not (isinstance(node.left, exp.Query) and isinstance(node.right, exp.Query)):
                yield "only a SELECT may stand here"
            case exp.Star() if not isinstance(node.parent, exp.Count):
                yield "* may not be used in a selection; name the column"
            case exp.Var() if not isinstance(node.parent, UNITS_OF) or not _is_unit(node.name):
                yield f"{node.name[:20]} may not be used in a selection"
            case exp.DataType() if node.this not in TYPES:
                yield f"the type {node.sql('duckdb')[:20]} may not be used in a selection"
            case exp.Identifier() if len(node.name) > LONGEST_NAME:
                yield f"a name has at most {LONGEST_NAME} signs"
            case exp.In() if not node.expressions and node.args.get("query") is None:
                yield "IN needs values, or a SELECT, in brackets"
            case exp.Interval() if not isinstance(node.args.get("unit"), exp.Var):
                yield "a span of time needs a unit, as INTERVAL 30 DAY"
            case exp.Window() if not isinstance(node.this, exp.Func | exp.Filter):
                yield "OVER may not be used in a selection"


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and sign not in "\n\r\t"


def _is_unit(word: str) -> bool:
    return word.upper() in UNITS or word.upper().removesuffix("S") in UNITS


def _height(tree: exp.Expr) -> int:
    """How deep the tree is; without recursion, which would end at the trees that are looked for."""
    deepest, open_ = 0, [(tree, 1)]
    while open_:
        node, depth = open_.pop()
        deepest = max(deepest, depth)
        open_ += [(child, depth + 1) for child in node.iter_expressions()]
    return deepest


def _words(node: exp.Expr) -> str:
    """A node as its users know it: UnionByName is UNION BY NAME."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()
