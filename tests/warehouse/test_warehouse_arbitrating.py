"""An arbitration over lists: earlier contacts count once, scores order, the files say who lost to whom."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import parse_one

from engine.audience.allocating import Contender, Contest
from engine.audience.policy import Approach, ContactPolicy
from engine.errors import SelectionFailed
from engine.warehouse import contacts
from engine.warehouse.arbitrating import PERMITS_SCHEMA, Taken, Wish, allot, score_of, write_lost
from engine.warehouse.child import LIST_SCHEMA
from engine.warehouse.dataset import Dataset
from engine.warehouse.job import Allotted, Loss
from engine.warehouse.run import Limits
from tests.warehouse.explained_by_hand import AS_OF, One, dataset_of, id_of
from tests.warehouse.selecting_by_hand import written_by_an_earlier_release

SMS = Approach("sms")
WEEKLY = ContactPolicy.model_validate({"caps": [{"most": 1, "within": "7d"}]})
NOW = AS_OF.astimezone(UTC).replace(tzinfo=None)
ARPU = parse_one("c.arpu")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Ten customers whose ARPU is 0, 10, 20 ...; customer 9 has none."""
    people = [One(arpu=10 * n if n < 9 else None) for n in range(10)]
    made = dataset_of(tmp_path_factory.mktemp("arbitrated") / "data", people)
    told = [(0, 2, "sms", "N-1"), (1, 20, "sms", "N-1"), (2, 2, "sms", "N-2")]
    rows = [
        {"customer": id_of(n), "at": NOW - timedelta(days=days), "channel": channel, "case_number": number}
        for n, days, channel, number in told
    ]
    written_by_an_earlier_release(made, pa.Table.from_pylist(rows, schema=contacts.SCHEMA))
    known = [
        {"customer": id_of(n), "at": NOW - timedelta(days=20), "case_number": "N-5", "purpose": purpose}
        for n, purpose in ((5, "service"), (6, "marketing"))
    ]
    contacts.append(made, pa.Table.from_pylist(known, schema=contacts.SCHEMA))
    return made


def listed(path: Path, *customers: int, arm: str = "target") -> Path:
    rows = [{"customer": id_of(n), "cell": "all", "arm": arm} for n in customers]
    pq.write_table(pa.Table.from_pylist(rows, schema=LIST_SCHEMA), path)
    return path


def allotted(
    dataset: Dataset,
    folder: Path,
    contest: Contest,
    *wishes: Wish,
    taken: tuple[Taken, ...] = (),
    permits: tuple[tuple[int, str], ...] = (),
    **more: Any,
) -> Allotted:
    folder.mkdir(exist_ok=True)
    held = [
        {"customer": id_of(n), "number": number, "channel": "sms", "purpose": "marketing", "category": "", "at": NOW}
        for n, number in permits
    ]
    pq.write_table(pa.Table.from_pylist(held, schema=PERMITS_SCHEMA), folder / "permits.parquet")
    return allot(
        dataset,
        dataset.current(),
        contest,
        wishes,
        taken=taken,
        permits=folder / "permits.parquet",
        at=datetime.fromisoformat(AS_OF.isoformat()),
        folder=folder,
        limits=Limits(threads=2, **{"seconds": 60, **more}),
    )


def contest_of(*priorities: int, policy: ContactPolicy = WEEKLY, room: tuple[tuple[str, int], ...] = ()) -> Contest:
    return Contest(tuple(Contender(f"c{n}", SMS, one) for n, one in enumerate(priorities)), policy, room)


def lost(folder: Path, place: int, numbers: list[str]) -> set[tuple[str, str, str]]:
    write_lost(folder, folder / "arbitration.parquet", place, numbers)
    return {tuple(row.values()) for row in pq.read_table(folder / "arbitration.parquet").to_pylist()}


