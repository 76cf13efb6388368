"""What is said of the contact policy; `api.words` takes the tables in."""

from api.i18n import N_

PURPOSES = {"marketing": N_("Marketing"), "service": N_("Service")}
CARRIERS = {"hall": N_("Business hall"), "agent": N_("Agent")}
POLICY_PROBLEMS = {
    "policy_most": N_("How often: a whole number from 1 to 1,000."),
    "policy_within": N_("Write a period of days or hours, as 7d or 12h, from 1h to 365d."),
    "policy_channel": N_("There is no such channel."),
    "policy_purpose": N_("A purpose is marketing or service."),
    "policy_category": N_("A category has 40 characters at most."),
    "policy_capacity": N_("A whole number of contacts a day, at least 1."),
    "policy_on_server": N_("Halls and agents are counted for customers of the dataset. Yours are on a server."),
    "policy_by": N_("Customers have no such field that names a hall or an agent."),
    "policy_shape": N_("This is not written as a contact policy is."),
    "policy_covered": N_("Cap {this} never holds, because cap {other} is reached first."),
    "policy_exempt": N_("This purpose is exempt, so a cap for it never holds."),
    "policy_all_exempt": N_("Every purpose is exempt, so no cap ever holds."),
    "arbitration_day": N_("Write a day as 2026-12-01."),
    "arbitration_period": N_("The period ends before it begins, or is longer than a year."),
    "arbitration_number": N_("A whole number from {least} to {most}."),
    "policy_empty": N_("No policy is in force, and this one says nothing. Fill in a cap, a period or a capacity."),
}
