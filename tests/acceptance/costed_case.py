"""A case by SMS whose wave crosses midnight, and tables of what its messages cost."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

from engine import clock
from engine.service import costs, delivering
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from tests.acceptance.offices import key, notices, viewer
from tests.acceptance.sealed_case import DEFINITION, started
from tests.support import ROOT

TEXT = "{name}，" + "优惠" * 30 + "哦。"  # with the way out 70 signs for 客户7, 71 for 客户17: one segment, and two
COSTED = (
    DEFINITION.replace('"{name}您好"', f'"{TEXT}"').replace(
        "  control: {share: 20%, min: 5}",
        "  control: {share: 20%, min: 5}\n  drift: {from: reach, over: 90%, then: warn}",
    )
    + """  prices: {sms: "0.05"}
evaluation:
  at: [7d]
  metrics: [reach, conversion, revenue, cost, {uplift: {of: conversion}}]
"""
)
PRICED = (
    (ROOT / "definitions/hillstrom-email-case.yaml")
    .read_text()
    .replace("version: 1\n", "version: 2\n", 1)
    .replace('prices: {file: "0"}', 'prices: {file: "0.05"}')
    .replace("  close: {need: report", '  value_per: {spend: "1"}\n  close: {need: report')
)
"""The case of two e-mails with a price, in USD, and what a unit of spend is worth."""
HEADINGS = "channel,provider,unit,charged,price,currency,from,until"


def table(app: Countersign, *lines: str) -> int:
    """Have the operator propose a table of prices and an administrator confirm it; its version."""
    data = "\n".join([HEADINGS, *lines]).encode()
    costs.propose(app, OPERATOR, data, "costs.csv", reason="新价格")
    waits = costs.show(app, OPERATOR).waits
    assert waits is not None
    costs.decide(app, By(viewer(app, "machao"), key=key()), waits.version, confirm=True)
    return waits.version


def today(app: Countersign) -> date:
    """The day of the house."""
    return app.now().astimezone(app.settings.zone).date()


def over_midnight(app: Countersign, hands: Path) -> tuple[str, date]:
    """The id of a case of which two chunks of ten went out just before midnight, and the rest just after it; and the
    day that began meanwhile. The hands of the clock stand in the file `hands`."""
    now = app.now().astimezone(app.settings.zone)
    late = datetime.combine(now.date() + timedelta(days=1), time(23, 50), app.settings.zone)
    clock.move(hands, late - now)
    made = started(app, COSTED)
    delivering.settle(app)
    delivering.work(app, "worker", limit=20)
    clock.move(hands, timedelta(minutes=20))
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
    delivering.settle(app)
    notices(app)
    return made, today(app)
