"""What the house wants every message to say, and what none may: signature, way out, forbidden words, links.

A text is looked at as it reads: full-width and invisible signs, capitals and spaces within a Chinese word hide nothing.
The patterns are RE2's, which needs no longer for a text that was made to slow it down, and looks at the rendered texts
of a wave all at once, too. Refuses to judge a text's meaning: words are words.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import re2
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator
from pydantic_core import PydanticCustomError

from engine.delivery.channels import SPEAKS_ALONE, longest_over
from engine.delivery.message import LONGEST_TEXT
from engine.delivery.template import LONGEST_MAIL
from engine.expr.patterns import Pattern

How = Literal["put", "demand", "off"]
BreachKind = Literal["signature", "opt_out", "forbidden", "link", "long"]
UNSEEN = "[\x00-\x09\x0b-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
LINK = (
    r"(?i)https?://[^ \n,;]+|www\.[^ \n,;]+|[a-z0-9][a-z0-9\-]*(?:\.[a-z0-9\-]+)*\."
    r"(?:com|cn|net|org|info|biz|top|xyz|vip|club|shop|site|online|link|live|icu|cc|me|io|co|tv|app|ly|gl|mobi)"
    r"(?:[^a-z0-9.\-]|\.[^a-z0-9\-]|\.?$)"
)
HAN = re.compile(r"[\u3400-\u9fff]")
HOST = re.compile(r"[a-z0-9]([a-z0-9\-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9\-]*[a-z0-9])?)+")
GAPS = r"([^!-~])[ \n]+"
"""A space behind what is no sign of ASCII."""
ENDS = tuple("。！？；，.!?;,")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Signature(_Section):
    """The name of the house in its brackets, which a text begins or ends with."""

    text: str = Field("", max_length=20)
    how: How = "put"


class OptOut(_Section):
    """How a customer gets out, said in the language of the text; `or` are other words for it."""

    how: How = "put"
    zh: str = Field("", max_length=40)
    en: str = Field("", max_length=60)
    others: tuple[str, ...] = Field((), alias="or", max_length=50)


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong with a text: what is missing or not allowed."""

    kind: BreachKind
    what: str = ""


