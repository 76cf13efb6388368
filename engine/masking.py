"""Personal values as pages show them: enough to recognise whom one knows, too little to reach whom one does not.

Refuses to reveal: of every value at least a third is hidden.
"""

SEALED = "sealed."
"""How a sealed address begins (engine.warehouse.addresses, which the process of a selection does not load)."""


def is_sealed(text: str) -> bool:
    """Whether this is a sealed address, of which nothing is to be masked."""
    return text.startswith(SEALED)


def masked(text: str) -> str:
    """A personal value of any kind: a customer's number, a phone, an address of mail.

    >>> [masked(text) for text in ("13800138000", "C0012345", "a@example.org", "C1", "")]
    ['138****8000', 'C0****45', 'a***g', 'C**', '']
    """
    if "@" in text:
        return f"{text[0]}***{text[-1]}"
    if len(text) >= 11:
        return f"{text[:3]}****{text[-4:]}"
    return f"{text[:2]}****{text[-2:]}" if len(text) >= 6 else masked_name(text)


def masked_name(text: str) -> str:
    """A name: 张**."""
    return f"{text[:1]}**" if text else ""
