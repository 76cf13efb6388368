"""`countersign evaluate` on real outcome files, as a process: published figures to the digit, clear refusals."""

import csv
import json
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
    assert "The case works" in done.stdout


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
