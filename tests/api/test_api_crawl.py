"""Whoever follows the links of the pages comes to no dead end, loads little, and changes nothing by looking."""

import gzip
import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.app import create_app
from engine.service.app import Countersign
from engine.store.tables import metadata
from tests.api.crawl import crawl, kind_of
from tests.api.desk import Desk
from tests.api.house import furnish

PAGE = 60_000  # bytes, packed


LOOKS = {"case_views"}  # who looked at confidential cases: the one thing that a look writes, and is meant to


def digests(app: Countersign) -> dict[str, str]:
    """By table, one hash over all its rows; all tables but `LOOKS`."""
    with app.db.read() as tx:
        rows = {
            table.name: sorted(repr(row) for row in tx.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table.name not in LOOKS
        }
    return {name: hashlib.sha256(repr(found).encode()).hexdigest() for name, found in rows.items()}


def test_links_lead_to_pages_that_are_small_and_looking_changes_nothing(
    app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    furnish(app, tmp_path, tmp_path / "clock")
    kinds = set()
    for login in ("wangmin", "liguoqiang", "luyan", "machao", "xuwen"):
        with Desk(create_app(app)) as desk:
            desk.sign_in(login)
            before = digests(app)
            found = crawl(desk)
            assert digests(app) == before, login
            assert {address: size for address in found if (size := packed(desk, address)) > PAGE} == {}
            kinds |= {kind_of(address) for address in found}
    assert {
        "/inbox",
        "/cases",
        "/cases/new",
        "/cases/*",
        "/cases/*?tab=evaluation",
        "/tasks/*",
        "/cases/*/edit",
    } <= kinds


def packed(desk: Desk, address: str) -> int:
    """How many bytes a page takes on its way."""
    return len(gzip.compress(desk.get(address).content))
