"""What is said of the close-out and the case library; `api.words` takes the tables in."""

from api.i18n import N_

INPUTS = {
    "list": N_("Frozen list of customers"),
    "ledger": N_("Ledger of messages"),
    "responses": N_("Responses"),
    "outcomes": N_("Imported outcomes"),
    "cost": N_("Cost"),
}
INPUTS_NOTED = {
    "list": N_("customers"),
    "ledger": N_("ledger rows"),
    "responses": N_("responses"),
    "outcomes": N_("files"),
    "cost": N_("waves and prices"),
}
FEEDBACK = {
    "responded": N_("responded"),
    "converted": N_("bought"),
    "no_response": N_("did not answer"),
    "not_reached": N_("not reached"),
}
