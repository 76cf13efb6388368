"""What the evaluation of a case says of its customers: each step of the funnel, by part, and what is no success."""

import csv
import html
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from api.app import create_app
from engine.service import cases, evaluating
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.service.stage_views import EvaluationView
from engine.service.verdicts import verdict_sentence
from engine.store import moves, waves
from engine.store.session import Database
from engine.store.tables import recipients
from tests.acceptance.counted_case import CONTROL, HEADINGS, TARGET, bought, counted, frozen_at
from tests.acceptance.offices import key, opened, viewer
from tests.api.desk import Desk


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def told(app: Countersign, case_id: str, *rows: str) -> tuple[str, ...]:
    """Import what customers did; the reasons of the rows that were left out."""
    file = "\n".join([HEADINGS, "".join(rows)])
    return tuple(str(row) for row in import_responses(app, viewer(app, "wangmin"), case_id, file.encode()).bad)


def evaluated(app: Countersign, case_id: str) -> EvaluationView:
    evaluating.evaluate(app, case_id, "14d", True, key())
    (found,) = cases.case_page(app, viewer(app, "wangmin"), case_id).evaluations
    return found


def steps(found: EvaluationView) -> dict[str, tuple[int | None, int]]:
    return {row.name: (row.count, row.of) for row in (*found.funnel, *found.apart)}


def test_who_bought_before_the_send_stands_apart_and_is_no_success(app: Countersign, tmp_path: Path) -> None:
    case_id = counted(app, tmp_path)
    before, after = frozen_at(app, case_id), app.now()
    early, late = bought([*TARGET[:20], *CONTROL[:9]], before), bought([*TARGET[15:75], *CONTROL[5:15]], after)
    assert told(app, case_id, early, late) == ()
    found = evaluated(app, case_id)
    seen = steps(found)
    assert (seen["sent"], seen["delivered"], seen["converted"]) == ((600, 600), (600, 600), (60, 600))
    assert seen["converted_before"] == seen["responded_before"] == (15, 75)  # five of twenty bought again
    assert seen["control_before"] == (9, 15)
    lift = next(row for row in found.uplift if row.metric == "conversion" and row.arm == "total")
    assert (lift.value, lift.control_value) == (pytest.approx(0.1), pytest.approx(10 / 300))
    assert "before_send" in found.warnings
    assert found.revenue == Decimal("600.00")


def test_who_kept_it_is_of_those_of_whom_it_is_known_else_not_measured(app: Countersign, tmp_path: Path) -> None:
    case_id = counted(app, tmp_path)
    told(app, case_id, bought(TARGET[:60], app.now()))
    assert steps(evaluated(app, case_id))["retained"] == (None, 60)
    known = "customer,retained\n" + "".join(
        f"{one},{int(one in TARGET[:30])}\n" for one in (*TARGET[:40], *TARGET[80:90])
    )
    import_responses(app, viewer(app, "wangmin"), case_id, known.encode())
    evaluating.evaluate(app, case_id, "30d", False, key())
    later = cases.case_page(app, viewer(app, "wangmin"), case_id).evaluations[-1]
    assert steps(later)["retained"] == (30, 40)


def test_waves_channels_cells_and_offices_each_hold_every_message(app: Countersign, tmp_path: Path) -> None:
    case_id = counted(app, tmp_path)
    told(app, case_id, bought(TARGET[:60], app.now()))
    found = evaluated(app, case_id)
    for by in ("wave", "channel", "cell", "office"):
        rows = [row for row in found.parts if row.by == by]
        assert sum(row.planned for row in rows) == sum(row.sent for row in rows) == 600, by
        assert sum(row.delivered for row in rows) == 600, by
        assert sum(row.converted for row in rows) == sum(row.responded for row in rows) == 60, by
    assert {row.name: row.converted for row in found.parts if row.by == "cell"} == {"mens": 30, "womens": 30}
    (office,) = [row for row in found.parts if row.by == "office"]
    assert office.label.zh and office.label.en


