"""What a statement of a user may be made of: an allow-list of nodes of the parse tree, and of the parts of each.

What does not stand here is refused, so that a construct that nobody thought of is refused as well. Everything here
gives the same answer whenever and wherever it runs: no chance, no clock, no order of rows. Refuses what can be made
large out of little (ranges, lists, repeated texts) and what reads anything but a table of the dataset.
"""

from collections.abc import Mapping

from sqlglot import exp

LONGEST = 20_000
MOST_TOKENS = 3_000
DEEPEST = 30
"""Of brackets around brackets; the parser is recursive, and 400 of them would end it."""
DEEPEST_TREE = 400
MOST_JOINS = 12
MOST_SELECTS = 24
LONGEST_NAME = 60

PARTS: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset({"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "order"}),
    exp.Union: frozenset({"with_", "this", "expression", "distinct", "order"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct", "order"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct", "order"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.From: frozenset({"this"}),
    exp.Table: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Group: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Order: frozenset({"expressions"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Window: frozenset({"this", "partition_by", "order", "over"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.TryCast: frozenset({"this", "to", "safe", "requires_string"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Count: frozenset({"this", "big_int"}),
}
"""The parts that these may have; of the others every part is a node of its own, and is looked at itself."""

PLAIN = frozenset(
    {
        exp.Where,
        exp.Having,
        exp.Identifier,
        exp.Paren,
        exp.Tuple,
        exp.Star,
        exp.Literal,
        exp.Boolean,
        exp.Null,
        exp.Var,
        exp.DataTypeParam,
        exp.Placeholder,
        exp.Filter,
        exp.And,
        exp.Or,
        exp.Not,
        exp.EQ,
        exp.NEQ,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Is,
        exp.Between,
        exp.Like,
        exp.ILike,
        exp.Escape,
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Div,
        exp.IntDiv,
        exp.Mod,
        exp.Neg,
        exp.DPipe,
        exp.Case,
        exp.If,
        exp.Exists,
    }
)

FUNCTIONS: Mapping[str, type[exp.Expr]] = {
    "abs": exp.Abs,
    "avg": exp.Avg,
    "bool_and": exp.LogicalAnd,
    "bool_or": exp.LogicalOr,
    "cast": exp.Cast,
    "ceil": exp.Ceil,
    "coalesce": exp.Coalesce,
    "concat": exp.Concat,
    "contains": exp.Contains,
    "count": exp.Count,
    "count_if": exp.CountIf,
    "cume_dist": exp.CumeDist,
    "date_add": exp.DateAdd,
    "date_diff": exp.DateDiff,
    "date_trunc": exp.TimestampTrunc,
    "day": exp.Day,
    "dense_rank": exp.DenseRank,
    "ends_with": exp.EndsWith,
    "extract": exp.Extract,
    "floor": exp.Floor,
    "greatest": exp.Greatest,
    "if": exp.If,
    "ifnull": exp.Coalesce,
    "last_day": exp.LastDay,
    "least": exp.Least,
    "left": exp.Left,
    "length": exp.Length,
    "lower": exp.Lower,
    "ltrim": exp.Trim,
    "make_date": exp.DateFromParts,
    "max": exp.Max,
    "median": exp.Median,
    "min": exp.Min,
    "mod": exp.Mod,
    "month": exp.Month,
    "nullif": exp.Nullif,
    "percent_rank": exp.PercentRank,
    "quarter": exp.Quarter,
    "rank": exp.Rank,
    "regexp_matches": exp.RegexpLike,
    "replace": exp.Replace,
    "right": exp.Right,
    "round": exp.Round,
    "rtrim": exp.Trim,
    "sign": exp.Sign,
    "starts_with": exp.StartsWith,
    "strpos": exp.StrPosition,
    "substr": exp.Substring,
    "substring": exp.Substring,
    "sum": exp.Sum,
    "trim": exp.Trim,
    "try_cast": exp.TryCast,
    "upper": exp.Upper,
    "year": exp.Year,
}
"""By the names that DuckDB has for them. Ranks are here and row_number is not: it numbers equal rows by chance."""

NODES = frozenset(PARTS) | PLAIN | frozenset(FUNCTIONS.values())

UNITS = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})
"""Words that stand for themselves; one more S is allowed."""
UNITS_OF = (exp.Interval, exp.Extract, exp.DateDiff, exp.TimestampTrunc, exp.DateAdd, exp.LastDay)

TYPES = frozenset(
    {
        exp.DType.BOOLEAN,
        exp.DType.INT,
        exp.DType.BIGINT,
        exp.DType.DECIMAL,
        exp.DType.DOUBLE,
        exp.DType.TEXT,
        exp.DType.VARCHAR,
        exp.DType.DATE,
        exp.DType.TIMESTAMP,
        exp.DType.TIMESTAMPNTZ,
    }
)
"""Types to cast to; none of a time with a zone, which the settings of a server decide on."""

KINDS_OF_JOIN = frozenset({"", "INNER", "OUTER"})
