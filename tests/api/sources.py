"""Every message that pages can show: from templates, from code, and the messages of the error classes."""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_file

from engine.errors import CountersignError
from engine.service import people, providers  # their own errors are in the tree once they are imported

API = Path(__file__).resolve().parents[2] / "api"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 2), "words": None}
JINJA = {"trimmed": "true", "silent": "false"}
Message = str | tuple[str, str]


def messages() -> dict[Message, str]:
    """Each message with the place it was first found at."""
    found: dict[Message, str] = {}
    for path in sorted(API.rglob("*.py")):
        for line, message, *_ in extract_from_file("python", str(path), KEYWORDS):
            found.setdefault(_key(message), f"{path.relative_to(API)}:{line}")
    for path in sorted((API / "templates").glob("*.html")):
        for line, message, *_ in extract_from_file("jinja2.ext:babel_extract", str(path), KEYWORDS, options=JINJA):
            found.setdefault(_key(message), f"{path.relative_to(API)}:{line}")
    assert {people.WrongPassword, providers.NoAccount} <= set(_errors(CountersignError))
    for error in _errors(CountersignError):
        template = " ".join((error.__doc__ or "").split())
        if template != "{summary}":
            found.setdefault(template, f"{error.__module__}.{error.__name__}")
    return found


def _errors(kind: type[CountersignError]) -> Iterator[type[CountersignError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _errors(child)


def _key(message: object) -> Message:
    if isinstance(message, tuple):
        one, many = (str(part) for part in message[:2] if part is not None)
        return one, many
    return str(message)
