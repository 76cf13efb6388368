"""The text of a file piece by piece: unpacked, as UTF-8, the last line ended.

A list of customers is larger than what may be held of it at once. Refuses text of another encoding, and a packed file
that is larger unpacked than it may be.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from engine.errors import InvalidFile, Problem
from engine.warehouse.rows import too_large

Encoding = Literal["utf-8", "gb18030"]
PIECE = 1024 * 1024
MARK = b"\xef\xbb\xbf"


def text_pieces(path: Path, most_unpacked: int, encoding: Encoding, size: int = PIECE) -> Iterator[bytes]:
    """Its text as UTF-8; a piece may end within a character. UnicodeDecodeError, perhaps after many pieces, where it is
    not of this encoding. A mark of byte order is left out."""
    decoder = codecs.getincrementaldecoder(encoding)()
    last = b""
    for n, piece in enumerate(_unpacked(path, most_unpacked, max(size, len(MARK)))):
        content = piece.removeprefix(MARK) if n == 0 else piece
        text = decoder.decode(content)
        yield (last := content if encoding == "utf-8" else text.encode())
    decoder.decode(b"", final=True)
    if not last.endswith(b"\n"):
        yield b"\n"


def _unpacked(path: Path, most: int, size: int) -> Iterator[bytes]:
    """Piece by piece: a file of 20 KB may hold 20 MB, one of 20 MB 20 GB."""
    with path.open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            while piece := file.read(size):
                yield piece
            return
        whole = 0
        try:
            with gzip.open(file) as packed:
                while piece := packed.read(size):
                    whole += len(piece)
                    if whole > most:
                        raise InvalidFile([too_large(path.name, most)])
                    yield piece
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidFile([Problem("D119", "is packed with gzip, and damaged", at=path.name)]) from error
