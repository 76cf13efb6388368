"""`countersign data` and `countersign audience` as an analyst and a script use them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import shared

TELCO = """
audience:
  source: {rule: "c.Contract == 'Month-to-month' && c.InternetService == 'Fiber optic' && c.MonthlyCharges >= 80"}
  remove: [blacklist, {rule: "c.TotalCharges < 500", name: small}]
  cells: {high: "c.MonthlyCharges >= 100", base: "true"}
  control: {share: 10%, min: 100}
"""


def countersign(*arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "engine.cli.main", *arguments]
    settings = os.environ | (environment or {})
    return subprocess.run(command, capture_output=True, text=True, check=False, env=settings)


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("telco")
    file = str(shared("data/telco/telco_customer_churn.csv.gz"))
    done = countersign("data", "import", "customers", file, "--key", "customerID", "--data", str(folder))
    assert done.returncode == 0 and "7,043 rows" in done.stdout, done.stderr
    return folder


def test_the_telco_fact_comes_out_of_the_command_line(telco: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TELCO)
    run = ("audience", "run", str(tmp_path / "a.yaml"), "--data", str(telco), "--as-of", "2026-11-01", "--json")
    done = countersign(*run, "--out", str(tmp_path / "list.csv"))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["waterfall"][0] == {"name": "base", "in": 7043, "removed": 5584, "out": 1459, "alone": 5584}
    assert [row["name"] for row in result["waterfall"]] == ["base", "blacklist", "small", "control", "target"]
    assert result["target"] + result["control"] == 1202 and result["control"] >= 100
    assert result["digest"] == json.loads(countersign(*run).stdout)["digest"]
    lines = (tmp_path / "list.csv").read_text().splitlines()
    assert lines[0] == "customer,cell,arm" and len(lines) == 1 + 1202


def test_every_mistake_of_a_section_is_named_at_its_line_and_column(telco: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.yaml"
    file.write_text(
        'audience:\n  source: {union: [{rule: "c.Contrct == \'x\'"}, {sql: "select customer from custmers"}]}\n'
    )
    done = countersign("audience", "run", str(file), "--data", str(telco), "--as-of", "2026-11-01")
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert any(f"{file}:2:30: E303" in line and "did you mean Contract?" in line for line in told), told
    assert any(f"{file}:2:76: E323" in line and "did you mean customers?" in line for line in told), told


def test_a_missing_key_column_lists_the_columns_there_are(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,name\n1,a\n")
    file = str(tmp_path / "c.csv")
    done = countersign("data", "import", "customers", file, "--key", "ID", "--data", str(tmp_path / "d"))
    assert done.returncode == 1 and "no column 'ID'" in done.stderr and "id, name" in done.stderr


def test_a_dataset_without_customers_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TELCO)
    run = ("audience", "run", str(tmp_path / "a.yaml"), "--data", str(tmp_path / "none"), "--as-of", "2026-11-01")
    done = countersign(*run)
    assert done.returncode == 1 and "no customers yet" in done.stderr and "Traceback" not in done.stderr
