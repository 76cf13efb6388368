"""Live counts: every part of a source and what is left after it equal plain Python, and the newest count wins."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CountOvertaken, CountsBusy, InvalidForm, NoCustomers, NotFound
from engine.service import counting
from engine.service.app import Countersign
from engine.service.turns import Turns
from tests.acceptance.offices import opened, viewer
from tests.warehouse.explained_by_hand import One, dataset_of

PEOPLE = [
    One(
        arpu=None if n % 10 == 9 else n % 100,
        age=None if n % 7 == 0 else 10 + n % 60,
        agrees=[True, False, None][n % 3],
        uploaded=n % 4 == 0,
    )
    for n in range(500)
]
Holds = Callable[[One], bool]
RICH: Holds = lambda one: one.arpu is not None and one.arpu >= 38  # noqa: E731
OLD: Holds = lambda one: one.age is not None and one.age >= 40  # noqa: E731
AGREES: Holds = lambda one: one.agrees is True  # noqa: E731
LISTED: Holds = lambda one: one.uploaded  # noqa: E731
RULES: dict[str, tuple[dict[str, Any], Holds]] = {
    "rich": ({"rule": "c.arpu >= 38"}, RICH),
    "old": ({"rule": "c.age >= 40"}, OLD),
    "agrees": ({"rule": "c.sms_consent"}, AGREES),
    "listed": ({"list": "upload"}, LISTED),
}


@pytest.fixture
def app(staffed: Path, tmp_path: Path) -> Iterator[Countersign]:
    path = tmp_path / "case.db"
    path.write_bytes(staffed.read_bytes())
    with opened(f"sqlite:///{path}", tmp_path, shipped=False) as application:
        dataset_of(application.settings.data, PEOPLE)
        yield application


def number(holds: Holds) -> int:
    return sum(map(holds, PEOPLE))


def test_each_part_and_what_is_left_after_it_equals_plain_python(app: Countersign):
    either = {"union": [RULES["old"][0], RULES["listed"][0]]}
    found = counting.count(app, viewer(app, "wangmin"), {"intersect": [RULES["rich"][0], either, RULES["agrees"][0]]})
    one_of: Holds = lambda one: OLD(one) or LISTED(one)  # noqa: E731
    all_of: Holds = lambda one: RICH(one) and one_of(one) and AGREES(one)  # noqa: E731
    assert (found.everybody, found.customers, found.is_estimate) == (500, number(all_of), True)
    assert [(part.depth, part.kind, part.customers, part.after) for part in found.parts] == [
        (0, "intersect", number(all_of), number(all_of)),
        (1, "rule", number(RICH), number(RICH)),
        (1, "union", number(one_of), number(lambda one: RICH(one) and one_of(one))),
        (2, "rule", number(OLD), number(OLD)),
        (2, "list", number(LISTED), number(one_of)),
        (1, "rule", number(AGREES), number(all_of)),
    ]


@pytest.mark.parametrize(
    ("kind", "second", "all_three"),
    [
        ("union", lambda a, b: a or b, lambda a, b, c: a or b or c),
        ("intersect", lambda a, b: a and b, lambda a, b, c: a and b and c),
        ("except", lambda a, b: a and not b, lambda a, b, c: a and not b and not c),
    ],
)
def test_the_number_after_a_part_is_that_of_the_parts_so_far(
    app: Countersign, kind: str, second: Callable[..., bool], all_three: Callable[..., bool]
):
    source = {kind: [RULES["rich"][0], RULES["old"][0], RULES["listed"][0]]}
    found = counting.count(app, viewer(app, "wangmin"), source)
    assert [part.after for part in found.parts[1:]] == [
        number(RICH),
        number(lambda one: second(RICH(one), OLD(one))),
        number(lambda one: all_three(RICH(one), OLD(one), LISTED(one))),
    ]
    assert found.parts[-1].after == found.customers


def test_many_conditions_are_counted_as_few_are(app: Countersign):
    source = {"intersect": [{"rule": f"c.age != {n}"} for n in range(100, 112)] + [RULES["rich"][0]]}
    found = counting.count(app, viewer(app, "wangmin"), source)
    known = number(lambda one: one.age is not None)
    assert [part.customers for part in found.parts[1:]] == [known] * 12 + [number(RICH)]
    assert found.customers == number(lambda one: one.age is not None and RICH(one))


def test_every_problem_of_a_source_is_told_and_a_statement_only_taken_from_authors(app: Countersign):
    with pytest.raises(InvalidForm) as told:
        counting.count(app, viewer(app, "wangmin"), {"union": [{"rule": "c.arpuu > 1"}, {"list": "uplod"}]})
    assert [problem.code for problem in told.value.problems] == ["E303", "E207"]
    with pytest.raises(InvalidForm):
        counting.count(app, viewer(app, "wangmin"), {"magic": "c.arpu"})
    statement = {"sql": "select customer from customers where arpu >= 38"}
    with pytest.raises(InvalidForm) as told:
        counting.count(app, viewer(app, "wangmin"), statement)
    assert [problem.code for problem in told.value.problems] == ["source.sql"]
    assert counting.count(app, viewer(app, "machao"), statement).customers == number(RICH)


def test_who_neither_starts_cases_nor_writes_definitions_counts_nothing(app: Countersign):
    with pytest.raises(NotFound):
        counting.count(app, viewer(app, "liguoqiang"), RULES["rich"][0])


def test_without_customers_it_says_so(staffed: Path, tmp_path: Path):
    (tmp_path / "case.db").write_bytes(staffed.read_bytes())
    with opened(f"sqlite:///{tmp_path / 'case.db'}", tmp_path, shipped=False) as app, pytest.raises(NoCustomers):
        counting.count(app, viewer(app, "wangmin"), RULES["rich"][0])


def test_a_newer_count_of_the_same_person_ends_the_older_one(app: Countersign):
    endless = {"sql": "select a.customer from customers a where a.arpu in (select b.arpu + c.arpu * d.arpu "
               "from customers b, customers c, customers d where b.age = c.age and c.age = d.age)"}  # fmt: skip
    author, ended = viewer(app, "machao"), []

    def older() -> None:
        try:
            counting.count(app, author, endless)
        except CountOvertaken as error:
            ended.append(error)

    thread = threading.Thread(target=older)
    thread.start()
    deadline = time.monotonic() + 20
    while not list(app.settings.data.glob(".count-*/.spill-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    assert counting.count(app, author, RULES["rich"][0]).customers == number(RICH)
    thread.join(20)
    assert len(ended) == 1 and time.monotonic() - began < 15
    assert not list(app.settings.data.glob(".count-*"))


def test_a_server_that_counts_for_others_says_so_and_is_free_again_afterwards():
    turns = Turns(most=1, patience=0.05)
    with turns.turn("first"), pytest.raises(CountsBusy), turns.turn("second"):
        raise AssertionError("it was not its turn")
    with turns.turn("second"):
        pass
