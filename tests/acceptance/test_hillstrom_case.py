"""The real e-mail test run as a case: the figures of its publication stand in the report and on the page."""

import csv
import gzip
import re
from pathlib import Path

import pytest

from api.app import create_app
from engine.service import cases
from engine.service.responses import import_responses
from engine.warehouse.dataset import Dataset
from engine.warehouse.lists import ROW_NUMBER, Reading, import_csv
from tests.acceptance.email_case import evaluate_after, handed_off
from tests.acceptance.offices import opened, viewer
from tests.api.desk import Desk
from tests.support import shared

CELLS = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "Any E-Mail": "total"}


def test_every_figure_of_the_publication_is_in_the_report_and_on_the_page(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    rows = gzip.decompress(shared("data/hillstrom/hillstrom.csv.gz").read_bytes())
    file = tmp_path / "customers.csv"
    file.write_bytes(rows)
    with opened(sqlite_url, tmp_path / "home") as app:
        dataset = Dataset(app.settings.data)
        read = import_csv(dataset, "customers", file, Reading(ROW_NUMBER, types={"customer": "text"}))
        dataset.replace("customers", read.table)
        case_id, submitter = handed_off(app, 42_694), viewer(app, "wangmin")
        import_responses(app, submitter, case_id, rows)
        evaluate_after(app, tmp_path / "clock")
        (found,) = cases.case_page(app, submitter, case_id).evaluations
        with Desk(create_app(app)) as desk:
            desk.sign_in("wangmin", "en")
            page = desk.get(f"/cases/{case_id}?tab=evaluation").text
    lifts = {(row.arm, row.metric): row for row in found.uplift}
    with shared("data/hillstrom/reference_lift.csv").open() as published:
        reference = list(csv.DictReader(published))
    cells = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    assert len(reference) == 9
    for one in reference:
        row = lifts[CELLS[one["arm"]], one["metric"]]
        assert (row.n, row.n_control) == (int(one["n_treated"]), int(one["n_control"]))
        assert row.value == pytest.approx(float(one["treated_mean"]), rel=1e-11)
        assert row.lift == pytest.approx(float(one["lift_abs"]), rel=1e-10)
        assert row.relative_lift == pytest.approx(float(one["lift_rel"]), rel=1e-10)
        assert (row.low, row.high) == pytest.approx((float(one["ci95_low"]), float(one["ci95_high"])), rel=1e-9)
        assert row.p == pytest.approx(float(one["p_two_sided"]), rel=1e-8)
        assert row.p_holm is not None and row.p <= row.p_holm <= 9 * row.p
        times = 1 if one["metric"] == "spend" else 100
        shown = [f"{float(one[name]) * times:+.2f}".replace("-", "−") for name in ("lift_abs", "ci95_low", "ci95_high")]
        assert any(all(figure in row for figure in shown) for row in cells), (one["arm"], one["metric"], shown)
    assert (round(found.srm_chi2 or 0, 5), round(found.srm_p or 0, 4)) == (0.20253, 0.9037)
    assert "Works: visit: 16.70% of 42,694 target customers, 10.62% of 21,306 in the control group;" in page
    assert "+6.09 points, 95% interval from 5.54 to 6.63." in page
