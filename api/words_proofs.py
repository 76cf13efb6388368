"""What is said of waves, proofs and seeds; `api.words` takes the tables in, and `api.doubts` the reasons."""

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
ASIDE = (  # why a letter beside the audience waits, failed, or was left out, as it is recorded
    N_("the seed has ended"),
    N_("no budget left for seeds"),
    N_("suppressed or opted out"),
    N_("the delivery was cancelled"),
    N_("the delivery was over"),
    N_("no address is set for this channel"),
    N_("the wave was held"),
    N_("no server or no sender of e-mail to customers is set"),
    N_("cannot reach the gateway: {why}"),
    N_("cannot send mail: {why}"),
    N_("the mail server refuses the sender: {why}"),
    N_("the mail server says later: {why}"),
    N_("rejected: not taken within a day"),
    N_("rejected: {why}"),
    N_("bounced: {why}"),
)
PROOF_PROBLEMS = {
    "E411": N_(
        "{who} has no address for this channel: a mobile number stands under Notifications, mail in the account."
    ),
    "E412": N_("A case sends {most} proofs a day at most. Send to fewer people, or tomorrow."),
    "E413": N_("There is nothing to try: the waves have begun, nobody was selected, or the message cannot be filled."),
    "E414": N_("This is no number or address of that channel, or the office has it already."),
}
