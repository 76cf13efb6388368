"""What the codes in view values are called: one table per closed set, in English, marked for the catalogue.

A code that is missing here is shown as it is; a test holds the tables against the sets they name.
"""

from api.i18n import N_

STATES = {
    "draft": N_("Draft"),
    "approving": N_("In approval"),
    "returned": N_("Returned"),
    "filed": N_("Filed"),
    "approved": N_("Approved"),
    "targeting": N_("Selecting customers"),
    "ready": N_("Ready to send"),
    "delivering": N_("Delivering"),
    "paused": N_("Paused"),
    "evaluating": N_("Evaluating"),
    "closed": N_("Closed"),
    "rejected": N_("Rejected"),
    "withdrawn": N_("Withdrawn"),
    "cancelled": N_("Cancelled"),
    "expired": N_("Expired"),
    "suspended": N_("Suspended"),
}
TONES = {  # colour only where it means something; the word says the same
    "approving": "wait",
    "returned": "wait",
    "ready": "wait",
    "paused": "wait",
    "rejected": "stop",
    "withdrawn": "stop",
    "cancelled": "stop",
    "expired": "stop",
    "closed": "go",
}
NODES = {
    "done": N_("done"),
    "current": N_("waiting here"),
    "ahead": N_("still to come"),
    "skipped": N_("skipped"),
    "rejected": N_("rejected"),
    "returned": N_("returned"),
    "cancelled": N_("cancelled"),
}
VERBS = {"approve": N_("Approval"), "file": N_("Filing"), "copy": N_("Copy"), "work": N_("Work")}
MODES = {
    "any": N_("any 1 of %(of)s"),
    "all": N_("all %(of)s"),
    "sequence": N_("one after another, %(of)s"),
    "vote": N_("vote of %(of)s"),
}
DECISIONS = {  # what the button says
    "approve": N_("Approve"),
    "reject": N_("Reject"),
    "return": N_("Return"),
    "acknowledge": N_("Acknowledge"),
    "object": N_("Object"),
    "read": N_("Mark as read"),
    "done": N_("Report as done"),
    "abstain": N_("Abstain"),
}
DECIDED = {  # what the history says
    "approve": N_("approved"),
    "reject": N_("rejected"),
    "return": N_("returned"),
    "acknowledge": N_("acknowledged"),
    "object": N_("objected"),
    "read": N_("read"),
    "done": N_("finished the work"),
    "abstain": N_("abstained"),
}
ACTIONS = {  # what an error may name as possible
    **DECISIONS,
    "edit": N_("edit"),
    "submit": N_("submit"),
    "withdraw": N_("withdraw"),
    "start": N_("start the delivery"),
    "pause": N_("pause"),
    "resume": N_("resume"),
    "release": N_("open the gate"),
    "close": N_("close"),
    "import": N_("import responses"),
    "create": N_("open a draft"),
    "act on time": N_("act on time"),
    "ask whom the organisation names now": N_("ask whom the organisation names now"),
    "freeze the audience": N_("freeze the target customers"),
    "select the customers again": N_("select the customers again"),
    "give up the selection": N_("give up the selection"),
    "start the delivery": N_("start the delivery"),
    "pause the delivery": N_("pause the delivery"),
    "resume the delivery": N_("resume the delivery"),
    "finish the delivery": N_("finish the delivery"),
    "evaluate": N_("evaluate"),
    "open a gate": N_("open the gate"),
    "import responses": N_("import responses"),
    "move to another version": N_("move to another version"),
    "nothing": N_("nothing"),
}
NEEDS_REMARK = ("return", "reject", "object")
DECISION_TONES = {
    "approve": "go",
    "acknowledge": "go",
    "read": "go",
    "done": "go",
    "return": "wait",
    "reject": "stop",
    "object": "stop",
}
EVENTS = {
    **DECIDED,
    "created": N_("opened a draft"),
    "edited": N_("edited the proposal"),
    "submitted": N_("submitted"),
    "resubmitted": N_("submitted again"),
    "performed": N_("did something"),
    "withdrawn": N_("withdrew the case"),
    "escalated": N_("passed on to the superior"),
    "auto_returned": N_("returned the case because the time was over"),
    "auto_rejected": N_("rejected the case because the time was over"),
    "auto_passed": N_("let the step pass because the time was over and the case is within its limit"),
    "reorganised": N_("asked others, because the organisation changed"),
    "reminded": N_("reminded"),
    "silent": N_("took the silence as acknowledgement"),
    "objectable": N_("took the silence as acknowledgement; an objection is still possible"),
    "unobjected": N_("closed the time for objections: there was none"),
    "staffed": N_("found somebody to ask"),
    "unstaffed": N_("found nobody to ask and looks again later"),
    "expired": N_("noted that the time ran out"),
    "frozen": N_("froze the target customers"),
    "selection_failed": N_("could not select the customers"),
    "selecting": N_("had the customers selected again"),
    "started": N_("started the delivery"),
    "paused": N_("paused the delivery"),
    "resumed": N_("resumed the delivery"),
    "delivered": N_("finished the delivery"),
    "evaluation_due": N_("began an evaluation"),
    "evaluated": N_("evaluated"),
    "closed": N_("closed the case"),
    "migrated": N_("moved the case to another version of its definition"),
}
VIAS = {
    "link": N_("by link"),
    "api": N_("by API"),
    "cli": N_("by command"),
    "timer": N_("by deadline"),
    "stage": N_("automatically"),
}
FLAGS = {"overdue": N_("Overdue"), "due_soon": N_("Due soon"), "changed": N_("Changed since you looked")}
CHANNELS = {
    "sms": N_("SMS"),
    "email": N_("e-mail"),
    "file": N_("file hand-off"),
    "hall": N_("business hall"),
    "call": N_("outbound call"),
}
WAVES = {
    "planned": N_("Planned"),
    "loading": N_("Loading"),
    "running": N_("Sending"),
    "gated": N_("Waiting at the gate"),
    "paused": N_("Paused"),
    "done": N_("Finished"),
    "cancelled": N_("Cancelled"),
}
ARMS = {"total": N_("All customers")}  # the other groups bear the names of the definition
METRICS = {
    "selected": N_("Selected"),
    "excluded": N_("Excluded"),
    "target": N_("Target customers"),
    "control": N_("Control group"),
    "reach": N_("Reached"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "responded": N_("Responded"),
    "response": N_("Response"),
    "converted": N_("Converted"),
    "conversion": N_("Conversion"),
    "visit": N_("Visit"),
    "spend": N_("Spend"),
    "revenue": N_("Revenue"),
    "cost": N_("Cost"),
    "profit": N_("Incremental profit"),
    "roi": N_("Return on investment"),
}
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
PROBLEMS = {  # by code; the braces are filled with the problem's fields
    "form.required": N_("This is needed."),
    "form.unknown": N_("There is no field {name}."),
    "form.kind": N_("One value is expected."),
    "form.one_line": N_("One line only."),
    "form.too_long": N_("At most {max} characters; these are {length}."),
    "form.pattern": N_("This does not have the required form."),
    "form.too_small": N_("At least {min}."),
    "form.too_large": N_("At most {max}."),
    "form.not_int": N_("“{value}” is not a whole number."),
    "form.not_number": N_("“{value}” is not a number."),
    "form.scale": N_("At most {scale} digits behind the point."),
    "form.range": N_("Two days are expected, from and to."),
    "form.half_range": N_("Both days are needed."),
    "form.range_order": N_("It ends before it begins."),
    "form.not_date": N_("“{value}” is not a day; write it as 2026-11-30."),
    "form.not_among": N_("“{value}” is none of the choices."),
    "form.nobody": N_("Nobody has the account “{name}”."),
    "form.yourself": N_("Choose somebody else: nobody decides on a case of their own."),
    "form.no_candidate": N_("{name} is none of the candidates."),
    "form.not_code": N_("“{value}” is not a code."),
    "remark_missing": N_("Say why: the others read it."),
}
LANGUAGES = {"zh": "中文", "en": "English"}  # each in its own language, never translated
