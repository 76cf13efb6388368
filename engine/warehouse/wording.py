"""The texts of a wave's file against the rules of the house, all of a chunk at once.

What is found is kept beside the file with the rules that it was found by, so that nobody reads a million texts twice.
Refuses to give back a text: which row, and what is wrong with it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.delivery.content import GAPS, LINK, UNSEEN, ContentRules
from engine.masking import masked
from engine.warehouse.dataset import put_whole
from engine.warehouse.wavefiles import VARIANT

KEPT = 20


class WrongText(msgspec.Struct, frozen=True):
    """A row whose text may not go out: its customer, masked, and what is missing or not allowed."""

    row: int
    customer: str
    cell: str
    kind: str
    what: str


class WrongTexts(msgspec.Struct, frozen=True):
    """How many texts may not go out, of how many, and the first of them. `rules` says by which they were looked at."""

    rules: str
    texts: int
    wrong: int
    first: tuple[WrongText, ...] = ()


def wrong_texts(path: Path, rules: ContentRules, *, is_marketing: bool) -> WrongTexts:
    """What is wrong with the texts of a wave's file; read again only where the rules are others than last time."""
    said = rules.model_dump_json(by_alias=True) + str(is_marketing)
    made_by = hashlib.sha256(said.encode()).hexdigest()[:16]
    beside = path.with_name(path.name + ".texts.json")
    found = kept(path)
    if found is not None and found.rules == made_by:
        return found
    found = _looked_at(path, rules, is_marketing, made_by)
    put_whole(beside, msgspec.json.encode(found))
    return found


def kept(path: Path) -> WrongTexts | None:
    """What was found last; None where nobody has looked, or the power went while it was kept."""
    beside = path.with_name(path.name + ".texts.json")
    try:
        return msgspec.json.decode(beside.read_bytes(), type=WrongTexts)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _looked_at(path: Path, rules: ContentRules, is_marketing: bool, made_by: str) -> WrongTexts:
    texts, wrong, first = 0, 0, list[WrongText]()
    with pq.ParquetFile(path, memory_map=False) as file:
        for group in range(file.num_row_groups):
            for name in ("text", *(one for one in file.schema_arrow.names if one.startswith(VARIANT))):
                table = file.read_row_group(group, columns=["row", "customer", "cell", name])
                suspects = table.filter(_suspect(table[name], rules, is_marketing))
                texts += table.num_rows
                wrong += suspects.num_rows
                for one in suspects.slice(0, KEPT - len(first)).to_pylist():
                    breach = next(iter(rules.breaches(one[name], is_marketing=is_marketing)), None)
                    kind, what = (breach.kind, breach.what) if breach else ("forbidden", "")
                    first.append(WrongText(one["row"], masked(one["customer"]), one["cell"], kind, what))
    return WrongTexts(made_by, texts, wrong, tuple(first))


def _suspect(texts: pa.ChunkedArray, rules: ContentRules, is_marketing: bool) -> pa.ChunkedArray:
    plain = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFKC"), pattern=UNSEEN, replacement="")
    found = pc.greater(pc.utf8_length(texts), rules.longest)
    for one in _checks(texts, plain, rules, is_marketing):
        found = pc.or_(found, one)
    return found


def _checks(
    texts: pa.ChunkedArray, plain: pa.ChunkedArray, rules: ContentRules, is_marketing: bool
) -> Iterator[pa.ChunkedArray]:
    words = pc.replace_substring_regex(pc.utf8_lower(plain), pattern=GAPS, replacement=r"\1")
    if rules.any_forbidden and rules.any_forbidden.search("\0".join(words.to_pylist())):
        yield pa.array([rules.any_forbidden.search(one) is not None for one in words.to_pylist()])
    if rules.links is not None:
        left = plain
        if rules.allowed_links:
            left = pc.replace_substring_regex(plain, pattern=rules.allowed_links, replacement=r"\1 \2")
        yield pc.match_substring_regex(left, LINK)
    if is_marketing and rules.way_out:
        yield pc.invert(pc.match_substring_regex(words, rules.way_out))
    if rules.signed:
        yield pc.invert(pc.match_substring_regex(plain, rules.signed))
