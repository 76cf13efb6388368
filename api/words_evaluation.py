"""What is said of an evaluation; `api.words` takes the tables in."""

from api.i18n import N_

VERDICTS = {  # to choose one from a list; a report's own sentence has its numbers
    "works": N_("Works"),
    "harms": N_("Harms"),
    "no_difference": N_("No difference shown"),
    "loses_money": N_("Loses money"),
    "not_sent": N_("Nothing was sent"),
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
    "nothing_delivered": N_("No receipt says that a message arrived."),
    "before_send": N_("Some customers answered before any message of the case; they count for nothing here."),
    "revenue_unknown": N_("The revenue is not known, so neither are profit and return."),
}
ADVICE = {  # what to do about a warning, or next after a verdict
    "works": N_("Close the case, and repeat it for customers like these, again with a control group."),
    "harms": N_("Do not send it again. Look below at which customers and which channel it went wrong with."),
    "no_difference": N_("Do not repeat it as it was: change the offer or the customers, or take larger groups."),
    "loses_money": N_("Send to fewer customers or through a cheaper channel; below is what would pay for it."),
    "not_sent": N_("See on the delivery tab why every message was kept back or refused."),
    "no_control": N_(
        "Declare a control group in the definition before the next case; this one cannot be judged later."
    ),
    "sample_ratio": N_(
        "Ask the analyst whether customers were left out of one group only, and trust no figure before."
    ),
    "contaminated": N_("Find out which case or person messaged the control group, and keep it out next time."),
    "too_small": N_("Plan larger groups next time; the customers tab says what a size can show."),
    "too_early": N_("Wait for the next evaluation, or import what is known of the outcomes."),
    "few_outcomes": N_("Wait for the next evaluation before deciding on these figures."),
    "small_control": N_("Plan a larger share of control customers next time."),
    "profit_uncertain": N_("Do not count on the profit; repeat the case with larger groups."),
    "contaminated_control": N_("Find out which case messaged them, and keep it away from the control group."),
    "many_comparisons": N_("Go by the one question declared beforehand, and repeat the case to confirm it."),
    "nothing_delivered": N_("Ask the gateway for its receipts; lifts count everybody of the list all the same."),
    "before_send": N_("Look at where these answers come from: orders of an earlier offer, or a wrong clock."),
    "revenue_unknown": N_("Import conversions with their value, or say what one is worth in the definition."),
}
EVALUATION_PARTS = {
    "wave": N_("Wave"),
    "channel": N_("Channel"),
    "cell": N_("Cell"),
    "office": N_("Office"),
}
FIGURES_PROBLEMS = {
    "E430": N_("There is no figure of this name: {names}."),
    "E431": N_("These figures are not counted over the same things, or are too many at once; ask for fewer."),
    "E432": N_("These figures cannot be told apart by {name}."),
    "E433": N_("The filter names too many values; choose fewer."),
    "E463": N_("These figures cannot be told apart by {name} and {other} at once: there would be too few to say much."),
    "E434": N_("Write a day as 2026-12-01."),
}
