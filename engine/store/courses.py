"""The courses of cases as they are kept: told anew where a case went on, read for figures in one statement.

A course is a copy of what tasks say, so it can be thrown away and made again; one whose entry is not its case's is
told anew, whatever the reason, a restored database included. Refuses to read a case past `visible`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.evaluation.courses import PACKED, Course, Seat, course
from engine.store.listed import hexadecimal, lines
from engine.store.marks import of_office
from engine.store.session import inserting
from engine.store.tables import cases, course_words, courses, history, tasks
from engine.store.visibility import visible

AT_ONCE = 500
PIECE = 30 * 24 * 60 * 60
_SEAT = (
    tasks.c.case_id,
    tasks.c.step,
    tasks.c.person,
    tasks.c.round,
    tasks.c.verb,
    tasks.c.state,
    tasks.c.opened_at,
    tasks.c.due_at,
    tasks.c.decision,
    tasks.c.decided_at,
    tasks.c.reason,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: submitted from `since` up to, without, `until` (seconds since 1970), of an office and those below
    it, of a definition, of one version of it, only approved (`approve`) or only filed (`file`)."""

    since: int = 0
    until: int = 0
    office: str = ""
    definition: str = ""
    version: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why cases were returned at a step: the remark, or the code of what returned them by itself; how often."""

    definition: str
    step: str
    remark: str
    automatic: str
    count: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Submitted cases, a text for each column with a line for each case. `kept` (1 or 0): the course is that of the
    case as it is now; `files` (1 or 0): it is only filed; `stays` are the packed ones in hexadecimal digits."""

    ids: str
    offices: str
    definitions: str
    versions: str
    submitted: str
    ended: str
    ways: str
    kept: str
    files: str
    stays: str


def tell(tx: Connection, limit: int) -> int:
    """Tell the courses of at most `limit` cases that went on anew; how many they were."""
    is_known = courses.c.case_id == cases.c.id
    query = sa.select(cases.c.id).select_from(cases.outerjoin(courses, is_known))
    went_on = sa.or_(courses.c.seq.is_(None), courses.c.seq != cases.c.seq)
    ids = tx.execute(query.where(went_on).order_by(cases.c.id).limit(limit)).scalars().all()
    for first in range(0, len(ids), AT_ONCE):
        _tell(tx, ids[first : first + AT_ONCE])
    return len(ids)


def words(tx: Connection) -> dict[int, str]:
    """What the numbers in packed courses stand for."""
    return {row.id: row.word for row in tx.execute(sa.select(course_words.c.id, course_words.c.word))}


def pieces(tx: Connection, person: str, wanted: Wanted) -> Iterator[Piece]:
    """The submitted cases that `person` may see and `wanted` names, those of a month or so at a time."""
    kept = courses.c.seq == cases.c.seq
    flags = (sa.cast(flag, sa.Integer) for flag in (kept, courses.c.files))
    numbers = (courses.c.submitted, courses.c.ended, courses.c.way, *flags)
    texts = (*cases.c["id", "office", "definition", "version"], *numbers, hexadecimal(tx, courses.c.stays))
    query = sa.select(*(lines(tx, one) for one in texts))
    query = query.select_from(courses.join(cases, cases.c.id == courses.c.case_id)).where(*_parts(person, wanted))
    for row in tx.execute(query.group_by(courses.c.submitted // PIECE)):
        yield Piece(*row)


def reasons(tx: Connection, person: str, wanted: Wanted, limit: int) -> tuple[Reason, ...]:
    """Why the cases were returned, the most frequent first."""
    returned = tasks.alias("returned")  # `visible` has tasks of its own
    columns = (cases.c.definition, returned.c.step, returned.c.remark, returned.c.reason)
    count = sa.func.count()
    of_case = returned.join(cases, cases.c.id == returned.c.case_id).join(courses, courses.c.case_id == cases.c.id)
    # written as in the partial index, or the planners do not use it
    is_return = sa.text("returned.decision='return' and returned.state='decided' and returned.reason<>'carried'")
    query = sa.select(*columns, count).select_from(of_case).where(is_return, *_parts(person, wanted))
    rows = tx.execute(query.group_by(*columns).order_by(count.desc(), *columns).limit(limit))
    return tuple(Reason(*row) for row in rows)


def _parts(person: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    parts = [visible(person), courses.c.submitted.is_not(None)]
    parts += [courses.c.submitted >= wanted.since] if wanted.since else []
    parts += [courses.c.submitted < wanted.until] if wanted.until else []
    parts += [of_office(wanted.office)] if wanted.office else []
    parts += [cases.c.definition == wanted.definition] if wanted.definition else []
    parts += [cases.c.version == wanted.version] if wanted.version else []
    parts += [courses.c.files == (wanted.kind == "file")] if wanted.kind else []
    return parts


def _tell(tx: Connection, ids: Sequence[str]) -> None:
    standing = sa.select(cases.c.id, cases.c.seq, cases.c.state).where(cases.c.id.in_(ids))
    state = {row.id: row for row in tx.execute(standing)}
    seats = {
        case_id: [Seat(*row[1:]) for row in group]
        for case_id, group in groupby(
            tx.execute(sa.select(*_SEAT).where(tasks.c.case_id.in_(ids)).order_by(tasks.c.case_id)),
            key=lambda row: row[0],
        )
    }
    first = sa.func.min(history.c.at, type_=history.c.at.type)
    submitting = sa.select(history.c.case_id, first).where(history.c.case_id.in_(ids), history.c.kind == "Submit")
    submitted = {row[0]: row[1] for row in tx.execute(submitting.group_by(history.c.case_id))}
    told = {one: course(seats.get(one, ()), state[one].state, submitted.get(one)) for one in ids}
    numbers = _numbers(tx, {word for one in told.values() for word in _words_of(one)})
    tx.execute(sa.delete(courses).where(courses.c.case_id.in_(ids)))
    tx.execute(
        sa.insert(courses),
        [
            {
                "case_id": case_id,
                "seq": state[case_id].seq,
                "submitted": one.submitted,
                "ended": one.ended,
                "files": one.files,
                "way": numbers["\n".join(one.way)],
                "stays": _packed(one, numbers),
            }
            for case_id, one in told.items()
        ],
    )


def _words_of(one: Course) -> Iterator[str]:
    yield "\n".join(one.way)
    for stay in one.stays:
        yield stay.step
        yield stay.person


def _packed(one: Course, numbers: Mapping[str, int]) -> bytes:
    return b"".join(
        PACKED.pack(
            stay.outcome,
            min(stay.round, 0xFFFF),
            numbers[stay.step],
            numbers[stay.person] if stay.person else 0,
            stay.start,
            stay.end,
            stay.due,
        )
        for stay in one.stays
    )


def _numbers(tx: Connection, wanted: Collection[str]) -> dict[str, int]:
    digests = {sha256(word.encode()).hexdigest(): word for word in wanted}
    known = _known(tx, digests)
    if new := [{"digest": digest, "word": word} for digest, word in sorted(digests.items()) if digest not in known]:
        tx.execute(inserting(tx, course_words).values(new).on_conflict_do_nothing())
        known = _known(tx, digests)
    return {word: known[digest] for digest, word in digests.items()}


def _known(tx: Connection, digests: Iterable[str]) -> dict[str, int]:
    found = tx.execute(sa.select(course_words.c.digest, course_words.c.id).where(course_words.c.digest.in_([*digests])))
    return {row.digest: row.id for row in found}
