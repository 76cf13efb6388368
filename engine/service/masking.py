"""What is shown of personal values: enough to recognise one that is known, too little to learn one."""

import re

DIGITS = re.compile(r"\d{7,}")


def masked(text: str) -> str:
    """A personal value as a sample shows it.

    >>> [masked(text) for text in ("13800138000", "王敏", "a@example.org", "C1", "")]
    ['138****8000', '王*', 'a***g', 'C*', '']
    """
    if len(text) < 4:
        return text[:1] + "*" * (len(text) - 1)
    if len(text) >= 8 and DIGITS.fullmatch(text):
        return f"{text[:3]}****{text[-4:]}" if len(text) >= 11 else f"{text[:2]}****{text[-2:]}"
    return f"{text[0]}***{text[-1]}"
