"""What a submitter sees beside a form before sending it: customers counted on a real base, the budget, what clashes."""

import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape

import duckdb
import pytest

from engine.service.app import Countersign
from engine.warehouse.dataset import Dataset
from tests.api.cases import FORM, decide, drafted, submitted
from tests.api.desk import Desk
from tests.support import ROOT

Desks = Callable[..., Desk]
BASE = "((arpu >= 38 AND tenure_months > 6) OR (data_gb >= 8 AND tenure_months > 6))"


@pytest.fixture
def customers(app: Countersign) -> list[str]:
    """The files of 20,000 customers as the demo has them, in the application's dataset."""
    program = [sys.executable, str(ROOT / "deploy/dev/customers.py"), "--customers", "20000"]
    subprocess.run([*program, "--data", str(app.settings.data)], check=True, capture_output=True, cwd=ROOT)
    dataset = Dataset(app.settings.data)
    return [str(path) for path in dataset.paths(dataset.current().tables["customers"])]


def counted(files: list[str], where: str) -> int:
    """What a query of one's own says."""
    ((found,),) = duckdb.read_parquet(files).filter(where).aggregate("count(*)").limit(1).fetchall()
    return int(found)


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_the_preview_counts_real_customers_and_names_what_runs_at_the_same_time(
    app: Countersign, desk: Desks, customers: list[str]
) -> None:
    other = submitted(app, title="Another with SMS")
    decide(app, "liguoqiang")
    quiet = submitted(app, title="In another month", window=["2027-02-01", "2027-02-28"])
    mine, me = drafted(app), desk("wangmin")
    form = f"/cases/{mine}/edit"
    page = me.fill_in(form, form, **FORM, action="count")
    assert page.status_code == 200
    said = plain(page.text.partition('aria-labelledby="estimate"')[2])
    (target, control) = (
        int(one.replace(",", ""))
        for one in re.findall(r"([\d,]+) customers would get the message, ([\d,]+) would be held back", said)[0]
    )
    rows = me.get(f"/api/v1/cases/{mine}/estimate").json()
    assert (rows["target"], rows["control"], rows["failed"]) == (target, control, "")
    waterfall = {row["name"]: row for row in rows["waterfall"]}
    assert waterfall["base"]["out"] == counted(customers, BASE)
    parts = {part["text"]: part for part in rows["parts"]}
    heavy = counted(customers, "data_gb >= 8 AND tenure_months > 6")
    assert [part["customers"] for text, part in parts.items() if "data_gb" in text] == [heavy]
    assert rows["parts"][0]["customers"] == rows["parts"][-1]["after"] == waterfall["base"]["out"]
    assert waterfall["no_consent"]["alone"] == counted(customers, f"{BASE} AND NOT sms_consent")
    assert waterfall["in_arrears"]["alone"] == counted(customers, f"{BASE} AND in_arrears")
    for row in rows["waterfall"]:
        assert row["entered"] - row["removed"] == row["out"]
        assert f"{row['out']:,}" in said or f"{row['removed']:,}" in said
    last = [row["out"] for row in rows["waterfall"] if row["name"] not in ("target", "control", "holdout")][-1]
    assert target + control == last
    assert control >= 300
    assert 0 < target < waterfall["base"]["out"] < 20_000
    preview = plain(page.text.partition('id="preview"')[2])
    assert "The office has no budget of its own here" in preview
    assert "Another with SMS" in preview
    assert f"/cases/{other}" in page.text
    assert f"/cases/{quiet}" not in page.text
    assert "In another month" not in preview
    assert "Who will approve" in page.text and "李国强" in page.text


def test_what_was_typed_stays_and_a_rule_that_reads_the_form_counts_with_it(
    app: Countersign, desk: Desks, customers: list[str]
) -> None:
    mine, me = drafted(app), desk("wangmin")
    form = f"/cases/{mine}/edit"
    targets = []
    for offer in ("flow-10g", "broadband-500"):  # who has a conflicting offer, or was told of its like, is left out
        page = me.fill_in(form, form, **FORM | {"offer": offer, "title": f"Kept {offer}"}, action="count")
        assert f'value="Kept {offer}"' in page.text
        targets.append(me.get(f"/api/v1/cases/{mine}/estimate").json()["target"])
    assert targets[0] != targets[1]
    assert desk("liguoqiang").get(f"/api/v1/cases/{mine}/estimate").status_code == 404
    assert customers