def test_a_contact_counts_once_wherever_it_stands(dataset: Dataset, tmp_path: Path) -> None:
    two_a_week = ContactPolicy.model_validate({"caps": [{"most": 2, "within": "7d"}]})
    frozen = listed(tmp_path / "frozen.parquet", 0, 2, 3, 4)
    found = allotted(
        dataset,
        tmp_path / "run",
        contest_of(0, policy=two_a_week),
        Wish(listed(tmp_path / "a.parquet", 0, 1, 2, 3, 4), "a"),
        taken=(Taken(frozen, "N-2", SMS),),
        # 0 was reached by N-1, stands in the permits for it as well, and N-2 is on its way: twice.
        # 2 was reached by N-2 already; 4 holds a contact of N-2 and has another of N-3: twice.
        permits=((0, "N-1"), (4, "N-2"), (4, "N-3")),
    )
    assert (found.wanted, found.got) == ({0: 5}, {0: 3})
    assert lost(tmp_path / "run", 0, ["X"]) == {(id_of(0), "", "contacts"), (id_of(4), "", "contacts")}


def test_a_contact_counts_for_its_purpose_and_one_without_for_every_purpose(dataset: Dataset, tmp_path: Path) -> None:
    caps = [{"most": 1, "within": "30d", "purpose": purpose} for purpose in ("service", "marketing")]
    policy = ContactPolicy.model_validate({"caps": caps})
    contest = Contest((Contender("c0", Approach("sms", "service")), Contender("c1", SMS)), policy)
    wishes = [Wish(listed(tmp_path / f"{name}.parquet", 1, 5, 6), name) for name in "ab"]
    allotted(dataset, tmp_path / "run", contest, *wishes)
    assert lost(tmp_path / "run", 0, ["A", "B"]) == {(id_of(1), "", "contacts"), (id_of(5), "", "contacts")}
    assert lost(tmp_path / "run", 1, ["A", "B"]) == {(id_of(1), "", "contacts"), (id_of(6), "", "contacts")}


def test_the_higher_score_gets_the_customer_and_the_loser_is_told_which_case_won(
    dataset: Dataset, tmp_path: Path
) -> None:
    wishes = (
        Wish(listed(tmp_path / "a.parquet", 3, 4, 5, 9), "a", ARPU),
        Wish(listed(tmp_path / "b.parquet", 3, 4, 5, 9), "b", parse_one("100 - c.arpu * 2")),
        Wish(listed(tmp_path / "c.parquet", 5), "c"),
    )
    found = allotted(dataset, tmp_path / "run", contest_of(1, 1, 2), *wishes)
    assert found.got[0] + found.got[1] == 3 and found.got[2] == 1
    (of_a, of_b) = (lost(tmp_path / "run", place, ["A", "B", "C"]) for place in (0, 1))
    assert {(id_of(3), "B", "score"), (id_of(5), "C", "priority")} <= of_a
    assert {(id_of(4), "A", "score"), (id_of(5), "C", "priority")} <= of_b
    (by_draw,) = (of_a | of_b) - {(id_of(5), "C", "priority"), (id_of(3), "B", "score"), (id_of(4), "A", "score")}
    assert by_draw[0] == id_of(9) and by_draw[2] == "draw"
    kept = [score_of(tmp_path / "run", place, id_of(n)) for place, n in ((0, 4), (1, 4), (2, 5))]
    assert kept == [40.0, None, None]  # the second lost the customer, the third has no score
    assert score_of(tmp_path / "no such run", 0, id_of(4)) is None


def test_what_the_channel_carries_goes_to_the_highest_scores(dataset: Dataset, tmp_path: Path) -> None:
    wish = Wish(listed(tmp_path / "a.parquet", 3, 4, 5, 6), "a", ARPU)
    found = allotted(dataset, tmp_path / "run", contest_of(0, room=(("sms", 3),)), wish)
    assert found.losses == (Loss(0, -1, "room", 1),)
    assert lost(tmp_path / "run", 0, ["A"]) == {(id_of(3), "", "room")}


def test_twice_is_the_same_digest_and_another_priority_another(dataset: Dataset, tmp_path: Path) -> None:
    wishes = tuple(Wish(listed(tmp_path / f"{name}.parquet", *range(3, 9)), name) for name in "ab")
    first, again, other = (
        allotted(dataset, tmp_path / f"run{n}", contest_of(one, 1), *wishes) for n, one in enumerate((1, 1, 2))
    )
    assert first.digest == again.digest != other.digest
    assert other.got == {0: 6} and other.losses == (Loss(1, 0, "priority", 6),)


def test_a_run_that_takes_too_long_is_stopped(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SelectionFailed, match="longer than"):
        allotted(dataset, tmp_path / "run", contest_of(0), Wish(listed(tmp_path / "a.parquet", 1), "a"), seconds=0.01)
