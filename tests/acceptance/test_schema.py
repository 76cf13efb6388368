"""The JSON Schema for editors is the one the models make, and agrees with the check about shapes."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.definition.document import read
from engine.definition.schema import schema, schema_text

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    file for file in (ROOT / "definitions").glob("**/*.yaml") if "kind: CaseDefinition" in file.read_text("utf-8")
)


def errors(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema())
    return [error.json_path for error in validator.iter_errors(_json(read(text).value))]


def _json(value: Any) -> Any:
    """As an editor reads YAML: numbers with a point are floats there."""
    match value:
        case dict():
            return {name: _json(inner) for name, inner in value.items()}
        case list():
            return [_json(inner) for inner in value]
        case Decimal():
            return float(value)
    return value


def test_the_shipped_schema_is_what_the_models_make():
    told = "run: countersign definitions schema --output definitions/schema/case-definition.json"
    assert (ROOT / "definitions/schema/case-definition.json").read_text(encoding="utf-8") == schema_text(), told


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_definition_is_valid(file: Path):
    assert errors(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("material: [", "materials: ["),
        ("at: 3wd", "at: 3 days"),
        ("type: daterange", "type: dates"),
        ("version: 3", "version: first"),
        ("min: 300", "min: some"),
        ("on_reject: return_submitter", "on_reject: return"),
    ],
)
def test_a_wrong_shape_is_wrong_to_an_editor_too(old: str, new: str):
    text = (ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8")
    assert old in text
    assert errors(text.replace(old, new, 1)) != []


def test_every_part_of_the_language_is_described():
    bare = [name for name, part in schema()["$defs"].items() if not part.get("description")]
    assert bare == []
