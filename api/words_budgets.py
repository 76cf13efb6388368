"""What is said of budgets; `api.words` takes the tables in."""

from api.i18n import N_

BUDGET_SIDES = {
    "approved": N_("Approved"),
    "available": N_("Available"),
    "reserved": N_("Reserved"),
    "committed": N_("Committed"),
    "actual": N_("Spent"),
}
BUDGET_OCCASIONS = {
    "set": N_("set"),
    "reserve": N_("submitted"),
    "commit": N_("approved"),
    "reopen": N_("approval re-opened"),
    "release": N_("released"),
    "spend": N_("sent"),
    "unspent": N_("not sent after all"),
}
BUDGET_PROBLEMS = {
    "budget_short": N_(
        "{left} is left of this office's budget and the case takes {wanted}. Nothing was submitted or changed. Lower"
        " it, or have whoever keeps the budget raise it and try again."
    ),
    "budget_office": N_("This is none of your offices."),
    "budget_year": N_("Write a year, as 2026."),
    "budget_currency": N_("Choose one of these."),
    "budget_amount": N_("Write an amount to the cent, as 500000 or 499999.50."),
}
