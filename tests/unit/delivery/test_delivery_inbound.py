"""What replies mean, how numbers are written, whose a link is, and who follows it."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.delivery import links
from engine.delivery.clicks import Look, machine_of
from engine.delivery.links import is_allowed
from engine.delivery.numbers import plain, variants
from engine.delivery.replies import OPT_IN, OPT_OUT, meaning

KEY, OTHER = b"k" * 32, b"o" * 32
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHONE = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148"}


@pytest.mark.parametrize("word", sorted(set().union(*OPT_OUT.values())))
def test_every_word_counts_in_any_width_case_and_dress(word: str) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in word)
    dressed = (word, word.upper(), wide, f"  {word}。", f"“{word}”！", " ".join(word), f"{word}\r\n", f"回复{word}"[2:])
    assert {meaning(one) for one in dressed} == {"opt_out"}


@pytest.mark.parametrize("word", sorted(set().union(*OPT_IN.values())))
def test_a_wish_for_messages_is_no_opt_out(word: str) -> None:
    assert meaning(f" {word}! ") == "opt_in"


@pytest.mark.parametrize(
    "text",
    ["", "不退订", "请问怎么退订流量包", "please stop by", "你好", "1", "T恤多少钱", "Nice", "\x00", "退" * 5000, "😀"],
)
def test_what_is_no_plain_wish_is_for_a_person(text: str) -> None:
    assert meaning(text) == "other"


def test_a_number_is_one_however_it_is_written() -> None:
    assert {plain(one) for one in ("13800138000", "+86 138-0013-8000", "8613800138000", "0086 13800138000")} == {
        "13800138000"
    }
    assert "13800138000" in variants("+8613800138000")
    assert variants("a@example.org") == ("a@example.org",)
    assert plain("10086000000000000000") == ""


@pytest.mark.parametrize(("number", "row"), [(1, 0), (1, 127), (128, 128), (70_000, 999_999), (2**31, 2**30)])
def test_a_token_is_read_by_its_own_key_and_purpose_alone(number: int, row: int) -> None:
    token = links.token(KEY, "r", number, row)
    assert len(token) <= links.LONGEST
    assert links.read([OTHER, KEY], "r", token) == (number, row)
    assert links.read([KEY], "o", token) is None
    assert links.read([OTHER], "r", token) is None


def test_no_sign_of_a_token_can_be_changed() -> None:
    token = links.token(KEY, "r", 70_000, 12)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bent = [token[:n] + sign + token[n + 1 :] for n in range(len(token)) for sign in alphabet if sign != token[n]]
    assert [one for one in [*bent, token + "A", token[:-1], token.lower()] if links.read([KEY], "r", one)] == []


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)", "//shop.example", "https://shop.example@evil.example/", "https://evil.example/shop.example",
        "https://shop.example.evil.example", "https:\\\\shop.example", "https://shop.example\n.evil.example", "",
        "https://[::1", "http://shop.example:99999/", "https://xshop.example/",
    ],
)  # fmt: skip
def test_a_link_leads_to_no_other_host(target: str) -> None:
    assert not is_allowed(target, ["shop.example"])


@pytest.mark.parametrize(
    ("look", "machine"),
    [
        (Look("GET", PHONE, NOON, NOON - timedelta(minutes=1)), ""),
        (Look("HEAD", PHONE, NOON, NOON - timedelta(minutes=1)), "head"),
        (Look("GET", PHONE | {"sec-purpose": "prefetch;anonymous"}, NOON, NOON - timedelta(minutes=1)), "prefetch"),
        (Look("GET", {"user-agent": "curl/8"}, NOON, NOON - timedelta(minutes=1)), "agent"),
        (Look("GET", {}, NOON, NOON - timedelta(minutes=1)), "agent"),
        (Look("GET", PHONE, NOON, NOON - timedelta(seconds=1)), "too_soon"),
        (Look("GET", PHONE, NOON, None), "too_soon"),
        (Look("GET", PHONE, NOON, NOON - timedelta(minutes=1), others=9), "many"),
        (Look("GET", PHONE, NOON, NOON - timedelta(minutes=1), others=8), ""),
    ],
)
def test_machines_are_told_apart(look: Look, machine: str) -> None:
    assert machine_of(look) == machine
