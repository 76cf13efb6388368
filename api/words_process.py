"""What the page of the process says of its figures: what each is of and how it is counted, and why "
"cases come back."""

from api.i18n import N_

PROCESS_MEANINGS = {
    "cases": N_("Cases that were submitted in the period, by the day of their first submission."),
    "took": N_(
        "From the first submission to the last decision, of cases that were decided and not given up. Half "
        "took at most the first time, nine in ten at most the second (nearest rank)."
    ),
    "working": N_("Working time counts office hours on working days of the house's calendar alone."),
    "files": N_("Cases that were only filed, of all cases; the others asked for approval."),
    "returned": N_("Cases that were sent back at least once, of all cases."),
    "again": N_("Cases that entered a step more than once, of all cases."),
    "overdue": N_("Steps that are open after their deadline, now."),
    "late": N_("Steps that ended after their deadline, of those that ended and had one."),
    "steps": N_(
        "Each entry into a step, from the first person asked until the last decision. Time that waits for an "
        "answer counts as well."
    ),
    "people": N_(
        "From being asked to the person's own decision. What passed by silence or was carried over from an "
        "earlier round is nobody's. People with fewer than 5 decisions are not shown."
    ),
    "blocking": N_("Who is asked and has not decided, with how long they have been asked."),
    "ways": N_("The steps in the order they were entered, each as often as it was entered."),
    "reasons": N_("Why cases were sent back, word for word; the same words count together."),
    "months": N_(
        "Cases by the month of their first submission. Of recent months the slow cases are not decided yet, "
        "so their times look short."
    ),
}
PROCESS_KINDS = {"": N_("All"), "approve": N_("For approval"), "file": N_("Filed only")}
PROCESS_WHATS = {
    "": N_("all"),
    "open": N_("open now"),
    "overdue": N_("overdue now"),
    "late": N_("ended after the deadline"),
    "decided": N_("decided"),
    "returned": N_("sent back"),
    "again": N_("entered a step again"),
    "filed": N_("only filed"),
}
PROCESS_PROBLEMS = {
    "E451": N_("Choose a definition first, then the number of its version."),
    "E452": N_("The kind is for approval or filed."),
}
