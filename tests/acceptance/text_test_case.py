"""Cases that test two texts against each other: declared, begun, answered; a day later."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import cases, datasets, delivering, proposals, responses, stages
from engine.service.app import Countersign
from tests.acceptance.offices import in_force, key, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, FORM, admin, frozen
from tests.servers.gateway import RunningGateway

CUSTOMERS = 400
DAYS = {"days": {"from": "2027-03-01", "to": "2027-03-20"}}
A, B = "甲款优惠，回T退订", "乙款优惠，回T退订"
TESTED = (
    DEFINITION.replace(
        'message: {text: "{name}您好", fields: [name]}',
        "message: {variants: {a: {text: 甲款优惠}, b: {text: 乙款优惠}}}",
    )
    .replace(
        "    - {name: main, share: rest, channel: sms, chunk: 10}",
        "    - {name: pilot, size: 200, channel: sms, chunk: 50,"
        " test: {of: [a, b], metric: response, wait: 24h, else: b}}\n"
        "    - {name: main, share: rest, channel: sms, chunk: 50, text: winner of pilot}",
    )
    .replace("  material:", "    days: {type: daterange, label: {zh: 期限, en: Days}}\n  material:")
)


def take_in(app: Countersign) -> None:
    """Four hundred customers, and an empty place on the list of the case."""
    base = [f"C{n:04},1391357{n:04},客户{n},{30 + n}" for n in range(CUSTOMERS)]
    for lines, asked in (
        (["用户编号,手机号码,姓名,arpu", *base], datasets.Asked("customers", "用户编号")),
        (["客户,手机号码", *(f"C{n:04},1391357{n:04}" for n in range(9))], datasets.Asked("list", "客户", "vip")),
    ):
        kept = datasets.keep(app, admin(app), "\n".join(lines).encode(), "base.csv")
        datasets.look(app, admin(app), kept, asked)
        datasets.confirm(app, admin(app), kept, asked)


def proposed(app: Countersign, days: Mapping[str, Any]) -> str:
    """The id of a case with a test of texts that waits for its approval."""
    in_force(app, load(TESTED))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.submit(app, me, made, FORM | days, key=key())
    return made


def send(app: Countersign) -> None:
    delivering.settle(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
    delivering.settle(app)
    notices(app)


def begun(app: Countersign, text: str = TESTED) -> str:
    """The id of a case whose pilot is out."""
    made = frozen(app, text, base=take_in)
    me = viewer(app, "wangmin")
    target = cases.case_page(app, me, made).audience
    assert target is not None
    stages.start_delivery(app, me, made, target.target, key=key())
    notices(app)
    send(app)
    return made


def respond(app: Countersign, made: str, gateway: RunningGateway, shares: dict[str, int]) -> None:
    """The first so many who got a text respond, by the file that the submitter imports."""
    lines = ["customer,kind,at"]
    for word, count in shares.items():
        got = [one["to"] for one in gateway.messages() if word in one["text"]]
        lines += [f"C{number[-4:]},response,{app.now().isoformat()}" for number in got[:count]]
    came = responses.import_responses(app, viewer(app, "wangmin"), made, "\n".join(lines).encode())
    assert came.recorded == sum(shares.values()), came


def later(app: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    now = app.now
    monkeypatch.setattr(Countersign, "now", lambda _self: now() + timedelta(hours=25))
