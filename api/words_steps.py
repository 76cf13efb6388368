"""What is said of those whom a step asks and of its time; `api.words` takes these tables in."""

from api.i18n import N_

DUE = {  # what a deadline will do, by the code that the history will say
    "reminded": N_("a reminder goes out"),
    "escalated": N_("it is passed on to the superior"),
    "auto_returned": N_("the case is returned"),
    "auto_rejected": N_("the case is rejected"),
    "auto_passed": N_("the step passes by itself"),
    "silent": N_("the silence counts as acknowledgement"),
    "objectable": N_("the silence counts as acknowledgement; an objection is still possible"),
    "unobjected": N_("the time for objections ends"),
    "staffed": N_("somebody is found and asked"),
    "unstaffed": N_("it is looked again for somebody to ask"),
    "evaluation_due": N_("an evaluation begins"),
    "lapsed": N_("the case expires"),
    "expired": N_("the time runs out"),
}
WHY = {  # why a person is asked; the braces are filled with the reason's fields
    "role": N_("holds the role {role} at {office}"),
    "fallback": N_("nobody else is there; holds the role {role} at {office}"),
    "superior": N_("the superior of {by}"),
    "submitter": N_("whose case it is"),
    "field": N_("named in {field}"),
    "instead": N_("decides instead of {by}, whose case it is"),
    "second": N_("decides instead of {by}, who changed the proposal"),
    "question": N_("was asked by {by}"),
    "escalated": N_("passed on from {by}, whose time was over"),
    "transferred": N_("passed on by {by}"),
    "appended": N_("asked by {by} besides"),
    "before": N_("brought in by {by}, to sign first"),
    "after": N_("brought in by {by}, to sign afterwards"),
    "beside": N_("brought in by {by}, to sign too"),
    "delegate": N_("looks at it first for {by}"),
}
VIAS = {
    "bulk": N_("together with others"),
    "link": N_("by link"),
    "code": N_("by a code from mail"),
    "api": N_("by API"),
    "cli": N_("by command"),
    "timer": N_("by deadline"),
    "stage": N_("automatically"),
}
FLAGS = {
    "overdue": N_("Overdue"),
    "due_soon": N_("Due soon"),
    "changed": N_("Changed since you looked"),
    "splitting": N_("Possibly split"),
    "drift": N_("Not as many customers as declared"),
    "question": N_("A question is open"),
}
GONE = {  # why a task does not wait for its person any more, or not yet; filled with who did it and who has it now
    "decided_by_other": N_("One decision is enough here, and {by} was first."),
    "joined": N_("Enough of the others have decided, so yours is not needed any more."),
    "sibling_rejected": N_("{by} rejected it, so yours is not needed any more."),
    "sibling_returned": N_("{by} returned it, so yours is not needed any more."),
    "withdrawn": N_("The submitter took the case back."),
    "escalated": N_("The time was over, so it was passed on to {to}."),
    "silence": N_("The time was over: the silence counted as acknowledgement."),
    "objected": N_("There was an objection, so the filing became a case for approval."),
    "auto_returned": N_("The time was over, so the case was returned."),
    "auto_rejected": N_("The time was over, so the case was rejected."),
    "auto_passed": N_("The time was over, and the step passed by itself."),
    "lost_role": N_("The organisation changed: the role is not yours any more."),
    "left": N_("It was handed over to {to}."),
    "transferred": N_("{by} passed it on to {to}."),
    "removed": N_("{by} removed you from the signers."),
    "amended": N_("{by} changed the proposal, so those concerned are asked anew."),
    "expired": N_("The case was not approved in time."),
    "in_line": N_("It is not your turn yet: others are asked before you."),
    "before": N_("First those sign whom you brought in: {to}. Then it comes back to you."),
    "delegated": N_("{to} looks at it first; then it comes back to you."),
    "claimed": N_("{to} has taken it on. If they give it back, it waits for you again."),
    "after": N_("You are asked once the one before you has approved."),
}
RESUMES = {  # what follows once a returned case is submitted again
    "restart": N_("afterwards everybody is asked again from the start"),
    "at_returner": N_("afterwards it comes back to this step; approvals before it stand if nothing they saw changes"),
    "changed_aspects": N_("afterwards only those are asked again whose part of it changed"),
}
