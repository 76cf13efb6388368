"""A resolved definition as one text that needs no other: what is kept in the case database and pinned by cases.

Refuses to change what is said: the text is read again, and must say the same.
"""

import io
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from engine.definition.document import Document, read, reads_as_text


class _Exact(SafeRepresenter):
    """Texts that would read as something else stand in quotes; exact numbers keep their digits."""

    def text(self, value: str) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=None if reads_as_text(value) else '"')

    def number(self, value: Decimal) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")


_Exact.add_representer(str, _Exact.text)
_Exact.add_representer(Decimal, _Exact.number)


def flat(document: Document, file: str) -> str:
    """The text of a resolved document. It may be too large to be read again: whoever asks for it reads it.

    AssertionError, an error of ours, where it would not say the same.
    """
    names = ", ".join(sorted(document.texts))
    text = (
        f"# Written out from {file or 'a definition'} and what it takes over from {names}.\n{as_yaml(document.value)}"
    )
    again = read(text)
    if not again.problems and _in_order(again.value) != _in_order(document.value):
        raise AssertionError(f"{file} cannot be written out")
    return text


def as_yaml(value: Any) -> str:
    """Plain values as a text that `read` reads as the same."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Exact
    yaml.version = None
    yaml.width = 120
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its hint knows None alone
    written = io.StringIO()
    yaml.dump(value, written)
    return written.getvalue()


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, _in_order(inner)) for name, inner in value.items()]
    return [_in_order(inner) for inner in value] if isinstance(value, list) else value
