"""Waves that test texts, under check: every mistake is named where it stands, with what to write instead."""

from collections.abc import Callable

import pytest

from engine.errors import Problem

Broken = Callable[..., list[Problem]]
TEXTS = "{a: {text: Hello}, b: {text: Good day}}"
PILOT = "{name: pilot, size: 600, channel: sms, test: {of: [a, b], metric: response, wait: 24h}}"
MAIN = "{name: main, share: rest, channel: sms, text: winner of pilot}"


def plan(*waves: str, texts: str = TEXTS) -> str:
    audience = 'audience:\n  source: {rule: "c.arpu >= 38"}\n'
    return f"{audience}delivery:\n  message: {{variants: {texts}}}\n  waves: [{', '.join(waves)}]\n"


def test_a_test_that_a_later_wave_follows_is_right(broken: Broken) -> None:
    assert broken(add=plan(PILOT, MAIN)) == []


@pytest.mark.parametrize(
    ("waves", "texts", "code", "at", "told"),
    [
        ((PILOT.replace("a, b", "a, c"), MAIN), TEXTS, "E415", "waves.0.test.of.1", "the variant c, and the message"),
        ((PILOT, MAIN), "{a: {text: Hi}, b: {text: Hi}}", "E416", "waves.0.test.of", "a and b of the wave pilot say"),
        ((PILOT.replace("response", "click"), MAIN), TEXTS, "E417", "waves.0.test.metric", "a link in the variant a"),
        (
            (PILOT.replace("response", "click").replace("sms", "hall"), MAIN),
            "{a: {text: '{link}'}, b: {text: 'Go {link}'}}",
            "E417",
            "waves.0.test.metric",
            "nobody can follow a link",
        ),
        ((PILOT, MAIN.replace("pilot", "pilt")), TEXTS, "E418", "waves.1.text", "no earlier wave that has a test"),
        (
            (
                MAIN.replace("main", "early").replace("share: rest", "size: 5"),
                PILOT.replace("size: 600", "share: rest"),
            ),
            TEXTS,
            "E418",
            "waves.0.text",
            "no earlier wave that has a test",
        ),
        ((PILOT,), TEXTS, "E419", "waves.0.test", "no later wave goes out with the winner of pilot"),
    ],
)
def test_what_cannot_be_tested_is_named(
    broken: Broken, waves: tuple[str, ...], texts: str, *, code: str, at: str, told: str
) -> None:
    found = [one for one in broken(add=plan(*waves, texts=texts)) if one.code == code]
    assert found, broken(add=plan(*waves, texts=texts))
    assert all(one.hint for one in found)
    assert found[0].at == f"delivery.{at}"
    assert told in found[0].message


@pytest.mark.parametrize(
    ("waves", "texts", "told"),
    [
        ((PILOT.replace("[a, b]", "[a]"), MAIN), TEXTS, "at least 2"),
        ((PILOT.replace("[a, b]", "[a, a]"), MAIN), TEXTS, "a variant stands twice"),
        ((PILOT.replace("24h", "2wd"), MAIN), TEXTS, "a test waits hours or days, not working days"),
        ((PILOT.replace("24h", "24h, else: c"), MAIN), TEXTS, "c is not tested"),
        ((PILOT.replace("sms", "[sms, hall]"), MAIN), TEXTS, "goes over one channel"),
        ((PILOT, MAIN.replace("winner of pilot", "best of pilot")), TEXTS, "write winner of WAVE"),
        ((PILOT, "{name: main, share: rest, channel: sms}"), TEXTS, "a wave by sms needs a message"),
    ],
)
def test_what_a_test_says_is_said_whole(broken: Broken, waves: tuple[str, ...], texts: str, told: str) -> None:
    problems = broken(add=plan(*waves, texts=texts))
    assert [one for one in problems if told in f"{one.message} {one.hint}"], problems


def test_cells_and_variants_do_not_mix(broken: Broken) -> None:
    mixed = plan(PILOT, MAIN).replace("{variants:", "{cells: {base: {text: Hi}}, variants:")
    problems = broken(add=mixed)
    assert [one for one in problems if "by cell or by variant, not both" in f"{one.message} {one.hint}"], problems
