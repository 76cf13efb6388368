"""Many cases moved in one transaction: what fires by itself at the same minute, such as reminders.

A transaction for each of 100,000 timers spends most of its time on commits and messages. Here a batch is locked by one
message and recorded by another. A batch is all or nothing, so what might fail is left out of it and given back: cases
that somebody else holds, commands that are refused, keys that were used; and so is what draws a number. Refuses
commands of people: each of theirs is a transaction of its own (`cases.transition`), whose result they are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import psycopg2.errors

from engine.errors import CountersignError
from engine.machine.case import Case
from engine.store import statements
from engine.store.cases import Decide, Locked, NotAlone, Recorded, index_values, recorded, scoped, values_of
from engine.store.exchange import Exchange
from engine.store.rows import CaseIndex, Written, rows_of
from engine.store.session import Database

_read_case = msgspec.json.Decoder(Case).decode


@dataclass(frozen=True, slots=True)
class Move:
    """A decision on one case; the arguments of `cases.transition`."""

    case_id: str
    key: str
    decide: Decide


def transition_many(db: Database, moves: Sequence[Move]) -> dict[str, Recorded]:
    """Record what can be recorded together, in one transaction; by case. What is missing is for `cases.transition`.

    Each case stands in `moves` once. On SQLite nothing is recorded: its single writer gains nothing from a batch.
    """
    if db.dialect_name != "postgresql" or not moves:
        return {}
    try:
        return db.exchange(lambda exchange: _together(exchange, moves))
    except (psycopg2.errors.UniqueViolation, psycopg2.errors.DivisionByZero):
        return {}  # one of them was overtaken; nothing of the batch is written


def _together(exchange: Exchange, moves: Sequence[Move]) -> dict[str, Recorded]:
    keys = [scoped(move.case_id, move.key) for move in moves]
    locked = exchange.all(statements.LOCK_MANY, ([move.case_id for move in moves], keys))
    written: list[tuple[Written, str, CaseIndex | None]] = []
    done: dict[str, Recorded] = {}
    for place, body, head, now, revision, earlier in locked:
        move, case = moves[place - 1], _read_case(body)
        if earlier is not None:
            continue
        try:
            decided = move.decide(Locked(case, revision or 0, now, lambda: exchange.tx, is_alone=False))
        except (CountersignError, NotAlone):
            continue
        if decided.outcome.events:
            rows = rows_of(decided, seq=case.seq + 1, previous=head, now=now)
            written.append((rows, keys[place - 1], decided.index))
            done[case.id] = recorded(decided)
    if not written:
        exchange.drop()
        return {}
    exchange.last(*_second_message(written))
    return done


def _second_message(written: Sequence[tuple[Written, str, CaseIndex | None]]) -> tuple[str, list[object]]:
    columns = zip(*(values_of(one, key) for one, key, _ in written), strict=True)
    values: list[object] = [
        *(list(column) for column in columns),
        [key for one, _, _ in written for key in one.fired],
        [key for one, _, _ in written for key in one.disarmed],
    ]
    indexed = [index_values(one.case.id, index) for one, _, index in written if index is not None]
    for of_case in indexed:
        values.extend(of_case)
    return "; ".join([statements.RECORD_MANY, *[statements.REINDEX] * len(indexed)]), values
