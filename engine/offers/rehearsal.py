"""The statement of a rehearsal (预演): each customer's bills of past months under a tariff, beside what they paid.

One statement reads the months of usage once and gives a row per customer of the target, in whole fen. A month counts
where the bill and everything that the tariff would charge for are known; a customer without such a month is unknown,
never zero. Refuses to guess how people would use another tariff: usage is taken as it was.
"""

from collections.abc import Sequence
from decimal import Decimal

from engine.offers.terms import Tariff

CHARGED = (
    ("voice_minutes", "voice_minutes", "voice_price", "DECIMAL(18,2)"),
    ("data_gb", "data_gb", "data_price", "DECIMAL(18,4)"),
    ("sms", "sms", "sms_price", "DECIMAL(18,0)"),
)
"""Column of usage, allowance, price, and the column's type."""


def statement(tariff: Tariff, months: Sequence[str], *, target: str) -> str:
    """One row per customer: `cell`, `months` known, `now` and `change` as means per month, and of each month k the
    bill `b<k>` and its change `d<k>`, NULL where unknown.

    `months` are as 2026-10; `target` is a query of customer and cell. The bill of a month under the tariff is the fee
    and for each of calls, data and messages max(0, used - included) x price, rounded half up to the fen as a bill is.
    A mean is rounded half away from zero to the fen, by whole numbers alone.
    """
    each = ",\n       ".join(
        f"CAST(sum(u.was) FILTER (u.month = DATE '{month}-01') AS BIGINT) AS b{k},"
        f" CAST(sum(u.becomes - u.was) FILTER (u.month = DATE '{month}-01') AS BIGINT) AS d{k}"
        for k, month in enumerate(months)
    )
    listed = ", ".join(f"DATE '{month}-01'" for month in months)
    return (
        f"SELECT cell, months, {_mean('now_sum')} AS now, {_mean('change_sum')} AS change,"
        f" {', '.join(f'b{k}, d{k}' for k in range(len(months)))}\n"
        "FROM (\n"
        "  SELECT t.cell, count(u.was) AS months,\n"
        "       CAST(sum(u.was) AS BIGINT) AS now_sum, CAST(sum(u.becomes - u.was) AS BIGINT) AS change_sum,\n"
        f"       {each}\n"
        f"  FROM ({target}) AS t\n"
        "  LEFT JOIN (\n"
        "    SELECT customer, month, CAST(CAST(arpu AS DECIMAL(18,2)) * 100 AS BIGINT) AS was,\n"
        f"       {_bill(tariff)} AS becomes\n"
        f"    FROM usage WHERE month IN ({listed}) AND {_known(tariff)}\n"
        "  ) AS u ON u.customer = t.customer\n"
        "  GROUP BY t.customer, t.cell\n"
        ") AS each_customer"
    )


def _charged(tariff: Tariff) -> list[tuple[str, Decimal, Decimal, str]]:
    found = []
    for column, allowance, price, kind in CHARGED:
        asked = getattr(tariff, price)
        if asked:  # neither None nor 0: something is charged
            found.append((column, getattr(tariff, allowance) or Decimal(), asked, kind))
    return found


def _bill(tariff: Tariff) -> str:
    parts = [f"CAST('{tariff.monthly_fee or Decimal():f}' AS DECIMAL(12,2))"]
    parts += [
        f"greatest(CAST({column} AS {kind}) - CAST('{included:f}' AS {kind}), CAST(0 AS {kind}))"
        f" * CAST('{price:f}' AS DECIMAL(11,4))"
        for column, included, price, kind in _charged(tariff)
    ]
    return f"CAST(CAST(round({' + '.join(parts)}, 2) AS DECIMAL(18,2)) * 100 AS BIGINT)"


def _known(tariff: Tariff) -> str:
    needed = ["arpu", *(column for column, *_ in _charged(tariff))]
    return " AND ".join(f"{column} IS NOT NULL" for column in needed)


def _mean(total: str) -> str:
    return f"CAST(sign({total}) * ((2 * abs({total}) + months) // (2 * months)) AS BIGINT)"
