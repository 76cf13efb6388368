"""Texts of definitions as the commands are given them: a file is read whole, or the reason is told in one line."""

from pathlib import Path

from engine.definition.check import Checked, check
from engine.definition.document import MAX_BYTES
from engine.definition.model import Definition
from engine.definition.staffing import Staff
from engine.definition.texts import FOLDERS, SHIPPED, Text
from engine.delivery.content import ContentRules
from engine.errors import InvalidDefinition, InvalidFile, Problem


def text_of(file: Path, most: int = MAX_BYTES) -> str:
    """The text of `file`. Raises InvalidFile where it cannot be read, has more than `most` bytes, or is not UTF-8.

    No more is read than that, by default as much as a definition may have: the file may be anything, and endless.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise _refused("E100", f"{file} cannot be read: {error.strerror or error}", "name a YAML file") from None
    if len(content) > most:
        raise _refused("E106", "the file is too large", f"{most // 1024} KB at most", file)
    try:
        # a byte order mark, as some editors write it, is no sign of the text
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused("E100", "this is not UTF-8 text", "save the file as UTF-8", file, line) from None


class Folder:
    """The texts beside a file and in the folder `library` beside it, and those that come with the product."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> Text | None:
        """See Texts."""
        for folder in FOLDERS:
            file = self._path / folder / f"{name}.yaml"
            if file.is_file():
                return Text(str(file), text_of(file))
        return SHIPPED.find(name)

    def names(self) -> tuple[str, ...]:
        """See Texts."""
        own = (file.stem for folder in FOLDERS for file in (self._path / folder).glob("*.yaml"))
        return tuple(sorted({*own, *SHIPPED.names()}))


def checked(file: Path, staff: Staff | None = None, content: ContentRules | None = None) -> Checked:
    """What the check says of `file`, with `staff` also of its people, with `content` of the texts that it sends; a file
    that cannot be read is a problem too."""
    try:
        return check(text_of(file), str(file), Folder(file.parent), staff=staff, content=content)
    except InvalidFile as error:
        return Checked(None, error.problems)


def loaded(file: Path) -> Definition:
    """The definition in `file`. Raises InvalidDefinition with every error."""
    found = checked(file)
    if found.definition is None:
        raise InvalidDefinition(found.reasons)
    return found.definition


def counted(number: int, noun: str) -> str:
    """So many of them, as `1 error` and `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _refused(code: str, message: str, hint: str, file: Path | None = None, line: int = 1) -> InvalidFile:
    place = (line, 1, str(file)) if file is not None else (0, 0, "")
    return InvalidFile([Problem(code, message, hint, line=place[0], column=place[1], file=place[2])])
