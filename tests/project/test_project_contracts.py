"""The import contracts hold, and planted violations are seen to fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

VIOLATIONS = {
    "engine/machine/planted.py": "import sqlalchemy\n",
    "engine/expr/planted.py": "from engine.store import tables\n",
    "engine/audience/planted.py": "from engine.delivery import plan\n",
    "engine/planted/__init__.py": '"""A package nobody placed."""\n',
    "api/planted.py": "from engine.store import cases\n",
    "notifications/planted.py": "import fastapi\n",
    "flows/planted.py": "import apprise\n",
    "engine/service/planted.py": "import prefect\n",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    for package in ("engine", "api", "flows", "notifications", "definitions"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = [
        sys.executable,
        "-c",
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as c; c()",
    ]
    return subprocess.run([*program, "--no-cache"], check=False, cwd=folder, capture_output=True, text=True)


def test_the_contracts_hold(copy: Path):
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("place", VIOLATIONS)
def test_a_planted_violation_breaks_a_contract(copy: Path, place: str):
    planted = copy / place
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(VIOLATIONS[place])
    try:
        done = lint(copy)
    finally:
        planted.unlink()
        if place == "engine/planted/__init__.py":
            shutil.rmtree(planted.parent)
    assert done.returncode == 1
    assert "broken" in done.stdout


def test_the_dataset_is_opened_with_what_seals_addresses() -> None:
    """A dataset without its vault takes no address in and shows none; only `dataset_of` opens one in the product."""
    product = [path for part in ("engine/service", "engine/cli", "api") for path in (ROOT / part).rglob("*.py")]
    opened = [str(path) for path in product if re.search(r"(?<![\w.])Dataset\(", path.read_text("utf-8"))]
    assert [path.removeprefix(f"{ROOT}/") for path in opened] == ["engine/service/sealing.py"]
