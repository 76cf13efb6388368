"""What is said of waves, proofs and seeds; `api.words` takes the tables in."""

from api.i18n import N_

WAVES = {
    "planned": N_("Planned"),
    "loading": N_("Loading"),
    "running": N_("Sending"),
    "gated": N_("Waiting at the gate"),
    "paused": N_("Paused"),
    "done": N_("Finished"),
    "cancelled": N_("Cancelled"),
}
PROOF_STATES = {
    "waiting": N_("on its way"),
    "sent": N_("sent, receipt out"),
    "delivered": N_("delivered"),
    "failed": N_("failed"),
    "unknown": N_("unknown whether it was sent"),
    "suppressed": N_("not sent"),
}
PROOF_ANSWERS = {
    "": N_("no answer yet"),
    "fits": N_("It fits"),
    "unfit": N_("It does not fit"),
}
PROOF_PROBLEMS = {
    "E411": N_(
        "{who} has no address for this channel: a mobile number stands under Notifications, mail in the account."
    ),
    "E412": N_("A case sends {most} proofs a day at most. Send to fewer people, or tomorrow."),
    "E413": N_("There is nothing to try: the waves have begun, nobody was selected, or the message cannot be filled."),
    "E414": N_("This is no number or address of that channel, or the office has it already."),
}
