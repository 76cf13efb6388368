"""What is said of an evaluation; `api.words` takes the tables in."""

from api.i18n import N_

VERDICTS = {
    "works": N_("It works."),
    "harms": N_("It harms: the customers that were contacted did worse than those held back."),
    "no_difference": N_("No difference shown: what is seen could be chance."),
    "loses_money": N_("It loses money: the lift is real, but it costs more than it brings."),
    "no_control": N_("No verdict: without a control group nothing can be said about the effect."),
    "sample_ratio": N_("No verdict: the sizes of target and control differ from what was drawn. Find out why first."),
    "too_early": N_("Too early: wait for more responses."),
}
VERDICT_TONES = {"works": "go", "harms": "stop", "loses_money": "stop", "sample_ratio": "stop"}
WARNINGS = {
    "few_outcomes": N_("There are few outcomes: the interval is rough."),
    "small_control": N_("The control group is small: the interval is wide."),
    "profit_uncertain": N_("The profit may as well be a loss: its interval reaches below zero."),
    "many_comparisons": N_("Several comparisons were made: this one may look real by chance."),
}
