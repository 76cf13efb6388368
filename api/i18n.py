"""Chinese and English. English stands in the code and templates; the catalogue beside it brings the Chinese.

The `.po` file is read at start, so no compiled copy can be older than its source. `N_` marks a message that is
translated later, `Words` translates in the language of one visitor. Refuses to guess: a message that has no Chinese
fails a test, not a page.
"""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from engine.values import Language

HERE = Path(__file__).parent
CATALOGUE = HERE / "locale" / "zh" / "LC_MESSAGES" / "messages.po"


def N_(message: str) -> str:
    """Mark `message` for the catalogue and return it as it is."""
    return message


@cache
def catalogue(language: Language) -> NullTranslations:
    """The messages of `language`; English needs none."""
    if language == "en":
        return NullTranslations()
    with CATALOGUE.open("rb") as file:
        messages = read_po(file, locale="zh")
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


class Words:
    """The words of one language, for sentences that are made in code."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._catalogue = catalogue(language)

    def __call__(self, message: str, **values: Any) -> str:
        """`message` in this language, its %(names)s filled."""
        return self._catalogue.gettext(message) % values if values else self._catalogue.gettext(message)

    def plural(self, one: str, many: str, count: int, **values: Any) -> str:
        """`one` or `many` after the rules of this language; %(count)s stands for the number unless given."""
        return self._catalogue.ngettext(one, many, count) % {"count": count, **values}
