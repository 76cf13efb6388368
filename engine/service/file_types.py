"""What a file is, by its content: an allow-list, and what is refused although its name looks right.

Nothing is unpacked: of documents that are ZIP archives the directory alone is read. Refuses archives, programs, macros,
and whatever would be out of all proportion once it is opened. Viruses are not looked for: that is the mail gateway's
and the desk's work.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import filetype

from engine.errors import Problem

HEAD = 8192
MOST_PARTS = 5_000
MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 200
BY_ENDING = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".csv": "text/csv",
    ".txt": "text/plain",
}
ALLOWED = ", ".join(ending[1:] for ending in BY_ENDING)
_DOCUMENTS = {"word/document.xml": ".docx", "xl/workbook.xml": ".xlsx", "ppt/presentation.xml": ".pptx"}
_ENCODINGS = ("utf-8", "gb18030")


def type_of(path: Path, name: str) -> str | Problem:
    """The type of a file of that name, or what is wrong with it."""
    ending = Path(name).suffix.lower()
    if ending not in BY_ENDING:
        return Problem("form.file_type", f"files of this kind are not taken: {ALLOWED} are", fields={"kinds": ALLOWED})
    found = _content(path)
    if isinstance(found, Problem):
        return found
    if found != BY_ENDING[ending] and not (found == "text/plain" and BY_ENDING[ending].startswith("text/")):
        message = f"{name} is not what its name says"
        return Problem("form.file_lies", message, fields={"name": name})
    return BY_ENDING[ending]


def _content(path: Path) -> str | Problem:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if zipfile.is_zipfile(path) and head.startswith(b"PK"):
        return _document(path)
    kind = filetype.guess(head)
    if kind is not None:
        return str(kind.mime)
    return "text/plain" if _is_text(path) else "application/octet-stream"


def _document(path: Path) -> str | Problem:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "application/zip"
    if _is_bomb(parts):
        return Problem("form.file_bomb", "opened, this file would be out of all proportion")
    names = {part.filename for part in parts}
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return Problem("form.file_macros", "files with macros are not taken")
    if "[Content_Types].xml" not in names:
        return "application/zip"
    return next((BY_ENDING[ending] for part, ending in _DOCUMENTS.items() if part in names), "application/zip")


def _is_bomb(parts: Sequence[zipfile.ZipInfo]) -> bool:
    unpacked, packed = (sum(getattr(part, size) for part in parts) for size in ("file_size", "compress_size"))
    is_dense = unpacked > 1_000_000 and unpacked > MOST_RATIO * max(packed, 1)
    return len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or is_dense


def _is_text(path: Path) -> bool:
    content = path.read_bytes()
    if b"\0" in content:
        return False
    for encoding in _ENCODINGS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False