class ContentRules(_Section):
    """The rules of a house. `links`: the hosts that a link may lead to, None = any. The signature and the way out are
    for messages of `marketing`; a service message needs a signature alone."""

    signature: Signature = Signature()
    opt_out: OptOut = OptOut.model_validate({})
    forbidden: tuple[str, ...] = Field((), max_length=1_000)
    links: tuple[str, ...] | None = Field(None, max_length=200)
    _longest: int = PrivateAttr(LONGEST_TEXT)

    @field_validator("forbidden")
    @classmethod
    def _words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not seen(word).strip() or len(word) > 60 for word in value):
            raise PydanticCustomError("forbidden", "a forbidden word has 1 to 60 signs")
        return value

    @field_validator("links")
    @classmethod
    def _hosts(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if any(not HOST.fullmatch(host) for host in value or ()):
            raise PydanticCustomError("links", "a link is allowed by its host, as example.com")
        return value

    @field_validator("signature", "opt_out")
    @classmethod
    def _no_template(cls, value: Signature | OptOut) -> Signature | OptOut:
        if any(sign in text for sign in "{}" for text in value.model_dump().values() if isinstance(text, str)):
            raise PydanticCustomError("braces", "what is put into every text has no braces")
        return value

    def over(self, channels: Collection[str]) -> "ContentRules":
        """The rules for texts that go over these channels: a signature and a way out are asked of those alone that
        have nothing beside their text, and an e-mail may be longer than others."""
        if not SPEAKS_ALONE.isdisjoint(channels):
            return self
        return self._of_mail if longest_over(channels) > LONGEST_TEXT else self._beside_others

    @property
    def longest(self) -> int:
        """How many signs a text may have."""
        return self._longest

    @cached_property
    def _beside_others(self) -> "ContentRules":
        nobody, nothing = Signature(how="off"), OptOut(how="off")
        return ContentRules(signature=nobody, opt_out=nothing, forbidden=self.forbidden, links=self.links)

    @cached_property
    def _of_mail(self) -> "ContentRules":
        rules = self._beside_others.model_copy()
        rules._longest = LONGEST_MAIL  # the same class
        return rules

    def additions(self, text: str, *, is_marketing: bool) -> tuple[str, str]:
        """What is put before and behind a text, where it lacks it."""
        if not text.strip():
            return "", ""
        is_chinese, before, after = bool(HAN.search(text)), "", ""
        if self.signature.how == "put" and self.signed and not re2.search(self.signed, seen(text)):
            before = self.signature.text
        wanted = self.opt_out.zh if is_chinese else self.opt_out.en
        if is_marketing and self.opt_out.how == "put" and wanted and not self._has_way_out(text):
            parted = "" if text.endswith(ENDS) else "，" if is_chinese else "."
            after = f"{parted}{'' if is_chinese else ' '}{wanted}"
        return before, after

    def breaches(self, text: str, *, is_marketing: bool, is_whole: bool = True) -> tuple[Breach, ...]:
        """Everything that the house finds wrong with a text. Not `is_whole`: only its own words are known, so that
        nothing is said of its length."""
        return tuple(self._breaches(text, is_marketing, is_whole))

    def _breaches(self, text: str, is_marketing: bool, is_whole: bool) -> Iterator[Breach]:
        plain, words = seen(text), spelt(text)
        if self.signed and not re2.search(self.signed, plain):
            yield Breach("signature", self.signature.text)
        if is_marketing and self.way_out and not re2.search(self.way_out, words):
            yield Breach("opt_out", self.opt_out.zh if HAN.search(text) else self.opt_out.en)
        if self.any_forbidden and self.any_forbidden.search(words):
            yield from (Breach("forbidden", word) for word in self.forbidden if re2.search(_bounded(word), words))
        if self.links is not None and (found := re2.search(LINK, self._without_allowed(plain))):
            yield Breach("link", found[0].strip())
        if is_whole and len(text) > self.longest:
            yield Breach("long", str(self.longest))

    @cached_property
    def signed(self) -> str:
        """What every text has to match: the signature at its beginning or its end. Empty where nothing is asked."""
        name = re2.escape(seen(self.signature.text).strip())
        return rf"^[ \n]*{name}|{name}[ \n]*$" if name and self.signature.how != "off" else ""

    @cached_property
    def way_out(self) -> str:
        """What the text of a marketing message has to match; empty where nothing is asked."""
        if self.opt_out.how == "off":
            return ""
        words = [word for word in (self.opt_out.zh, self.opt_out.en, *self.opt_out.others) if word]
        return f"(?:{'|'.join(map(_spelt, words))})" if words else ""

    @cached_property
    def any_forbidden(self) -> Pattern | None:
        """Finds any forbidden word in a text that is `spelt`; None where every word is allowed."""
        if not self.forbidden:
            return None
        options = re2.Options()
        options.max_mem = 64 << 20  # with the 8 MB that it takes by itself, 1,000 words are looked for sign by sign
        found: Pattern = re2.compile("|".join(map(_bounded, self.forbidden)), options)
        return found

    @cached_property
    def allowed_links(self) -> str:
        """The links that lead where they may: what is left of a text without them is to have none. Empty = none is."""
        if not self.links:
            return ""
        hosts = "|".join(re2.escape(host) for host in self.links)
        # no colon in its path: what leads on to another address is not where it leads
        return (
            rf"(?i)(^|[^a-z0-9.\-@/:])(?:https?://)?(?:[a-z0-9\-]+\.)*(?:{hosts})(?:/[!-9;-~]*)?"
            r"([^a-z0-9.\-@:/]|\.[^a-z0-9\-]|\.?$)"
        )

    def _without_allowed(self, plain: str) -> str:
        return str(re2.sub(self.allowed_links, r"\1 \2", plain)) if self.allowed_links else plain

    def _has_way_out(self, text: str) -> bool:
        return bool(self.way_out) and re2.search(self.way_out, spelt(text)) is not None


def seen(text: str) -> str:
    """A text as it reads: one width, nothing invisible."""
    return re.sub(UNSEEN, "", unicodedata.normalize("NFKC", text))


def spelt(text: str) -> str:
    """A text as its words are looked for: small letters, and nothing between Chinese signs."""
    return str(re2.sub(GAPS, r"\1", seen(text).lower()))


def _spelt(word: str) -> str:
    return str(re2.escape(spelt(word).strip()))


def _bounded(word: str) -> str:
    """A forbidden word; one of Latin letters is not found within another."""
    return _spelt(word) if HAN.search(word) else rf"\b{_spelt(word)}\b"
