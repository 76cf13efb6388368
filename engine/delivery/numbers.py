"""How one telephone number is written: with and without the country's code, signs and blanks between the digits.

A gateway says `+86 138 0013 8000` of a number that the customers have as `13800138000`. Refuses what has fewer than
five digits or more than fifteen: no network has such a number.
"""

import re

COUNTRY = "86"
_PLAIN = re.compile(r"\+?\d{5,15}")


def plain(number: str) -> str:
    """The number as the customers mostly have it: digits, without the code of the country; empty where it is none.

    >>> [plain(one) for one in ("+86 138-0013-8000", "008613800138000", "13800138000", "+4915112345678", "x")]
    ['13800138000', '13800138000', '13800138000', '+4915112345678', '']
    """
    said = re.sub(r"[\s\-().]", "", number[:60])
    if said.startswith("00"):
        said = "+" + said[2:]
    if not _PLAIN.fullmatch(said):
        return ""
    mobile = re.fullmatch(rf"\+?{COUNTRY}(1\d{{10}})", said)
    return mobile[1] if mobile else said


def variants(number: str) -> tuple[str, ...]:
    """Every way in which a dataset may have the number; where it is an address of mail, also in small letters, because
    servers make no difference."""
    found = plain(number)
    if not found:
        return tuple(dict.fromkeys((number, number.lower())))
    bare = found.removeprefix("+")
    if re.fullmatch(r"1\d{10}", found):
        return (found, f"+{COUNTRY}{found}", f"{COUNTRY}{found}", f"00{COUNTRY}{found}")
    return tuple(dict.fromkeys((found, bare, f"+{bare}", f"00{bare}")))
