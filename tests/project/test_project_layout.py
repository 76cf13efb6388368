"""The repository keeps the promises that its readers rely on."""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "api", "flows", "notifications", "definitions")
TOP = {
    "flows", "engine", "api", "definitions", "notifications", "tests", "pyproject.toml", "README.md",
    "benchmarks", "docs", "deploy", "Makefile", ".ci", "constraints.txt", "CHANGELOG.md", ".gitignore",
}  # fmt: skip


def test_no_installed_distribution_ships_one_of_our_top_level_names():
    clashes = {
        distribution.name
        for distribution in metadata.distributions()
        if distribution.name != "countersign"
        for file in distribution.files or ()
        if file.parts[0] in PACKAGES and len(file.parts) > 1
    }
    assert not clashes


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_no_module_has_grown_past_what_one_can_hold_in_mind():
    long = {
        str(path.relative_to(ROOT)): count
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 450
    }
    assert not long


def test_every_public_module_says_why_it_exists():
    silent = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.read_text().strip() and not path.read_text().lstrip().startswith(('"""', "#!"))
    ]
    assert silent == []
