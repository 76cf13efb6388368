"""What somebody builds on a page is a source of the language, and every source comes back to the page as what it is."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.audience import sources
from engine.audience.built import (
    OPERATORS,
    SEVERAL,
    WITHOUT_VALUE,
    Block,
    Condition,
    Earlier,
    Expression,
    InGroup,
    InList,
    Nest,
    Other,
    Statement,
    parted,
    written,
)
from engine.audience.reading import read
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, Record

TYPES = {
    "a": "bool",
    "b": "bool",
    "n": "int",
    "m": "decimal(2)",
    "t": "text",
    "d": "date",
    "in": "text",
    "My Field": "text",
}
RECORD = Record({"a": BOOL, "b": BOOL, "n": INT, "m": DECIMAL, "t": TEXT, "d": DATE, "in": TEXT, "My Field": TEXT})
SCOPE = Scope({"c": RECORD})
SOURCE: TypeAdapter[Any] = TypeAdapter(sources.Source)
Values = Mapping[str, Any]

VALUES = {
    "int": st.integers(-3, 3).map(str),
    "decimal": st.sampled_from(["0", "-1.50", "38", "38.00", "1000000.5"]),
    "text": st.sampled_from(["x", "y", 'a "b" c', "back\\slash", "//", "月租"]),
    "date": st.sampled_from(["2026-01-01", "2026-12-31"]),
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from(sorted(TYPES)))
    kind = TYPES[field].partition("(")[0]
    operator = draw(st.sampled_from(OPERATORS[kind]))
    count = 0 if operator in WITHOUT_VALUE else draw(st.integers(1, 3)) if operator in SEVERAL else 1
    return Condition(field, operator, tuple(draw(VALUES[kind]) for _ in range(count)))


rows = st.one_of(
    conditions(),
    conditions(),
    st.sampled_from(
        [
            Expression("c.n + 1 > 2"),
            Expression("c.n > 1 ? c.a : c.b"),
            InList("upload"),
            InGroup("vip@3"),
            Earlier("440111-2026-00001", "responded"),
            Earlier("440111-2026-00001", "converted", "pilot", "30d"),
            Statement("select customer from customers"),
            Other('{"except": [{"rule": "c.a"}, {"union": [{"list": "upload"}, {"list": "other"}]}]}'),
        ]
    ),
)
nests = st.builds(Nest, st.sampled_from(["all", "any"]), st.lists(rows, min_size=1, max_size=3).map(tuple))
blocks = st.builds(
    Block,
    st.sampled_from(["all", "any"]),
    st.lists(st.one_of(rows, rows, nests), min_size=1, max_size=4).map(tuple),
    st.sampled_from(["or", "and", "without", "one"]),
)
built = st.lists(blocks, min_size=1, max_size=4)


def holds(source: Any, values: Values, memo: dict[str, bool]) -> bool:
    """Whether a source has the customer; what is no rule has them by the chance that `memo` keeps."""
    match source:
        case sources.Rule():
            return compile_expression(source.rule, SCOPE, gives=BOOL).holds({"c": values})
        case sources.Union():
            return any(holds(part, values, memo) for part in source.union)
        case sources.Intersect():
            return all(holds(part, values, memo) for part in source.intersect)
        case sources.Except():
            first, *others = source.parts
            return holds(first, values, memo) and not any(holds(part, values, memo) for part in others)
        case sources.Symmetric():
            one, other = source.symmetric
            return holds(one, values, memo) != holds(other, values, memo)
        case _:
            name = source.model_dump_json()
            return memo.setdefault(name, hash(name) % 2 == 0)


def same(one: Mapping[str, Any], other: Mapping[str, Any], values: Values) -> bool:
    memo: dict[str, bool] = {}
    return holds(SOURCE.validate_python(one), values, memo) == holds(SOURCE.validate_python(other), values, memo)


def count_of(blocks: Any) -> int:
    """How many rows are kept as they are."""
    flat = [row for block in blocks for one in block.rows for row in (one.rows if isinstance(one, Nest) else (one,))]
    return sum(isinstance(row, Other) for row in flat)


customers = st.fixed_dictionaries(
    {},
    optional={
        "a": st.booleans(),
        "b": st.booleans(),
        "n": st.integers(-3, 3),
        "t": st.sampled_from(["x", "y", "月租"]),
    },
)


@given(built, customers)
@settings(max_examples=150)
def test_what_rows_say_comes_back_as_rows_that_say_the_same(blocks: list[Block], values: Values) -> None:
    source = written(blocks, TYPES)
    again = read(source, TYPES)
    found = written(again, TYPES)
    assert same(source, found, values)
    assert written(read(found, TYPES), TYPES) == found

    def own(of: Any) -> list[Any]:
        flat = [row for block in of for one in block.rows for row in (one.rows if isinstance(one, Nest) else (one,))]
        return [row for row in flat if isinstance(row, Condition | InList | InGroup | Earlier | Statement)]

    if not count_of(blocks):
        assert own(again) == own(blocks)
    assert count_of(again) <= count_of(blocks)


atoms = st.sampled_from(
    ["c.a", "!c.b", "c.n > 1", "c.n in [1, 2]", "has(c.t)", "c.t == 'x'", "c.n > 0 ? c.a : c.b", "2 < c.n"]
)
texts = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: " && ".join(f"({part})" for part in parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: " || ".join(f"({part})" for part in parts)),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=8,
)
leaves = st.one_of(texts.map(lambda text: {"rule": text}), st.sampled_from([{"list": "upload"}, {"group": "vip"}]))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["union", "intersect"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: {pair[0]: pair[1]}
        ),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"except": parts}),
        st.tuples(inner, inner).map(lambda pair: {"symmetric": list(pair)}),
    ),
    max_leaves=8,
)


@given(trees, customers)
@settings(max_examples=150)
def test_any_source_comes_back_with_the_same_customers(source: dict[str, Any], values: Values) -> None:
    assert same(source, written(read(source, TYPES), TYPES), values)


@given(built)
def test_the_parts_to_count_are_named_by_their_rows(blocks: list[Block]) -> None:
    every = {
        f"{b}.{r}.{n}" if isinstance(row, Nest) else f"{b}.{r}"
        for b, block in enumerate(blocks)
        for r, row in enumerate(block.rows)
        for n in range(len(row.rows) if isinstance(row, Nest) else 1)
    }
    found = parted(blocks, TYPES, keep=frozenset(every))
    assert found is not None
    walked = list(SOURCE.validate_python(found.source).walk())
    assert len(walked) == len(found.places)
    named = [place for places in found.places for place in places]
    assert len(named) == len(set(named)) and every <= set(named)
    for part, places in zip(walked, found.places, strict=True):
        for place in set(places) & every:
            row: Any = blocks[int(place.split(".")[0])].rows[int(place.split(".")[1])]
            row = row.rows[int(place.split(".")[2])] if isinstance(row, Nest) else row
            assert part == SOURCE.validate_python(written([Block(rows=(row,))], TYPES))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"rule": "c.m >= 38 && (c.t == 'x' || c.t.startsWith('y')) && !has(c.d)"},
            (
                Block(
                    "all",
                    (
                        Condition("m", "ge", ("38",)),
                        Nest("any", (Condition("t", "eq", ("x",)), Condition("t", "starts", ("y",)))),
                        Condition("d", "unknown"),
                    ),
                ),
            ),
        ),
        (
            {"except": [{"rule": "c.a"}, {"list": "upload"}, {"group": "vip"}]},
            (
                Block(rows=(Condition("a", "yes"),)),
                Block(rows=(InList("upload"),), how="without"),
                Block(rows=(InGroup("vip"),), how="without"),
            ),
        ),
        ({"rule": "c.t == ''"}, (Block(rows=(Expression("c.t == ''"),)),)),
        ({"rule": "c.t == 'a\\nb'"}, (Block(rows=(Expression("c.t == 'a\\nb'"),)),)),
        ({"rule": "c.unknown > 1"}, (Block(rows=(Expression("c.unknown > 1"),)),)),
        ({"rule": "c.n > 1 // grown up\n && c.a"}, (Block(rows=(Expression("c.n > 1 // grown up\n && c.a"),)),)),
    ],
)  # fmt: skip
def test_a_source_is_shown_as_rows(source: dict[str, Any], expected: tuple[Block, ...]) -> None:
    assert read(source, TYPES) == expected


def test_what_rows_cannot_say_stays_as_it_was() -> None:
    source = {"union": [{"list": "upload"}, {"except": [{"rule": "c.a"}, {"list": "other"}]}]}
    first, second = read(source, TYPES)
    assert first.rows == (InList("upload"),)
    assert isinstance(second.rows[0], Other)
    assert written([first, second], TYPES) == source
