"""Every count explained: exclusions of every kind, the answer for one customer, control groups, balance, the sample."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import mean, variance
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from engine.audience.grouping import EVERYBODY, HoldoutInForce
from engine.audience.waterfall import Slot
from engine.cli.main import app as program
from engine.errors import InvalidDefinition, SelectionFailed
from engine.warehouse import describing
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import Frozen, freeze, verify
from engine.warehouse.job import Job
from engine.warehouse.run import Limits
from engine.warehouse.why import of_frozen, why
from tests.warehouse.explained_by_hand import NAMES, NUMBER, PLAN, One, by_hand, compiled, dataset_of, id_of

LIMITS = Limits(threads=2, seconds=60)
people = st.builds(
    One,
    arpu=st.none() | st.integers(20, 120),
    age=st.none() | st.integers(10, 60),
    agrees=st.sampled_from([True, True, True, False, None]),
    home=st.sampled_from([None, "h1", "h2", "h3"]),
    black=st.integers(0, 9).map(lambda n: n == 0),
    uploaded=st.booleans(),
    told=st.sampled_from([None, None, None, "flow-10g", "flow-20g", "voice-300"]),
)
EVERY_KIND = [
    One(),
    One(arpu=10),
    One(black=True, agrees=None),
    One(told="flow-20g"),
    One(told="voice-300"),
    One(age=None),
    One(home="h1", arpu=60),
    One(home="h1", arpu=90),
    One(home="h1", arpu=None, uploaded=True),
    One(home="h1", arpu=99, agrees=False),
    *[One(arpu=90)] * 12,
]


def frozen(dataset: Dataset, folder: Path, plan: dict[str, Any] | None = None, **more: Any) -> Frozen:
    return freeze(dataset, dataset.current(), compiled(dataset, plan, **more), folder, limits=LIMITS)[0]


def rows_of(found: Frozen) -> dict[str, tuple[str, str]]:
    return {row["customer"]: (row["arm"], row["cell"]) for batch in found.batches() for row in batch.to_pylist()}


@settings(max_examples=6)
@given(st.lists(people, max_size=40))
def test_every_kind_of_exclusion_removes_whom_it_removes_by_hand(everyone: list[One]) -> None:
    with TemporaryDirectory() as scratch:
        found = frozen(dataset_of(Path(scratch) / "data", everyone), Path(scratch) / "r1")
        expected = by_hand(everyone)
        stay = {customer: said for customer, said in expected.items() if said[0] in ("target", "control")}
        assert rows_of(found) == stay
        cube = found.manifest.counts
        for name in NAMES:
            assert cube.alone(name) == sum(name in said for said in expected.values())
        assert [row.out for row in cube.waterfall(NAMES[::-1])][-1] == cube.arm("target")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Frozen]:
    folder = tmp_path_factory.mktemp("asked")
    dataset = dataset_of(folder / "data", EVERY_KIND)
    return dataset, frozen(dataset, folder / "r1")


def test_the_answer_for_one_customer_is_what_the_selection_did(asked: tuple[Dataset, Frozen]) -> None:
    dataset, found = asked
    for customer, said in by_hand(EVERY_KIND).items():
        answer = why(dataset, found.folder, of_frozen(found), customer, limits=LIMITS)
        assert answer.agrees
        if said[0] in ("target", "control"):
            assert (answer.outcome, answer.cell) == said
            assert (answer.draw < answer.threshold) == (answer.outcome == "control")
        elif said == ("not_in_source",):
            assert answer.outcome == "not_in_source" and not any(holds for _, holds in answer.parts)
        else:
            assert answer.outcome == "removed"
            assert tuple(one.name for one in answer.removals) == said


def test_the_answer_shows_which_case_which_reason_and_who_of_the_household_stays(asked: tuple[Dataset, Frozen]) -> None:
    dataset, found = asked

    def of(number: int) -> Any:
        return why(dataset, found.folder, of_frozen(found), id_of(number), limits=LIMITS)

    black, told, at_home = of(2), of(3), of(6)
    assert black.removals[0].shown[0].values == {"reason": "complaint"}
    shown = next(one for one in told.removals if one.name == "contacted_30d_family").shown[0].values
    assert shown == {"case_number": NUMBER, "at": "2026-10-27T00:00:00+00:00", "offer": "flow-20g"}
    assert at_home.removals[-1].name == "household" and at_home.kept == id_of(7)
    assert [(part.kind, part.text, holds) for part, holds in told.parts] == [
        ("union", "", True),
        ("rule", "c.arpu >= 38", True),
        ("list", "upload", False),
    ]


def test_a_phone_finds_its_customer_and_nobody_else_is_found(asked: tuple[Dataset, Frozen]) -> None:
    dataset, found = asked
    by_phone = why(dataset, found.folder, of_frozen(found), "13800130002", limits=LIMITS)
    assert by_phone.customer == id_of(2)
    for wanted in ("", "nobody", "' OR 1=1 --", "138****0002", "x" * 5000):
        assert why(dataset, found.folder, of_frozen(found), wanted, limits=LIMITS).outcome == "unknown"


def test_a_list_without_its_rules_says_so(asked: tuple[Dataset, Frozen]) -> None:
    _, found = asked
    old = replace(found, manifest=msgspec.structs.replace(found.manifest, asking=None))
    with pytest.raises(SelectionFailed, match="frozen before"):
        of_frozen(old)


def test_the_manifest_names_the_version_of_the_holdout(asked: tuple[Dataset, Frozen]) -> None:
    held_out = asked[1].manifest.holdout
    assert held_out is not None and (held_out.version, held_out.share) == (3, "0.2")
    assert held_out.customers == sum("holdout" in said for said in by_hand(EVERY_KIND).values()) > 0


def test_the_sample_shows_ten_masked_members_and_no_whole_number(asked: tuple[Dataset, Frozen]) -> None:
    _, found = asked
    members = found.manifest.sample
    assert len(members) == min(10, found.manifest.rows) > 3
    assert {one.shown["name"] for one in members} == {"欧**"}
    assert all(one.customer.startswith("C0****") and one.shown["phone"].startswith("138****0") for one in members)
    written = (found.folder / "manifest.json").read_text()
    assert "13800130" not in written and "C0000" not in written and "欧阳" not in written
    assert verify(found.folder) == found.manifest


@pytest.fixture
def many(tmp_path: Path) -> Dataset:
    return dataset_of(
        tmp_path / "data", [One(arpu=90 if n % 40 == 0 else 40 + n % 40, age=20 + n % 30) for n in range(4000)]
    )


def control_of(found: Frozen) -> set[str]:
    return {customer for customer, (arm, _) in rows_of(found).items() if arm == "control"}


def test_a_smaller_control_group_and_a_smaller_holdout_lie_within_the_larger(many: Dataset, tmp_path: Path) -> None:
    plain = PLAN | {"remove": []}
    shares = ["5%", "10%", "25%"]
    groups = [control_of(frozen(many, tmp_path / s, plain | {"control": {"share": s}})) for s in shares]
    assert groups[0] < groups[1] < groups[2]
    left = []
    for share in ("0.02", "0.05"):
        held = HoldoutInForce(1, Decimal(share), "own")
        left.append(set(rows_of(frozen(many, tmp_path / share, plain | {"remove": ["holdout"]}, holdout=held))))
    assert left[1] < left[0]


def test_without_a_holdout_in_force_nobody_is_held_out(many: Dataset, tmp_path: Path) -> None:
    manifest = frozen(many, tmp_path / "r1", PLAN | {"remove": ["holdout"]}, holdout=None).manifest
    assert manifest.counts.alone("holdout") == 0 and manifest.holdout is None


def test_every_cell_has_its_minimum_in_the_control_group(many: Dataset, tmp_path: Path) -> None:
    plain = PLAN | {"remove": [], "control": {"share": "5%"}}
    without = frozen(many, tmp_path / "r1", plain)
    asked = frozen(many, tmp_path / "r2", plain | {"control": {"share": "5%", "min_per_cell": 30}})
    assert without.manifest.cells["high"][1] < 30 == asked.manifest.cells["high"][1]
    assert without.manifest.cells["base"] == asked.manifest.cells["base"]
    assert control_of(without) < control_of(asked)
    customer = next(
        c for c, said in rows_of(asked).items() if said == ("control", "high") and c not in control_of(without)
    )
    answer = why(many, asked.folder, of_frozen(asked), customer, limits=LIMITS)
    assert answer.agrees and answer.outcome == "control"
    with pytest.raises(SelectionFailed, match=r"cell high needs 3000 customers, 100 are left"):
        frozen(many, tmp_path / "r3", plain | {"control": {"share": "5%", "min_per_cell": 3000}})


def test_balance_is_the_standardised_difference_of_means(many: Dataset, tmp_path: Path) -> None:
    found = frozen(many, tmp_path / "r1", PLAN | {"remove": [], "control": {"assigned": "c.age < 30 && c.arpu < 60"}})
    arpu = {id_of(n): float(90 if n % 40 == 0 else 40 + n % 40) for n in range(4000)}
    sides: dict[str, list[float]] = {"target": [], "control": []}
    for customer, (arm, _) in rows_of(found).items():
        sides[arm].append(arpu[customer])
    target, control = sides["target"], sides["control"]
    expected = (mean(target) - mean(control)) / ((variance(target) + variance(control)) / 2) ** 0.5
    said = {one.field: one for one in found.manifest.balance}
    assert said.keys() == {"arpu", "age", "sms_consent"} and found.manifest.balanced == 4000
    assert said["arpu"].difference == pytest.approx(expected)
    assert said["sms_consent"].difference == 0.0


def by_hand_apart(target: list[float], control: list[float]) -> float:
    return (mean(target) - mean(control)) / ((variance(target) + variance(control)) / 2) ** 0.5


def test_balance_is_told_of_each_cell_from_the_same_read(many: Dataset, tmp_path: Path) -> None:
    control = {"assigned": "c.age < 30 && c.arpu < 60 || c.arpu == 90 && c.age < 40"}
    found = frozen(many, tmp_path / "r1", PLAN | {"remove": [], "control": control})
    age = {id_of(n): float(20 + n % 30) for n in range(4000)}
    of = {
        (arm, cell): [age[c] for c, said in rows_of(found).items() if said == (arm, cell)]
        for arm, cell in [(arm, cell) for arm in ("target", "control") for cell in ("high", "base")]
    }
    said = found.manifest.balance_of_cells
    assert said.keys() == {"high", "base"}
    for cell, one in said.items():
        assert (one.target, one.control) == (len(of["target", cell]), len(of["control", cell]))
        (told,) = (field for field in one.fields if field.field == "age")
        assert told.difference == pytest.approx(by_hand_apart(of["target", cell], of["control", cell]))
    (whole,) = (field for field in found.manifest.balance if field.field == "age")
    both = [of[arm, "high"] + of[arm, "base"] for arm in ("target", "control")]
    assert whole.difference == pytest.approx(by_hand_apart(*both))


def test_of_a_long_list_a_part_is_read_and_small_cells_whole() -> None:
    job = msgspec.convert(
        {"tables": {}, "empty": {}, "sql": "", "threshold": "", "control_min": 0, "folder": "", "spill": "",
         "memory_limit": "", "threads": 1, "parent": 0, "is_drawn": True, "measured": ["arpu"]}, Job)  # fmt: skip
    with duckdb.connect() as db:
        db.execute("CREATE TABLE customers AS SELECT 'C' || n AS customer, n % 100 AS arpu FROM range(400000) AS r(n)")
        db.execute(
            "CREATE TABLE selected AS SELECT 0 AS bits, customer, CASE WHEN arpu < 98 THEN 'many' WHEN arpu = 98 THEN"
            " 'few' END AS cell, substr(md5('s:' || customer), 1, 8) AS draw FROM customers WHERE arpu < 99"
        )
        slots = [Slot(0, "many", "target", 392_000), Slot(0, "few", "target", 4_000)]
        count, whole, cells = describing.balance(
            db, job, "CASE WHEN draw < '8' THEN 'control' ELSE 'target' END", slots
        )
    assert 195_000 < count < 205_000 and abs(whole[0].difference or 1) < 0.02
    assert cells["few"].target + cells["few"].control == 4_000 and cells["few"].fields[0].difference == 0.0
    assert 195_000 < cells["many"].target + cells["many"].control <= count


def test_nothing_is_balanced_without_a_control_group(many: Dataset, tmp_path: Path) -> None:
    manifest = frozen(many, tmp_path / "r1", PLAN | {"remove": [], "control": None}).manifest
    assert (manifest.balance, manifest.balanced) == ((), 0)


def test_an_unknown_consent_and_a_missing_family_are_told(many: Dataset) -> None:
    with pytest.raises(InvalidDefinition, match="agreed to sma"):
        compiled(many, PLAN | {"remove": [{"consent": "sma"}]})
    from engine.warehouse.subjects import subject_of

    unknown = subject_of(many, many.current(), offers=("no-such",))
    with pytest.raises(InvalidDefinition, match="the family of the case, which it does not state"):
        compiled(many, PLAN | {"remove": [{"contacted_within": "30d", "similar": "family"}]}, subject=unknown)


def test_the_child_and_the_plan_agree_on_a_threshold_above_every_draw() -> None:
    assert describing.EVERYBODY == EVERYBODY
    assert describing.behind("ffffffff") == EVERYBODY and describing.behind("0000000f") == "00000010"


def test_the_command_answers_for_one_customer(asked: tuple[Dataset, Frozen]) -> None:
    dataset, found = asked
    command = ["audience", "why", str(found.folder), id_of(2), "--data", str(dataset.folder)]
    said = CliRunner().invoke(program, command)
    assert said.exit_code == 0, said.output
    assert "removed by blacklist (Blacklist)" in said.output and "reason complaint" in said.output
    answer = json.loads(CliRunner().invoke(program, [*command, "--json"]).output)
    assert (answer["outcome"], answer["agrees"]) == ("removed", True)
    assert CliRunner().invoke(program, ["audience", "why", str(found.folder.parent), "x"]).exit_code != 0
