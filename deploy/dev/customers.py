"""Makes a telecom customer base for demonstrations and tests: `customers.py --customers N --data DIR`.

Everything comes from a hash of the customer's number, so the same arguments give the same base on any machine (with
the same DuckDB). The files are CSV, as a billing system would export them, and enter through the import that any other
file goes through. Refuses a folder that has customers already.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.cli.opening import application_as_it_is
from engine.errors import CountersignError, SchemaBehind
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.shapes import shape_of

CONTACTS_EACH = 5

# Draws: u(i, n) is the n-th random number in [0, 1) of customer i. Sums of three draws are near enough to a bell.
MACROS = """
CREATE MACRO u(i, n) AS ((hash(i * 64 + n) >> 11)::DOUBLE / 9007199254740992.0);
CREATE MACRO bell(i, n) AS (u(i, n) + u(i, n + 1) + u(i, n + 2) - 1.5);
CREATE MACRO pick(i, n, options) AS options[1 + floor(u(i, n) * len(options))::INT];
CREATE MACRO id(i) AS ('C' || lpad(i::VARCHAR, 8, '0'));
"""

CUSTOMERS = """
WITH plain AS (
  SELECT i,
    CASE WHEN u(i, 1) < 0.24 THEN 'keep-8' WHEN u(i, 1) < 0.50 THEN 'basic-18' WHEN u(i, 1) < 0.74 THEN 'flow-38'
         WHEN u(i, 1) < 0.88 THEN 'flow-58' WHEN u(i, 1) < 0.97 THEN 'family-98' WHEN u(i, 1) < 0.995 THEN 'premium-158'
         ELSE 'premium-298' END AS tariff,
    floor(240 * pow(u(i, 2), 1.7))::INT AS tenure_months
  FROM range(1, $n + 1) t(i)
), priced AS (
  SELECT *, split_part(tariff, '-', 2)::INT AS fee FROM plain
)
SELECT id(i) AS customer,
  '1' || pick(i, 3, ['35','36','37','38','39','50','51','57','58','59','82','83','87','88']) ||
    lpad((i * 7919 % 100000000)::VARCHAR, 8, '0') AS phone,
  pick(i, 4, ['王','李','张','刘','陈','杨','黄','赵','吴','周','徐','孙','马','朱','胡','郭','何','林','高','罗']) ||
    pick(i, 5,
      ['伟','芳','娜','敏','静','丽','强','磊','军','洋','勇','艳','杰','娟','涛','明','超','秀兰','霞','平']) AS name,
  pick(i, 6, ['440111','440111','440106','440106','440104','440105','440112','440113']) AS office,
  tariff,
  round(greatest(5, fee * (0.92 + 0.4 * bell(i, 7)) + 60 * pow(u(i, 10), 5)), 2)::DECIMAL(8,2) AS arpu,
  tenure_months,
  (18 + floor(52 * (u(i, 11) + u(i, 12)) / 2))::INT AS age,
  CASE WHEN u(i, 13) < 0.004 THEN NULL
       ELSE round(greatest(0, fee / 6.0 * (1 + 1.4 * bell(i, 14))), 2)::DECIMAL(8,2) END AS data_gb,
  floor(900 * pow(u(i, 17), 2.5))::INT AS voice_minutes,
  (DATE '$today' + (floor(u(i, 18) * 760)::INT - 30))::DATE AS contract_end,
  u(i, 19) < 0.93 AS sms_consent,
  u(i, 20) < 0.04 AS in_arrears
FROM priced ORDER BY i
"""

OFFERS = """
SELECT * FROM (VALUES ('flow-10g', '10GB流量包', 'data'), ('flow-20g', '20GB流量包', 'data'),
  ('flow-unlimited', '不限量流量包', 'data'), ('voice-300', '300分钟语音包', 'voice'),
  ('voice-800', '800分钟语音包', 'voice'),
  ('family-share', '家庭共享套餐', 'family'), ('broadband-500', '500M宽带', 'broadband'),
  ('broadband-1000', '千兆宽带', 'broadband'),
  ('video-year', '视频会员年包', 'content'), ('handset-5g', '5G购机合约', 'handset')) t(offer, name, category)
"""

CONFLICTS = """
SELECT * FROM (VALUES ('flow-10g', 'flow-20g'), ('flow-10g', 'flow-unlimited'), ('flow-20g', 'flow-unlimited'),
  ('voice-300', 'voice-800'), ('broadband-500', 'broadband-1000')) t(offer, other)
"""

OWNED = """
SELECT id(i) AS customer, offer, since,
  CASE WHEN u(i, 33 + n) < 0.3 THEN NULL ELSE since + INTERVAL 12 MONTH END AS until
FROM (
  SELECT i, n, (SELECT list(offer ORDER BY offer) FROM offers)[1 + floor(u(i, 22 + n) * 10)::INT] AS offer,
    TIMESTAMP '$today' - INTERVAL 1 DAY * (1 + floor(u(i, 28 + n) * 700)::INT) AS since
  FROM range(1, $n + 1) t(i), range(0, 2) s(n) WHERE u(i, 25 + n) < 0.35
) ORDER BY i, n
"""

CONTACTS = """
SELECT id(c) AS customer, "at", 'H' || strftime("at", '%Y%m') || '-' || offer AS case_number, category, offer,
  channel, outcome
