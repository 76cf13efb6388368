"""What is said of more being asked for while a delivery is paused; `api.words` takes the tables in."""

from api.i18n import N_

WIDENING_ACTIONS = {
    "widen": N_("ask for more"),
    "ask for more": N_("ask for more"),
}
WIDENING_EVENTS = {
    "asked_for_more": N_("asked for more while the delivery is paused"),
    "more_taken_back": N_("took back what was asked for"),
}
WIDENING_PROBLEMS = {
    "form.sent": N_("This cannot be changed any more: customers were written to under what was approved."),
    "form.told": N_("This cannot be changed any more: it stands in the texts that customers got."),
    "form.only_raised": N_("This can only be raised: customers were written to under what was approved."),
    "form.only_lengthened": N_("It can only end later: customers were written to under what was approved."),
    "nothing_asked": N_("Nothing is changed, so nothing is asked for."),
}
