"""Text to tokens, after CEL's lexical rules.

Refuses what has no meaning here: bytes and unsigned numbers, which no form field and no customer column holds.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.errors import InvalidExpression, Problem

Kind = Literal["name", "number", "text", "sign", "end"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+|//[^\n]*)
      |(?P<text>[rR]?(?:\"\"\"(?:\\.|(?!\"\"\").)*\"\"\"|'''(?:\\.|(?!''').)*'''))
      |(?P<raw>[rR](?:"[^"\r\n]*"|'[^'\r\n]*'))
      |(?P<line>"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')
      |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
      |(?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
      |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))"
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is the text of a name or sign, the value of a literal. `at` and `end` are offsets."""

    kind: Kind
    value: object
    at: int
    end: int


def wrong(text: str, code: str, at: int, message: str, hint: str = "") -> Problem:
    """A problem at offset `at` of an expression; the offset also stands in `fields`, for those who embed it."""
    line = text.count("\n", 0, at) + 1
    return Problem(code, message, hint, line=line, column=at - (text.rfind("\n", 0, at) + 1) + 1, fields={"offset": at})


def tokens(text: str) -> list[Token]:
    """All tokens, with an `end` token last. InvalidExpression at the first sign that has no meaning."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidExpression([_nothing(text, at)])
        if match.lastgroup != "space":
            found.append(_token(text, match))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def _token(text: str, match: re.Match[str]) -> Token:
    at, end, raw = match.start(), match.end(), match.group()
    match match.lastgroup:
        case "number":
            if text[end : end + 1] in ("u", "U"):
                raise InvalidExpression(
                    [wrong(text, "E301", at, "unsigned numbers are not supported", "leave out the u")]
                )
            return Token("number", _number(text, raw, at), at, end)
        case "text" | "raw" | "line":
            return Token("text", _unquoted(text, raw, at), at, end)
        case "quoted":
            return Token("name", raw[1:-1], at, end)
        case "name":
            if raw in ("b", "B", "br", "rb") and text[end : end + 1] in ("'", '"'):
                raise InvalidExpression([wrong(text, "E301", at, "bytes are not supported", "leave out the b")])
            return Token("name", raw, at, end)
        case _:
            return Token("sign", raw, at, end)


def _number(text: str, raw: str, at: int) -> int | Decimal:
    if raw[:2] in ("0x", "0X"):
        value = int(raw, 16)
    elif raw.isdigit():
        value = int(raw)
    else:
        return Decimal(raw)
    # 2^63 itself is let through: only a minus sign before it makes it a number, which the parser sees
    if value > INT_MAX + 1:
        raise InvalidExpression([wrong(text, "E301", at, f"the number {raw} is too large", "64 bits at most")])
    return value


def _unquoted(text: str, raw: str, at: int) -> str:
    is_raw = raw[0] in "rR"
    body = raw[1:] if is_raw else raw
    body = body[3:-3] if body[:3] in ('"""', "'''") else body[1:-1]
    if is_raw or "\\" not in body:
        return body
    stray = re.search(r"\\", _ESCAPE.sub("", body))
    if stray:
        raise InvalidExpression(
            [wrong(text, "E301", at, "unknown escape in the text", r"\n, \t, \\, \', \" and \uXXXX")]
        )
    return _ESCAPE.sub(_unescaped, body)


def _unescaped(match: re.Match[str]) -> str:
    plain, byte, short, long, octal = match.groups()
    if plain is not None:
        return _PLAIN.get(plain, plain)
    return chr(int(octal, 8)) if octal else chr(int(byte or short or long, 16))


def _nothing(text: str, at: int) -> Problem:
    sign = text[at]
    if sign in "'\"":
        return wrong(text, "E301", at, "this text is not closed", f"end it with {sign}")
    if sign in "&|=":
        meant = {"&": "&&", "|": "||", "=": "=="}[sign]
        return wrong(text, "E301", at, f"'{sign}' has no meaning here", f"did you mean {meant}?")
    return wrong(text, "E301", at, f"'{sign}' has no meaning here")
