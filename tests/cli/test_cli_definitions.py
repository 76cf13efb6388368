"""`countersign definitions diff`, `publish` and `list` as their author and the second person use them."""

from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.errors import InvalidDefinition, InvalidFile, NotPossible

SHIPPED = Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml"
ROLES = ("process_admin", "marketing", "head", "vp_market", "finance", "network", "service", "committee", "gm")
STAFF = """\
offices: [{code: "44", zh: 省公司, level: province}]
people:
  - {id: an, name: 安, email: an@example.org, roles: [definition_author@44]}
  - {id: bo, name: 波, email: bo@example.org, roles: [administrator@44]}
  - {id: cai, name: 蔡, email: cai@example.org, roles: [submitter@44]}
  - {id: du, name: 杜, email: du@example.org, roles: [ROLES]}
""".replace("ROLES", ", ".join(f"{role}@44" for role in ROLES))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["definitions", *arguments], catch_exceptions=False)


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", sqlite_url)
    staff = tmp_path / "staff.yaml"
    staff.write_text(STAFF)
    assert CliRunner().invoke(program, ["people", "import", str(staff)], catch_exceptions=False).exit_code == 0
    return tmp_path


def test_two_files_are_compared_without_a_database(tmp_path: Path):
    newer = tmp_path / "newer.yaml"
    newer.write_text(SHIPPED.read_text().replace('"50000.00"', '"80000.00"').replace("max: 40", "max: 50"))
    done = run("diff", str(SHIPPED), str(newer))
    assert done.stdout.splitlines() == [
        "params:",
        "  ! param city_budget: 50,000.00 -> 80,000.00",
        "proposal:",
        "    field title: max: 40 -> 50",
    ]
    told = orjson.loads(run("diff", str(SHIPPED), str(newer), "--json").stdout)
    assert [change["affects_approvers"] for change in told["changes"]] == [True, False]
    assert told["old"]["name"] == "telecom-marketing-case"
    assert run("diff", str(SHIPPED), str(SHIPPED)).stdout == ""


def test_one_person_saves_and_another_publishes(home: Path):
    assert run("publish", str(SHIPPED), "--author", "an").stdout == (
        "telecom-marketing-case version 3 is saved as a draft of an\n"
    )
    with pytest.raises(NotPossible, match="an is its author"):
        run("publish", str(SHIPPED), "--as", "an")
    done = run("publish", str(SHIPPED), "--as", "bo")
    assert done.stdout == "telecom-marketing-case version 3 is published by bo; its author is an\n"
    assert "nothing changed" in run("publish", str(SHIPPED), "--as", "bo").stdout
    (row,) = [line.split() for line in run("list").stdout.splitlines() if line.startswith("telecom")]
    assert row[1:5] == ["3", "published", "an", "bo"]
    newer = home / "newer.yaml"
    newer.write_text(SHIPPED.read_text().replace("\nversion: 3\n", "\nversion: 4\n"))
    assert run("diff", "telecom-marketing-case@3", str(newer)).stdout == "head:\n    version: 3 -> 4\n"


def test_a_role_that_nobody_holds_is_refused_at_its_line_by_check_and_publish(home: Path):
    wrong = home / "wrong.yaml"
    wrong.write_text(SHIPPED.read_text().replace("role:network@city", "role:netwrok@city"))
    line = next(n for n, text in enumerate(wrong.read_text().splitlines(), 1) if "netwrok" in text)
    said = f":{line}:16: E606 nobody in the organisation holds the role netwrok (did you mean network?)"
    assert run("check", str(wrong)).exit_code == 0
    for named in ("database", str(home / "staff.yaml")):
        done = run("check", str(wrong), "--organisation", named)
        assert (done.exit_code, f"{wrong}{said}" in done.stdout) == (1, True)
    with pytest.raises(InvalidFile, match=r"there is no file nowhere\.yaml"):
        run("check", str(wrong), "--organisation", "nowhere.yaml")
    with pytest.raises(InvalidFile, match=r"there is no case database .*none\.db"):
        run("check", str(wrong), "--organisation", f"sqlite:///{home}/none.db")
    assert not (home / "none.db").exists()
    run("publish", str(wrong), "--author", "an")
    with pytest.raises(InvalidDefinition, match="E606 nobody in the organisation holds the role netwrok"):
        run("publish", str(wrong), "--as", "bo")
    assert "published" not in run("list").stdout.splitlines()[1]


def test_publishing_tells_for_which_offices_a_role_is_vacant(home: Path):
    more = home / "more.yaml"
    more.write_text(
        '{offices: [{code: "4401", zh: 东市, level: city, parent: "44"}], '
        "people: [{id: lu, name: 陆, email: lu@example.org, roles: [submitter@4401]}]}"
    )
    CliRunner().invoke(program, ["people", "import", str(more)], catch_exceptions=False)
    run("publish", str(SHIPPED), "--author", "an")
    done = run("publish", str(SHIPPED), "--as", "bo")
    told = [line for line in done.stderr.splitlines() if "W808" in line]
    assert any(
        "role:finance@city for cases of 44 省公司, 4401 东市: 杜 (du) is asked, by role:process_admin" in line
        for line in told
    )


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say who acts"),
        (["--author", "nobody"], "there is no active person 'nobody'"),
        (["--author", "cai"], "cai may not write definitions"),
        (["--as", "bo"], "nobody saved telecom-marketing-case version 3 as a draft"),
    ],
)
def test_who_acts_must_be_named_and_allowed(arguments: list[str], says: str):
    with pytest.raises(InvalidFile, match=says):
        run("publish", str(SHIPPED), *arguments)


@pytest.mark.usefixtures("home")
def test_a_version_that_is_not_there_is_told():
    with pytest.raises(InvalidFile, match="the case database has no telecom-marketing-case version 9"):
        run("diff", "telecom-marketing-case@9", str(SHIPPED))


def test_a_simulation_names_the_chain_the_people_and_the_deadlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    given = ("--given", "budget=80000", "reach=9000", "discount=0.8", "channels=sms,hall")
    done = run("simulate", str(SHIPPED), *given, "--at", "2026-03-02T09:00")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("submitted 2026-03-02 09:00 (Mon) by a county; people are invented")
    assert (
        "route row 2 holds: form.budget > params.city_budget || form.discount < params.low_discount -> to_city" in lines
    )
    assert "  approve county_head (head@county, any): head@county, by 2026-03-05 09:00 (Thu)" in lines
    told = orjson.loads(run("simulate", str(SHIPPED), *given, "--json").stdout)
    assert (told["route"], told["invented_people"], told["form"]["channels"]) == ("to_city", True, ["sms", "hall"])


@pytest.mark.usefixtures("home")
def test_a_simulation_in_an_office_asks_its_real_people():
    given = ("--given", "budget=80000", "reach=9000", "discount=0.8")
    done = run("simulate", str(SHIPPED), *given, "--office", "44")
    assert "submitted" in done.stdout
    assert "by 蔡 of office 44" in done.stdout
    with pytest.raises(InvalidFile, match=r"no office '99'.*there are: 44"):
        run("simulate", str(SHIPPED), *given, "--office", "99")
    with pytest.raises(InvalidFile, match="write --given budget=80000"):
        run("simulate", str(SHIPPED), "--given", "budget")
