"""B7: evaluations per CPU second, with the static check done once and the checks of evaluation on.

The rules are those of a definition (a route row, a check, a text, a macro), each evaluated on the same form. Peers are
the two CELs for Python; they run where they are installed. Neither has exact decimals, so they get doubles.
"""

import datetime
import importlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from time import process_time
from typing import Any

from benchmarks import Row, interleaved, medians
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, List, Record

RULES: Mapping[str, str] = {
    "route row, two comparisons": "form.budget > params.limit || form.discount < 0.7",
    "sum of money, three fields": "form.budget * 2 + 0.5 > params.limit * form.reach",
    "membership and a text": "!('call' in form.channels) && form.title.startsWith('2026')",
    "macro over four channels": "form.channels.exists(x, x == 'email')",
}
FORM: Mapping[str, Any] = {
    "budget": Decimal("80000.00"),
    "discount": Decimal("0.9"),
    "reach": 9000,
    "channels": ["sms", "hall", "app", "email"],
    "title": "2026 National Day",
    "start": datetime.date(2026, 10, 1),
}
VALUES: Mapping[str, Any] = {"form": FORM, "params": {"limit": Decimal("50000.00")}}
SCOPE = Scope(
    {
        "form": Record(
            {
                "budget": DECIMAL,
                "discount": DECIMAL,
                "reach": INT,
                "channels": List(TEXT),
                "title": TEXT,
                "start": DATE,
            },
            "form",
        ),
        "params": Record({"limit": DECIMAL}, "params"),
    }
)


def run(quick: bool = False) -> list[Row]:
    """Every rule by every contestant that is installed."""
    rows: list[Row] = []
    for job, text in RULES.items():
        ours = compile_expression(text, SCOPE, gives=BOOL)
        expected = ours.evaluate(VALUES)
        count = 2_000 if quick else 100_000
        contestants = {"ours": _rate(lambda ours=ours: ours.evaluate(VALUES), count)}
        for name, make in {"cel-python": _cel_python, "common-expression-language (Rust)": _rust}.items():
            peer = make(text)
            if peer is not None:
                if peer() is not expected:
                    raise RuntimeError(f"{name} gives {peer()!r} for {text}")
                contestants[name] = _rate(peer, max(count // 50, 200))
        figures = medians(interleaved(contestants))
        rows += [
            Row("B7", job, name, value, "evaluations/CPU s", None if name == "ours" else figures["ours"] / value)
            for name, value in figures.items()
        ]
    return rows


def _rate(evaluate: Callable[[], object], count: int) -> Callable[[], float]:
    def measure() -> float:
        begin = process_time()
        for _ in range(count):
            evaluate()
        return count / (process_time() - begin)

    return measure


def _plain(value: Any) -> Any:
    """Without decimals and dates, which the peers have not."""
    match value:
        case Decimal():
            return float(value)
        case datetime.date():
            return value.isoformat()
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value


def _for_peers(text: str) -> str:
    """Whole numbers beside doubles are an error in CEL."""
    return text.replace("* 2 ", "* 2.0 ").replace("form.reach", "double(form.reach)")


def _cel_python(text: str) -> Callable[[], object] | None:
    try:
        celpy = importlib.import_module("celpy")
    except ImportError:
        return None
    environment = celpy.Environment()
    program = environment.program(environment.compile(_for_peers(text)))

    def evaluate() -> bool:
        return bool(program.evaluate({name: celpy.json_to_cel(_plain(one)) for name, one in VALUES.items()}))

    return evaluate


def _rust(text: str) -> Callable[[], object] | None:
    try:
        cel = importlib.import_module("cel")
    except ImportError:
        return None
    values = _plain(VALUES)
    program = cel.compile(_for_peers(text))
    return lambda: program.execute(values)
