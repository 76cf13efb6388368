"""What the codes of notices, messages and webhooks are called; `api.words` takes these tables in."""

from api.i18n import N_

GROUPS = {  # occasions on which staff are told
    "task": N_("New tasks and questions"),
    "reminder": N_("Reminders and escalations"),
    "outcome": N_("What became of my cases"),
    "news": N_("Other news of my cases"),
    "copy": N_("Copies"),
}
PACES = {
    "at_once": N_("At once"),
    "daily": N_("One digest a day"),
    "weekly": N_("One digest a week"),
}
WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
WEBHOOK_EVENTS = {
    "case.submitted": N_("A case was submitted"),
    "case.decided": N_("Somebody decided"),
    "case.state_changed": N_("A case changed its state"),
    "case.closed": N_("A case ended"),
    "ping": N_("Test"),
}
OCCASIONS = {  # of messages that were given up
    **WEBHOOK_EVENTS,
    "task": N_("Task"),
    "reminder": N_("Reminder"),
    "escalation": N_("Escalation"),
    "digest": N_("Digest of notices"),
    "copied": N_("Copy"),
    "code": N_("One-time code"),
    "channel_down": N_("Alarm"),
    "webhook_disabled": N_("Alarm"),
    "report": N_("Scheduled report"),
    "report_stopped": N_("Alarm"),
}
SENDING = {
    "pending": N_("waiting"),
    "bundled": N_("waits for the digest"),
    "sent": N_("sent"),
    "dead": N_("given up"),
    "moot": N_("not sent: nothing to tell any more"),
}
HOOKS = {
    "active": N_("switched on"),
    "off": N_("switched off"),
    "disabled": N_("disabled: it failed for days"),
}
