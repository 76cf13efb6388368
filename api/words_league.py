"""What is said of league tables and of completion; `api.words` takes the tables in."""

from api.i18n import N_

LEAGUES = {
    "offices": N_("Offices"),
    "channels": N_("Delivery channels"),
    "halls": N_("Service halls"),
    "clerks": N_("Clerks"),
    "agents": N_("Callers"),
}
LEAGUE_METRICS = {
    "conversion": N_("Converted"),
    "response": N_("Responded"),
    "delivered": N_("Delivered"),
    "opt_out": N_("Opted out"),
    "accepted": N_("Accepted"),
    "confirmed": N_("Accepted with evidence"),
    "answered": N_("Answered"),
    "reached": N_("Reached"),
}
LEAGUE_TRIES = {  # the denominator, by kind
    "offices": N_("Messages"),
    "channels": N_("Messages"),
    "halls": N_("Recommendations seen"),
    "clerks": N_("Recommendations seen"),
    "agents": N_("Customers called"),
}
LEAGUE_MEANINGS = {  # what the rate of a metric is of
    "conversion": N_("Messages whose customer converted, of the messages that went out and did not fail."),
    "response": N_("Messages whose customer responded, of the messages that went out and did not fail."),
    "delivered": N_("Messages with a receipt, of all that were handed over."),
    "opt_out": N_("Messages whose customer opted out, of the messages that went out and did not fail."),
    "accepted": N_("Customers who accepted, of those to whom it was recommended or who were called."),
    "confirmed": N_("Customers who accepted with evidence, of those to whom it was recommended."),
    "answered": N_("Recommendations with an answer written down, of those seen by a clerk."),
    "reached": N_("Customers who were spoken to, of those who were called."),
}
LEAGUE_PROBLEMS = {
    "E457": N_("The first day is after the last."),
    "E458": N_("There is no such league table; there are those of offices, channels, halls, clerks and callers."),
    "E459": N_("This table is not ranked by that."),
}
COMPLETED = {
    "reach": N_("Contacted"),
    "delivered": N_("Delivered"),
    "response": N_("Responded"),
    "conversion": N_("Converted"),
}
FORECASTS = {  # why there is no forecast
    "too_few": N_("Too early to forecast: fewer than 10 customers so far."),
    "too_early": N_("Too early to forecast: too little of the window has passed."),
    "too_wide": N_("Too early to forecast: the interval would be wider than the forecast itself."),
    "over": N_("The window is over; this is what came."),
}
