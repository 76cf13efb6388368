"""What is said of an evaluation; `api.words` takes the tables in."""

from api.i18n import N_

VERDICTS = {  # to choose one from a list; a report's own sentence has its numbers
    "works": N_("Works"),
    "harms": N_("Harms"),
    "no_difference": N_("No difference shown"),
    "loses_money": N_("Loses money"),
    "no_control": N_("No control group"),
    "sample_ratio": N_("Group sizes are off"),
    "contaminated": N_("Control was messaged"),
    "too_small": N_("Groups too small"),
    "too_early": N_("Too early"),
}
VERDICT_TONES = {"works": "go", "harms": "stop", "loses_money": "stop", "sample_ratio": "stop", "contaminated": "stop"}
WARNINGS = {
    "few_outcomes": N_("There are few outcomes: the interval is rough."),
    "small_control": N_("The control group is small: the interval is wide."),
    "profit_uncertain": N_("The profit may as well be a loss: its interval reaches below zero."),
    "contaminated_control": N_("Some control customers were messaged: the real lift may be larger."),
    "many_comparisons": N_("Several comparisons were made: this one may look real by chance."),
}
FIGURES_PROBLEMS = {
    "E430": N_("There is no figure of this name: {names}."),
    "E431": N_("These figures are not counted over the same things, or are too many at once; ask for fewer."),
    "E432": N_("These figures cannot be told apart by {name}."),
    "E433": N_("The filter names too many values; choose fewer."),
    "E463": N_("These figures cannot be told apart by {name} and {other} at once: there would be too few to say much."),
    "E464": N_("There are more than {most} rows; choose an office or days to take fewer away."),
    "E434": N_("Write a day as 2026-12-01."),
}
