"""The picture of a definition shows all of it, covers no label with another, and is read by machines too."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.definition.diagram import picture
from engine.definition.diagram_mermaid import mermaid
from engine.definition.diagram_svg import Mark, svg, width_of, wrapped
from engine.definition.load import load
from engine.definition.model import Definition
from engine.errors import Invalid
from engine.values import Language

FOLDER = Path(__file__).resolve().parents[3] / "definitions"
FILES = (
    "telecom-marketing-case.yaml",
    "hillstrom-email-case.yaml",
    "examples/payment-approval.yaml",
)
DEFINITIONS = {name: load((FOLDER / name).read_text(encoding="utf-8")) for name in FILES}
TELECOM = DEFINITIONS[FILES[0]]
SVG = "{http://www.w3.org/2000/svg}"
EVIL = 'Head "x" <b> & #1; `y` end'


def texts(document: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(document).findall(f".//{SVG}text")


def evil(definition: Definition = TELECOM) -> Definition:
    return load(definition.source.replace("en: County head", f"en: '{EVIL}'"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", FILES)
def test_no_label_covers_another_or_leaves_the_picture(name: str, language: Language):
    document = svg(picture(DEFINITIONS[name], language=language))
    root = ElementTree.fromstring(document)
    wide, tall = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = []
    for text in texts(document)[1:]:  # the first is the title, in a larger font
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        boxes.append((x, y - 11, x + width_of(text.text or ""), y + 3))
        assert x >= 0
        assert boxes[-1][2] <= wide
        assert y <= tall
    for a, b in combinations(boxes, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (a, b)


@pytest.mark.parametrize("name", FILES)
def test_every_step_and_state_is_in_both_pictures(name: str):
    definition = DEFINITIONS[name]
    drawn = picture(definition)
    boxes = [box for lane in drawn.lanes for group in lane.groups for box in group.boxes]
    boxes += [box for column in drawn.columns for box in column]
    named = re.findall(r'data-name="([^"]+)"', svg(drawn))
    assert sorted(named) == sorted(box.id for box in boxes)
    text = mermaid(drawn)
    assert all(box.title in text for box in boxes)
    assert [lane.name for lane in drawn.lanes] == list(definition.approval.chains)


def test_rows_conditions_countersigns_and_objections_are_shown():
    drawn = picture(TELECOM, language="en")
    lanes = {lane.name: lane for lane in drawn.lanes}
    assert lanes["to_city"].conditions[1] == "4. else"
    assert lanes["to_city"].conditions[0].startswith("2. Budget > 50,000 or Discount < 0.7")
    assert lanes["to_city"].groups[1].title == "countersign: City countersign (all of them)"
    assert "when Target customers > 50,000" in lanes["to_city"].groups[1].boxes[1].lines
    assert [(one.lane, one.step, one.to) for one in drawn.objections] == [("file_city", "city_register", "to_city")]
    assert [lane.end for lane in drawn.lanes] == ["Filed", "Approved", "Approved"]
    assert 'class="dash"' in svg(drawn)


def test_the_document_has_a_title_a_description_and_chinese_fonts():
    document = svg(picture(TELECOM))
    assert '<title id="title">电信营销案 v3</title>' in document
    assert 'role="img"' in document
    assert "<desc" in document
    assert "Noto Sans CJK SC" in document


def test_labels_cannot_break_out_of_either_picture():
    document = svg(picture(evil(), language="en"))
    assert "<b>" not in document
    assert any(EVIL[:10] in (text.text or "") for text in texts(document))
    text = mermaid(picture(evil(), language="en"))
    assert "Head #quot;x#quot; #lt;b#gt; #amp; #35;1; #96;y#96; end" in text


@pytest.mark.parametrize("name", FILES)
def test_every_line_of_the_mermaid_text_is_of_a_known_form(name: str):
    label = r'"[^"<>`]*(?:<br/>[^"<>`]*)*"'
    pairs = ((r"\[", r"\]"), (r"\[\[", r"\]\]"), (r"\[/", r"/\]"), (r"\(", r"\)"), (r"\(\(", r"\)\)"))
    pairs += ((r"\(\[", r"\]\)"), (r"\{\{", r"\}\}"))
    shape = f"(?:{'|'.join(f'{opens}{label}{closes}' for opens, closes in pairs)})"
    forms = (
        "flowchart LR",
        r"acc(?:Title|Descr): .+",
        rf"subgraph \w+\[{label}\]",
        "end",
        rf"\w+{shape}",
        r"\w+ (?:-->|-\.->) \w+",
        rf"\w+ -\. {label} \.-> \w+",
    )
    lines = mermaid(picture(DEFINITIONS[name])).splitlines()
    assert [line for line in lines if not any(re.fullmatch(form, line.strip()) for form in forms)] == []
    assert sum(line.strip() == "end" for line in lines) == sum(" subgraph" in line for line in lines)


def test_a_case_marks_where_it_is():
    marks = {"county_head": Mark("done", "1 d"), "city_finance": Mark("current", "2 d, 1 / 2")}
    document = svg(picture(TELECOM, chain="to_city"), marks)
    assert 'class="approve done" data-name="county_head"' in document
    assert 'class="approve current" data-name="city_finance"' in document
    assert any(text.text == "2 d, 1 / 2" for text in texts(document))


def test_one_chain_is_drawn_alone_and_an_unknown_one_is_named():
    assert [lane.name for lane in picture(TELECOM, chain="to_province").lanes] == ["to_province"]
    with pytest.raises(Invalid, match=r"no chain to_town.*there are file_city, to_city"):
        picture(TELECOM, chain="to_town")


def test_long_texts_are_wrapped_and_nothing_is_lost():
    text = "form.budget > params.city_budget || 目标客户超过五万户且折扣低于七折 " + "x" * 80
    lines = wrapped(text, 150)
    assert all(width_of(line) <= 150 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