FROM (
  SELECT j, c, o.category, o.offer,
    (TIMESTAMP '$today' - INTERVAL 1 MINUTE * (1 + floor(pow(u(j, 42), 1.15) * 525600)::INT)) AS "at",
    pick(j, 43, ['sms','sms','sms','call','hall','email']) AS channel,
    pick(j, 44,
      ['no_answer','no_answer','no_answer','delivered','delivered','delivered','accepted','refused']) AS outcome
  FROM (SELECT j, 1 + floor(u(j, 40) * $n)::INT AS c, 1 + floor(u(j, 41) * 10)::INT AS k FROM range($contacts) t(j))
  JOIN (SELECT *, row_number() OVER (ORDER BY offer) AS k FROM offers) o USING (k)
) ORDER BY j
"""

USAGE = """
SELECT customer, strftime(month, '%Y-%m') AS month, round(arpu * (0.9 + 0.2 * u(i, 70 + n)), 2)::DECIMAL(8,2) AS arpu,
  floor(voice_minutes * (0.8 + 0.4 * u(i, 75 + n)))::INT AS voice_minutes,
  round(data_gb * (0.8 + 0.4 * u(i, 80 + n)), 2)::DECIMAL(8,2) AS data_gb, floor(40 * u(i, 85 + n))::INT AS sms
FROM (SELECT *, substr(customer, 2)::INT AS i FROM customers), (
  SELECT n, (date_trunc('month', DATE '$today') - INTERVAL 1 MONTH * n)::DATE AS month FROM range(1, $months + 1) s(n)
) ORDER BY i, month
"""

SUPPRESSED = """
SELECT id(i) AS customer, pick(i, 51 + $list, $reasons) AS reason FROM range(1, $n + 1) t(i)
WHERE u(i, 60 + $list) < $share ORDER BY i
"""


def main() -> None:
    """Generate, import, and say how many and how long; what is in the way is one sentence."""
    arguments = _arguments()
    try:
        make(arguments)
    except CountersignError as error:
        sys.exit(error.message)


def make(arguments: argparse.Namespace) -> None:
    """As `main`. Refuses before anything is written where the case database that is to have the lists is not there or
    of another release."""
    began = time.perf_counter()
    has_lists = bool(os.environ.get("COUNTERSIGN_HOME") or os.environ.get("COUNTERSIGN_DATABASE_URL"))
    if has_lists:
        _require_tables()
    # The key that seals phones is the one of the application whose dataset this is.
    home = Path(os.environ.get("COUNTERSIGN_HOME") or arguments.data.resolve().parent)
    dataset = dataset_of(Settings(home=home), arguments.data)
    if "customers" in dataset.current().tables:
        sys.exit(f"{arguments.data} has customers already; choose an empty folder")
    with tempfile.TemporaryDirectory(prefix="customers-") as scratch:
        files = generate(Path(scratch), arguments.customers, arguments.as_of, months=arguments.usage)
        for kind, path in files.items():
            if kind not in ("blacklist", "greylist"):
                key = "offer" if kind in ("offers", "conflicts") else "customer"
                import_file(dataset, shape_of(path), Wanted(kind, key))
        if has_lists:
            _suppress(files)
    version = dataset.current()
    sizes = ", ".join(f"{table.rows:,} {name}" for name, table in version.tables.items())
    sys.stdout.write(f"{sizes} in {time.perf_counter() - began:.1f} s\n")


def generate(folder: Path, customers: int, as_of: date, suffix: str = "csv", months: int = 0) -> dict[str, Path]:
    """Write the files (csv or parquet): customers, contacts, owned, offers, conflicts, blacklist, greylist; usage of as
    many months before."""
    black = {"list": "0", "share": "0.004", "reasons": "['退订','投诉','员工号码','监管要求']"}
    grey = {"list": "1", "share": "0.02", "reasons": "['近期投诉处理中','欠费','携转挽留']"}
    queries = {
        "offers": (OFFERS, {}),
        "customers": (CUSTOMERS, {}),
        "owned": (OWNED, {}),
        "conflicts": (CONFLICTS, {}),
        "contacts": (CONTACTS, {"contacts": str(customers * CONTACTS_EACH)}),
        "blacklist": (SUPPRESSED, black),
        "greylist": (SUPPRESSED, grey),
        **({"usage": (USAGE, {"months": str(months)})} if months else {}),
    }
    files = {}
    # What does not fit into memory waits beside the files, not wherever this was started.
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(folder / "spill")}) as db:
        db.execute(MACROS)
        for name, (query, more) in queries.items():
            sql = query
            for placeholder, value in {"contacts": "", **more, "n": str(customers), "today": as_of.isoformat()}.items():
                sql = sql.replace(f"${placeholder}", value)
            files[name] = folder / f"{name}.{suffix}"
            db.execute(f"COPY ({sql}) TO '{files[name]}' (FORMAT {suffix})")
            if name == "offers" or (name == "customers" and months):
                db.execute(f"CREATE TEMP TABLE {name} AS {sql}")
    return files


def _require_tables() -> None:
    try:
        with application_as_it_is():
            return
    except SchemaBehind as behind:
        sys.exit(
            f"The case database at {behind.fields['url']}, which is to have the suppression lists, is not there or of"
            " another release; nothing was made. Run `countersign database migrate` with the same settings first, or"
            " leave COUNTERSIGN_HOME and COUNTERSIGN_DATABASE_URL out for customers alone."
        )


def _suppress(files: dict[str, Path]) -> None:
    """The lists of the case database that the environment names."""
    from engine.cli.data import import_suppressions  # noqa: PLC0415  needs a case database, the rest does not

    for name in ("blacklist", "greylist"):
        shape = shape_of(files[name])
        import_suppressions(name, shape, shape.records(), "customer")


def _arguments() -> argparse.Namespace:
    yesterday = (datetime.fromtimestamp(time.time(), UTC) - timedelta(days=1)).date()  # noqa: TID251  a development tool
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200_000, metavar="N")
    parser.add_argument("--usage", type=int, default=0, metavar="MONTHS", help="months of usage; by default none")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--as-of", type=date.fromisoformat, default=yesterday, metavar="DATE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
