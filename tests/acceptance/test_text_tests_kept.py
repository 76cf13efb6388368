"""Files of waves whose customers have several texts: erased and sealed anew like any other. And a test whose wait ends
while more is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.errors import NotPossible
from engine.service import cases, stages
from engine.service.app import Countersign
from engine.service.proposals import withdraw
from engine.service.sealing import dataset_of, vault
from engine.settings import Settings
from engine.store import history, waves
from engine.warehouse.sealed import seal_waves
from tests.acceptance.budgeted_case import decide
from tests.acceptance.offices import key, viewer
from tests.acceptance.test_erasing import erased, places_of
from tests.acceptance.text_test_case import TESTED, begun, later, respond, send
from tests.acceptance.widened_case import TEXT, ask, case_of, held_case, work_on
from tests.servers.gateway import RunningGateway

NAMED = TESTED.replace(
    "message: {variants: {a: {text: 甲款优惠}, b: {text: 乙款优惠}}}",
    'message: {variants: {a: {text: "{name}，甲款"}, b: {text: "{name}，乙款"}}, fields: [name]}',
)
WIDER = (
    TEXT.replace(
        'message: {text: "{name}您好", fields: [name]}',
        "message: {variants: {a: {text: 甲款优惠}, b: {text: 乙款优惠}}}",
    )
    .replace("size: 20, channel: sms}", "size: 20, channel: sms, test: {of: [a, b], metric: response, wait: 24h}}")
    .replace("chunk: 10}", "chunk: 10, text: winner of pilot}")
)


def main_of(app: Countersign, made: str) -> Path:
    """The file of the wave that waits."""
    with app.db.read() as tx:
        (row,) = [one for one in waves.of_case(tx, made) if one.name == "main"]
    return app.settings.data / row.file


def test_whoever_is_erased_goes_from_every_text_of_a_wave_that_waits(
    app: Countersign,
    gateway: RunningGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = begun(app, NAMED)
    before = pq.read_table(main_of(app, made)).to_pylist()
    one = before[3]
    phone = f"1391357{one['customer'][1:]}"
    assert one["text_b"].startswith(f"客户{int(one['customer'][1:])}，乙款")
    done = erased(app, one["customer"])
    assert done.state == "done" and not done.left_texts
    assert places_of(app, one["customer"], phone) == set()
    after = pq.read_table(main_of(app, made)).to_pylist()
    assert {name: after[3][name] for name in ("address", "text", "text_b")} == dict.fromkeys(
        ("address", "text", "text_b"), ""
    )
    assert after[:3] + after[4:] == before[:3] + before[4:]
    stages.choose_text(app, viewer(app, "wangmin"), made, wave="pilot", variant="b", reason="甲款缺货", key=key())
    send(app)
    assert phone not in gateway.times()
    assert sum("乙款" in text["text"] for text in gateway.messages()) == 100 + len(before) - 1


def test_sealing_anew_keeps_every_text_of_every_variant(
    app: Countersign,
    gateway: RunningGateway,
) -> None:
    made = begun(app)
    before = pq.read_table(main_of(app, made))
    secret = app.settings.home / "secret.key"
    secret.write_text("11" * 32 + "\n" + secret.read_text())
    settings = Settings(**app.settings.model_dump())
    assert seal_waves(dataset_of(settings)) == 2
    secret.write_text("11" * 32)  # the earlier key is needed no more
    settings = Settings(**app.settings.model_dump())
    after = pq.read_table(main_of(app, made))
    assert after.schema.equals(before.schema) and "text_b" in after.column_names
    assert after.drop_columns(["address"]).equals(before.drop_columns(["address"]))
    assert set(after["address"].to_pylist()).isdisjoint(before["address"].to_pylist())
    assert vault(settings).open(after["address"][0].as_py()).startswith("1391357")
    stages.choose_text(app, viewer(app, "wangmin"), made, wave="pilot", variant="b", reason="甲款缺货", key=key())
    send(Countersign(settings, app.db))
    assert sum("乙款" in one["text"] for one in gateway.messages()) == 100 + before.num_rows


@pytest.fixture
def asked(
    app: Countersign,
    gateway: RunningGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A case whose pilot of 20 is out, paused by its submitter who asks for more; the wait of its test ends then."""
    made = held_case(app, "5.00", WIDER)
    respond(app, made, gateway, {"甲款": 9, "乙款": 1})
    stages.hold(app, viewer(app, "wangmin"), made, "pause", "等等", key=key())
    work_on(app)
    ask(app, made, budget="6.00")
    later(app, monkeypatch)
    respond(app, made, gateway, {"乙款": 10})
    work_on(app)
    yield made


def decided(app: Countersign, made: str) -> list[tuple[str, str, dict[str, int]]]:
    with app.db.read() as tx:
        found = [one.command for one in history.load(tx, made) if one.kind == "TextDecided"]
    return [
        (one.how, one.variant, {name: part["did"] for name, part in one.found["variants"].items()}) for one in found
    ]


def test_a_test_whose_wait_ends_while_more_is_asked_for_is_decided_once_it_is_granted(
    app: Countersign,
    gateway: RunningGateway,
    asked: str,
) -> None:
    assert case_of(app, asked).state == "approving"
    assert decided(app, asked) == []
    (test,) = cases.case_page(app, viewer(app, "wangmin"), asked).tests
    assert test.decision is None and not test.may_choose
    decide(app, "zhanglan", asked)
    work_on(app)
    assert decided(app, asked) == [("winner", "a", {"a": 9, "b": 1})]  # by the end of the wait
    assert sum("甲款" in one["text"] for one in gateway.messages()) == len(gateway.messages()) - 10
    (test,) = cases.case_page(app, viewer(app, "wangmin"), asked).tests
    assert [(one.did, one.late) for one in test.variants] == [(9, 0), (1, 9)]


def test_taken_back_it_is_decided_while_the_delivery_is_paused_and_nothing_goes_out(
    app: Countersign,
    gateway: RunningGateway,
    asked: str,
) -> None:
    withdraw(app, viewer(app, "wangmin"), asked, "够了", key=key())
    work_on(app)
    assert case_of(app, asked).state == "paused"
    assert decided(app, asked) == [("winner", "a", {"a": 9, "b": 1})]
    assert len(gateway.messages()) == 20
    stages.hold(app, viewer(app, "wangmin"), asked, "resume", "", key=key())
    work_on(app)
    assert sum("乙款" in one["text"] for one in gateway.messages()) == 10


def test_what_stands_in_a_variant_cannot_be_asked_for_more(app: Countersign) -> None:
    made = held_case(app, "5.00", WIDER.replace("{text: 乙款优惠}", '{text: "乙款，共{form.budget}元"}'))
    stages.hold(app, viewer(app, "wangmin"), made, "pause", "等等", key=key())
    with pytest.raises(NotPossible, match="ask for more"):
        ask(app, made, budget="6.00")
