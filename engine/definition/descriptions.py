"""What the models and rules say of themselves, in the reader's language: English stands there, Chinese in a catalogue.

The catalogue beside this file has one message for each docstring, description and message. What it lacks is said in
English, and fails a test.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

from babel.messages.pofile import read_po

from engine.values import Language

Say = Callable[[str], str]


def wording(language: Language) -> Say:
    """What says an English text in `language`."""
    if language == "en":
        return str
    known = catalogue()
    return lambda text: known.get(text, text)


@cache
def catalogue() -> Mapping[str, str]:
    """The Chinese of each English text."""
    with (resources.files("engine.definition") / "descriptions.zh.po").open("rb") as file:
        messages = read_po(file, locale="zh")
    return {str(one.id): str(one.string) for one in messages if one.id}
