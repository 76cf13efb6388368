"""Words for outbound calls; `api.words` takes the tables in."""

from api.i18n import N_

DISPOSITIONS = {
    "accepted": N_("Accepted"),
    "interested": N_("Interested"),
    "refused": N_("Refuses"),
    "call_back": N_("Call back"),
    "opt_out": N_("No marketing any more"),
    "no_answer": N_("No answer"),
    "busy": N_("Busy"),
    "switched_off": N_("Switched off"),
    "wrong_number": N_("Wrong number"),
}
CALL_PROBLEMS = {
    "call.disposition": N_("Choose what came of the call."),
    "call.evidence": N_("Name the recording or the order that proves what the customer accepted."),
    "call.long": N_("{most} signs at most."),
    "call.back_missing": N_("Say when to call again."),
    "call.back_past": N_("That time is over."),
    "call.back_hours": N_("Calls of this wave are made {hours}; choose a time within."),
    "call.not_time": N_("“{value}” is not a time; write 2026-11-30T15:00."),
    "call.future": N_("This lies in the future."),
    "call.closed": N_("The case takes no results of calls any more."),
    "call.no_case": N_("“{value}” is no case whose call list you lead; the row is set aside."),
    "call.no_call": N_("“{value}” is not in the call list of this case; the row is set aside."),
    "call.count": N_("Write how many calls, 1 or more."),
    "call.nobody": N_("Nobody calls for this office; an administrator gives somebody the role caller."),
    "call.no_caller": N_("“{names}” is nobody with the role caller."),
    "call.whose": N_("With their numbers only the calls of one person leave; choose whose."),
}
