"""docs/settings.md and the settings are the same list."""

import re

from engine.cli.processes import prefect_settings
from engine.settings import Settings
from tests.support import ROOT

ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def test_every_setting_is_listed_with_its_default_and_its_meaning() -> None:
    fields = {f"COUNTERSIGN_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert {name: words for name, (_, words) in listed("COUNTERSIGN_").items()} == {
        name: field.description for name, field in fields.items()
    }
    for name, (default, _) in listed("COUNTERSIGN_").items():
        value = str(fields[name].get_default())
        assert default == ("" if value in ("", ".") else f"`{value}`"), name


def test_what_the_embedded_start_tells_prefect_is_listed() -> None:
    given = prefect_settings({"COUNTERSIGN_HOME": "/home"}, "http://127.0.0.1:1/api")
    shown = {name: default.strip("`").replace("home/", "/home/") for name, (default, _) in listed("").items()}
    del given["PREFECT_API_URL"]
    assert {name: shown.get(name) for name in given} == given


def test_settings_of_the_operator_stay() -> None:
    assert prefect_settings({"PREFECT_SERVER_UI_ENABLED": "true"}, "x")["PREFECT_SERVER_UI_ENABLED"] == "true"


def listed(prefix: str) -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs/settings.md").read_text()
    return {name: (default, words) for name, default, words in ROW.findall(text) if name.startswith(prefix)}
