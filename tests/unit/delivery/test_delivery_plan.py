"""The `delivery:` section: what it can say, and what it refuses."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from engine.delivery.plan import DeliveryPlan, Rate, Wave
from engine.values import Duration

PILOT = {
    "name": "pilot",
    "share": "5%",
    "channel": "sms",
    "hours": "09:00-20:00",
    "gate": {"metric": "complaint_rate", "max": "0.2%", "wait": "24h"},
}
MAIN = {"name": "main", "share": "rest", "channel": ["sms", "file"], "rate": "2000/min"}


def _section(**changes: Any) -> dict[str, Any]:
    return {"waves": [PILOT, MAIN], "message": {"field": "message"}, "prices": {"sms": "0.05"}} | changes


def _wave(**changes: Any) -> dict[str, Any]:
    return _section(waves=[MAIN | changes])


def test_the_section_reads_as_it_is_written() -> None:
    plan = DeliveryPlan.model_validate(_section())
    pilot, main = plan.waves
    assert (pilot.share, main.share) == (Decimal("0.05"), "rest")
    assert pilot.gate is not None and pilot.gate.max == Decimal("0.002") and pilot.gate.wait == Duration(24, "h")
    assert main.channel == ("sms", "file")
    assert plan.price("sms") == Decimal("0.05") and plan.price("file") == 0


@pytest.mark.parametrize("wave", [PILOT, MAIN])
def test_a_wave_survives_being_stored_as_json(wave: dict[str, Any]) -> None:
    read = Wave.model_validate(wave)
    assert Wave.model_validate_json(read.model_dump_json()) == read


def test_rates_are_per_second_in_the_end() -> None:
    assert Rate.model_validate("2000/min").per_second == Decimal(2000) / 60
    assert Rate.model_validate("100/s").per_second == 100


def test_a_text_by_itself_is_the_message() -> None:
    message = DeliveryPlan.model_validate(_section(message="您好")).message
    assert message is not None and message.text == "您好"


def _words(plan: DeliveryPlan, channel: str) -> tuple[str, str]:
    assert plan.message is not None
    words = plan.message.words_for(channel)[""]
    return words.text, words.field


def test_an_e_mail_has_a_subject_and_its_own_text_or_the_messages() -> None:
    mail = {"name": "all", "share": "rest", "channel": ["sms", "email", "webhook"]}
    same = DeliveryPlan.model_validate(_section(waves=[mail], message={"text": "您好", "email": {"subject": "国庆"}}))
    own = {"text": "您好", "email": {"subject": "国庆", "field": "letter"}}
    other = DeliveryPlan.model_validate(_section(waves=[mail], message=own, addresses={"webhook": "app"}))
    assert same.message is not None and other.message is not None
    assert [_words(same, one) for one in ("sms", "email")] == [("您好", ""), ("您好", "")]
    assert [_words(other, one) for one in ("sms", "email")] == [("您好", ""), ("", "letter")]
    assert [same.address_for(one) for one in ("sms", "email", "webhook", "file")] == ["phone", "email", "", ""]
    assert other.address_for("webhook") == "app"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (_wave(channel="pigeon"), "there is no channel pigeon; possible: sms, file, hall"),
        (_wave(channel=["sms", "sms"]), "stands twice"),
        (_wave(channel="email"), "a wave by e-mail needs a subject"),
        (_section(message={"email": {"subject": "x", "text": "y"}}), "a wave by sms needs a message"),
        (_section(message={"email": {"subject": "x", "text": "y", "field": "z"}}), "an e-mail has either a text or"),
        (_section(message={"email": {"subject": "x"}}), "a message has either a text or"),
        (_wave(share="12"), "write 5%, 0.5% or rest"),
        (_wave(share="0%"), "not a share"),
        (_wave(share="101%"), "not a share"),
        (_wave(size=5), "either a share (5%, rest) or a size"),
        (_wave(share=None), "either a share (5%, rest) or a size"),
        (_wave(rate="fast"), "write 2000/min"),
        (_wave(hours="9-20"), "write 09:00-20:00"),
        (_wave(hours="20:00-09:00"), "must end after they begin"),
        (_wave(gate={"metric": "complaint_rate", "max": "0.2%", "wait": "1wd"}), "not working days"),
        (_wave(gate={"metric": "mood", "max": "0.2%", "wait": "1h"}), "complaint_rate"),
        (_wave(speed=3), "Extra inputs"),
        (_section(waves=[MAIN, PILOT]), "only the last wave can take the rest"),
        (_section(waves=[PILOT, PILOT]), "same name"),
        (_section(waves=[PILOT | {"share": "60%"}, PILOT | {"name": "b", "share": "50%"}]), "more than 100%"),
        (_section(message=None), "a wave by sms needs a message"),
        (_section(message={"text": "a", "field": "b"}), "either a text or the form field"),
        (_section(calls={"attempts": 2}), "no wave goes by call"),
        (_section(waves=[MAIN | {"channel": "call"}], calls={"between": "1wd"}), "not working days"),
        (_section(prices={"pigeon": "1"}), "there is no channel pigeon"),
        (_section(prices={"sms": "-1"}), "cannot be negative"),
        (_section(receipts_within="2wd"), "not working days"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_what_is_possible(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        DeliveryPlan.model_validate(section)
    assert words in str(refused.value)


def test_a_hand_off_needs_no_message() -> None:
    assert DeliveryPlan.model_validate({"waves": [MAIN | {"channel": "file"}]}).message is None
