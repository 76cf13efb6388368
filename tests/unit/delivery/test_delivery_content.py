"""The rules of the house: what is put into texts, what is demanded, what may not stand in them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.delivery.content import ContentRules
from engine.service.wording import shipped
from engine.warehouse.wording import wrong_texts

HOUSE = ContentRules.model_validate(
    {
        "signature": {"text": "【白云移动】"},
        "opt_out": {"zh": "回T退订", "en": "Reply STOP to opt out", "or": ["拒收"]},
        "forbidden": ["稳赚不赔", "risk-free"],
        "links": ["example.com"],
    }
)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("您好", "【白云移动】", "，回T退订"),
        ("【白云移动】您好。", "", "回T退订"),
        ("您好，拒收请回复R【白云移动】", "", ""),
        ("Hello.", "【白云移动】", " Reply STOP to opt out"),
        ("", "", ""),
    ],
)
def test_what_a_text_lacks_is_put_around_it(text: str, before: str, after: str) -> None:
    assert HOUSE.additions(text, is_marketing=True) == (before, after)
    assert HOUSE.additions(text, is_marketing=False) == (before, "")


def test_a_signature_and_a_way_out_are_asked_of_what_goes_out_by_itself_alone() -> None:
    assert [one.kind for one in HOUSE.breaches("您好", is_marketing=True)] == ["signature", "opt_out"]
    assert HOUSE.over({"email", "sms"}) is HOUSE
    for channel in ("email", "hall", "call"):
        beside = HOUSE.over({channel})
        assert beside.additions("您好", is_marketing=True) == ("", "")
        assert [one.kind for one in beside.breaches("稳赚不赔", is_marketing=True)] == ["forbidden"]


def test_a_house_may_demand_instead() -> None:
    strict = ContentRules.model_validate(
        {"signature": {"text": "【A】", "how": "demand"}, "opt_out": {"zh": "回T退订", "how": "demand"}}
    )
    assert strict.additions("您好", is_marketing=True) == ("", "")
    assert [one.kind for one in strict.breaches("您好", is_marketing=True)] == ["signature", "opt_out"]
    assert strict.breaches("【A】您好，回T退订", is_marketing=True) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("稳 赚\u200b不 赔", "稳赚不赔"),
        ("ＲＩＳＫ-free", "risk-free"),
        ("brisk-freedom", ""),
        ("https://example.com/a?b=1 and m.example.com.", ""),
        ("example.com.evil.com", "example.com.evil.com"),
        ("notexample.com", "notexample.com"),
        ("https://example.com@evil.com/", "https://example.com@evil.com/"),
        ("https://example.com/?to=http://evil.cn", "http://evil.cn"),
        ("https://恶意.中国/x", "https://恶意.中国/x"),
        ("7.5GB, 8.8折", ""),
    ],
)
def test_forbidden_words_and_links_are_found_however_they_are_spelt(text: str, found: str) -> None:
    breaches = HOUSE.breaches(f"【白云移动】拒收 {text}", is_marketing=True)
    assert [one.what for one in breaches] == ([found] if found else [])


def test_too_long_a_text_is_refused() -> None:
    assert [one.kind for one in shipped().breaches("回T退订" * 300, is_marketing=True)] == ["long"]


@pytest.mark.parametrize("wrong", [{"links": ["https://a.com"]}, {"forbidden": [" "]}, {"signature": {"text": "{x}"}}])
def test_rules_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ContentRules.model_validate(wrong)


PIECES = st.sampled_from(
    ["稳赚不赔", "稳 赚", "不赔", "risk-free", "x", " ", "\n", "http://", "example.com", "evil.cn", "/", "@", ".",
     "回T退订", "拒收", "【白云移动】", "Ｒ", "\u200b", "元"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(texts=st.lists(st.lists(PIECES, max_size=8).map("".join), min_size=1, max_size=6))
def test_a_file_of_texts_is_judged_as_each_text_is(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "wave.parquet"
    path.with_name("wave.parquet.texts.json").unlink(missing_ok=True)
    count = len(texts)
    table = {"row": range(count), "customer": ["C0001234"] * count, "cell": [""] * count, "text": texts}
    pq.write_table(pa.table({name: list(values) for name, values in table.items()}), path)
    found = wrong_texts(path, HOUSE, is_marketing=True)
    judged = [row for row, text in enumerate(texts) if HOUSE.breaches(text, is_marketing=True)]
    assert [one.row for one in found.first] == judged
    assert found.wrong == len(judged)
