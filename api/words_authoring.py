"""What the codes of the authors' pages are called; `api.words` takes these tables in."""

from api.i18n import N_

VERSIONS = {"draft": N_("Draft"), "published": N_("In force"), "retired": N_("Retired")}
VERSION_TONES = {"draft": "wait", "published": "go"}
STUDIES = {  # the tabs of a definition
    "text": N_("Text"),
    "diagram": N_("Diagram"),
    "try": N_("Try a proposal"),
    "scenarios": N_("Scenarios"),
    "guarantees": N_("Guarantees"),
    "changes": N_("Changes"),
}
SECTIONS = {
    "head": N_("Name, version and title"),
    "params": N_("Params"),
    "proposal": N_("Proposal"),
    "approval": N_("Approval"),
    "lifecycle": N_("Lifecycle"),
    "audience": N_("Customers"),
    "delivery": N_("Delivery"),
    "evaluation": N_("Evaluation"),
    "guarantees": N_("Guarantees"),
}
STUCK = {
    "nobody": N_("nobody is asked"),
    "selection": N_("the selection failed"),
    "effects": N_("a notice or job was given up"),
}
DEEDS = {
    "reassign": N_("give its tasks to another person"),
    "jump": N_("put it to another step"),
    "retry": N_("try what failed once more"),
    "migrate": N_("move it to another version"),
}
PARTS = {"audience": N_("Customers"), "delivery": N_("Delivery"), "evaluation": N_("Evaluation")}
TIMERS = {  # what a deadline of a step does, by its name
    "remind": N_("a reminder goes out"),
    "escalate": N_("it is passed on to the superior"),
    "return": N_("the case is returned"),
    "reject": N_("the case is rejected"),
    "approve": N_("the step passes by itself"),
    "silence": N_("the silence counts as acknowledgement"),
    "objection": N_("the time for objections ends"),
    "staff": N_("it is looked again for somebody to ask"),
    "expire": N_("the case expires"),
    "timeout": N_("the time runs out"),
}
COVERED = {
    "rows": N_("route rows"),
    "conditions": N_("conditions"),
    "steps": N_("steps"),
    "decisions": N_("decisions"),
}
