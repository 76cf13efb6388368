"""AES-SIV (RFC 5297) of a whole column at once: what `Vault.seal` gives, for a million phones in half a second.

A text under 16 bytes takes two blocks of AES: S2V of one short string is CMAC of one whole block, and its counter mode
one block. So the blocks of all rows go through the cipher in one call each, where a call per row takes 3 s. Longer
texts, as of mail, are sealed one by one. A test holds it against the library's AESSIV for every length.
"""

import binascii
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
Bytes = npt.NDArray[np.uint8]
"""A row per text, a column per byte."""


class ManySealer:
    """Seals columns as `begins` followed by the base64 of AES-SIV under the 64 bytes `key`."""

    def __init__(self, key: bytes, begins: str, one: Callable[[str], str]) -> None:
        half = len(key) // 2
        # Single blocks, each different: counter mode and CMAC are put together from them here.
        self._mac, self._stream = (
            Cipher(algorithms.AES(part), modes.ECB()).encryptor()  # noqa: S305
            for part in (key[:half], key[half:])
        )
        subkey = _doubled(self._mac.update(bytes(BLOCK)))
        of_nothing = self._mac.update(subkey)  # CMAC of a block of zeros
        self._before = _xor(_doubled(of_nothing), subkey)
        self._begins = np.frombuffer(begins.encode(), np.uint8)
        self._one = one

    def column(self, texts: pa.Array) -> pa.Array:
        """The sealed texts; a blank stays blank."""
        texts = texts.cast(pa.string())
        lengths = np.diff(np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1])
        lengths = np.where(texts.is_null().to_numpy(zero_copy_only=False), -1, lengths)
        groups: list[pa.Array] = []
        places: list[npt.NDArray[np.int64]] = []
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            places.append(rows)
            groups.append(self._group(texts, rows, int(length)))
        if not groups:
            return pa.array([], pa.string())
        whole = pa.concat_arrays(groups)
        return whole if len(groups) == 1 else whole.take(pa.array(np.argsort(np.concatenate(places))))

    def _group(self, texts: pa.Array, rows: npt.NDArray[np.int64], length: int) -> pa.Array:
        """The texts of one length, in bytes."""
        if length < 0:
            return pa.nulls(len(rows), pa.string())
        if length >= BLOCK:
            return pa.array([self._one(text) for text in texts.take(pa.array(rows)).to_pylist()], pa.string())
        starts = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts)][rows]
        data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
        return self._written(
            data[starts[:, None] + np.arange(length)] if length else np.zeros((len(rows), 0), np.uint8)
        )

    def _written(self, plain: Bytes) -> pa.Array:
        rows, length = plain.shape
        padded = np.zeros((rows, BLOCK), np.uint8)
        padded[:, :length], padded[:, length] = plain, 0x80
        vector = _through(self._mac.update, padded ^ np.frombuffer(self._before, np.uint8))
        counter = vector.copy()
        counter[:, 8] &= 0x7F
        counter[:, 12] &= 0x7F
        hidden = plain ^ _through(self._stream.update, counter)[:, :length]
        text = _base64(np.hstack([vector, hidden]))
        lines = np.hstack([np.broadcast_to(self._begins, (rows, len(self._begins))), text])
        ends = np.arange(rows + 1, dtype=np.int64) * lines.shape[1]
        buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(lines))]
        return pa.Array.from_buffers(pa.string(), rows, buffers)


def _through(cipher: Callable[[bytes], bytes], blocks: Bytes) -> Bytes:
    return np.frombuffer(cipher(blocks.tobytes()), np.uint8).reshape(-1, BLOCK)


def _base64(found: Bytes) -> Bytes:
    """Of each row; rows of whole threes of bytes can be written in one go."""
    rows, length = found.shape
    missing = -length % 3
    whole = np.hstack([found, np.zeros((rows, missing), np.uint8)]) if missing else found
    text = np.frombuffer(binascii.b2a_base64(whole.tobytes(), newline=False), np.uint8).reshape(rows, -1)
    if missing:
        text = text.copy()
        text[:, -missing:] = ord("=")
    return text


def _doubled(block: bytes) -> bytes:
    """Doubling in GF(2^128), as CMAC and S2V have it."""
    number = int.from_bytes(block) << 1
    return ((number ^ 0x87 if number >> 128 else number) & (1 << 128) - 1).to_bytes(BLOCK)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
