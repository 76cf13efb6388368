"""Runs an arbitration in its child process over lists of cases that want customers, and what those have had already.

Earlier contacts are those of the history, the permits of the case database, and lists that are frozen and on their way;
a contact that stands in two of them counts once, as when a wave asks. Refuses to decide who takes part.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from engine.audience.allocating import CLOSING, NO_ROOM, Contest, of_tier, opening
from engine.audience.policy import PURPOSES, Approach, Cap
from engine.errors import SelectionFailed
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.job import GRANTED, LOST, Allotment, Allotted, Failure, Shared
from engine.warehouse.run import DEFAULT_LIMITS, Limits, failed, in_child

CHILD = (sys.executable, "-m", "engine.warehouse.arbitrate_child")
PERMITS_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("customer", "number", "channel", "purpose", "category")]
    + [("at", pa.timestamp("us"))]
)
LOST_SCHEMA = pa.schema([(name, pa.string()) for name in ("customer", "case_number", "lost_by")])
HISTORY = "contacts"


@dataclass(frozen=True, slots=True)
class Wish:
    """The customers that a case of the contest wants: a list, its score over the customer `c`, the salt of its draw."""

    listed: Path
    salt: str
    score: exp.Expr | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A frozen list whose case will make this contact of its target customers, or has begun to."""

    listed: Path
    number: str
    contact: Approach


def allot(
    dataset: Dataset,
    version: Version,
    contest: Contest,
    wishes: Sequence[Wish],
    *,
    taken: Sequence[Taken],
    permits: Path,
    at: datetime,
    folder: Path,
    limits: Limits = DEFAULT_LIMITS,
) -> Allotted:
    """Allot the customers and write granted.parquet and lost.parquet to `folder`. `permits` is a file as PERMITS_SCHEMA
    says; caps look back from `at`. SelectionFailed or NoSpace where it cannot be done, or does not add up."""
    since = at - max((cap.window for cap in contest.caps), default=at - at)
    tables: dict[str, tuple[str, ...]] = {f"list_{place}": (str(wish.listed),) for place, wish in enumerate(wishes)}
    tables |= {f"taken_{place}": (str(one.listed),) for place, one in enumerate(taken)}
    tables["permits"] = (str(permits),)
    if any(wish.score is not None for wish in wishes):
        tables["customers"] = tuple(str(dataset.path(file)) for file in version.tables["customers"].files)
    history = version.tables.get(HISTORY)
    files = [f for f in history.files if not f.month or f.month >= f"{since:%Y-%m}"] if history else []
    if files:
        tables[HISTORY] = tuple(str(dataset.path(file)) for file in files)
    columns = frozenset(column.name for column in history.columns) if history and files else frozenset()
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as spill:
        job = Allotment(
            tables=tables,
            empty={},
            steps=tuple(_steps(contest, wishes, taken, columns, at)),
            folder=str(folder),
            spill=spill,
            memory_limit=limits.memory,
            threads=limits.threads,
            parent=os.getpid(),
            seconds=limits.seconds,
        )
        answer: Shared = msgspec.json.decode(in_child(CHILD, msgspec.json.encode(job), limits), type=Shared)
    if isinstance(answer, Failure):
        raise failed(answer, folder)
    _conserved(answer)
    return answer


def write_lost(folder: Path, path: Path, place: int, numbers: Sequence[str]) -> int:
    """Write the customers that the case at `place` lost as the table that an exclusion reads; how many. `numbers` are
    those of the cases by their place. The same ones are the same bytes."""
    found = pq.read_table(folder / LOST, filters=[("contender", "=", place)])
    winners = pa.array([*numbers, ""], pa.string()).take(_place_or_last(found["winner"], len(numbers)))
    pq.write_table(pa.table([found["customer"], winners, found["lost_by"]], schema=LOST_SCHEMA), path)
    return int(found.num_rows)


def score_of(folder: Path, place: int, customer: str) -> float | None:
    """The score by which the case at `place` was given the customer; None where it was given none, or not the customer,
    and of runs that kept no scores."""
    file = pq.ParquetFile(folder / GRANTED) if (folder / GRANTED).exists() else None
    if file is None or "score" not in file.schema_arrow.names:
        return None
    wanted = [("contender", "=", place), ("customer", "=", customer)]
    scores = pq.read_table(folder / GRANTED, columns=["score"], filters=wanted)["score"].to_pylist()
    return next(iter(scores), None)


def _place_or_last(winners: pa.ChunkedArray, last: int) -> pa.ChunkedArray:
    import pyarrow.compute as pc  # noqa: PLC0415  # loads a third of a second

    return pc.if_else(pc.less(winners, 0), last, winners)


def _conserved(found: Allotted) -> None:
    """SelectionFailed where wanted is not got and lost together."""
    for place, wanted in found.wanted.items():
        lost = sum(loss.customers for loss in found.losses if loss.contender == place)
        if found.got.get(place, 0) + lost != wanted:
            raise SelectionFailed(reason="the counts of the arbitration do not add up")


