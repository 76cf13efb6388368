"""What stands in deploy/ fits the program: deployments load, commands exist, settings are known, units are units."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from engine.cli.main import NOUNS
from engine.settings import Settings
from flows.serve import FLOWS, NAME
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))
KNOWN = {f"COUNTERSIGN_{name.upper()}" for name in Settings.model_fields}
PROGRAM = "/opt/countersign/.venv/bin/"


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(DEPLOY / name)
    return loaded


def is_there(command: list[str]) -> bool:
    """Whether our program has such a command, or Python such a module."""
    program, *rest = command
    match program:
        case "countersign":
            return rest[0] in NOUNS
        case "python":
            return rest[0] == "-c" or importlib.util.find_spec(rest[1]) is not None
        case _:
            return program == "prefect" and rest[:2] == ["server", "start"]


def test_the_deployments_of_the_work_pool_are_the_flows_and_run_as_the_launcher_runs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    deployments = read("prefect.yaml")["deployments"]
    loaded = [load_flow_from_entrypoint(one["entrypoint"]) for one in deployments]
    assert [flow.name for flow in loaded] == [flow.name for flow in FLOWS]
    for one in deployments:
        assert one["name"] != NAME  # a launcher that starts would take their runs for left over
        assert one["schedules"][0]["interval"] == Settings.model_fields["run_seconds"].default
        assert one["concurrency_limit"]["limit"] == 1
        assert one["work_pool"]["name"] == "countersign"


def test_the_processes_of_the_compose_file_are_commands_of_ours_with_settings_that_there_are() -> None:
    found = read("compose.yaml")
    services = found["services"]
    assert {"postgres", "prefect", "api", "flows", "worker"} <= set(services)
    ours = {name: one for name, one in services.items() if "command" in one}
    assert [name for name, one in ours.items() if not is_there(one["command"])] == []
    for name, one in ours.items():
        unknown = {key for key in one["environment"] if key.startswith("COUNTERSIGN_")} - KNOWN
        assert not unknown, name
        assert all(str(value) != "" for value in one["environment"].values())
    assert services["worker"]["deploy"]["replicas"] == 2
    named = {volume.split(":")[0] for one in services.values() for volume in one.get("volumes", ())}
    assert {one for one in named if not one.startswith(".")} == set(found["volumes"])
    for one in named:
        assert not one.startswith(".") or (DEPLOY / one).is_file()
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    listed = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "compose.env").read_text(), re.MULTILINE))
    assert asked == listed
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            assert all((ROOT / part).exists() for part in line.split()[1:-1]), line


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_a_command_that_there_is(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    [command] = re.findall(rf"^ExecStart={PROGRAM}(.+)$", text, re.MULTILINE)
    assert is_there(command.split())
    if shutil.which("systemd-analyze") is None:
        return
    here = {PROGRAM + command.split()[0]: sys.executable, "User=countersign": "User=root"}
    for there, instead in here.items():
        text = text.replace(there, instead)
    for line in ("EnvironmentFile=/etc/countersign.env", "WorkingDirectory=/opt/countersign"):
        assert line in text
        text = text.replace(line + "\n", "")
    name = name.replace("@", "@1")
    (tmp_path / name).write_text(re.sub(r"^(After|Wants)=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert name not in done.stderr, done.stderr


def test_the_environment_of_the_units_names_settings_that_there_are() -> None:
    names = re.findall(r"^([A-Z_]+)=", (DEPLOY / "systemd/countersign.env").read_text(), re.MULTILINE)
    assert {name for name in names if name.startswith("COUNTERSIGN_")} <= KNOWN