def test_page_rest_and_file_say_the_same_numbers(app: Countersign, tmp_path: Path) -> None:
    case_id = counted(app, tmp_path)
    told(
        app, case_id, bought([*TARGET[:45], *CONTROL[:7]], frozen_at(app, case_id)), bought(TARGET[100:190], app.now())
    )
    found = evaluated(app, case_id)
    with Desk(create_app(app)) as desk:
        desk.sign_in("wangmin")
        page = desk.get(f"/cases/{case_id}?tab=evaluation").text
        file = desk.get(f"/cases/{case_id}?tab=evaluation&format=csv")
        (rest,) = desk.get(f"/api/v1/cases/{case_id}/evaluation").json()["evaluations"]
        for form in ("xlsx", "parquet"):
            assert (
                desk.get(f"/cases/{case_id}?tab=evaluation&format={form}").headers["x-rows"] == file.headers["x-rows"]
            )
        label = quote(found.label)
        chart = f"/cases/{case_id}?tab=evaluation&label={label}&chart="
        assert f"{chart}funnel&format=svg&look=wide" in html.unescape(page)
        funnel, lift = (desk.get(f"{chart}{key}&format=svg") for key in ("funnel", "lift-conversion"))
        again = desk.get(f"/cases/{case_id}?tab=evaluation&chart=funnel&format=svg")  # the newest, without its name
        absent = [
            f"{chart}lift-nothing&format=svg",
            f"{chart}&format=png",
            f"/cases/{case_id}?tab=evaluation&label=none&chart=funnel&format=svg",
            f"/cases/{case_id}?tab=history&chart=funnel&format=svg",
        ]
        assert [desk.get(each).status_code for each in absent] == [404] * 4
    with Desk(create_app(app)) as stranger:
        stranger.sign_in("zhaoying")  # a clerk, who sees no cases
        for each in ("format=csv", "chart=funnel&format=svg", "chart=lift-conversion&format=png"):
            assert stranger.get(f"/cases/{case_id}?tab=evaluation&{each}").status_code == 404
    ids = re.compile(rb"clip\d+")
    assert ids.sub(b"", again.content) == ids.sub(b"", funnel.content)
    number = cases.case_page(app, viewer(app, "wangmin"), case_id).row.number
    assert f'filename="{number}-evaluation-{found.label}-funnel.svg"' in funnel.headers["content-disposition"]
    (whole,) = [row for row in found.uplift if (row.arm, row.metric) == ("total", "conversion")]
    written = set(re.findall(r"<text[^>]*>([^<]*)", lift.text))
    assert f"{whole.lift * 100:+.2f}  n {whole.n}" in written
    for row in found.funnel:
        assert row.count is None or f"{row.count:,}" in re.findall(r"<text[^>]*>([^<]*)", funnel.text), row.name
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    counts = {(row["section"], row["figure"]): (row["count"], row["of"]) for row in rows}
    for section in ("funnel", "apart"):
        for step in rest[section]:
            count = "" if step["count"] is None else str(step["count"])
            assert counts[section, step["name"]] == (count, str(step["of"]))
            said = "not measured" if step["count"] is None else f"{step['count']:,} of {step['of']:,}"
            assert said in page
    assert [row["name"] for row in rest["funnel"]] == [row.name for row in found.funnel]
    lifts = {(row["group"], row["figure"]): row["lift"] for row in rows if row["section"] == "lift"}
    assert {(row["arm"], row["metric"]): float(row["lift"]) for row in rest["uplift"]} == {
        place: pytest.approx(float(lift)) for place, lift in lifts.items()
    }
    assert verdict_sentence(found).en in page
    said = next(row["meaning"] for row in rows if row["section"] == "verdict")
    assert verdict_sentence(found).en in said or verdict_sentence(found).zh in said
    assert next(row["amount"] for row in rows if (row["section"], row["figure"]) == ("money", "revenue")) == str(
        found.revenue
    )


def test_without_a_message_that_left_nothing_is_judged_and_everything_came_before(
    app: Countersign, tmp_path: Path
) -> None:
    case_id = counted(app, tmp_path)
    with app.db.begin() as tx:
        tx.execute(sa.update(recipients).where(recipients.c.case_id == case_id).values(state="suppressed"))
        for wave in waves.of_case(tx, case_id):
            moves.exchange(tx, wave.id, {("delivered", "suppressed"): wave.audience})
    told(app, case_id, bought(TARGET[:60], app.now()))
    found = evaluated(app, case_id)
    assert found.verdict == "not_sent"
    assert (steps(found)["sent"], steps(found)["delivered"]) == ((0, 600), (0, 0))
    assert (steps(found)["converted"], steps(found)["converted_before"]) == ((0, 0), (60, 60))
    assert "no message left for any of the 600 target customers" in verdict_sentence(found).en


@pytest.mark.parametrize(("control", "verdict"), [(0, "no_control"), (3, "sample_ratio")])
def test_no_control_and_a_control_of_three_are_refused_with_what_to_do(
    app: Countersign, tmp_path: Path, control: int, verdict: str
) -> None:
    case_id = counted(app, tmp_path, control=control)
    told(app, case_id, bought(TARGET[:60], app.now()))
    found = evaluated(app, case_id)
    assert found.verdict == verdict
    with Desk(create_app(app)) as desk:
        desk.sign_in("wangmin")
        page = desk.get(f"/cases/{case_id}?tab=evaluation").text
    assert "Cannot be judged because" in page
    assert "What to do" in page


def test_money_of_another_currency_is_left_out_and_revenue_that_nobody_knows_is_said(
    app: Countersign, tmp_path: Path
) -> None:
    case_id = counted(app, tmp_path)
    bad = told(app, case_id, bought(TARGET[:2], app.now(), currency="EUR"), bought(TARGET[2:60], app.now(), value=""))
    assert len(bad) == 2
    assert "line 2, column currency: 'EUR' is not the currency of the case, USD" in bad[0]
    found = evaluated(app, case_id)
    assert (found.revenue, found.profit) == (None, None)
    assert "revenue_unknown" in found.warnings
    with Desk(create_app(app)) as desk:
        desk.sign_in("wangmin")
        assert "not known" in desk.get(f"/cases/{case_id}?tab=evaluation").text


def test_a_day_alone_is_some_time_of_that_day_so_what_was_sent_on_it_came_before(
    app: Countersign, tmp_path: Path
) -> None:
    case_id = counted(app, tmp_path)
    day = app.now().astimezone(app.settings.zone).date().isoformat()
    told(app, case_id, f"1,response,{day},,,,,,\n")
    found = evaluated(app, case_id)
    assert steps(found)["responded"] == (1, 600)
    assert found.apart == ()
