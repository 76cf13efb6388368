"""Many decide at once: one wins, everyone else is told who did; a lost connection repeats nothing."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter

import sqlalchemy as sa

from engine.errors import AlreadyDecided
from engine.machine.commands import Edit
from engine.store import history
from engine.store.session import Database
from engine.store.tables import outbox
from tests.invariants import check_invariants
from tests.servers.proxy import Proxy
from tests.store.by_hand import approve, edit, open_case, submit
from tests.support import ROOT, wait_until

PROCESSES, THREADS, DECISIONS = 4, 8, 10_000


def decide_many(url: str, process: int) -> dict[str, int]:
    """What one process's threads are told when each decides its share, under names and keys of their own."""
    db = Database(url)
    told: Counter[str] = Counter()

    def work(thread: int) -> None:
        for n in range(DECISIONS // (PROCESSES * THREADS) + (thread < 4)):
            person = f"p{process}t{thread}n{n}"
            try:
                told[f"won:{approve(db, person, key=person).seq}"] += 1
            except AlreadyDecided as error:
                told[error.message] += 1
            except Exception as error:
                told[f"failed:{error!r}"] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.close()
    return dict(told)


def test_of_ten_thousand_decisions_one_wins_and_the_others_are_told(db: Database, db_url: str) -> None:
    open_case(db)
    submit(db, people=("wang", "chen", "ma"))
    script = "import json, sys; from tests.store.test_store_contention import decide_many as d; "
    script += "print('ready', flush=True); sys.stdin.readline(); print(json.dumps(d(sys.argv[1], int(sys.argv[2]))))"
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT}
    running = [subprocess.Popen([sys.executable, "-c", script, db_url, str(n)], **piped) for n in range(PROCESSES)]
    assert [process.stdout.readline() for process in running] == [b"ready\n"] * PROCESSES
    began = time.perf_counter()
    for process in running:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    told: Counter[str] = Counter()
    for process in running:
        told.update(json.loads(process.communicate()[0]))
    seconds = time.perf_counter() - began
    assert told.total() == DECISIONS
    assert len(told) == 2, told
    (first,) = (words for words in told if words.startswith("won"))
    (others,) = (words for words in told if not words.startswith("won"))
    assert (first, told[first]) == ("won:3", 1)
    with db.read() as tx:
        assert history.verify(tx, "c1") is None
        decided = history.load(tx, "c1")[2:]
        assert [entry.seq for entry in decided] == [3]
        assert others.startswith(f'{decided[0].actor} already decided "approve" at 2026-03-02')
        query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.key.startswith("c1:3:"))
        assert tx.execute(query).scalar_one() == 1
    # 9 s on a machine of its own, where 20 is the figure to reach; here it shares two cores with other tests
    assert seconds <= 40, f"{seconds:.1f} s"


def test_a_connection_lost_at_any_moment_repeats_nothing(pg_server: str, pg_url: str) -> None:
    """Connections are cut while transitions run; each key is recorded once, and every caller gets its result."""
    db, admin = Database(pg_url), Database(pg_server)
    open_case(db)
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = :name AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
    """
    cuts, failures = 0, []

    def work(thread: int) -> None:
        try:
            for n in range(200):
                key = f"t{thread}n{n}"
                assert not edit(db, title=key, key=key).repeated
                assert edit(db, title="again", key=key).repeated
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        with admin.begin() as tx:
            cuts += len(tx.execute(sa.text(cut), {"name": db.url.database}).all())
        time.sleep(0.04)  # on a slow machine a faster pace would cut every attempt of a call until it gives up
    assert failures == []
    assert cuts >= 20
    with db.read() as tx:
        assert history.verify(tx, "c1") is None
        commands = [entry.command for entry in history.load(tx, "c1")]
        titles = [command.form["title"] for command in commands if isinstance(command, Edit)]
    assert sorted(titles) == sorted(f"t{thread}n{n}" for thread in range(4) for n in range(200))
    db.close()
    admin.close()


def test_a_commit_whose_answer_is_lost_happens_once_per_key(pg_url: str) -> None:
    """Two hundred commits are done, and none of their answers arrives; every caller still gets its result."""
    direct = Database(pg_url)
    proxy = Proxy(direct.url.port or 5432)
    db = Database(direct.url.set(port=proxy.port).render_as_string(hide_password=False))
    open_case(direct)
    for n in range(200):
        proxy.swallowing = b"COMMIT"
        swallowed = proxy.swallowed
        worker = threading.Thread(target=_stop_swallowing, args=(proxy, swallowed))
        worker.start()
        recorded = edit(db, title=str(n), key=str(n))
        worker.join()
        assert (recorded.seq, recorded.repeated) == (n + 2, False)
    assert proxy.swallowed >= 200
    with direct.read() as tx:
        assert [entry.seq for entry in history.load(tx, "c1")] == list(range(1, 202))
    check_invariants(direct)
    db.close()
    direct.close()
    proxy.close()


def _stop_swallowing(proxy: Proxy, swallowed: int) -> None:
    wait_until(lambda: proxy.swallowed > swallowed, what="the lost answer")
    proxy.swallowing = b""
