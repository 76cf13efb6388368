"""From the text of a definition to the definition. Refuses one with any error, and names all of them."""

from engine.definition.check import check
from engine.definition.model import Definition
from engine.errors import InvalidDefinition


def load(text: str, file: str = "", *, prove: bool = True) -> Definition:
    """The definition; InvalidDefinition with ALL problems, each with line and column. Warnings do not refuse it.

    `prove`: see `check`; a text that was published is read again without.
    """
    checked = check(text, file, prove=prove)
    if checked.definition is None:
        raise InvalidDefinition([problem for problem in checked.problems if problem.severity == "error"])
    return checked.definition
