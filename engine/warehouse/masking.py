"""Personal values as pages show them: enough to recognise whom one knows, too little to reach whom one does not.

Refuses nothing and reveals nothing: of every value at least a third is hidden.
"""


def masked(value: str) -> str:
    """A number of a customer or a phone: 138****1234, C0****45."""
    if len(value) >= 11:
        return f"{value[:3]}****{value[-4:]}"
    return f"{value[:2]}****{value[-2:]}" if len(value) >= 6 else masked_name(value)


def masked_name(value: str) -> str:
    """A name: 张**."""
    return f"{value[:1]}**"
