"""The verdict of a stored evaluation as a sentence, from the figures that the report kept.

Reports of earlier releases have fewer figures, and a shorter sentence. Refuses to judge anew.
"""

from engine.evaluation.sentence import Difference, Finding, sentence
from engine.service.stage_views import TOTAL, EvaluationView, UpliftRow
from engine.values import CURRENCY_SIGNS, Bilingual


def verdict_sentence(view: EvaluationView) -> Bilingual:
    """The same sentence that `countersign evaluate` says of the same figures, in both languages."""
    primary = _primary(view)
    sizes = {row.name: row.count or 0 for row in view.funnel}
    contamination = view.contamination
    currency = "" if view.money is None else view.money.currency
    return sentence(
        Finding(
            verdict=view.verdict,
            metric=view.primary or ("" if primary is None else primary.metric),
            difference=None if primary is None else _difference(primary),
            n=sizes.get("target", 0),
            n_control=sizes.get("control", 0),
            confidence=view.confidence,
            cost=view.cost,
            profit=view.profit,
            profit_low=view.profit_low,
            profit_high=view.profit_high,
            ratio_p=view.srm_p,
            reached=0 if contamination is None else contamination.reached,
            reached_at_most=None if contamination is None else contamination.at_most,
            currency=CURRENCY_SIGNS.get(currency, f"{currency} "),
        )
    )


def _primary(view: EvaluationView) -> UpliftRow | None:
    """The lift of all customers in the primary outcome, which comes first; of its first group, where none is."""
    first = [row for row in view.uplift if row.metric == (view.primary or view.uplift[0].metric)]
    return next((row for row in first if row.arm == TOTAL), next(iter(first), None))


def _difference(row: UpliftRow) -> Difference:
    return Difference(
        measure="mean" if row.method == "welch" else "rate",
        n=row.n,
        n_control=row.n_control,
        value=row.value,
        control_value=row.control_value,
        lift=row.lift,
        low=row.low,
        high=row.high,
        detectable=row.detectable,
    )
