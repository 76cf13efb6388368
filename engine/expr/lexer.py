"""Text to tokens, after CEL's lexical rules; a number with a point is an exact decimal.

Refuses what would be another value than it looks like: unknown escapes, numbers beyond what their type holds.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.errors import InvalidExpression, Problem
from engine.expr.conversions import INT_MAX, MAX_EXPONENT
from engine.expr.kinds import UINT_MAX, Uint

Kind = Literal["name", "quoted", "number", "text", "sign", "end"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+|//[^\n]*)
      |(?P<rawtext>[bB]?[rR](?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\r\n]*"|'[^'\r\n]*'))
      |(?P<text>[bB]?(?:\"\"\"(?:\\.|(?!\"\"\")[^\\])*\"\"\"|'''(?:\\.|(?!''')[^\\])*'''
            |"(?:\\[^\r\n]|[^"\\\r\n])*"|'(?:\\[^\r\n]|[^'\\\r\n])*'))
      |(?P<number>(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]|0[xX][0-9a-fA-F]+
            |(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
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
            return Token("number", _number(text, raw, at), at, end)
        case "text" | "rawtext":
            return Token("text", _unquoted(text, raw, at, is_raw=match.lastgroup == "rawtext"), at, end)
        case "quoted":
            return Token("quoted", raw[1:-1], at, end)
        case "name":
            return Token("name", raw, at, end)
        case _:
            return Token("sign", raw, at, end)


def _number(text: str, raw: str, at: int) -> int | Uint | Decimal:
    base = 16 if raw[:2] in ("0x", "0X") else 10
    if raw[-1] in "uU":
        if len(raw) > 40 or (unsigned := int(raw[:-1], base)) > UINT_MAX:
            raise InvalidExpression([wrong(text, "E301", at, f"the number {raw} is too large", "64 bits at most")])
        return Uint(unsigned)
    if base == 10 and not raw.isdigit():
        exact = Decimal(raw) if len(raw) <= MAX_EXPONENT else Decimal("NaN")
        if not exact.is_finite() or abs(exact.adjusted()) > MAX_EXPONENT:
            raise InvalidExpression(
                [
                    wrong(
                        text,
                        "E301",
                        at,
                        f"the number {raw[:40]} is too large or too small",
                        f"10^{MAX_EXPONENT} at most",
                    )
                ]
            )
        return exact
    # 2^63 itself is let through: only a minus sign before it makes it a number, which the parser sees
    if len(raw) > 40 or (value := int(raw, base)) > INT_MAX + 1:
        raise InvalidExpression([wrong(text, "E301", at, f"the number {raw[:40]} is too large", "64 bits at most")])
    return value


def _unquoted(text: str, raw: str, at: int, *, is_raw: bool) -> str | bytes:
    is_bytes = raw[0] in "bB"
    body = raw.lstrip("bBrR")
    body = body[3:-3] if body[:3] in ('"""', "'''") else body[1:-1]
    if is_raw or "\\" not in body:
        return body.encode() if is_bytes else body
    if re.search(r"\\", _ESCAPE.sub("", body)):
        raise InvalidExpression(
            [wrong(text, "E301", at, "unknown escape in the text", r"\n, \t, \\, \', \" and \uXXXX")]
        )
    try:
        if is_bytes:
            return b"".join(_escaped_bytes(body))
        return _ESCAPE.sub(lambda match: chr(_code(match)), body)
    except ValueError:
        raise InvalidExpression([wrong(text, "E301", at, "an escape in the text is no sign")]) from None


def _escaped_bytes(body: str) -> Iterator[bytes]:
    """`\\xFF` and octals are single bytes here, everything else is UTF-8."""
    behind = 0
    for match in _ESCAPE.finditer(body):
        yield body[behind : match.start()].encode()
        if match[3] or match[4]:
            raise ValueError("bytes have no code points")
        yield bytes([_code(match)])
        behind = match.end()
    yield body[behind:].encode()


def _code(match: re.Match[str]) -> int:
    plain, byte, short, long, octal = match.groups()
    if plain is not None:
        return ord(_PLAIN.get(plain, plain))
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise ValueError(code)
    return code


def _nothing(text: str, at: int) -> Problem:
    sign = text[at]
    if sign in "'\"":
        return wrong(text, "E301", at, "this text is not closed", f"end it with {sign}")
    if sign in "&|=":
        meant = {"&": "&&", "|": "||", "=": "=="}[sign]
        return wrong(text, "E301", at, f"'{sign}' has no meaning here", f"did you mean {meant}?")
    # as Chinese keyboards write them: ＜ （ ， and quotes
    plain = {"“": "'", "”": "'", "‘": "'", "’": "'"}.get(sign, unicodedata.normalize("NFKC", sign))
    hint = f"write {plain} as on an English keyboard" if plain != sign and plain.isascii() else ""
    return wrong(text, "E301", at, f"'{sign}' has no meaning here", hint)
