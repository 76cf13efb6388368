"""From the text of a definition to the definition. Refuses one with any error, and names all of them."""

from functools import lru_cache

from engine.definition.check import check
from engine.definition.model import Definition
from engine.definition.texts import SHIPPED, Texts
from engine.errors import InvalidDefinition


def load(text: str, file: str = "", texts: Texts = SHIPPED, *, prove: bool = True) -> Definition:
    """The definition; InvalidDefinition with ALL problems, each with line and column. Warnings do not refuse it.

    `texts` are those it may extend or import. `prove`: see `check`; a text that was published is read again without.
    """
    checked = check(text, file, texts, prove=prove)
    if checked.definition is None:
        raise InvalidDefinition(checked.reasons)
    return checked.definition


@lru_cache(maxsize=256)
def load_known(text: str, file: str = "") -> Definition:
    """The same for a text that was proved when it was published; read once per process, as reading takes long."""
    return load(text, file, prove=False)
