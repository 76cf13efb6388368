"""One customer taken out of office documents that somebody attached: text documents, slides, workbooks, and bombs."""

import io
import zipfile

import pytest

from engine.warehouse.documents import OFFICE, without
from engine.warehouse.erasing import Person

LIU = Person("C1001", "erased-1", ("13800138000",))
WORD, SLIDES, BOOK = (
    f"{OFFICE}{kind}" for kind in ("wordprocessingml.document", "presentationml.presentation", "spreadsheetml.sheet")
)
PARTS = {
    WORD: ("word/document.xml", "<w:document><w:body>{}</w:body></w:document>", "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"),
    SLIDES: ("ppt/slides/slide1.xml", "<p:sld>{}</p:sld>", "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"),
    BOOK: ("xl/sharedStrings.xml", "<sst>{}</sst>", "<si><t>{}</t></si>"),
}


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def document(kind: str, *texts: str, **more: bytes) -> bytes:
    name, whole, piece = PARTS[kind]
    content = whole.format("".join(piece.format(text) for text in texts))
    return packed({"[Content_Types].xml": b"<Types/>", name: content.encode(), "media/logo.png": b"\x89PNG", **more})


def text_of(data: bytes, kind: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        assert file.read("media/logo.png") == b"\x89PNG"
        return file.read(PARTS[kind][0]).decode()


@pytest.mark.parametrize("kind", PARTS)
def test_only_the_customer_goes(kind: str) -> None:
    fresh = without(document(kind, "客户 C1001，手机 13800138000。", "客户 C10011，手机 13800138001"), kind, LIU)
    assert fresh is not None
    said = text_of(fresh, kind)
    assert "客户 erased-1，手机 " in said
    assert "13800138000" not in said
    assert "客户 C10011，手机 13800138001" in said


@pytest.mark.parametrize("kind", PARTS)
def test_a_document_without_them_keeps_its_bytes(kind: str) -> None:
    data = document(kind, "客户 C2002")
    assert without(data, kind, LIU) == data


@pytest.mark.parametrize("kind", [WORD, SLIDES])
def test_a_number_cut_up_by_its_formatting_is_for_people(kind: str) -> None:
    cut = "138</w:t></w:r><w:r><w:t>00138000" if kind == WORD else "138</a:t></a:r><a:r><a:t>00138000"
    assert without(document(kind, f"手机 {cut}"), kind, LIU) is None


@pytest.mark.parametrize("kind", PARTS)
def test_a_bomb_is_for_people_and_is_not_unpacked(kind: str) -> None:
    bomb = document(kind, "C1001", **{"word/more.xml": b" " * (65 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert without(bomb, kind, LIU) is None


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 and nothing more", document(WORD, "C1001")[:-30]])
def test_a_damaged_one_is_for_people(data: bytes) -> None:
    assert without(data, WORD, LIU) is None
