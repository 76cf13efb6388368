"""The last contact of a customer: who asks first gets it, once, from however many processes, on both databases."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from engine.audience.policy import Approach, Contacted, ContactPolicy
from engine.service.permits import Asked, Held, take
from engine.store import permits
from engine.store.permits import Carriers
from engine.store.session import Database
from tests.store.delivering_by_hand import NOW, enter_case
from tests.support import ROOT

CUSTOMERS = [f"k{n:05}" for n in range(1000)]
ONE_A_WEEK = ContactPolicy.model_validate({"caps": [{"most": 1, "within": "7d"}]})
ZONE = ZoneInfo("Asia/Shanghai")
THIRTY_EACH = ContactPolicy.model_validate({"capacity_each": {"hall": {"by": "hall", "per_day": 30}}})
HALLS: Carriers = {customer: {"hall": f"h{n % 10}"} for n, customer in enumerate(CUSTOMERS)}
BATCH = 50


def asked(wave: str, policy: ContactPolicy = ONE_A_WEEK, channel: str = "sms") -> Asked:
    return Asked(policy, wave.partition("-")[0], wave, Approach(channel, "marketing", "flow"))


def taken(db: Database, question: Asked, customers: list[str], at: datetime = NOW, **more: Any) -> Held:
    with db.begin() as tx:
        return take(tx, question, customers, {}, at=at, zone=ZONE, **more)


@pytest.fixture
def two(db: Database) -> Database:
    """Two cases, c1 and c2."""
    with db.begin() as tx:
        enter_case(tx, "c1")
        enter_case(tx, "c2")
    return db


def compete(url: str, wave: str, direction: int, policy: ContactPolicy = ONE_A_WEEK) -> dict[str, list[str]]:
    """One process: holds all customers for its wave, batch by batch, each line printed once it is committed."""
    db = Database(url)
    held: dict[str, list[str]] = {"granted": [], "refused": []}
    for first in list(range(0, len(CUSTOMERS), BATCH))[::direction]:
        answer = taken(db, asked(wave, policy), CUSTOMERS[first : first + BATCH][::direction], of=HALLS)
        held["granted"] += answer.granted
        held["refused"] += [*(one.customer for one in answer.refused), *answer.later]
        print("batch", flush=True)
        if len(held["granted"] + held["refused"]) == BATCH:
            sys.stdin.readline()  # both have begun before either goes on
    db.close()
    return held


SCRIPT = """
import json, sys
from tests.store import test_store_permits as here
print("ready", flush=True); sys.stdin.readline()
policy = getattr(here, sys.argv[4])
print(json.dumps(here.compete(sys.argv[1], sys.argv[2], int(sys.argv[3]), policy)), flush=True)
"""


def competitor(url: str, wave: str, direction: int, policy: str = "ONE_A_WEEK") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, url, wave, str(direction), policy]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert running.stdout and running.stdout.readline() == "ready\n"
    return running


def start(*processes: subprocess.Popen[str]) -> None:
    """Let them hold a batch each, and then all go on at once."""
    for running in processes:
        assert running.stdin and running.stdout
        running.stdin.write("go\n")
        running.stdin.flush()
        assert running.stdout.readline() == "batch\n"
    for running in processes:
        assert running.stdin
        running.stdin.write("on\n")
        running.stdin.flush()


def answer_of(running: subprocess.Popen[str]) -> dict[str, list[str]]:
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0
    answer: dict[str, list[str]] = json.loads(said.splitlines()[-1])
    return answer


def held(db: Database) -> Counter[str]:
    with db.read() as tx:
        return Counter(tx.execute(sa.text("SELECT customer FROM permits")).scalars())


def test_two_waves_compete_for_the_last_contact_and_exactly_one_wins_each(two: Database, db_url: str) -> None:
    processes = [competitor(db_url, "c1-w1", 1), competitor(db_url, "c2-w1", -1)]
    start(*processes)
    one, other = (answer_of(running) for running in processes)
    assert sorted(one["granted"] + other["granted"]) == CUSTOMERS
    assert sorted(one["granted"] + other["refused"]) == sorted(one["granted"] * 2)
    assert sorted(other["granted"] + one["refused"]) == sorted(other["granted"] * 2)
    assert one["granted"] and other["granted"], "they did not compete"
    assert held(two) == Counter(CUSTOMERS)


def test_two_waves_share_what_each_hall_carries_in_a_day_and_never_exceed_it(two: Database, db_url: str) -> None:
    processes = [competitor(db_url, "c1-w1", 1, "THIRTY_EACH"), competitor(db_url, "c2-w1", 1, "THIRTY_EACH")]
    start(*processes)
    one, other = (answer_of(running) for running in processes)
    assert one["granted"] and other["granted"], "they did not compete"
    for answer in (one, other):
        assert sorted(answer["granted"] + answer["refused"]) == CUSTOMERS
    with two.read() as tx:
        assert permits.carried(tx, "hall", NOW - timedelta(hours=1)) == {f"h{n}": 30 for n in range(10)}
        assert permits.carried(tx, "hall", NOW - timedelta(hours=1), {"h3"}) == {"h3": 30}
        assert permits.carried(tx, "hall", NOW + timedelta(hours=1)) == {}


def test_a_process_killed_in_between_leaves_nothing_held_twice(two: Database, db_url: str) -> None:
    killed = competitor(db_url, "c1-w1", 1)
    start(killed)
    assert killed.stdout
    assert [killed.stdout.readline() for _ in range(2)] == ["batch\n"] * 2
    killed.kill()
    killed.communicate()
    before = held(two)
    assert 3 * BATCH <= before.total() < len(CUSTOMERS) and set(before.values()) == {1}
    again, other = competitor(db_url, "c1-w1", 1), competitor(db_url, "c2-w1", -1)
    start(again, other)
    first, second = answer_of(again), answer_of(other)
    assert set(before) <= set(first["granted"]), "what the dead process held belongs to its wave"
    assert sorted(first["granted"] + second["granted"]) == CUSTOMERS
    assert held(two) == Counter(CUSTOMERS)


def test_the_same_wave_twice_holds_once_and_what_is_given_back_is_free_for_another(two: Database) -> None:
    assert taken(two, asked("c1-w1"), CUSTOMERS[:3]).granted == tuple(CUSTOMERS[:3])
    assert taken(two, asked("c1-w1"), CUSTOMERS[:3]).granted == tuple(CUSTOMERS[:3])
    assert held(two).total() == 3
    refused = taken(two, asked("c2-w1"), CUSTOMERS[:3])
    assert not refused.granted and refused.refused[0].reached.cases == ("c1",)
    assert refused.refused[0].reason == "contact_policy: 1 in 7d"
    with two.begin() as tx:
        assert permits.release(tx, "c1-w1", CUSTOMERS[:2]) == 2
    assert taken(two, asked("c2-w1"), CUSTOMERS[:3]).granted == tuple(CUSTOMERS[:2])
    later = taken(two, asked("c2-w2"), CUSTOMERS[:3], NOW + timedelta(days=7))
    assert later.granted == tuple(CUSTOMERS[:3]), "after the period the contact is left again"


def test_what_may_have_been_sent_is_held_whatever_the_caps_say(two: Database) -> None:
    taken(two, asked("c1-w1"), CUSTOMERS[:2])
    assert taken(two, asked("c2-w1"), CUSTOMERS[:2], is_repeat=True).granted == tuple(CUSTOMERS[:2])
    assert held(two) == Counter(CUSTOMERS[:2] * 2)


def test_imported_contacts_count_and_a_finished_delivery_counts_once(two: Database) -> None:
    policy = ContactPolicy.model_validate({"caps": [{"most": 2, "within": "7d", "channel": "sms"}]})
    taken(two, asked("c1-w1", policy), CUSTOMERS[:2])
    same, foreign = Contacted(NOW, "sms", case="c1"), Contacted(NOW - timedelta(days=1), "sms", case="crm-7")
    with two.begin() as tx:
        before = {CUSTOMERS[0]: [same], CUSTOMERS[1]: [same, foreign]}
        answer = take(tx, asked("c2-w1", policy), CUSTOMERS[:2], before, at=NOW, zone=ZONE)
    assert answer.granted == (CUSTOMERS[0],)
    assert answer.refused[0].customer == CUSTOMERS[1] and answer.refused[0].reached.cases == ("c1", "crm-7")


def test_a_channel_carries_so_many_contacts_a_day_and_a_batch_waits_whole(two: Database) -> None:
    policy = ContactPolicy.model_validate({"capacity": {"sms": 10}})
    assert len(taken(two, asked("c1-w1", policy), CUSTOMERS[:8]).granted) == 8
    full = taken(two, asked("c2-w1", policy), CUSTOMERS[:5])
    assert full.is_full and not full.granted and held(two).total() == 8
    assert len(taken(two, asked("c2-w1", policy), CUSTOMERS[:2]).granted) == 2
    assert taken(two, asked("c2-w2", policy, "file"), CUSTOMERS[:50]).granted, "another channel has its own"
    tomorrow = datetime(2026, 11, 24, 0, 0, tzinfo=ZONE)
    assert len(taken(two, asked("c1-w2", policy), CUSTOMERS[:5], tomorrow).granted) == 5


def test_who_finds_their_hall_full_goes_another_day_or_not_at_all_after_the_last(two: Database) -> None:
    policy = ContactPolicy.model_validate(
        {
            "capacity_each": {
                "hall": {"by": "hall", "per_day": 2},
                "agent": {"by": "agent", "per_day": 3, "channel": "sms"},
            }
        }
    )
    of: Carriers = {one: {"hall": f"h{n % 4}", "agent": "a1"} for n, one in enumerate(CUSTOMERS[:8])}
    first = taken(two, asked("c1-w1", policy), CUSTOMERS[:10], of=of)
    assert first.granted == (*CUSTOMERS[:3], *CUSTOMERS[8:10]), "who has no hall and no agent counts for none"
    assert first.later == tuple(CUSTOMERS[3:8]) and not first.refused
    assert taken(two, asked("c1-w1", policy), CUSTOMERS[:3], of=of).granted == tuple(CUSTOMERS[:3]), "held already"
    by_file = taken(two, asked("c2-w1", policy, "file"), CUSTOMERS[3:8], of=of)
    assert by_file.granted == tuple(CUSTOMERS[3:8]), "an agent counts SMS alone, and each hall has one left"
    tomorrow = NOW + timedelta(days=1)
    assert taken(two, asked("c1-w1", policy), CUSTOMERS[3:8], tomorrow, of=of).granted == tuple(CUSTOMERS[3:6])
    last = replace(asked("c1-w1", policy), until=tomorrow.astimezone(ZONE).date())
    over = taken(two, last, CUSTOMERS[6:8], tomorrow, of=of)
    assert not over.later and [one.reason for one in over.refused] == ["contact_policy: 3 a day by agent"] * 2


def test_the_lock_is_given_back_by_a_killed_process(two: Database, db_url: str, tmp_path: Path) -> None:
    script = "import sys; from engine.store.session import Database; from engine.store import permits\n"
    script += "with Database(sys.argv[1]).begin() as tx: permits.lock(tx); print('locked', flush=True); input()"
    command = [sys.executable, "-c", script, db_url]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert holder.stdout and holder.stdout.readline() == "locked\n"
    holder.kill()
    holder.communicate()
    assert len(taken(two, asked("c1-w1"), CUSTOMERS).granted) == 1000
