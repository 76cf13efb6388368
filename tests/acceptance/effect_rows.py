"""Evaluated cases as their stages leave them behind, written at once: the dashboard of effects looks at many."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from engine.evaluation.groups import Sample
from engine.evaluation.sentence import Verdict
from engine.evaluation.uplift import Lift, compare_rates
from engine.service import proposals
from engine.service.app import Countersign
from engine.service.stage_views import EvaluationView, FunnelRow, UpliftRow
from engine.store.tables import cases, evaluations
from engine.values import canonical_json, digest_of
from tests.acceptance.offices import key, viewer

TARGET, CONTROL = 4_000, 1_000


def pattern(app: Countersign) -> str:
    """A draft whose rows the others copy."""
    return proposals.start(app, viewer(app, "wangmin"), "hillstrom-email-case", key=key())


def case(app: Countersign, draft: str, number: int, office: str, *, confidential: bool = False) -> str:
    """A numbered case of an office like the draft."""
    case_id = f"e{number:015}"
    with app.db.begin() as tx:
        row = dict(tx.execute(sa.select(cases).where(cases.c.id == draft)).mappings().one())
        name = f"{office}-2026-{number:05}"
        body = json.loads(row["body"]) | {"id": case_id, "office": office, "number": name, "submitter": "wangmin"}
        changed = {"id": case_id, "number": name, "office": office, "confidential": confidential, "state": "closed"}
        tx.execute(sa.insert(cases), [{**row, **changed, "body": json.dumps(body)}])
    return case_id


def lift(treated: int, control: int) -> Lift:
    """The lift of so many conversions in either group."""
    found = compare_rates(Sample.counted(TARGET, treated), Sample.counted(CONTROL, control))
    assert found is not None
    return found


def evaluated(
    app: Countersign,
    case_id: str,
    verdict: Verdict,
    *,
    treated: int = 0,
    control: int = 0,
    outcome: str = "conversion",
    profit: str | None = None,
) -> EvaluationView:
    """A report on a case whose verdict is given, with so many conversions in either group."""
    rows: tuple[UpliftRow, ...] = ()
    if verdict != "no_control":
        one = lift(treated, control)
        row = UpliftRow(
            arm="total", metric=outcome, method=one.method, n=one.n, n_control=one.n_control, value=one.value,
            control_value=one.control_value, lift=one.lift, low=one.low, high=one.high, p=one.p,
        )  # fmt: skip
        rows = (row,)
    at = app.now() - timedelta(days=1)
    report = EvaluationView(
        label="14d",
        as_of=at,
        funnel=(
            FunnelRow("target", TARGET, TARGET + CONTROL),
            FunnelRow("sent", TARGET - 100, TARGET),
            FunnelRow("converted", treated, TARGET),
        ),
        uplift=rows,
        srm_chi2=None,
        srm_p=None,
        revenue=None,
        cost=Decimal("100.00"),
        profit=Decimal(profit) if profit else None,
        roi=None,
        verdict=verdict,
        warnings=(),
        digest="",
        primary=outcome,
    )
    digest = digest_of(report)
    written = {"case_id": case_id, "label": "14d", "as_of": at, "report": canonical_json(report).decode()}
    with app.db.begin() as tx:
        tx.execute(sa.insert(evaluations), [{**written, "digest": digest}])
    return replace(report, digest=digest)
