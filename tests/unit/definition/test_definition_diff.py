"""What differs between two versions is told in the words of the file, and what may change who approves is marked."""

import pytest

from engine.definition.diff import Change, diff
from engine.definition.load import load


def changes(small: str, *replacements: str) -> tuple[Change, ...]:
    text = small
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return diff(load(small), load(text))


@pytest.mark.parametrize(
    ("old", "new", "message", "affects"),
    [
        ('"100.00"', '"80000.00"', "param limit: 100.00 -> 80,000.00", True),
        ("version: 1", "version: 2", "version: 1 -> 2", False),
        ("head@county", "head@city", "step head (chain long): asks head@city instead of head@county", True),
        (
            'who: "head@county"}',
            'who: "head@county", when: "form.budget > 5"}',
            "step head (chain long): asked only when form.budget > 5 (was: always)",
            True,
        ),
        ("en: Head}", "en: The head}", "step head (chain long): label.en: Head -> The head", False),
        (
            "    goal: {type: longtext, label: {zh: 目标, en: Goal}}\n",
            "",
            "field goal removed",
            False,
        ),
        ("material: [budget]", "material: [budget, title]", "proposal.material: with title", True),
        (
            'who: "role:finance@city"}',
            'who: "role:finance@city", decide: {mode: all}}',
            "step finance (block both): decide.mode: any -> all",
            True,
        ),
        ("remind: [1wd]", "remind: [2wd]", "default timeout.remind: with 2wd; without 1wd", False),
        ("    timeout:", "    bulk: never\n    timeout:", "default bulk: confidential false -> never", False),
        ("at: 3wd", "at: 5wd", "default timeout.at: 3wd -> 5wd", True),
        (
            "form.budget > params.limit",
            "form.budget >= params.limit",
            "route row 1: when form.budget >= params.limit use long "
            "instead of when form.budget > params.limit use long",
            True,
        ),
        (
            '    - {when: "form.budget > params.limit", use: long}\n',
            '    - {when: "form.budget > params.limit", use: long}\n    - {when: "form.budget > 7", use: long}\n',
            "route row 2 added: when form.budget > 7 use long",
            True,
        ),
        (
            "      - {use: both}\n",
            '      - {use: both}\n      - {copy: reader, label: {zh: 阅, en: Reader}, who: "head@city"}\n',
            "chain long: step reader added, asks head@city",
            True,
        ),
    ],
)
def test_each_change_is_one_line_in_the_words_of_the_definition(
    small: str, old: str, new: str, message: str, affects: bool
):
    (change,) = changes(small, old, new)
    assert (change.message, change.affects_approvers) == (message, affects)


def test_what_says_the_same_is_no_difference(small: str):
    written_out = (
        "timeout: {remind: [1wd], at: 3wd}",
        "timeout: {remind: [1wd], at: 3wd, max: 1}\n    self: next_level_up",
    )
    assert changes(small, *written_out) == ()
    assert diff(load(small), load(f"# a comment\n{small}")) == ()


def test_the_order_of_steps_is_a_difference(small: str):
    head = '      - {approve: head, label: {zh: 经理, en: Head}, who: "head@county"}\n'
    (change,) = changes(small, f"{head}      - {{use: both}}\n", f"      - {{use: both}}\n{head}")
    assert change.message == "chain long: in the order both, head"
    assert change.affects_approvers


def test_a_chain_that_includes_a_changed_one_is_named_too(small: str):
    through = small.replace("use: long}", "use: longest}").replace(
        "    long:\n", "    longest:\n      - {include: long}\n    long:\n"
    )
    found = diff(load(through), load(through.replace("head@county", "head@city")))
    assert [change.message for change in found] == [
        "step head (chain long): asks head@city instead of head@county",
        "chain longest changes with what it includes (long)",
    ]


def test_changes_come_in_the_order_of_the_sections(small: str):
    found = changes(small, "head@county", "head@city", '"100.00"', '"101.00"', "version: 1", "version: 2")
    assert [change.section for change in found] == ["head", "params", "approval"]


def test_guarantees_are_compared_as_sentences(small: str) -> None:
    before = small + 'guarantees:\n  - {never: filed, when: "form.budget > 100"}\n  - {always: every case ends}\n'
    after = small + 'guarantees:\n  - {always: every case ends}\n  - {never: approved, before: "head approved"}\n'
    assert [change.message for change in diff(load(before), load(after))] == [
        "guarantee removed: never filed when form.budget > 100",
        "guarantee added: never approved before head approved",
    ]
