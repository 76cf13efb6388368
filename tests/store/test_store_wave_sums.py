"""The sums of a wave are kept with every change of its rows; on both databases."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from engine.delivery.plan import DeliveryPlan
from engine.delivery.waves import chunk_size, chunks, divide
from engine.store import chunks as chunk_rows
from engine.store import figures, ledger, migrations, moves, operation, recommendations, waves
from engine.store.ledger import Receipt
from engine.store.session import Database
from engine.store.tables import opt_out_addresses, opt_outs, recipients, wave_sums
from tests.servers.postgres import create_database
from tests.store.delivering_by_hand import CASE, NOW, WAVE, enter_case, enter_wave

POLICY = "contact_policy: 2/7d"
MANY, EACH = 12, 60  # more than nine waves, so that the order of their ids is not that of their places


def enter_many(db: Database) -> list[str]:
    """A case with twelve running waves; their ids, in order of their places."""
    own = [{"name": f"w{n}", "size": EACH, "channel": "sms", "chunk": 10} for n in range(MANY - 1)]
    rest = {"name": "rest", "share": "rest", "channel": "sms", "chunk": 10}
    plan = DeliveryPlan.model_validate({"waves": [*own, rest], "message": "您好"})
    planned = divide(MANY * EACH, plan.waves)
    with db.begin() as tx:
        enter_case(tx)
        waves.enter(tx, CASE, planned, PurePosixPath("cases/c1/waves"))
        for one in planned:
            name = waves.wave_id(CASE, one.position)
            ledger.load(
                tx, name, CASE, "sms", (ledger.Recipient(n, f"k{one.first + n:05}", "") for n in range(one.size))
            )
            chunk_rows.enter(tx, name, chunks(one.size, chunk_size(one.wave)))
            waves.move(tx, name, to="running", come_from=("loading",), started_at=NOW)
    return [waves.wave_id(CASE, one.position) for one in planned]


def test_the_sums_follow_whatever_becomes_of_a_row(db: Database) -> None:
    enter_wave(db, 20)
    with db.begin() as tx:
        ledger.settle(tx, WAVE, {0: "not a number"}, state="failed", at=NOW)
        ledger.settle(tx, WAVE, {1: POLICY, 2: ledger.SUPPRESSED}, state="suppressed", at=NOW)
        ledger.receive(tx, [Receipt(WAVE, 3, "delivered", NOW)])
        ledger.mark_sent(tx, WAVE, 0, 9, at=NOW)
        ledger.doubt(tx, WAVE, 10, 11, reason="ended", at=NOW)
        ledger.end_waiting(tx, WAVE, [(12, 13)], state="cancelled", reason="over", at=NOW)
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(2, 6, 1, 1, 2, 2, 6)
        assert ledger.capped(tx, CASE) == {WAVE: 1}
        ledger.receive(tx, [Receipt(WAVE, row, "delivered", NOW) for row in (0, 1, 2, 4)])
        ledger.receive(tx, [Receipt(WAVE, 5, "failed", NOW), Receipt(WAVE, 5, "delivered", NOW)])
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(2, 4, 6, 0, 2, 0, 6)
        assert ledger.capped(tx, CASE) == {WAVE: 0}
        recommendations.settle(tx, WAVE, [6, 7], state="unknown", reason="seen", at=NOW)
        assert ledger.give_up(tx, WAVE, sent_before=NOW + timedelta(days=1), at=NOW, arrived=True) == 2
        assert operation.count_in_doubt(tx) == 4
        ledger.receive(tx, [Receipt(WAVE, 8, "failed", NOW)])  # silence had said that it came; a bounce says more
        assert operation.repeat(tx, WAVE, ["k00006"], ask_first=False, at=NOW) == 4
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(5, 0, 7, 1, 0, 1, 6)
        ledger.doubt(tx, WAVE, 0, 19, reason="ended", at=NOW)
        assert operation.resolve(tx, WAVE, was_sent=True, by="li", at=NOW) == 5
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(0, 0, 12, 1, 0, 1, 6)
        assert moves.drifts(tx) == ()


def test_who_watches_reads_the_same_sums(db: Database) -> None:
    enter_wave(db, 10)
    with db.begin() as tx:
        ledger.mark_sent(tx, WAVE, 0, 6, at=NOW)
        ledger.doubt(tx, WAVE, 7, 7, reason="ended", at=NOW)
    with db.read() as tx:
        counts = {one.state: one.count for one in figures.sums_under_way(tx)}
        assert counts == {"sent": 7, "unknown": 1, "waiting": 2}
        assert [(one.wave, one.unknown, one.reasons) for one in operation.in_doubt(tx)] == [(WAVE, 1, (("ended", 1),))]


def test_the_database_refuses_sums_below_nothing_and_a_row_moved_past_them_is_found(db: Database) -> None:
    enter_wave(db, 3)
    with pytest.raises(sa.exc.IntegrityError), db.begin() as tx:
        moves.exchange(tx, WAVE, {("sent", "delivered"): 1})
    with pytest.raises(LookupError, match="no sums"), db.begin() as tx:
        moves.exchange(tx, "c9-w1", {("waiting", "sent"): 1})
    with db.begin() as tx:
        tx.execute(sa.update(recipients).where(recipients.c.row == 1).values(state="unknown"))
        (drift,) = moves.drifts(tx)
        assert drift.said == "c1-w1: waiting is 3, its rows say 2; unknown is 0, its rows say 1"
        assert moves.mend(tx, WAVE) == drift
        assert moves.mend(tx, WAVE) is None


def test_a_recount_reads_waves_piece_by_piece_and_tells_how_far_it_is(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = enter_many(db)
    monkeypatch.setattr(moves, "READ_AT_ONCE", 25)
    told: list[tuple[int, int]] = []
    with db.begin() as tx:
        ledger.mark_sent(tx, names[1], 20, 29, at=NOW)
        assert moves.drifts(tx, told=lambda read, of: told.append((read, of))) == ()
        assert told[-1] == (MANY * EACH, MANY * EACH) and [one for one, _ in told] == sorted({one for one, _ in told})
        moves.exchange(tx, names[1], {("sent", "delivered"): 1})
        tx.execute(sa.delete(wave_sums).where(wave_sums.c.wave == names[-1]))
        assert [one.wave for one in moves.drifts(tx)] == sorted([names[1], names[-1]])
        for name in (names[1], names[-1]):
            assert moves.mend(tx, name) is not None


def test_marks_receipts_pauses_and_ends_of_many_waves_at_once_end_and_keep_the_sums(db: Database) -> None:
    names = enter_many(db)
    rows = [(name, row) for name in names for row in range(EACH)]
    failures: list[BaseException] = []

    def mark() -> None:
        for first in range(0, EACH, 10):
            for name in names:
                with db.begin() as tx:
                    waves.lock(tx, name)
                    ledger.settle(tx, name, {first: POLICY}, state="suppressed", at=NOW)
                    ledger.mark_sent(tx, name, first, first + 9, at=NOW)

    def receive(seed: int) -> None:
        mixed = random.Random(seed).sample(rows, len(rows))
        for start in range(0, len(mixed), 90):  # each request has receipts of nearly every wave
            with db.begin() as tx:
                some = mixed[start : start + 90]
                waves.lock_all(tx, [name for name, _ in some])
                ledger.receive(tx, [Receipt(name, row, ("delivered", "failed")[row % 2], NOW) for name, row in some])

    def hold() -> None:
        for _ in range(6):
            with db.begin() as tx:
                for wave in sorted(waves.lock_all(tx, names), key=lambda one: one.position):
                    waves.note(tx, wave.id, "paused")

    def settle() -> None:
        for name in reversed(names):
            with db.begin() as tx:
                waves.lock(tx, name)
                ledger.give_up(tx, name, sent_before=NOW, at=NOW)

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    works = (mark, lambda: receive(1), lambda: receive(2), hold, settle)
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with db.read() as tx:
        assert moves.drifts(tx) == ()
        assert sum(one.audience for one in ledger.sums(tx, CASE).values()) == MANY * EACH
        assert sum(one.waiting + one.sent + one.unknown + one.suppressed for one in ledger.sums(tx, CASE).values()) == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migration_counts_what_is_there_and_goes_back_over_rows_that_others_name(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'before.db'}"
    if kind == "postgresql":
        worker = request.getfixturevalue("worker")
        url = create_database(request.getfixturevalue("pg_server"), f"countersign_sums_{worker}")
    db = Database(url)
    db.migrate()
    enter_wave(db, 6)
    kept = sa.select(wave_sums.c.wave, *(wave_sums.c[name] for name in moves.KEPT))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with db.begin() as tx:
        ledger.settle(tx, WAVE, {0: POLICY, 1: "contactxpolicy"}, state="suppressed", at=NOW)
        ledger.mark_sent(tx, WAVE, 2, 3, at=NOW)
        before = tx.execute(kept).all()
        wish = {"source": "reply", "reference": "r1", "at": NOW, "taken_at": NOW}
        number = tx.execute(sa.insert(opt_outs).values(wish).returning(opt_outs.c.id)).scalar_one()
        tx.execute(sa.insert(opt_out_addresses).values(address="sealed", opt_out=number))
        config.attributes["connection"] = tx
        command.downgrade(config, "0031")
    db.migrate()
    with db.read() as tx:
        assert tx.execute(kept).all() == before
        assert moves.drifts(tx) == ()
    db.close()
