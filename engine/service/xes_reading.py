"""Event logs in XES (IEEE 1849), read event by event: a log of any size takes the memory of one trace.

Only what stands at a trace or an event is read; lists and containers and what is nested in an attribute are passed
over. Refuses document types and entities (what they unfold to has no limit) and what is not XES.
"""

from collections.abc import Iterator, Sequence
from typing import IO, NoReturn
from xml.parsers import expat

from engine.errors import InvalidFile, Problem

AT_ONCE = 1 << 16
OF_TRACE = "case:"
ATTRIBUTES = frozenset(("string", "date", "int", "float", "boolean", "id"))


def events(data: IO[bytes], file: str, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line of each event, and its attributes `wanted` (`case:KEY`: those of its trace); empty where it has none.

    Attributes of a trace that stand below its events are not seen by them. Raises InvalidFile.
    """
    reader = _Reader(file, wanted)
    try:
        while piece := data.read(AT_ONCE):
            reader.parser.Parse(piece, False)
            yield from reader.taken()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        reader.refuse(f"this is not XML: {expat.ErrorString(error.code)}", "fetch it again", error.lineno)
    yield from reader.taken()


class _Reader:
    """One file while it is being parsed."""

    def __init__(self, file: str, wanted: Sequence[str]) -> None:
        self.file = file
        self.wanted = tuple(wanted)
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.path: list[str] = []
        self.trace: dict[str, str] = {}
        self.event: dict[str, str] = {}
        self.line = 0
        self.found: list[tuple[int, tuple[str, ...]]] = []

    def taken(self) -> list[tuple[int, tuple[str, ...]]]:
        """What was found since this was last asked."""
        found, self.found = self.found, []
        return found

    def start(self, element: str, attributes: dict[str, str]) -> None:
        name = element.rpartition(":")[2]
        path = self.path
        if not path and name != "log":
            self.refuse(f"this is no event log: it begins with <{element}>", "XES begins with <log>")
        path.append(name)
        match len(path):
            case 2 if name == "trace":
                self.trace = {}
            case 3 if name == "event" and path[1] == "trace":
                self.event, self.line = {}, self.parser.CurrentLineNumber
            case 3 if name in ATTRIBUTES and path[1] == "trace":
                self.keep(self.trace, attributes, OF_TRACE)
            case 4 if name in ATTRIBUTES and path[1:3] == ["trace", "event"]:
                self.keep(self.event, attributes, "")
            case _:
                pass

    def end(self, element: str) -> None:
        if self.path[1:] == ["trace", "event"]:
            self.found.append((self.line, self.picked()))
        self.path.pop()

    def picked(self) -> tuple[str, ...]:
        trace, event = self.trace, self.event
        return tuple([event.get(name) or trace.get(name, "") for name in self.wanted])

    def keep(self, where: dict[str, str], attributes: dict[str, str], prefix: str) -> None:
        try:
            where[prefix + attributes["key"]] = attributes["value"]
        except KeyError as missing:
            self.refuse(f"the attribute has no {missing.args[0]}", "XES gives each a key and a value")

    def doctype(self, *_: object) -> None:
        self.refuse("the log declares a document type", "leave <!DOCTYPE …> out")

    def refuse(self, message: str, hint: str, line: int = 0) -> NoReturn:
        line = line or self.parser.CurrentLineNumber
        raise InvalidFile([Problem("F126", message, hint, line=line, column=1, file=self.file)])
