"""Counts who answered, by wave, channel, cell and office, and what is no success: who did so before any message.

A customer counts once in each sum. Responses that no message of the case came before are counted apart, and so is what
the control group did before the case began. Refuses to compare: that is `measuring`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from engine.evaluation.metrics import Measure

KEPT = "retained"
"""The imported outcome that says whether who bought still has it."""
ANSWERS = pa.schema(
    [
        ("customer", pa.string()),
        ("kind", pa.string()),
        ("value", pa.decimal128(18, 2)),
        ("wave", pa.string()),
        ("channel", pa.string()),
        ("office", pa.string()),
        ("is_early", pa.bool_()),
    ]
)
BY = ("wave", "channel", "cell", "office")


@dataclass(frozen=True, slots=True)
class Came:
    """Customers who responded (converting counts), and who converted."""

    responded: int = 0
    converted: int = 0


NOBODY = Came()


@dataclass(frozen=True, slots=True)
class Counted:
    """Target customers who answered a message (`after`), or did so at all (`ever`); of the control group those who did
    so before the case began (`control_early`), or ever. `by` has who answered a message, by dimension and value.
    `kept` of `known` buyers still have what they bought; None: nobody says."""

    after: Came
    ever: Came
    control_early: Came
    control_ever: Came
    by: Mapping[tuple[str, str], Came]
    kept: tuple[int, int] | None


def count_answers(
    audience: Path, answers: pa.Table, files: Sequence[Path], *, outcomes: Mapping[str, Measure], memory: str = "1GB"
) -> Counted:
    """`answers` has the schema ANSWERS, its `wave` empty where no message was before; `files` are imported outcomes."""
    with contextlib.closing(duckdb.connect(config={"memory_limit": memory})) as db:
        db.register("answers", answers.cast(ANSWERS))
        db.execute(
            "CREATE TEMP TABLE answered AS SELECT a.*, m.cell, m.arm FROM answers AS a"
            f" JOIN read_parquet({_text(str(audience))}) AS m USING (customer)"
        )
        after = "arm = 'target' AND wave <> ''"
        sides = (after, "arm = 'target'", "arm = 'control' AND is_early", "arm = 'control'")
        by = {
            (name, str(value)): Came(responded, converted)
            for name in BY
            for value, responded, converted in db.execute(
                f"SELECT {name}, {_came('true')} FROM answered WHERE {after} GROUP BY {name} ORDER BY {name}"
            ).fetchall()
        }
        row = db.execute(f"SELECT {', '.join(map(_came, sides))} FROM answered").fetchone()
        kept = _kept(db, audience, files, outcomes, after) if outcomes.get(KEPT) == "rate" else None
    sums = row or (0,) * 8
    each = [Came(*sums[n : n + 2]) for n in range(0, 8, 2)]
    return Counted(each[0], each[1], each[2], each[3], by, kept)


def _kept(
    db: duckdb.DuckDBPyConnection, audience: Path, files: Sequence[Path], outcomes: Mapping[str, Measure], after: str
) -> tuple[int, int] | None:
    """Of the buyers of whom the imported outcome says something; None where it says nothing of any."""
    db.execute("CREATE TEMP TABLE told (customer VARCHAR, metric VARCHAR, value DOUBLE, file INTEGER)")
    for place, file in enumerate(files):
        db.execute(f"INSERT INTO told SELECT customer, metric, value, {place} FROM read_parquet({_text(str(file))})")
    bought = f"SELECT DISTINCT customer FROM answered WHERE kind = 'conversion' AND {after}"
    if "conversion" in outcomes:
        bought = (
            "SELECT customer FROM told SEMI JOIN"
            f" (SELECT customer FROM read_parquet({_text(str(audience))}) WHERE arm = 'target') USING (customer)"
            " WHERE metric = 'conversion' GROUP BY customer HAVING arg_max(value, file) = 1"
        )
    row = db.execute(
        f"WITH newest AS (SELECT customer, arg_max(value, file) AS value FROM told WHERE metric = '{KEPT}'"
        f" GROUP BY customer) SELECT count(*) FILTER (value = 1), count(*) FROM newest SEMI JOIN ({bought})"
        " USING (customer)"
    ).fetchone()
    return (int(row[0]), int(row[1])) if row and row[1] else None


def _came(where: str) -> str:
    each = "count(DISTINCT customer) FILTER"
    return f"{each} ({where}), {each} ({where} AND kind = 'conversion')"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
