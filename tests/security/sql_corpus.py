"""The corpus of statements, read from its file. `{outside}` and `{inside}` are folders that a test puts in."""

from pathlib import Path

from ruamel.yaml import YAML

_READ = YAML(typ="safe", pure=True).load(Path(__file__).with_suffix(".yaml"))
REFUSED: list[tuple[str, str]] = [(code, text) for code, texts in _READ["refused"].items() for text in texts]
BOMBS: list[str] = _READ["bombs"]
TAKEN: list[str] = _READ["taken"]


def placed(text: str, *, outside: Path, inside: Path) -> str:
    """The statement with both folders in it."""
    return (
        text.replace("{outside}", str(outside)).replace("{inside}", str(inside)).replace("{{", "{").replace("}}", "}")
    )
