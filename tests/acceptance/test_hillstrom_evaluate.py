"""`countersign evaluate` on real outcome files, as a process: published figures to the digit, clear refusals."""

import csv
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import shared

METRICS = ("--metric", "visit=visit:rate", "--metric", "conversion=conversion:rate", "--metric", "spend=spend:mean")


def countersign(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `countersign evaluate` and wait."""
    program = [sys.executable, "-m", "engine.cli.main", "evaluate", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)


def hillstrom() -> Path:
    return shared("data/hillstrom/hillstrom.csv.gz")


def answer(*arguments: str | Path) -> dict[str, Any]:
    done = countersign(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return answer(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS)


def test_every_lift_equals_the_independent_publication(report: dict[str, Any]) -> None:
    arms = {**report["arms"], "Any E-Mail": report["total"]}
    with shared("data/hillstrom/reference_lift.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    for row in rows:
        found = arms[row["arm"]]["metrics"][row["metric"]]
        assert arms[row["arm"]]["n"] == int(row["n_treated"])
        assert report["control"]["n"] == int(row["n_control"])
        assert report["control"]["metrics"][row["metric"]]["value"] == pytest.approx(
            float(row["control_mean"]), rel=1e-12
        )
        for name, column in (("value", "treated_mean"), ("lift", "lift_abs"), ("relative_lift", "lift_rel")):
            assert found[name] == pytest.approx(float(row[column]), rel=1e-11)
        assert found["ci"] == pytest.approx([float(row["ci95_low"]), float(row["ci95_high"])], rel=1e-10)
        assert found["p"] == pytest.approx(float(row["p_two_sided"]), rel=1e-8)


def test_the_figures_of_the_data_page_come_out_as_printed(report: dict[str, Any]) -> None:
    mens, womens = report["arms"]["Mens E-Mail"]["metrics"], report["arms"]["Womens E-Mail"]["metrics"]

    def printed(metric: dict[str, Any]) -> tuple[str, ...]:
        return tuple(f"{figure:.6f}" for figure in (metric["lift"], *metric["ci"]))

    assert f"{report['control']['metrics']['visit']['value']:.6f}" == "0.106167"
    assert printed(mens["visit"]) == ("0.076590", "0.069953", "0.083226")
    assert printed(womens["visit"]) == ("0.045233", "0.038894", "0.051573")
    assert f"{mens['conversion']['lift']:.6f}" == "0.006805"
    assert f"{womens['conversion']['lift']:.6f}" == "0.003111"
    assert printed(mens["spend"]) == ("0.769827", "0.485149", "1.054505")
    assert printed(womens["spend"]) == ("0.424412", "0.168965", "0.679860")
    assert (round(report["srm"]["chi2"], 5), round(report["srm"]["p"], 4)) == (0.20253, 0.9037)


def test_each_interval_names_its_method_and_a_second_opinion(report: dict[str, Any]) -> None:
    metrics = report["arms"]["Mens E-Mail"]["metrics"]
    assert {name: metric["method"] for name, metric in metrics.items()} == {
        "visit": "wald", "conversion": "wald", "spend": "welch",
    }  # fmt: skip
    assert metrics["visit"]["others"]["newcombe"] == pytest.approx(metrics["visit"]["ci"], abs=1e-5)
    assert metrics["spend"]["others"]["bootstrap"] == pytest.approx(metrics["spend"]["ci"], abs=0.03)
    assert report["verdict"] == "works"


def test_profit_is_the_lift_in_money_minus_the_cost_of_contact() -> None:
    priced = ("--cost-per-contact", "0.10", "--value-per", "spend=0.5")
    found = answer(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS, *priced)
    mens = found["arms"]["Mens E-Mail"]
    expected = 21307 * (mens["metrics"]["spend"]["lift"] * 0.5 - 0.10)
    assert mens["profit"] == pytest.approx(expected, abs=0.01)
    assert mens["profit_ci"][0] < mens["profit"] < mens["profit_ci"][1]


def test_a_lift_that_costs_more_than_it_brings_is_a_loss() -> None:
    priced = ("--cost-per-contact", "5", "--value-per", "spend=1")
    found = answer(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS, *priced)
    assert found["verdict"] == "loses_money"
    assert found["arms"]["Mens E-Mail"]["profit"] < 0


def test_without_the_json_option_a_table_speaks() -> None:
    done = countersign(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS)
    assert done.returncode == 0, done.stderr
    assert "Mens E-Mail" in done.stdout
    assert "chi2 0.20253, p 0.9037" in done.stdout
    assert "Works: visit: 16.70% of 42,694 target customers" in done.stdout


def test_uplift_is_refused_where_no_control_group_is_named() -> None:
    done = countersign(shared("data/uci_bank/bank-full.csv.gz"), "--arm", "contact", "--metric", "y=y:rate", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "refused without a control group" in done.stderr
    assert "cellular" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arm", "segmnt", "--control", "No E-Mail", "--metric", "v=visit:rate"), "did you mean segment?"),
        (("--arm", "segment", "--control", "No Email", "--metric", "v=visit:rate"), "did you mean 'No E-Mail'?"),
        (("--arm", "segment", "--control", "No E-Mail", "--metric", "v=visits:rate"), "did you mean visit?"),
        (("--arm", "segment", "--control", "No E-Mail", "--metric", "v=spend:rate"), "neither 0 nor 1"),
        (("--arm", "segment", "--control", "No E-Mail", "--metric", "v=channel:mean"), "not numeric"),
    ],
)
def test_wrong_names_end_in_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = countersign(hillstrom(), *arguments, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--metric", "visit=visit"),
        ("--metric", "visit=visit:rate", "--metric", "visit=spend:mean"),
        ("--metric", "visit=visit:rate", "--value-per", "spend=1"),
        ("--metric", "visit=visit:rate", "--value-per", "visit=much"),
        ("--metric", "visit=visit:rate", "--cost-per-contact", "-1"),
    ],
)
def test_options_that_make_no_sense_are_told(arguments: tuple[str, ...]) -> None:
    done = countersign(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *arguments)
    assert done.returncode == 2
    assert "Invalid value" in done.stderr


def test_a_broken_split_blocks_the_verdict(tmp_path: Path) -> None:
    lines = [f"a,{n % 10 == 0:d}" for n in range(6000)] + [f"c,{n % 20 == 0:d}" for n in range(5000)]
    file = tmp_path / "outcomes.csv"
    file.write_text("arm,bought\n" + "\n".join(lines) + "\n")
    asked = (file, "--arm", "arm", "--control", "c", "--metric", "bought=bought:rate")
    assert answer(*asked)["verdict"] == "sample_ratio"
    assert answer(*asked, "--share", "a=6", "--share", "c=5")["verdict"] == "works"


def test_subgroups_are_warned_of_and_corrected_and_tested_for_a_difference() -> None:
    found = answer(
        hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS, "--by", "newbie", "--by", "channel"
    )
    tables = {(table["by"], table["arm"], table["metric"]): table for table in found["subgroups"]}
    assert len(tables) == 2 * 2 * 3
    mens = tables["newbie", "Mens E-Mail", "visit"]
    assert [row["value"] for row in mens["rows"]] == ["0", "1"]
    assert sum(row["n"] for row in mens["rows"]) == found["arms"]["Mens E-Mail"]["n"]
    rows = [row for table in tables.values() for row in table["rows"]]
    assert all(row["p"] <= row["p_holm"] <= 1 for row in rows)
    assert min(row["p_holm"] for row in rows) == pytest.approx(min(row["p"] for row in rows) * len(rows))
    assert tables["newbie", "Womens E-Mail", "conversion"]["interaction"]["p"] == pytest.approx(0.0084, abs=5e-4)


def test_p_values_are_corrected_over_every_metric_of_every_arm(report: dict[str, Any]) -> None:
    metrics = [metric for arm in (*report["arms"].values(), report["total"]) for metric in arm["metrics"].values()]
    assert report["family"] == len(metrics) == 9
    largest = max(metrics, key=lambda metric: metric["p"])
    assert largest["p_holm"] == pytest.approx(largest["p"])
    smallest = min(metrics, key=lambda metric: metric["p"])
    assert smallest["p_holm"] == pytest.approx(smallest["p"] * 9)
    assert all(metric["relative_ci"][0] < metric["relative_lift"] < metric["relative_ci"][1] for metric in metrics)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Works: visit: 16.70% of 42,694"), ("zh", "有效：到访：42,694 户")]
)
def test_the_page_stands_alone_with_its_drawings_tables_and_formulas(tmp_path: Path, language: str, said: str) -> None:
    page = tmp_path / "report.html"
    asked = ("--arm", "segment", "--control", "No E-Mail", *METRICS, "--by", "newbie", "--value-per", "spend=1")
    done = countersign(hillstrom(), *asked, "--html", page, "--language", language)
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert said in text and said in done.stdout
    digest = hashlib.sha256(hillstrom().read_bytes()).hexdigest()
    assert digest in text and "Fieller" in text and "Cochran" in text
    assert text.count("<circle ") == 9 + 2 * 2 * 3
    assert text.count("<details") == 3 + 6
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", text)


def test_costs_may_differ_by_arm() -> None:
    priced = ("--cost-per-contact", "0.10", "--cost-per-contact", "Mens E-Mail=0.20", "--value-per", "spend=1")
    found = answer(hillstrom(), "--arm", "segment", "--control", "No E-Mail", *METRICS, *priced)
    assert {name: arm["cost"] for name, arm in found["arms"].items()} == {
        "Mens E-Mail": 4261.40, "Womens E-Mail": 2138.70,
    }  # fmt: skip
    assert found["total"]["cost"] == 6400.10


ROWS = "arm,bought,paid,got\n" + "".join(
    f"{'c' if n % 2 else 'a'},{n % 10 < (3 if n % 2 else 5):d},{n % 7 if n % 5 else ''},{n % 40 == 1:d}\n"
    for n in range(800)
)
BOUGHT = ("--metric", "bought=bought:rate", "--metric", "paid=paid:mean")


def in_file(folder: Path, text: str) -> tuple[str | Path, ...]:
    file = folder / "outcomes.csv"
    file.write_text(text)
    return (file, "--arm", "arm", "--control", "c", *BOUGHT)


def test_the_page_is_never_written_over_the_file_that_is_judged(tmp_path: Path) -> None:
    asked = in_file(tmp_path, ROWS)
    done = countersign(*asked, "--html", asked[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "is the file to judge" in done.stderr
    assert Path(asked[0]).read_text() == ROWS


def test_blanks_are_unknown_and_counted(tmp_path: Path) -> None:
    found = answer(*in_file(tmp_path, ROWS))
    paid = found["arms"]["a"]["metrics"]["paid"]
    assert (paid["n"], paid["unknown"], found["arms"]["a"]["metrics"]["bought"]["unknown"]) == (320, 80, 0)


def test_a_control_group_that_was_messaged_is_counted_and_withholds_the_verdict(tmp_path: Path) -> None:
    asked = (*in_file(tmp_path, ROWS), "--messaged", "got")
    warned = answer(*asked)
    assert (warned["control"]["messaged"], warned["verdict"]) == (20, "works")
    assert "contaminated_control" in warned["warnings"]
    withheld = answer(*asked, "--messaged-at-most", "0.04")
    assert withheld["sentence"].startswith("Cannot be judged because 20 of 400 control customers (5.0%) were messaged")


def test_a_control_group_of_three_gives_no_verdict(tmp_path: Path) -> None:
    few = "arm,bought,paid\n" + "a,1,2\n" * 400 + "c,0,1\n" * 3
    found = answer(*in_file(tmp_path, few), "--share", "a=400", "--share", "c=3")
    assert found["verdict"] == "too_small"
    assert "3 in the control group; each group needs at least 30" in found["sentence"]


def test_the_uplift_of_the_bank_is_refused_whatever_column_is_named() -> None:
    for arm in ("poutcome", "month"):
        done = countersign(shared("data/uci_bank/bank-full.csv.gz"), "--arm", arm, "--metric", "y=y:rate")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Uplift is refused without a control group" in done.stderr
