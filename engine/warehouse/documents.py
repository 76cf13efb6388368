"""Takes one customer out of a document that somebody attached: texts and tables as they are typed, and the parts of an
office document (XLSX, DOCX, PPTX) without opening it in a program.

The same bytes give the same bytes. Refuses to guess about pictures and PDF, in which nothing is looked for, and to
change where a word was cut up by its formatting: both are for people, as is what is too large unpacked.
"""

import io
import re
import zipfile

from engine.warehouse.erasing import Person, within
from engine.warehouse.workbooks import MOST_UNPACKED

TEXTS = frozenset(("text/csv", "text/plain"))
OFFICE = "application/vnd.openxmlformats-officedocument."
ENCODINGS = ("utf-8", "gb18030")
XML = (".xml", ".rels")
SHARED = re.compile(r"""<c\b[^>]*\bt="s"[^>]*>\s*<v>[^<]*</v>""")
"""A cell whose figure is the place of its text among those of the workbook."""
SPOKEN = re.compile(rf"({SHARED.pattern})|<v>([^<]*)</v>|>([^<]+)<")
PIECE = re.compile(r"</(?:w:p|a:p|si|is|c)>")
TAG = re.compile(r"<[^>]*>")


def without(data: bytes, kind: str, person: Person) -> bytes | None:
    """The document without the customer; the same bytes where it does not have them, None where people must look: it
    cannot be read, or still has them."""
    if kind in TEXTS:
        return _of_text(data, person)
    if kind.startswith(OFFICE):
        try:
            return _of_office(data, person)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError, OSError):
            return None
    return None


def _of_text(data: bytes, person: Person) -> bytes | None:
    for encoding in ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        fresh = re.sub(r"[^\r\n,;\t\"]+", lambda found: within(found[0], person), text)
        return data if fresh == text else fresh.encode(encoding)
    return None


def _of_office(data: bytes, person: Person) -> bytes | None:
    out, is_changed = io.BytesIO(), False
    with zipfile.ZipFile(io.BytesIO(data)) as there, zipfile.ZipFile(out, "w") as fresh:
        # No part yields more than it says of itself.
        if sum(part.file_size for part in there.infolist()) > MOST_UNPACKED:
            return None
        for part in there.infolist():
            content = there.read(part)
            if part.filename.endswith(XML):
                text = content.decode("utf-8")
                changed = _of_xml(text, person)
                if any(_mentions(TAG.sub("", piece), person) for piece in PIECE.split(SHARED.sub("", changed))):
                    return None
                if changed != text:
                    content, is_changed = changed.encode(), True
            fresh.writestr(part, content, part.compress_type)
    return out.getvalue() if is_changed else data


def _of_xml(text: str, person: Person) -> str:
    """A cell whose number is what is looked for has none any more: a name in its place would be no number."""

    def fresh(found: re.Match[str]) -> str:
        _, number, words = found.groups()
        if number is not None:
            return "<v></v>" if _mentions(number, person) else found[0]
        return found[0] if words is None else f">{within(words, person)}<"

    return SPOKEN.sub(fresh, text)


def _mentions(text: str, person: Person) -> bool:
    return within(text, person) != text