def _steps(
    contest: Contest, wishes: Sequence[Wish], taken: Sequence[Taken], history: frozenset[str], at: datetime
) -> Iterator[str]:
    yield "CREATE TEMP TABLE wishes AS " + " UNION ALL ".join(_wish(place, one) for place, one in enumerate(wishes))
    yield f"CREATE TEMP TABLE past AS {_past(taken, history, at)}"
    yield f"CREATE TEMP TABLE earlier AS {_earlier(contest, at)}"
    yield from opening(contest)
    for tier in contest.tiers():
        yield from of_tier(tier)
    yield from CLOSING
    yield LOSSES


LOSSES = (
    "CREATE TEMP TABLE losses AS SELECT t.customer, t.contender, t.winner, CASE"
    f" WHEN t.cap = {NO_ROOM} THEN 'room'"
    " WHEN t.winner IS NULL THEN 'contacts'"
    " WHEN w.priority > o.priority THEN 'priority'"
    " WHEN s.score > coalesce(p.score, '-infinity'::DOUBLE) THEN 'score'"
    " ELSE 'draw' END AS lost_by"
    " FROM told AS t JOIN ways AS o ON o.contender = t.contender LEFT JOIN ways AS w ON w.contender = t.winner"
    " LEFT JOIN wishes AS s ON s.customer = t.customer AND s.contender = t.winner"
    " LEFT JOIN wishes AS p ON p.customer = t.customer AND p.contender = t.contender"
)
"""Every loss with its reason: the channel was full, contacts were used up before, or the winner stood before it."""


def _wish(place: int, wish: Wish) -> str:
    salt = _text(f"{wish.salt}:")
    draw = f"substr(md5({salt} || l.customer), 1, 8) AS draw"
    if wish.score is None:
        return f"SELECT l.customer, {place}::INTEGER AS contender, NULL::DOUBLE AS score, {draw} FROM list_{place} AS l"
    scored = exp.cast(wish.score, exp.DataType.Type.DOUBLE).sql(dialect="duckdb")
    return (
        f"SELECT l.customer, {place}::INTEGER AS contender,"
        f" CASE WHEN isfinite(c.score) THEN c.score END AS score, {draw}"
        f" FROM list_{place} AS l LEFT JOIN (SELECT c.customer, {scored} AS score FROM customers AS c) AS c"
        " ON c.customer = l.customer"
    )


def _past(taken: Sequence[Taken], history: frozenset[str], at: datetime) -> str:
    """The contacts of those who are wanted, each once: permits know best, a finished delivery stands in the history as
    well, and a frozen list has contacts that its case did not make yet."""
    sources = ['SELECT customer, number, channel, purpose, category, "at" FROM permits']
    known = sources[0]
    if history:
        names = ("case_number", "channel", "category")
        kept = {name: f"coalesce({name}, '')" if name in history else "''" for name in names}
        known_purposes = ", ".join(map(_text, PURPOSES))
        told = (
            f"SELECT customer, {kept['case_number']} AS number, {kept['channel']} AS channel,"
            f" CASE WHEN purpose IN ({known_purposes}) THEN purpose ELSE '' END AS purpose,"
            f' {kept["category"]} AS category, "at" FROM {HISTORY}'
        )
        sources.append(_unless_known(told, known))
        known = f"{known} UNION ALL {told}"
    for place, one in enumerate(taken):
        contact = one.contact
        told = (
            f"SELECT customer, {_text(one.number)} AS number, {_text(contact.channel)} AS channel,"
            f' {_text(contact.purpose)} AS purpose, {_text(contact.category)} AS category, {_moment(at)} AS "at"'
            f" FROM taken_{place} WHERE arm = 'target'"
        )
        sources.append(_unless_known(told, known))
    return f"SELECT * FROM ({' UNION ALL '.join(sources)}) AS p WHERE p.customer IN (SELECT customer FROM wishes)"


def _unless_known(told: str, known: str) -> str:
    return (
        f"SELECT t.* FROM ({told}) AS t ANTI JOIN ({known}) AS k"
        " ON k.customer = t.customer AND k.number = t.number AND k.channel = t.channel AND t.number <> ''"
    )


def _earlier(contest: Contest, at: datetime) -> str:
    counted = [
        f"SELECT customer, {place}::INTEGER AS cap, count(*) AS n FROM past WHERE {_counts(cap, contest, at)}"
        " GROUP BY customer"
        for place, cap in enumerate(contest.caps)
    ]
    nothing = "SELECT NULL::VARCHAR AS customer, NULL::INTEGER AS cap, NULL::BIGINT AS n WHERE false"
    return " UNION ALL ".join(counted) or nothing


def _counts(cap: Cap, contest: Contest, at: datetime) -> str:
    conditions = [f'"at" > {_moment(at - cap.window)}']
    scope: Mapping[str, str] = {"channel": cap.channel, "category": cap.category}
    conditions += [f"{name} = {_text(value)}" for name, value in scope.items() if value]
    conditions += [f"purpose <> {_text(purpose)}" for purpose in contest.policy.uncounted_by(cap)]
    return " AND ".join(conditions)


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
