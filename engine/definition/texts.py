"""Where the other texts come from that a definition extends or imports, and those that come with the product.

Refuses to search: a text has the name of its file (`name.yaml`), or the name under which it was published.
"""

from dataclasses import dataclass
from importlib import resources
from typing import Protocol

FOLDERS = ("", "library")


@dataclass(frozen=True, slots=True)
class Text:
    """A text and what to call it where something in it is wrong."""

    file: str
    source: str


class Texts(Protocol):
    """Texts by name."""

    def find(self, name: str) -> Text | None:
        """The text of that name; None where there is none."""
        ...

    def names(self) -> tuple[str, ...]:
        """Every name there is."""
        ...


class Shipped:
    """The definitions and libraries that come with the product."""

    def find(self, name: str) -> Text | None:
        """See Texts."""
        for folder in FOLDERS:
            file = resources.files("definitions").joinpath(folder, f"{name}.yaml")
            if file.is_file():
                return Text("/".join(filter(None, ("definitions", folder, f"{name}.yaml"))), file.read_text("utf-8"))
        return None

    def names(self) -> tuple[str, ...]:
        """See Texts."""
        files = [file for folder in FOLDERS for file in resources.files("definitions").joinpath(folder).iterdir()]
        return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


SHIPPED = Shipped()
