"""What a reply to a message means: an opt-out, a wish to get messages again, or anything else.

Words of every locale count whatever language the message had: who writes STOP to a Chinese message means it. A word
counts alone or repeated, in any width and case, with blanks and punctuation around it, and with what people write after
a letter that they were told to send (`T退订`, `R 谢谢`, `TD!!`). Refuses to read a wish into a sentence: `不退订` and
"please stop by" are for a person.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Meaning = Literal["opt_out", "opt_in", "other"]

OPT_OUT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "zh": frozenset(
            ("退订", "取消", "退", "拒收", "拒绝", "取消订阅", "退订短信", "不要再发", "别发了", "勿扰", "退訂")
        )
        | frozenset(("t", "td", "tt", "r", "n", "qx", "tuiding", "0000")),
        "en": frozenset(("stop", "stopall", "unsubscribe", "quit", "cancel", "end", "optout", "revoke", "remove")),
    }
)
"""By locale, folded as `_folded` does it."""
OPT_IN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "zh": frozenset(("订阅", "恢复", "恢复订阅", "重新订阅", "开通", "dy", "hf")),
        "en": frozenset(("start", "unstop", "subscribe", "yes", "optin", "resubscribe")),
    }
)
THANKS = frozenset(("退订", "取消", "谢谢", "谢谢了", "请", "please", "thanks", "thankyou", "短信"))
"""What may stand after a word without changing what it means."""
LONGEST = 40
_out: frozenset[str] = frozenset().union(*OPT_OUT.values())
_in: frozenset[str] = frozenset().union(*OPT_IN.values())


def meaning(text: str) -> Meaning:
    """What the sender wants.

    >>> [meaning(one) for one in ("退订", "Ｔ ", "“TD”。", "stop!", "T退订", "S T O P", "DY", "不退订", "好的")]
    ['opt_out', 'opt_out', 'opt_out', 'opt_out', 'opt_out', 'opt_out', 'opt_in', 'other', 'other']
    """
    said = _folded(text)
    if not said or len(said) > LONGEST:
        return "other"
    if _is_one_of(said, _out):
        return "opt_out"
    return "opt_in" if _is_one_of(said, _in) else "other"


def _is_one_of(said: str, words: frozenset[str]) -> bool:
    if said in words:
        return True
    for word in words:
        rest = said.removeprefix(word)
        if rest == said:
            continue
        if rest in THANKS or (len(word) > 1 and len(rest) % len(word) == 0 and rest == word * (len(rest) // len(word))):
            return True
    return False


def _folded(text: str) -> str:
    """In one width and case, letters and digits alone."""
    narrow = unicodedata.normalize("NFKC", text[: 4 * LONGEST]).casefold()
    return re.sub(r"[\W_]+", "", narrow)
