"""Google's CEL conformance tests, the files that need no protobuf messages: our expressions give what CEL gives.

A test is evaluated as it is written. A number with a point is an exact decimal here, so where a test hangs on binary
numbers (its value is a double, or it only holds for doubles) it counts if it passes with `double('1.5')` written for
`1.5`; how many needed that is asserted too. Where an error is expected, the static check may find it first. A name
with points (`a.b`) is bound as the field of a map, as `form.budget` is here.
"""

import gzip
import json
import math
from collections import Counter
from decimal import Decimal
from typing import Any

from engine.errors import ExpressionFailed, InvalidExpression
from engine.expr import Scope, compile_expression
from engine.expr.kinds import Uint, equal, kind_of
from engine.expr.lexer import tokens
from engine.expr.parse import parse
from engine.expr.types import BOOL, BYTES, DOUBLE, DYN, INT, NULL, TEXT, UINT, List, Map, Type
from tests.conformance.cel_exclusions import CONDITION, EXCLUDED, TYPES, UNKNOWN
from tests.support import shared

FILES = [
    "basic",
    "comparisons",
    "conversions",
    "fields",
    "fp_math",
    "integer_math",
    "lists",
    "logic",
    "macros",
    "namespace",
    "parse",
    "plumbing",
    "string",
    "timestamps",
]
Test = dict[str, Any]
SIMPLE: dict[str, Type] = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": TEXT,
    "bytes": BYTES,
    "null": NULL,
}


def read() -> list[Test]:
    with gzip.open(shared("conformance/cel/cel_conformance.json.gz")) as file:
        tests: list[Test] = json.load(file)
    return [test for test in tests if test["file"] in FILES and not test["check_only"]]


def name_of(test: Test) -> str:
    return f"{test['file']}/{test['sec']}/{test['name']}"


def needs_protobuf(test: Test) -> bool:
    kinds = {value["k"] for value in (test["exp"], *test["bind"].values()) if value}
    return (
        "proto" in test["container"]
        or "google.protobuf" in test["expr"]
        or "TestAllTypes" in test["expr"]
        or "object_value" in kinds
    )


def value_of(given: dict[str, Any]) -> Any:
    match given["k"], given.get("v"):
        case "uint", value:
            return Uint(value)
        case "double", value:
            return float(value)
        case "bytes", value:
            return bytes(value)
        case "list", value:
            return [value_of(one) for one in value]
        case "map", value:
            return {value_of(key): value_of(one) for key, one in value}
        case _, value:
            return value


def type_of(given: dict[str, Any]) -> Type:
    return {"list": List(DYN), "map": Map(DYN, DYN)}.get(given["k"]) or SIMPLE[given["k"]]


def with_doubles(text: str) -> str:
    """Every number with a point as a binary one."""
    for token in reversed(tokens(text)):
        if isinstance(token.value, Decimal):
            text = f"{text[: token.at]}double('{text[token.at : token.end]}'){text[token.end :]}"
    return text


def outcome(text: str, test: Test) -> Any:
    """The value, or the error."""
    types: dict[str, Type] = {}
    values: dict[str, Any] = {}
    for name, given in test["bind"].items():
        first, *fields = name.split(".")
        types[first], values[first] = type_of(given), value_of(given)
        for field in reversed(fields):
            types[first], values[first] = Map(TEXT, types[first]), {field: values[first]}
    try:
        return compile_expression(text, Scope(types)).evaluate(values)
    except (InvalidExpression, ExpressionFailed) as error:
        return error


def passes(text: str, test: Test) -> bool:
    found, expected = outcome(text, test), test["exp"]
    if expected["k"] == "eval_error" or isinstance(found, Exception):
        return expected["k"] == "eval_error" and isinstance(found, Exception)
    if expected["k"] == "type_value":  # the suite's JSON does not keep which
        return kind_of(found).name == "type"
    wanted = value_of(expected)
    if expected["k"] == "double":
        if isinstance(found, Decimal):
            return float(found) == wanted and math.copysign(1, found) == math.copysign(1, wanted)
        return isinstance(found, float) and repr(found) == repr(wanted)
    return kind_of(found) == kind_of(wanted) and equal(found, wanted)


def test_expressions_give_what_cel_gives() -> None:
    tests = read()
    foreign = {name_of(test) for test in tests if needs_protobuf(test)}
    ours = [test for test in tests if name_of(test) not in foreign | EXCLUDED.keys()]
    passed, failed = Counter[str](), []
    for test in ours:
        if passes(test["expr"], test):
            passed["as written"] += 1
        elif passes(with_doubles(test["expr"]), test):
            passed["with double(...)"] += 1
        else:
            failed.append((name_of(test), test["expr"], test["exp"], outcome(test["expr"], test)))
    left_out = f"{len(foreign)} need protobuf, {len(EXCLUDED)} excluded"
    print(f"CEL core: {len(tests)} tests, {left_out}, {dict(passed)} passed")
    assert not failed, "\n".join(map(str, failed))
    assert (len(tests), len(foreign), len(EXCLUDED)) == (1192, 101, 42)
    assert passed == {"as written": 1030, "with double(...)": 19}


def test_every_exclusion_is_a_test_that_would_fail_and_for_the_reason_given() -> None:
    tests = {name_of(test): test for test in read() if not needs_protobuf(test)}
    for name, reason in EXCLUDED.items():
        text = tests[name]["expr"]
        assert not passes(text, tests[name]) and not passes(with_doubles(text), tests[name]), name
        if reason in (UNKNOWN, TYPES, CONDITION):
            parse(text)
            found = outcome(text, tests[name])
            assert isinstance(found, InvalidExpression)
            assert {problem.code for problem in found.problems} <= {"E302", "E304", "E306"}, name
