"""A case of two e-mails whose responses and conversions the house counts itself, and files of what customers did."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from engine.definition.load import load
from engine.service.app import Countersign
from engine.store import snapshots
from engine.warehouse.dataset import Dataset
from engine.warehouse.lists import ROW_NUMBER, Reading, import_csv
from tests.acceptance.email_case import base, handed_off
from tests.acceptance.offices import in_force
from tests.support import ROOT

SHIPPED = (ROOT / "definitions/hillstrom-email-case.yaml").read_text()
COUNTED = (
    SHIPPED[: SHIPPED.index("\nevaluation:")].replace("version: 1\n", "version: 2\n", 1)
    + """
evaluation:
  at: [14d]
  metrics: [reach, response, conversion, revenue, {rate: retained}, {uplift: {of: conversion}}, {uplift: {of: revenue}}]
  close: {need: report_signed_by_submitter}
"""
)
HEADINGS = "customer,kind,at,value,currency,reference,how,confirmed_at,confirmation"
TARGET = tuple(n for n in range(1, 901) if n % 3)
CONTROL = tuple(n for n in range(1, 901) if n % 3 == 0)


def counted(app: Countersign, folder: Path, *, control: int = 300) -> str:
    """The id of such a case that was handed off; only the first so many of every third customer are its control."""
    lines, kept = base().splitlines(), 0
    for n, line in enumerate(lines):
        if "No E-Mail" in line:
            kept += 1
            lines[n] = line if kept <= control else line.replace("No E-Mail", "Mens E-Mail")
    file = folder / "counted.csv"
    file.write_text("\n".join(lines) + "\n")
    dataset = Dataset(app.settings.data)
    imported = import_csv(dataset, "customers", file, Reading(ROW_NUMBER, types={"customer": "text"}))
    dataset.replace("customers", imported.table)
    in_force(app, load(COUNTED))
    return handed_off(app, 900 - control)


def bought(customers: Iterable[int], at: datetime, *, value: str = "10.00", currency: str = "") -> str:
    """Rows of conversions with how they were confirmed."""
    moment = at.isoformat()
    return "".join(
        f"{one},conversion,{moment},{value},{currency},{moment}-{one},sms,{moment},c-{one}\n" for one in customers
    )


def frozen_at(app: Countersign, case_id: str) -> datetime:
    """When its list was frozen, which is before anything was sent."""
    with app.db.read() as tx:
        snapshot = snapshots.newest(tx, case_id)
    assert snapshot is not None
    return snapshot.frozen_at
