"""The client example of the documentation, against a real server of its own process."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from engine.cli.demo.people import PASSWORD

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "client" / "client.py"


@pytest.fixture
def address(staffed: Path, tmp_path: Path) -> Iterator[str]:
    """Where a server serves a fresh copy of the staffed database."""
    shutil.copy(staffed, tmp_path / "case.db")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    ours = {"COUNTERSIGN_HOME": str(tmp_path), "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path / 'case.db'}"}
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "api", "--port", "0"], env=kept | ours, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("ready ").strip()
        server.terminate()
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_client_starts_submits_decides_waits_and_verifies(
    address: str, example: ModuleType, capsys: pytest.CaptureFixture[str]
):
    example.main(address, "wangmin", "liguoqiang", PASSWORD)
    told = capsys.readouterr().out
    assert "liguoqiang decides at County head: approve" in told
    assert "verified: 440111-" in told
    with example.Client(address, "wangmin", PASSWORD) as office, pytest.raises(example.Refused) as refused:
        office.submit(office.start("telecom-marketing-case"), {"budget": "much"})
    assert refused.value.status == 422
    assert {"budget", "title"} <= {one["at"] for one in refused.value.problems}
