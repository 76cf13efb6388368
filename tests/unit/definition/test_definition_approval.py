"""What a chain comes down to: blocks and included chains in place, defaults inherited."""

from pathlib import Path

from engine.definition.load import load
from engine.definition.steps import Approve, Countersign, File, Timeout

ROOT = Path(__file__).resolve().parents[3]
TELECOM = load((ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8"))


def test_a_chain_shows_its_steps_in_order_with_the_block_in_place() -> None:
    names = [step.name for step in TELECOM.approval.steps("to_city")]
    assert names == ["county_head", "city_countersign", "city_vp", "province_register", "finance_copy"]


def test_an_included_chain_comes_without_what_is_dropped() -> None:
    names = [step.name for step in TELECOM.approval.steps("to_province")]
    assert names == ["county_head", "city_countersign", "city_vp", "finance_copy", "committee", "province_gm"]


def test_steps_and_branches_inherit_the_defaults() -> None:
    head, both, *_ = TELECOM.approval.steps("to_city")
    assert isinstance(head, Approve)
    assert isinstance(both, Countersign)
    for step in (head, *both.branches):
        assert isinstance(step.timeout, Timeout)
        assert [str(remind) for remind in step.timeout.remind] == ["1wd", "2wd"]
        assert step.self_ == "next_level_up"
        assert step.empty is not None
        assert step.empty.assign == "role:process_admin"
    assert both.needed == 3


def test_a_chain_that_only_files_is_told_from_one_that_approves() -> None:
    assert TELECOM.approval.only_files("file_city")
    assert not TELECOM.approval.only_files("to_city")
    (register,) = TELECOM.approval.steps("file_city")
    assert isinstance(register, File)
    assert register.objection is not None
    assert str(register.objection.window) == "2wd"


def test_a_step_is_shown_by_its_label() -> None:
    assert TELECOM.approval.steps("to_city")[0].title.in_language("zh") == "县公司经理"
